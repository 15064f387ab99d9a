"""Loading an extraction (rpps.md 10): read in one pass, checked by the guards, put in the place of the directory being served.

Reading and assembling run in a thread while the database takes the lines before: two processors work at once, and other tasks
go on.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from hub import clock, codes
from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import mapping
from hub.connectors.rpps.assemble import Assembly
from hub.connectors.rpps.client import Progress, Source
from hub.connectors.rpps.extract import (
    ACTIVITIES,
    SKILLS,
    Block,
    Bounds,
    Member,
    Rejections,
    blocks,
    is_cut,
    members,
    rows,
    stamp_of,
)
from hub.connectors.rpps.mapping import Layout
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import failure
from hub.storage import directory_load
from hub.storage.directory_load import Load, NotStorable, ReadersBusy
from hub.storage.session import Database, Session

BATCH = 8  # blocks between two rounds of COPY
# Tables of codes that the hub holds, by subject of a label; a code must be in one of them (rpps.md 8).
TABLES = {
    "practice_title": ("TRE_R11",),
    "title": ("TRE_R81",),
    "profession": ("TRE_G15", "TRE_R95", "TRE_R94", "TRE_R85", "TRE_R96"),
    "category": ("TRE_R09",),
    "skill_type": ("TRE_R04",),
    "skill": ("JDV_J107",),
    "mode": ("TRE_R23",),
    "sector": ("TRE_R02",),
    "role": ("TRE_R21", "TRE_R85", "TRE_R96"),
    "activity_kind": ("TRE_R22",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A named person answers for the file of that digest: the guards that count rows and persons let it through."""

    digest: str
    by: str


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one pass over a file finds."""

    assembly: Assembly = field(default_factory=Assembly)
    rejections: Rejections = field(default_factory=Rejections)
    rows: int = 0
    warnings: dict[str, Any] = field(default_factory=dict)
    stamp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a load ended: its line in the register, and whether it changed anything."""

    load: Load
    is_new: bool

    @property
    def persons(self) -> int:
        """How many people the directory served now has."""
        return self.load.persons


async def load(
    database: Database,
    settings: RppsSettings,
    source: Source,
    *,
    acceptance: Acceptance | None = None,
    progress: Progress | None = None,
) -> Report:
    """Serve a file instead of the directory of before. The same stamp or the same content again changes nothing.

    Raises ``ConnectorFailure`` with a code of ``errors.csv``; the directory of before is then still served, and the register
    says why.
    """
    started = time.monotonic()
    reading = Reading()
    try:
        async with database.transaction() as session:
            before = await _before(session, source)
            if before is not None and _is_same(before, source):
                return Report(load=before, is_new=False)
            await _fill(session, settings, source, reading, progress)
            _guard(settings, source, reading, before, acceptance)
            if progress:
                progress("index", 0, 0)
            await directory_load.finish(session)
            await directory_load.swap(session)
            made = _line(source, reading, "served", started, accepted_by=acceptance.by if acceptance else "")
            await directory_load.note(session, made)
            return Report(load=made, is_new=True)
    except (NotStorable, ReadersBusy) as trouble:
        code = "readers-busy" if isinstance(trouble, ReadersBusy) else "not-storable"
        await _refused(database, _line(source, reading, "refused", started, reason=code))
        raise failure(code, str(trouble)) from trouble
    except ConnectorFailure as trouble:
        if trouble.code != "load-running":
            await _refused(
                database, _line(source, reading, "refused", started, reason=trouble.code, detail=trouble.detail)
            )
        raise


async def _before(session: Session, source: Source) -> Load | None:
    """The load that is served, once nobody else is loading. Raises ``load-running``, ``stamp-older``."""
    if not await directory_load.alone(session):
        raise failure("load-running")
    before = await directory_load.served(session)
    if before is not None and source.stamp and source.stamp < before.stamp:
        raise failure("stamp-older", f"{source.stamp}, {before.stamp} is served")
    return before


def _is_same(before: Load, source: Source) -> bool:
    return before.digest == source.digest or (bool(source.stamp) and source.stamp == before.stamp)


async def _fill(
    session: Session, settings: RppsSettings, source: Source, reading: Reading, progress: Progress | None
) -> None:
    """Copy the whole file into new tables."""
    await directory_load.begin(session)
    bounds = Bounds(most_unpacked=settings.most_unpacked, most_ratio=settings.most_ratio)
    coming = batches(source, bounds, reading, progress)
    reader = ThreadPoolExecutor(1, "directory")
    ahead = partial(asyncio.get_running_loop().run_in_executor, reader, next, coming, None)
    following = ahead()
    try:
        while (lines := await following) is not None:
            following = ahead()
            await directory_load.copy(session, lines)
    finally:
        await asyncio.to_thread(
            reader.shutdown
        )  # it must let go of the file first, also when nobody waits for it any more
        await asyncio.gather(following, return_exceptions=True)
        coming.close()


def batches(
    source: Source, bounds: Bounds, reading: Reading, progress: Progress | None = None
) -> Generator[dict[str, str]]:
    """Lines for COPY by table, some megabytes at a time; ``reading`` fills on the way, and the labels come last."""
    with members(source.path, bounds) as found:
        takers: dict[str, Callable[[Iterable[list[str]]], int]] = {
            ACTIVITIES: reading.assembly.take,
            SKILLS: reading.assembly.take_skills,
        }
        reading.warnings["files not there"] = [prefix for prefix in takers if prefix not in found]
        reading.stamp = source.stamp or stamp_of(found[ACTIVITIES].name)
        for prefix, take in takers.items():
            if prefix in found:
                yield from _member(prefix, found[prefix], take, reading, progress)
    yield reading.assembly.drain_labels()


def _member(
    prefix: str, member: Member, take: Callable[[Iterable[list[str]]], int], reading: Reading, progress: Progress | None
) -> Iterator[dict[str, str]]:
    """The lines of one file."""
    layout, done = None, 0
    for count, block in enumerate(blocks(member.stream), 1):
        done += len(block.text)
        if layout is None:
            layout, block = _header(prefix, block, reading)
        if is_cut(block, layout):
            raise failure("file-cut", member.name)
        taken = take(rows(block, layout, reading.rejections))
        if prefix == ACTIVITIES:
            reading.rows += taken
        if count % BATCH == 0:
            if progress:
                progress("read", min(done, member.size), member.size)
            yield reading.assembly.drain()
    if layout is None:
        raise failure("file-empty", member.name)
    yield reading.assembly.drain()


def _header(prefix: str, block: Block, reading: Reading) -> tuple[Layout, Block]:
    """What the first line announces, and the block without it."""
    header, _, rest = block.text.partition("\n")
    columns = (mapping.ACTIVITY, mapping.REQUIRED) if prefix == ACTIVITIES else (mapping.SKILL, mapping.SKILL_REQUIRED)
    try:
        layout = mapping.read_header(header, *columns)
    except mapping.MissingColumns as trouble:
        raise failure("column-missing", ", ".join(trouble.args)) from trouble
    for kind, titles in (("columns missing", layout.missing), ("columns unknown", layout.unknown)):
        reading.warnings.setdefault(kind, []).extend(titles)
    return layout, Block(text=rest, line=block.line + 1)


def _guard(
    settings: RppsSettings, source: Source, reading: Reading, before: Load | None, acceptance: Acceptance | None
) -> None:
    """Refuse a file that has lost too much (rpps.md 10.4). Who accepts this very file answers for what was only counted."""
    if not reading.rows:
        raise failure("file-empty", source.name)
    lost = reading.rejections.count / (reading.rows + reading.rejections.count)
    persons = len(reading.assembly.exercises.first)
    counted = {
        "too-many-rejected": (lost > settings.most_rejected, f"{reading.rejections.count} lines, {lost:.2%}"),
        "too-few-persons": (before is None and persons < settings.least_persons, f"{persons} persons"),
        "too-few-rows": (
            before is not None and reading.rows < settings.least_share * before.rows,
            f"{reading.rows} rows, {before.rows if before else 0} are served",
        ),
    }
    for code, (is_wrong, detail) in counted.items():
        if is_wrong and (acceptance is None or acceptance.digest != source.digest):
            raise failure(code, f"{detail}, file {source.digest}")


def _line(source: Source, reading: Reading, result: str, started: float, **more: Any) -> Load:
    """The line of the register. ``more``: ``reason`` and ``detail`` of a refusal, or ``accepted_by``."""
    detail = more.pop("detail", "")
    counts: dict[str, Any] = reading.assembly.counts
    report = {
        **{name: found for name, found in reading.warnings.items() if found},
        **{name: counts[name] for name in ("wrong-keys", "identifiers-disagree") if counts[name]},
        **({"unknown codes": found} if (found := unknown_codes(reading.assembly)) else {}),
        **({"rejected": [asdict(one) for one in reading.rejections.sample]} if reading.rejections.sample else {}),
        **({"detail": detail} if detail else {}),
    }
    return Load(
        stamp=reading.stamp or source.stamp,
        source=source.origin,
        digest=source.digest,
        result=result,
        loaded_at=clock.now(),
        seconds=round(time.monotonic() - started, 3),
        rows=reading.rows,
        rejected=reading.rejections.count,
        **{name: counts[name] for name in ("duplicates", "persons", "exercises", "situations", "structures", "skills")},
        report=report,
        **more,
    )


def unknown_codes(assembly: Assembly) -> dict[str, list[str]]:
    """Codes that none of our tables holds, by subject."""
    found = defaultdict(list)
    for subject, code in sorted(assembly.labels):
        tables = TABLES.get(subject, ())
        if tables and not any(codes.table(name).has(code) for name in tables):
            found[subject].append(code)
    return dict(found)


async def _refused(database: Database, line: Load) -> None:
    """Keep in the register that a file was refused; the directory of before is served."""
    async with database.transaction() as session:
        await directory_load.note(session, line)
