"""Write the files: ``python -m bench.rpps.generate --help``. What they are: ``bench.rpps``."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import IO

from bench.rpps import broken
from bench.rpps.archive import member_name, pack
from bench.rpps.days import Days, Fate
from bench.rpps.people import Crowd
from bench.rpps.places import KEY, NATIONAL_ID
from bench.rpps.render import (
    ACTIVITIES,
    DIPLOMAS,
    FILES,
    HEADERS,
    MAILBOXES,
    SKILLS,
    Printer,
    Tally,
    organisation_lines,
)
from bench.rpps.tables import OURS, rows
from bench.rpps.world import Options, World

ZIP_CLOCK, MEMBER_CLOCK = "0312", "0011"  # members are made before the ZIP and say so
WINDOW = 4  # chunks that change places from the second day on

OneDay = tuple[dict[str, bytes], Tally, Fate]


def make(world: World, chunk: int) -> list[OneDay]:
    """A chunk on each day."""
    crowd, printer = Crowd(world), Printer(world)
    days = Days(crowd)
    present, away = crowd.first_day(chunk)
    made: list[OneDay] = [(*printer.print(present, away, (1, chunk)), Fate())]
    for day in range(2, world.options.days + 1):
        fate = days.next(chunk, day, present, away)
        made.append((*printer.print(present, away, (day, chunk)), fate))
    return made


_shared: list[World] = []


def _receive(world: World) -> None:
    _shared[:] = [world]


def _make(chunk: int) -> list[OneDay]:
    return make(_shared[0], chunk)


def ordered(pool: Pool, chunks: int, ahead: int) -> Iterator[list[OneDay]]:
    """The chunks in turn; never more than ``ahead`` of them are made before they are asked for."""
    waiting: deque[AsyncResult[list[OneDay]]] = deque()
    for chunk in range(chunks):
        waiting.append(pool.apply_async(_make, (chunk,)))
        if len(waiting) >= ahead:
            yield waiting.popleft().get()
    while waiting:
        yield waiting.popleft().get()


@dataclass
class Book:
    """One day being written: its files, and what is known of it."""

    day: int
    streams: dict[str, IO[bytes]]
    tally: Tally = field(default_factory=Tally)
    fate: Fate = field(default_factory=Fate)
    held: list[dict[str, bytes]] = field(default_factory=list)

    def take(self, texts: dict[str, bytes], tally: Tally, fate: Fate) -> None:
        self.tally.counts.update(tally.counts)
        self.tally.professions.update(tally.professions)
        self.tally.shared |= tally.shared
        for name in ("added", "returned", "removed", "changed", "skills_only"):
            getattr(self.fate, name).extend(getattr(fate, name))
        for mine, theirs in ((self.fate.kinds, fate.kinds), (self.fate.waves, fate.waves)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count  # type: ignore[index]
        self.held.append(texts)
        if self.day == 1 or len(self.held) == WINDOW:
            self.write()

    def write(self) -> None:
        """What is held, from the last to the first."""
        for texts in reversed(self.held):
            for name, text in texts.items():
                self.streams[name].write(text)
        self.held.clear()


def truth(world: World, book: Book) -> dict[str, object]:
    """What is true of a day, for whoever reads its files."""
    counts = dict(book.tally.counts)
    counts["structures"] = counts.pop("structures_of_one", 0) + len(book.tally.shared)
    fate = book.fate
    keys = [cells[KEY] or cells[NATIONAL_ID] for cells in world.kept]
    renamed = [] if book.day != 2 else rows(OURS / "renamed.csv")
    return {
        "day": book.day,
        "stamp": world.options.stamp(book.day, ZIP_CLOCK),
        "member_stamp": world.options.stamp(book.day, MEMBER_CLOCK),
        "counts": counts,
        "professions": dict(sorted(book.tally.professions.items())),
        "against_day_before": {
            "changes_by_kind": fate.kinds,
            "waves": {keys[int(number)]: count for number, count in fate.waves.items()},
            "labels_renamed": renamed,
            **{
                name: sorted(getattr(fate, name)) for name in ("added", "returned", "removed", "changed", "skills_only")
            },
        },
    }


class Progress:
    """One line of standard error."""

    def __init__(self, total: int) -> None:
        self.total, self.begun = total, time.monotonic()

    def say(self, what: str) -> None:
        print(f"\r{time.monotonic() - self.begun:6.1f} s  {what:<60}", end="", file=sys.stderr, flush=True)

    def end(self, what: str) -> None:
        self.say(what)
        print(file=sys.stderr)


def _people(world: World, books: list[Book], processes: int, progress: Progress) -> None:
    options = world.options
    for book in books:
        for name, stream in book.streams.items():
            stream.write(f"{HEADERS[name]}\n".encode())
    for done, days in enumerate(_chunks(world, processes), 1):
        for book, one in zip(books, days, strict=True):
            book.take(*one)
        progress.say(f"{done}/{options.chunks} chunks, {books[0].tally.counts['lines']:,} lines of day 1")
    organisations = organisation_lines(world)
    for book in books:
        book.write()
        book.tally.counts[f"{MAILBOXES}_lines"] += len(organisations)
        book.streams[MAILBOXES].write("".join(f"{line}\n" for line in organisations).encode())


def _chunks(world: World, processes: int) -> Iterator[list[OneDay]]:
    if processes == 1:
        yield from (make(world, chunk) for chunk in range(world.options.chunks))
        return
    # Where processes fork, the world is handed over without being copied.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with multiprocessing.get_context(method).Pool(processes, _receive, (world,)) as pool:
        yield from ordered(pool, world.options.chunks, 2 * processes)


def _zip(out: Path, options: Options, processes: int, keep_text: bool) -> None:
    jobs: list[tuple[Path, list[tuple[str, Path]]]] = []
    for day in range(1, options.days + 1):
        stamp, inner = options.stamp(day, ZIP_CLOCK), options.stamp(day, MEMBER_CLOCK)
        paths = {name: out / member_name(name, inner) for name in FILES}
        main = [(paths[name].name, paths[name]) for name in (ACTIVITIES, SKILLS, DIPLOMAS)]
        jobs.append((out / f"PS_LibreAcces_{stamp}.zip", main))
        jobs.append(
            (out / f"Extraction_Correspondance_MSSante_{stamp}.zip", [(paths[MAILBOXES].name, paths[MAILBOXES])])
        )
    if processes == 1:
        for job in jobs:
            pack(*job)
    else:
        with multiprocessing.get_context("spawn").Pool(min(processes, len(jobs))) as pool:
            pool.starmap(pack, jobs, chunksize=1)
    for _, members in jobs:
        for name, path in members:
            if not (keep_text and ACTIVITIES in name):
                path.unlink()


def generate(
    out: Path, options: Options, *, processes: int, keep_text: bool = False, break_as: str = ""
) -> dict[str, object]:
    """Write the files of all days into ``out``, and ``truth.json``; answers the truth."""
    out.mkdir(parents=True, exist_ok=True)
    progress = Progress(options.rows)
    progress.say("names and places")
    world = World(options)
    with contextlib.ExitStack() as stack:
        opened: Callable[[int, str], IO[bytes]] = lambda day, name: stack.enter_context(  # noqa: E731
            (out / member_name(name, options.stamp(day, MEMBER_CLOCK))).open("wb")
        )
        books = [Book(day, {name: opened(day, name) for name in FILES}) for day in range(1, options.days + 1)]
        _people(world, books, processes, progress)
    told: dict[str, object] = {
        "options": {**asdict(options), "date": options.date.isoformat()},
        "days": [truth(world, book) for book in books],
    }
    progress.say("packing")
    _zip(out, options, processes, keep_text)
    if break_as:
        stamp = options.stamp(options.days + 1, ZIP_CLOCK)
        good = out / f"PS_LibreAcces_{options.stamp(options.days, ZIP_CLOCK)}.zip"
        target = out / "broken" / f"PS_LibreAcces_{stamp}.zip"
        broken.write(break_as, good, target, books[-1].tally.counts["lines"])
        told["broken"] = {"kind": break_as, "file": f"broken/{target.name}"}
    (out / "truth.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    progress.end(f"{books[0].tally.counts['lines']:,} lines, {books[0].tally.counts['persons']:,} persons")
    return told


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.rpps.generate", description="An invented directory of professionals."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the days and of truth.json")
    parser.add_argument("--rows", type=int, default=2_300_000, help="of Personne_activite on the first day, about")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same days")
    parser.add_argument("--days", type=int, default=1, help="how many, each from the one before")
    parser.add_argument("--changes", type=float, default=0.005, help="share of the persons who change in a day")
    parser.add_argument("--date", type=dt.date.fromisoformat, default=dt.date(2026, 11, 26), help="of the first day")
    parser.add_argument("--hostile", action="store_true", help="every oddity of true files, and malformed lines")
    parser.add_argument("--text", action="store_true", help="leave Personne_activite as plain text as well")
    parser.add_argument("--break", dest="break_as", choices=broken.KINDS, default="", help="spoil the last day")
    parser.add_argument("--chunk", type=int, default=10_000, help="persons made at once")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="all processors unless told")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    asked = _arguments(given)
    options = Options(
        rows=asked.rows,
        seed=asked.seed,
        days=asked.days,
        hostile=asked.hostile,
        changes=asked.changes,
        date=asked.date,
        chunk=asked.chunk,
    )
    generate(asked.out, options, processes=asked.processes, keep_text=asked.text, break_as=asked.break_as)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
