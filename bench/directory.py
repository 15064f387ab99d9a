"""The national directory at its true size: first load, a night, searches while it loads, differences, kills.

    B  a Python loop over the lines of the file, decoded and split at each ``|`` (processor time)

Loads run as a user would run them, ``hub rpps load FILE`` in a process of its own: its time, its processor, its memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench import directory_candidates, directory_search
from bench.rpps.generate import generate
from bench.rpps.world import Options
from hub.storage.migrations import run as migrations
from hub.storage.session import embedded, libpq_url, stop_embedded

LIMITS = {"first load": (60.0, 12.0), "the next night": (20.0, 5.0)}  # seconds, B
MEMORY = 1e9  # bytes of the loader
STATE = """SELECT md5(string_agg(id::text, ',' ORDER BY id)) FROM (
  SELECT id FROM directory_situation UNION ALL SELECT id FROM directory_skill UNION ALL SELECT id FROM directory_diploma) AS rows"""

CHANGES = "SELECT kind, national_id FROM directory_change WHERE load = (SELECT max(load) FROM directory_change)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is made and how often it is killed. ``folder``: where the days are kept, made when they are not there."""

    rows: int
    kills: int
    is_hostile: bool
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Spent:
    """A command that ended: seconds, seconds of processor, bytes of memory at most, its exit code and what it said."""

    seconds: float
    processor: float
    memory: int
    code: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A database of one's own and the days to be loaded."""

    url: str
    days: tuple[Path, ...]
    truth: dict[str, list[str]]

    def start(self, day: Path) -> subprocess.Popen[str]:
        """``hub rpps load``."""
        command = [sys.executable, "-m", "hub", "rpps", "load", str(day)]
        surroundings = {**os.environ, "HUB_DATABASE_URL": self.url, "NO_COLOR": "1"}
        return subprocess.Popen(command, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def load(self, day: Path) -> Spent:
        """The same, until it ends."""
        return ended(self.start(day), time.perf_counter())

    def ask(self, order: str) -> list[tuple[object, ...]]:
        """Rows of the database."""
        with psycopg.connect(libpq_url(self.url), autocommit=True) as line:
            return line.execute(order.encode()).fetchall()


def ended(process: subprocess.Popen[str], started: float) -> Spent:
    """Wait for a command, with what it cost."""
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in kibibytes elsewhere
    processor = used.ru_utime + used.ru_stime
    return Spent(time.perf_counter() - started, processor, used.ru_maxrss * scale, process.returncode, said)


def is_over(process: subprocess.Popen[str]) -> bool:
    """Whether a command has ended; what it cost is still to be had."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def baseline(text: Path) -> float:
    """B for that file, in seconds of processor: the best of two."""
    took = []
    for _ in range(2):
        before, cells = resource.getrusage(resource.RUSAGE_SELF), 0
        with text.open("rb") as file:
            for line in file:
                cells += len(line.decode().split("|"))
        after = resource.getrusage(resource.RUSAGE_SELF)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def told(name: str, spent: Spent, bare: float) -> str:
    """One load in a line."""
    seconds, ratio = LIMITS[name]
    is_met = spent.seconds < seconds and spent.processor <= ratio * bare and spent.memory < MEMORY
    return (
        f"{name:<16} {spent.seconds:6.1f} s (< {seconds:g})   processor {spent.processor:5.1f} s = "
        f"{spent.processor / bare:4.1f} B (<= {ratio:g})   memory {spent.memory / 1e6:4.0f} MB (< 1000)   "
        f"{'met' if is_met else 'MISSED'}"
    )


def made(size: Size, folder: Path) -> tuple[tuple[Path, ...], Path, dict[str, list[str]]]:
    """The days, the text of the first one, and what differs on the second."""
    known = folder / "truth.json"
    if not known.exists():
        options = Options(
            rows=size.rows,
            seed=7,
            days=2,
            hostile=size.is_hostile,
            changes=0.005,
            date=date(2026, 11, 26),
            chunk=10_000,
        )
        generate(folder, options, processes=os.cpu_count() or 1, keep_text=True)
    truth = json.loads(known.read_text(encoding="utf-8"))["days"][1]["against_day_before"]
    days = tuple(sorted(folder.glob("PS_LibreAcces_2*.zip")))
    text = min(folder.glob("PS_LibreAcces_Personne_activite_*.txt"))
    return days, text, {kind: truth[kind] for kind in ("added", "removed", "changed")}


def differences(work: Work) -> str:
    """What the night found, by identifier, against the truth."""
    found: dict[str, set[object]] = defaultdict(set)
    for kind, person in work.ask(CHANGES):
        found[str(kind)].add(person)
    wrong = []
    for kind, ours in (("added", "added"), ("removed", "missing"), ("changed", "changed")):
        expected = set(work.truth[kind])
        if found[ours] != expected:
            wrong.append(f"{kind}: {len(found[ours] - expected)} too many, {len(expected - found[ours])} not found")
    counts = ", ".join(f"{len(people)} {kind}" for kind, people in work.truth.items())
    return f"differences      by identifier: {counts}; {'; '.join(wrong) or 'exactly as the truth'}"


def killed(work: Work, times: int, seconds: float) -> str:
    """Kill the night at random moments: the first day is served whole each time, or the second."""
    first, wrong, late = work.ask(STATE), 0, 0
    moments = random.Random(7)
    for _ in range(times):
        process = work.start(work.days[1])
        time.sleep(moments.uniform(0.2, seconds))
        late += is_over(process)
        process.send_signal(signal.SIGKILL)
        ended(process, time.perf_counter())
        state = work.ask(STATE)
        if state != first:
            wrong += (
                work.ask("SELECT max(stamp) FROM directory_load WHERE result = 'served'")[0][0] not in work.days[1].name
            )
    return f"kill -9          {times} times during the night: {wrong} times neither day was served whole, {late} times too late"


def report(size: Size) -> None:
    """Everything, a line each."""
    with TemporaryDirectory(prefix="colibri-bench-") as own:
        folder = size.folder or Path(own) / "days"
        days, text, truth = made(size, folder)
        url = embedded(Path(own) / "postgresql")
        try:
            migrations.upgrade(url)
            _report(Work(url=url, days=days, truth=truth), size, baseline(text))
        finally:
            stop_embedded(Path(own) / "postgresql")


def _report(work: Work, size: Size, bare: float) -> None:
    print(f"\n{size.rows:,} lines{', hostile' if size.is_hostile else ''}; B = {bare:.2f} s of processor", flush=True)
    first = work.load(work.days[0])
    print(told("first load", first, bare), flush=True)
    if first.code:
        print(first.said)
        return
    print("\n".join(asyncio.run(directory_search.quiet(work.url))), flush=True)
    if size.kills:
        print(killed(work, size.kills, first.seconds / 2), flush=True)
    during = directory_search.Beside(work.url)
    started = time.perf_counter()
    process = work.start(work.days[1])
    said = asyncio.run(during.until(lambda: is_over(process)))
    night = ended(process, started)
    print(told("the next night", night, bare) + "   with a reader beside it", flush=True)
    print(said, flush=True)
    print(differences(work), flush=True)
    again, older = work.load(work.days[1]), work.load(work.days[0])
    print(f"the same again   {again.seconds:.1f} s, exit {again.code}: {again.said.strip().splitlines()[-1]}")
    print(f"an older day     exit {older.code}: {older.said.strip().splitlines()[-1]}", flush=True)
    print("\n".join(asyncio.run(directory_candidates.measured(work.url))), flush=True)
