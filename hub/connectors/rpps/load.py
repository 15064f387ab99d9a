"""Loading a file of the national directory (rpps.md 10): read in one pass, compared with what is served, checked, put in place.

Reading runs in a thread while the database takes the lines before: two processors work at once, and other tasks go on. The first
file is copied into new tables; each one after it changes only the rows that differ.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from hub import clock, codes, log
from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import guards
from hub.connectors.rpps.client import Progress, Source
from hub.connectors.rpps.extract import ACTIVITIES, DIPLOMAS, SKILLS, Bounds, Member, members, stamp_of
from hub.connectors.rpps.facts import Facts
from hub.connectors.rpps.guards import Figures
from hub.connectors.rpps.reading import NAMES, TABLE, Reading, read
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import failure
from hub.storage import directory_compare, directory_load, directory_past, directory_served
from hub.storage.directory_load import Load, NotStorable, ReadersBusy
from hub.storage.session import Database, Session
from hub.workflows import directory_changes

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a load ended: its line in the register, and whether it changed anything."""

    load: Load
    is_new: bool

    @property
    def persons(self) -> int:
        """How many people the directory served now has."""
        return self.load.persons


class _Tried(Exception):
    """Ends the transaction of a trial: what it did is undone."""

    def __init__(self, load: Load) -> None:
        super().__init__(load.digest)
        self.load = load


async def load(
    database: Database,
    settings: RppsSettings,
    source: Source,
    *,
    acceptance: Acceptance | None = None,
    progress: Progress | None = None,
    is_trial: bool = False,
) -> Report:
    """Serve what a file says. The same stamp or the same content again changes nothing. ``is_trial``: everything is read, compared
    and checked, and nothing is kept.

    Raises ``ConnectorFailure`` with a code of ``errors.csv``; the directory of before is then still served, and the register
    says why.
    """
    started = time.monotonic()
    reading = Reading(facts=Facts(load=0, day=_day(source.stamp)))
    try:
        async with database.transaction() as session:
            with members(
                source.path, Bounds(most_unpacked=settings.most_unpacked, most_ratio=settings.most_ratio)
            ) as found:
                before = await _before(session, source, found, reading, acceptance)
                if before is not None and _is_same(before, source):
                    return Report(load=before, is_new=False)
                reading.facts.load = await directory_load.reserve(session)
                await read(session, found, reading, progress, partial(_compare, session, settings, reading))
            _guard(settings, source, reading, before, acceptance)
            if progress:
                progress("index", 0, 0)
            await _put_in_place(session, reading, before)
            made = _line(source, reading, "served", started, accepted_by=acceptance.by if acceptance else "")
            if is_trial:
                raise _Tried(made)
            await directory_load.note(session, made)
            await directory_past.forget(
                session, now=made.loaded_at, history_days=settings.history_days, gone_days=settings.gone_days
            )
            return Report(load=made, is_new=True)
    except _Tried as trial:
        return Report(load=trial.load, is_new=True)
    except (NotStorable, ReadersBusy) as trouble:
        code = "readers-busy" if isinstance(trouble, ReadersBusy) else "not-storable"
        if not is_trial:
            await _refused(database, _line(source, reading, "refused", started, reason=code))
        raise failure(code, str(trouble)) from trouble
    except ConnectorFailure as trouble:
        if trouble.code != "load-running" and not is_trial:
            line = _line(source, reading, "refused", started, reason=trouble.code, detail=trouble.detail)
            await _refused(database, line)
        raise


async def revert(database: Database, *, name: str = "directory") -> tuple[Load, Load]:
    """Serve again what was served before the last load of a list: the load taken back, and the one served now. The same file is
    then refused, unless a named person answers for it. Increments that came after it go with it; once taken back alone, they wait
    for the next extraction. Raises ``load-running``, ``nothing-before``, ``settled-since``.
    """
    async with database.transaction() as session:
        if not await directory_load.alone(session):
            raise failure("load-running")
        last = await directory_load.served(session, name)
        before = await directory_load.served(session, name, below=last.id) if last else None
        if name == "increments":
            before = before or await directory_load.served(session)
        if last is None or before is None:
            raise failure("nothing-before")
        if name == "increments" and await directory_past.later(session, last.id, *NAMES.values()):
            raise failure("settled-since")
        for one in [*await directory_past.later(session, last.id, "increments"), last]:
            await directory_past.take_back(session, one)
            await directory_changes.undo(session, one)
            await directory_past.forget_changes(session, one.id)
        return last, before


def _day(stamp: str) -> date:
    """The day a file speaks of: of its stamp, else today."""
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M").date()
    except ValueError:
        return clock.now().date()


async def _before(
    session: Session, source: Source, found: Mapping[str, Member], reading: Reading, acceptance: Acceptance | None
) -> Load | None:
    """The load that is served, once nobody else is loading. Raises ``load-running``, ``stamp-older``, ``reverted``."""
    if not await directory_load.alone(session):
        raise failure("load-running")
    reading.main = main = next(prefix for prefix in TABLE if prefix in found)
    reading.stamp = source.stamp or stamp_of(found[main].name)
    reading.facts.day = _day(reading.stamp)
    if main == ACTIVITIES:
        reading.warnings["files not there"] = [one for one in (ACTIVITIES, SKILLS, DIPLOMAS) if one not in found]
    before = await directory_load.served(session, reading.name)
    if before is not None and reading.stamp and reading.stamp < before.stamp:
        raise failure("stamp-older", f"{reading.stamp}, {before.stamp} is served")
    is_accepted = acceptance is not None and acceptance.digest == source.digest
    if not is_accepted and await directory_load.has_reverted(session, source.digest):
        raise failure("reverted", source.digest)
    return before


def _is_same(before: Load, source: Source) -> bool:
    return before.digest == source.digest or (bool(source.stamp) and source.stamp == before.stamp)


async def _compare(session: Session, settings: RppsSettings, reading: Reading) -> None:
    """Who differs from what is served; nothing to compare with at the first load."""
    if reading.main == ACTIVITIES and TABLE[ACTIVITIES] not in reading.new:
        reading.outcome = await directory_compare.people(
            session, day=reading.facts.day, confirmed_after=settings.missing_days
        )
        if reading.outcome.waves:
            reading.warnings["structures that changed"] = dict(reading.outcome.waves)


def _guard(
    settings: RppsSettings, source: Source, reading: Reading, before: Load | None, acceptance: Acceptance | None
) -> None:
    """Refuse a file that has lost too much (rpps.md 10.4). Who accepts this very file answers for what was only counted."""
    if not reading.rows:
        raise failure("file-empty", source.name)
    figures = reading.figures
    if reading.main != ACTIVITIES:  # lists that count no persons
        figures = Figures(
            rows=reading.rows,
            rejected=reading.rejections.count,
            persons=reading.rows,
            before=before.rows if before else reading.rows,
        )
        settings = settings.model_copy(update={"least_share": settings.least_list_share})
    reading.warnings |= guards.warnings(figures)
    refused = guards.refusal(figures, settings)
    if refused and (acceptance is None or acceptance.digest != source.digest):
        code, detail = refused
        raise failure(code, f"{detail}, file {source.digest}")


async def _put_in_place(session: Session, reading: Reading, before: Load | None) -> None:
    """Serve what was read, in the transaction that read it."""
    facts = reading.facts
    if reading.new:
        await directory_load.swap(session, reading.new)
    if reading.outcome is not None:
        await directory_compare.put_in_place(session, load=facts.load, day=facts.day)
    for prefix, table in TABLE.items():
        if prefix == ACTIVITIES or table in reading.new or prefix not in reading.found:
            continue
        reading.lists[table] = await directory_compare.put_list_in_place(
            session, table, load=facts.load, is_alone=reading.outcome is None
        )
    await directory_compare.put_labels_in_place(session)
    await directory_changes.follow(session, facts.load)
    reading.totals = await directory_load.totals(session)
    if before is not None and reading.main == ACTIVITIES:
        settled = await directory_served.settled(session, facts.load, before.id)
        reading.warnings["settled against increments"] = settled
        if settled:
            log.event("directory.settled", count=settled)


def _line(source: Source, reading: Reading, result: str, started: float, **more: Any) -> Load:
    """The line of the register. ``more``: ``reason`` and ``detail`` of a refusal, or ``accepted_by``."""
    detail = more.pop("detail", "")
    facts, known = reading.facts, reading.outcome
    report = {
        **{name: found for name, found in reading.warnings.items() if found},
        **{name: facts.counts[name] for name in ("wrong-keys", "identifiers-disagree") if facts.counts[name]},
        **({"unknown codes": found} if (found := unknown_codes(facts)) else {}),
        **({"rejected": [asdict(one) for one in reading.rejections.sample]} if reading.rejections.sample else {}),
        **({"detail": detail} if detail else {}),
    }
    totals: dict[str, Any] = dict(reading.totals)
    changes: dict[str, Any] = (
        {kind: getattr(known, kind) for kind in ("added", "changed", "missing", "returned", "gone")} if known else {}
    )
    new, lost = (sum(pair[place] for pair in reading.lists.values()) for place in (0, 1))
    return Load(
        id=facts.load if result == "served" else 0,
        list=reading.name,
        stamp=reading.stamp or source.stamp,
        source=source.origin,
        digest=source.digest,
        result=result,
        loaded_at=clock.now(),
        seconds=round(time.monotonic() - started, 3),
        rows=reading.rows,
        rejected=reading.rejections.count,
        duplicates=max(0, reading.rows - reading.distinct) if result == "served" else 0,
        persons=reading.figures.persons,
        **totals,
        **changes,
        new_rows=new + (known.new_rows if known else facts.counts["directory_situation"]),
        lost_rows=lost + (known.lost_rows if known else 0),
        report=report,
        **more,
    )


def unknown_codes(facts: Facts) -> dict[str, list[str]]:
    """Codes that none of our tables holds, by subject."""
    found = defaultdict(list)
    for subject, code in sorted(facts.labels):
        tables = TABLES.get(subject, ())
        if tables and not any(codes.table(name).has(code) for name in tables):
            found[subject].append(code)
    return dict(found)


async def _refused(database: Database, line: Load) -> None:
    """Keep in the register that a file was refused; the directory of before is served."""
    async with database.transaction() as session:
        await directory_load.note(session, line)
