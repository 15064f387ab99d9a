"""``hub rpps``: load the national directory, see what is served, look somebody up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hub import codes, log
from hub.connectors import http
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.rpps import diff as comparing
from hub.connectors.rpps import load as loading
from hub.connectors.rpps.client import EXTRACTION, MAILBOX_EXTRACTION, Progress, RppsClient, Source
from hub.connectors.rpps.extract import ACTIVITIES, DIPLOMAS, MAILBOXES, SKILLS, Bounds
from hub.connectors.rpps.load import Acceptance, Report
from hub.domain import areas, places
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.settings import Settings
from hub.storage import audit, directory, directory_load, directory_past
from hub.storage.directory import Activity, Criteria, Person
from hub.storage.directory_load import Load
from hub.storage.directory_past import Change, Line
from hub.storage.session import Database
from hub.verbs import rpps_files

REGISTERED = {EXTRACTION: "directory", MAILBOX_EXTRACTION: "mailboxes"}
SYNCED = {EXTRACTION: (ACTIVITIES, SKILLS, DIPLOMAS), MAILBOX_EXTRACTION: (MAILBOXES,)}
UNANSWERED = (Kind.UNREACHABLE, Kind.BUSY)


async def load(
    settings: Settings,
    database: Database,
    source: str | Path | None = None,
    progress: Progress | None = None,
    *,
    acceptance: Acceptance | None = None,
) -> Report:
    """Serve the extraction of the national directory (no ``source``), of a ZIP or text file, or of standard input (``-``).

    Raises ``ConnectorFailure``; the directory of before is then still served. ``acceptance``: the named person who answers for a
    file that a guard refuses; the decision is audited.
    """
    if acceptance is not None:
        async with database.transaction() as session:
            details = {"digest": acceptance.digest, "by": acceptance.by}
            await audit.record(session, viewer=Viewer.hub(), event="directory.accepted", details=details)
    if source is not None:
        with rpps_files.at_hand(source, settings.rpps.most_bytes) as given:
            return await loading.load(database, settings.rpps, given, acceptance=acceptance, progress=progress)
    with rpps_files.folder() as folder:
        async with _client(settings) as client:
            found = await _published(client, database, EXTRACTION, folder, progress)
        if isinstance(found, Load):
            return Report(load=found, is_new=False)
        return await loading.load(database, settings.rpps, found, acceptance=acceptance, progress=progress)


@contextlib.asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[RppsClient]:
    known = settings.rpps
    async with http.client(authority=known.authority, timeout=known.timeout) as line:
        yield RppsClient(line, known)


async def _published(
    client: RppsClient, database: Database, extraction: str, folder: Path, progress: Progress | None
) -> Source | Load:
    """The file published, or the load that is served when nothing was published since."""
    async with database.reading() as session:
        served = await directory_load.served(session, REGISTERED[extraction])
    if served is not None and await client.published(extraction) == served.stamp:
        return served
    return await client.fetch(folder, progress, extraction)


async def sync(settings: Settings, database: Database, progress: Progress | None = None) -> list[Report]:
    """Serve what is published now: persons and mailboxes, from the directory or, where it does not answer, from its public copies.
    One report a list. Raises ``ConnectorFailure`` of the first list that no source gives or a guard refuses.
    """
    reports = []
    async with _client(settings) as client:
        for extraction, prefixes in SYNCED.items():
            with rpps_files.folder() as folder:
                try:
                    found = [await _published(client, database, extraction, folder, progress)]
                except ConnectorFailure as trouble:
                    if trouble.kind not in UNANSWERED or not settings.rpps.mirror_url:
                        raise
                    log.event("directory.mirrored", reason=trouble.code)
                    found = [await client.fetch_copy(prefix, folder, progress) for prefix in prefixes]
                for one in found:
                    if isinstance(one, Load):
                        reports.append(Report(load=one, is_new=False))
                    else:
                        reports.append(await loading.load(database, settings.rpps, one, progress=progress))
    return reports


async def check(settings: Settings, database: Database, source: str | Path, progress: Progress | None = None) -> Report:
    """What loading a file would do: every guard and the whole report, and nothing is kept. Raises ``ConnectorFailure``."""
    with rpps_files.at_hand(source, settings.rpps.most_bytes) as found:
        return await loading.load(database, settings.rpps, found, progress=progress, is_trial=True)


def diff(
    settings: Settings, old: str | Path, new: str | Path, progress: Progress | None = None
) -> comparing.Difference:
    """Who differs between two files, without any database. Raises ``ConnectorFailure``."""
    known = settings.rpps
    bounds = Bounds(most_unpacked=known.most_unpacked, most_ratio=known.most_ratio)
    most = known.most_bytes
    with rpps_files.at_hand(old, most) as first, rpps_files.at_hand(new, most) as second:
        return comparing.compare(first, second, bounds, progress)


async def revert(database: Database, *, name: str, by: str) -> tuple[Load, Load]:
    """Serve again what was served before the last load of a list: the load taken back, and the one served now. Audited. Raises
    ``ConnectorFailure``."""
    last, before = await loading.revert(database, name=name)
    async with database.transaction() as session:
        details = {"digest": last.digest, "by": by}
        await audit.record(session, viewer=Viewer.hub(), event="directory.reverted", details=details)
    return last, before


async def past(database: Database, identifier: str) -> tuple[list[Line], list[Change]]:
    """The lines of work of somebody, past ones too, and how they changed from load to load."""
    async with database.reading() as session:
        for national_id in directory.numbers(identifier):
            lines = await directory_past.lines_of(session, national_id)
            if lines:
                return lines, await directory_past.changes_of(session, national_id)
    return [], []


async def show(database: Database, identifier: str) -> tuple[Person, dict[tuple[str, str], str]] | None:
    """Somebody by national identifier or by bare number, with the published words of the codes; ``None`` when there is nobody."""
    async with database.reading() as session:
        for national_id in directory.numbers(identifier):
            person = await directory.by_national_id(session, national_id)
            if person is not None:
                return person, await directory.labels(session)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer in lines. ``is_similar``: nobody has the name that was asked; ``has_more``: they are not all there."""

    rows: tuple[dict[str, str], ...]
    is_similar: bool
    has_more: bool


async def search(database: Database, asked: Criteria, *, place: str | None, km: int | None, limit: int) -> Found:
    """Who answers a query. ``place``: INSEE code, department, post code or its beginning; ``km``: around all of it, the
    nearest first. Raises ``Refusal``.
    """
    near = _places(place, km) if place else {}
    asked = replace(asked, communes=tuple(near), metres=tuple(near.values()) if km else ())
    page = await directory.search(database, asked, limit=limit)
    async with database.reading() as session:
        published = await directory.labels(session)
    rows = tuple(_found(person, published) for person in page.persons)
    return Found(rows=rows, is_similar=page.is_similar, has_more=page.following is not None or page.is_crowded)


def _places(text: str, km: int | None) -> dict[str, int]:
    """Communes that a text means, each with its distance in metres."""
    found = areas.named(text)
    if not found:
        raise Refusal("unknown-commune", code=text)
    return areas.around(found, km) if km else {one.code: 0 for one in found}


def _found(person: Person, published: dict[tuple[str, str], str]) -> dict[str, str]:
    first = person.exercises[0]
    where = [activity for one in person.exercises for activity in one.activities]
    return {
        "national id": person.national_id,
        "name": f"{first.given} {first.family}",
        "profession": ", ".join(
            dict.fromkeys(label(published, "profession", one.profession_code) for one in person.exercises)
        ),
        "where": ", ".join(dict.fromkeys(filter(None, (_town(one) for one in where)))),
    }


def _town(activity: Activity) -> str:
    known = places.commune(activity.place) if activity.place else None
    return known.name if known else activity.structure.commune if activity.structure else ""


def label(published: dict[tuple[str, str], str], subject: str, code: str) -> str:
    """What a code means: in our tables, else as published, else the code itself."""
    ours = (codes.table(name) for name in loading.TABLES.get(subject, ()))
    found = next((table.display(code) for table in ours if table.has(code)), None)
    return found or published.get((subject, code), code)


def described(person: Person, published: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Everything about somebody, codes with their meaning: for the terminal."""

    def meant(values: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, value in values.items():
            subject = name.removesuffix("_code")
            if value and subject != name and subject != "commune":
                made[name] = f"{value} ({label(published, subject, value)})"
            elif value:
                made[name] = value
        return made

    exercises = []
    for one in person.exercises:
        flat = {name: value for name, value in asdict(one).items() if name not in ("skills", "activities")}
        skills = [f"{kind} {code} ({label(published, 'skill', code)})" for kind, code in one.skills]
        work = [
            {**meant({**asdict(activity), "structure": ""}), "structure": meant(asdict(activity.structure))}
            if activity.structure
            else meant(asdict(activity))
            for activity in one.activities
        ]
        exercises.append({**meant(flat), "skills": skills, "activities": work})
    return {"national_id": person.national_id, "exercises": exercises}


async def status(database: Database, limit: int = 10) -> tuple[Load | None, list[Load]]:
    """The load that is served, and the last ones, refused ones too."""
    async with database.reading() as session:
        return await directory.status(session), await directory_load.history(session, limit)
