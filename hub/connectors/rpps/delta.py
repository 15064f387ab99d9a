"""Applying an increment of the FHIR API (rpps.md 11.3) by the same comparison as the extraction's, in one transaction.

The crawl is over when the transaction begins: one that dies leaves nothing, and the next one starts again from the last update that
was applied, minus an hour, which the register keeps. The same versions of the same resources again are nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hub import clock, log
from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import completing, crawl, guards, listing
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.beside import SITUATION, Beside, beside
from hub.connectors.rpps.client import Progress
from hub.connectors.rpps.completing import Row
from hub.connectors.rpps.crawl import Changes, Gathered
from hub.connectors.rpps.facts import COLUMNS, Facts
from hub.connectors.rpps.guards import Figures
from hub.connectors.rpps.load import Report
from hub.connectors.rpps.mapping import ACTIVITY, DIPLOMA, MAILBOX, SKILL
from hub.connectors.rpps.memory import Memory
from hub.connectors.rpps.reading import LABEL, PEOPLE
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.standing import Standing, overlap_of, seen, standing
from hub.connectors.rpps.troubles import failure
from hub.storage import directory_compare, directory_load, directory_past, directory_served
from hub.storage.directory_compare import Outcome
from hub.storage.directory_load import Load, NotStorable
from hub.storage.session import Database, Session
from hub.workflows import directory_changes

INCREMENTS = "increments"  # their name in the register
ORDER = {SITUATION: ACTIVITY, "directory_skill": SKILL, "directory_diploma": DIPLOMA, "directory_mailbox": MAILBOX}
REGISTERED = "8"  # the prefix of an RPPS number: the API has no others
FEW, STOPPED_SHARE = 20, 0.5  # persons without any activity left
SHOWN = 100  # resources that were skipped, in the report


@dataclass(slots=True, kw_only=True)
class Increment:
    """One increment under way. ``rows``: how many were told; of those looked at, ``present``: who is in force, ``worked``: how many
    are served with an activity, ``stopped``: how many of these are told without any."""

    changes: Changes
    gathered: Gathered
    facts: Facts
    started: float
    rows: int = 0
    present: set[str] = field(default_factory=set)
    worked: int = 0
    stopped: int = 0
    outcome: Outcome | None = None
    lists: tuple[tuple[int, int], ...] = ()


async def increment(
    database: Database, settings: RppsSettings, api: DirectoryApi, progress: Progress | None = None
) -> Report:
    """Serve what the API says has changed since the last increment, or since the extraction. Raises ``ConnectorFailure``; the
    directory of before is then still served, and the register says what a guard refused.
    """
    started, day = time.monotonic(), clock.now().date()
    async with database.reading() as session:
        stand = await _standing(session, settings)
        awaited = await directory_served.awaited(session, day - timedelta(days=settings.missing_days))
    waiting = {one for one in awaited if one.startswith(REGISTERED)}
    changes = await crawl.changes(api, stand.since)
    if changes.seen is not None:  # what bears a later date is asked for again
        changes.seen = min(changes.seen, clock.now())
    if not waiting and (not changes.versions or stand.has_seen(changes.digest(overlap_of(settings)))):
        return Report(load=stand.last or stand.directory, is_new=False)
    gathered = await crawl.gather(api, changes.persons | waiting, changes.places, progress)
    made = Increment(changes=changes, gathered=gathered, facts=Facts(load=0, day=day), started=started)
    try:
        async with database.transaction() as session:
            return await _apply(session, settings, stand, made)
    except NotStorable as trouble:
        await _refused(database, settings, made, "not-storable", str(trouble))
        raise failure("not-storable", str(trouble)) from trouble
    except ConnectorFailure as trouble:
        if trouble.code != "load-running":
            await _refused(database, settings, made, trouble.code, trouble.detail)
        raise


async def _standing(session: Session, settings: RppsSettings) -> Standing:
    directory = await directory_load.served(session)
    last = await directory_load.served(session, INCREMENTS)
    reverted = await directory_past.last_reverted(session, INCREMENTS)
    if directory is not None and reverted > directory.id:
        raise failure("increments-reverted")
    return standing(directory, last, settings, clock.now())


async def _apply(session: Session, settings: RppsSettings, stand: Standing, made: Increment) -> Report:
    """Compare and put in place. Nothing is noted when nothing changed and nothing new was seen."""
    if not await directory_load.alone(session) or await _standing(session, settings) != stand:
        raise failure("load-running")
    made.facts.load = load = await directory_load.reserve(session)
    lists = [table for table in ORDER if table != SITUATION and not await directory_load.is_empty(session, table)]
    await directory_load.stage(session, [LABEL, *PEOPLE, *lists])
    await _stage(session, made, lists)
    made.outcome = outcome = await directory_compare.people(
        session, day=made.facts.day, confirmed_after=settings.missing_days, among=made.present
    )
    _guard(settings, made, outcome)
    await directory_compare.put_in_place(session, load=load, day=made.facts.day)
    made.lists = tuple([await directory_compare.put_list_in_place(session, table, load=load) for table in lists])
    await directory_compare.put_labels_in_place(session)
    await directory_changes.follow(session, load)
    line = _line(settings, made, "served")
    if stand.last is not None and not stand.is_settled and not _says_anything(made, stand.last):
        return Report(load=stand.last, is_new=False)
    if made.changes.seen is None:  # only departures that were awaited
        moment = stand.since + overlap_of(settings)
        line = replace(line, stamp=f"{moment:%Y%m%d%H%M}", report={**line.report, "seen": moment.isoformat()})
    await directory_load.note(session, line)
    log.event("directory.increment", count=len(made.gathered.persons), rows=line.new_rows + line.lost_rows)
    return Report(load=line, is_new=True)


def _says_anything(made: Increment, last: Load) -> bool:
    """Whether anybody differs, or later updates were seen. Rows of who is missing are kept, and make no difference."""
    kinds = ("added", "changed", "missing", "returned", "gone")
    if any(getattr(made.outcome, kind) for kind in kinds) or any(map(any, made.lists)):
        return True
    return made.changes.seen is not None and made.changes.seen > seen(last)


async def _stage(session: Session, made: Increment, lists: Sequence[str]) -> None:
    """The rows told that are not served, to the staging tables; the numbers of those served that are no longer told, beside."""
    gathered = made.gathered
    changed = [place for id in sorted(made.changes.places) if (place := gathered.places.get(id)) is not None]
    keys = {place.key for place in gathered.places.values()} - {""}
    found = await beside(session, list(gathered.persons), keys, changed, lists)
    rows = _rows(made, found)
    for place in changed:
        if place.is_active:
            rows["directory_mailbox"] += listing.shared_mailboxes(place, found.shared)
    for table in (SITUATION, *lists):
        memory = Memory(known=found.numbers[table])
        made.facts.begin(memory)
        made.facts.taker(table)(listing.of_list(list(ORDER[table]), rows[table]))
        await directory_compare.note_lost(session, table, memory.left())
    made.facts.settle()
    await directory_load.copy(session, made.facts.drain(), COLUMNS, ())
    made.rows = sum(map(len, rows.values()))


def _rows(made: Increment, found: Beside) -> dict[str, list[Row]]:
    """The rows of every person looked at, by table."""
    rows: dict[str, list[Row]] = {table: [] for table in ORDER}
    for who, told in made.gathered.persons.items():
        told, before = replace(told, known=found.known), found.people[who]
        lines = completing.lines(told, before)
        if lines:
            made.present.add(who)
        if lines and any(row[completing.IDLE] != "t" for row in before.lines):
            made.worked += 1
            made.stopped += not any(roles for _, roles in told.exercises)
        rows[SITUATION] += lines
        rows["directory_skill"] += listing.skills(told, before)
        rows["directory_diploma"] += listing.diplomas(told, before)
        rows["directory_mailbox"] += listing.mailboxes(told, before)
    return rows


def _guard(settings: RppsSettings, made: Increment, outcome: Outcome) -> None:
    """Refuse an increment in which too many persons go missing, by the same measures as a file (rpps.md 10.4), or stop working: an
    API that answers without activities is more likely."""
    figures = Figures(
        rows=outcome.new_rows,
        rejected=0,
        persons=outcome.after,
        before=outcome.before,
        missing=outcome.missing,
        changed=outcome.changed,
    )
    refused = guards.refusal(figures, settings)
    if refused:
        raise failure("implausible", refused[1])
    if made.stopped > max(FEW, made.worked * STOPPED_SHARE):
        raise failure("implausible", f"{made.stopped} persons of {made.worked} without any activity left")


def _line(settings: RppsSettings, made: Increment, result: str, **more: Any) -> Load:
    """The line of the register. ``more``: ``reason`` and ``detail`` of a refusal."""
    changes, gathered, outcome, detail = made.changes, made.gathered, made.outcome, more.pop("detail", "")
    skipped = [*changes.skipped, *gathered.skipped]
    report = {
        "since": changes.since.isoformat(),
        "seen": changes.seen.isoformat() if changes.seen else "",
        "looked at": len(gathered.persons),
        "structures that changed": dict(outcome.waves) if outcome else {},
        "ended, nobody knows whose": changes.ended,
        "skipped": skipped[:SHOWN],
        "codings not read": sorted(gathered.unread)[:SHOWN],
        "detail": detail,
    }
    kinds = ("added", "changed", "missing", "returned", "gone")
    new, lost = (sum(pair[place] for pair in made.lists) for place in (0, 1))
    return Load(
        id=made.facts.load if result == "served" else 0,
        list=INCREMENTS,
        stamp=f"{changes.seen:%Y%m%d%H%M}" if changes.seen else "",
        source=settings.api_url,
        digest=changes.digest(overlap_of(settings)),
        result=result,
        loaded_at=clock.now(),
        seconds=round(time.monotonic() - made.started, 3),
        rows=made.rows,
        rejected=len(skipped),
        persons=outcome.after if outcome else 0,
        new_rows=new + (outcome.new_rows if outcome else 0),
        lost_rows=lost + (outcome.lost_rows if outcome else 0),
        report={name: value for name, value in report.items() if value},
        **({kind: getattr(outcome, kind) for kind in kinds} if outcome else {}),
        **more,
    )


async def _refused(database: Database, settings: RppsSettings, made: Increment, code: str, detail: str) -> None:
    async with database.transaction() as session:
        line = _line(settings, made, "refused", reason=code, detail=detail)
        await directory_load.note(session, replace(line, persons=0, new_rows=0, lost_rows=0))
