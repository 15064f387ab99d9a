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
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench import directory_candidates, directory_search
from bench.rpps.generate import generate
from bench.rpps.world import Options
from hub.storage.migrations import run as migrations
from hub.storage.session import embedded, libpq_url, stop_embedded

# Seconds, B. On the second day labels change on most lines, which changes nobody: for information.
LIMITS = {"first load": (60.0, 12.0), "relabelled night": None, "quiet night": (20.0, 5.0)}
MEMORY = 1e9  # bytes of the loader
AT_FIRST = 5  # one kill in so many falls on the first load
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
    truths: tuple[dict[str, list[str]], ...]

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
    limits = LIMITS[name]
    figures = f"{spent.seconds:6.1f} s, processor {spent.processor:5.1f} s = {spent.processor / bare:4.1f} B"
    figures += f", memory {spent.memory / 1e6:4.0f} MB"
    if limits is None:
        return f"{name:<16} {figures}"
    seconds, ratio = limits
    is_met = spent.seconds < seconds and spent.processor <= ratio * bare and spent.memory < MEMORY
    return f"{name:<16} {figures}   (< {seconds:g} s, <= {ratio:g} B, < 1000 MB)   {'met' if is_met else 'MISSED'}"


def made(size: Size, folder: Path) -> tuple[tuple[Path, ...], Path, tuple[dict[str, list[str]], ...]]:
    """The days, the text of the first one, and what differs on each of the next ones."""
    known = folder / "truth.json"
    if not known.exists():
        options = Options(
            rows=size.rows,
            seed=7,
            days=3,
            hostile=size.is_hostile,
            changes=0.005,
            date=date(2026, 11, 26),
            chunk=10_000,
        )
        generate(folder, options, processes=os.cpu_count() or 1, keep_text=True)
    said = [day["against_day_before"] for day in json.loads(known.read_text(encoding="utf-8"))["days"][1:]]
    days = tuple(sorted(folder.glob("PS_LibreAcces_2*.zip")))
    text = min(folder.glob("PS_LibreAcces_Personne_activite_*.txt"))
    kinds = ("added", "returned", "removed", "changed")
    return days, text, tuple({kind: one[kind] for kind in kinds if kind in one} for one in said)


def differences(work: Work, day: int) -> str:
    """What a night found, by identifier, against the truth. ``added`` of the truth holds those who come back."""
    found: dict[str, set[object]] = defaultdict(set)
    for kind, person in work.ask(CHANGES):
        found[str(kind)].add(person)
    found["added"] |= found["returned"]
    found["changed"] -= found["returned"]  # who comes back otherwise than they went is both
    wrong, truth = [], work.truths[day]
    for kind, ours in (("added", "added"), ("removed", "missing"), ("changed", "changed")):
        expected = set(truth[kind])
        if found[ours] != expected:
            wrong.append(f"{kind}: {len(found[ours] - expected)} too many, {len(expected - found[ours])} not found")
    counts = ", ".join(f"{len(people)} {kind}" for kind, people in truth.items())
    return f"                 by identifier: {counts}; {'; '.join(wrong) or 'exactly as the truth'}"


def killed(work: Work, day: Path, times: int, seconds: float) -> tuple[int, int]:
    """Kill the load of a day at random moments: how often neither what was served before nor that day was served whole, and how
    often it had ended already."""
    before, wrong, late = work.ask(STATE), 0, 0
    moments = random.Random(7)
    for _ in range(times):
        process = work.start(day)
        time.sleep(moments.uniform(0.2, seconds))
        late += is_over(process)
        os.kill(process.pid, signal.SIGKILL)  # one that has ended is still there to be waited for
        ended(process, time.perf_counter())
        if work.ask(STATE) != before:
            served = work.ask("SELECT max(stamp) FROM directory_load WHERE result = 'served'")[0][0]
            wrong += served is None or str(served) not in day.name
    return wrong, late


def kills(work: Work, folder: Path, times: int, seconds: float) -> list[str]:
    """Kill loads in a database of its own, which is not measured then: the first load, which must then serve what the undisturbed
    one serves, and the night after it. ``seconds``: that the undisturbed first load took."""
    at_first = (times + AT_FIRST - 1) // AT_FIRST
    by_night = times - at_first
    undisturbed = work.ask(STATE)
    url = embedded(folder)
    try:
        migrations.upgrade(url)
        other = replace(work, url=url)
        wrong, late = killed(other, work.days[0], at_first, seconds)
        other.load(work.days[0])
        same = "the same as undisturbed" if other.ask(STATE) == undisturbed else "NOT the same as undisturbed"
        odd, missed = killed(other, work.days[1], by_night, seconds * 0.4)
    finally:
        stop_embedded(folder)
    found = f"{wrong} times neither nothing nor the day was served, {late} times too late; once it ended: {same}"
    nights = f"{odd} times neither day was served whole, {missed} times too late"
    return [
        f"kill -9          {at_first} times during the first load: {found}",
        f"kill -9          {by_night} times during the night: {nights}",
    ]


def report(size: Size) -> None:
    """Everything, a line each."""
    with TemporaryDirectory(prefix="colibri-bench-") as own:
        folder = size.folder or Path(own) / "days"
        days, text, truths = made(size, folder)
        url = embedded(Path(own) / "postgresql")
        try:
            migrations.upgrade(url)
            _report(Work(url=url, days=days, truths=truths), size, baseline(text), Path(own))
        finally:
            stop_embedded(Path(own) / "postgresql")


def _report(work: Work, size: Size, bare: float, own: Path) -> None:
    print(f"\n{size.rows:,} lines{', hostile' if size.is_hostile else ''}; B = {bare:.2f} s of processor", flush=True)
    first = work.load(work.days[0])
    print(told("first load", first, bare), flush=True)
    if first.code:
        print(first.said)
        return
    print("\n".join(asyncio.run(directory_search.quiet(work.url))), flush=True)
    if size.kills:
        print("\n".join(kills(work, own / "killed", size.kills, first.seconds)), flush=True)
    started = time.perf_counter()
    process = work.start(work.days[1])
    said = asyncio.run(directory_search.Beside(work.url).until(lambda: is_over(process)))
    print(told("relabelled night", ended(process, started), bare) + ", a reader beside it", flush=True)
    print(differences(work, 0), said, sep="\n", flush=True)
    print(told("quiet night", work.load(work.days[2]), bare), differences(work, 1), sep="\n", flush=True)
    again, older = work.load(work.days[2]), work.load(work.days[0])
    print(f"the same again   {again.seconds:.1f} s, exit {again.code}: {again.said.strip().splitlines()[-1]}")
    print(f"an older day     exit {older.code}: {older.said.strip().splitlines()[-1]}", flush=True)
    print("\n".join(asyncio.run(directory_candidates.measured(work.url))), flush=True)
