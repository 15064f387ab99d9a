"""Asking the FHIR API what changed, then everything about the persons it touches (rpps.md 11.3): few calls, nothing written.

A row of the extraction is made of three resources, and persons are compared whole: who changed is asked first, by time, then all
their exercises and activities, by number, and the structures these name. A resource that is malformed costs the person it belongs
to this increment, told in ``skipped``, and nobody else.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.connectors.rpps import reach, resources
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.client import Progress
from hub.connectors.rpps.completing import Told, exercise_of
from hub.connectors.rpps.reach import Malformed
from hub.connectors.rpps.resources import Organization, Practitioner, Role
from hub.connectors.rpps.troubles import failure
from hub.r4 import names

AT_ONCE = 50  # persons or structures named in one call
SHOWN = 100  # characters of an id in a report
HELD_BY = ("_include", "PractitionerRole:practitioner")
WITH_ROLES = ("_revinclude", "PractitionerRole:practitioner")
WITH_ENTITY = ("_include", "Organization:partof")
Resource = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Changes:
    """What changed since a moment. ``persons``: national identifiers; ``places``: ids of structures; ``seen``: the last update met;
    ``versions``: of each resource, with when; ``ended``: activities that ended without telling whose they were.
    """

    since: datetime
    seen: datetime | None = None
    persons: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    versions: dict[str, datetime] = field(default_factory=dict)
    ended: int = 0
    skipped: list[str] = field(default_factory=list)

    def digest(self, overlap: timedelta) -> str:
        """The same for the same versions of the same resources, of those that the next increment will be told again."""
        oldest = (self.seen or self.since).replace(microsecond=0) - overlap
        again = sorted(version for version, moment in self.versions.items() if moment >= oldest)
        return hashlib.sha256("\n".join(again).encode()).hexdigest()


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Everything about the persons asked for: those of whom nothing was told are not in ``persons``. ``places``: by id."""

    persons: dict[str, Told] = field(default_factory=dict)
    places: dict[str, Organization] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)


async def changes(api: DirectoryApi, since: datetime) -> Changes:
    """Who and what changed since then. Raises ``ConnectorFailure``, ``increments-too-wide`` when that is more people than the
    settings allow."""
    found = Changes(since=since)
    moment = ("_lastUpdated", f"ge{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    for one in await api.search("Practitioner", [moment, ("_elements", "identifier,active")]):
        with _noted(found.skipped, one):
            _note(found, one)
            found.persons.add(resources.national_id(one))
    for one in await api.search("PractitionerRole", [moment, ("_elements", "practitioner,identifier,active"), HELD_BY]):
        with _noted(found.skipped, one):
            if one.get("resourceType") == "Practitioner":
                found.persons.add(resources.national_id(one))
            else:
                _note(found, one)
                found.ended += not reach.reference(one, "practitioner", "Practitioner")
    working: list[str] = []
    for one in await api.search("Organization", [moment, ("_elements", "identifier,active")]):
        with _noted(found.skipped, one):
            _note(found, one)
            place = resources.organization(one)
            if not place.is_legal:
                found.places.add(place.id)
                working += [place.id] if place.is_active else []
    for some in _batches(working):
        _bounded(api, found)
        asked = ("organization", ",".join(f"Organization/{id}" for id in some))
        for one in await api.search(
            "PractitionerRole", [asked, ("_elements", "practitioner,identifier,active"), HELD_BY]
        ):
            with _noted(found.skipped, one):
                if one.get("resourceType") == "Practitioner":
                    found.persons.add(resources.national_id(one))
    _bounded(api, found)
    return found


def _bounded(api: DirectoryApi, found: Changes) -> None:
    if len(found.persons) > api.settings.api_most_persons:
        raise failure("increments-too-wide", f"more than {api.settings.api_most_persons} persons")


def _note(found: Changes, resource: Resource) -> None:
    """Keep the version of a resource that changed, and when it did."""
    meta = reach.part(resource, "meta")
    updated = reach.text(meta, "lastUpdated")
    try:
        moment = datetime.fromisoformat(updated)
    except ValueError as trouble:
        raise Malformed("lastUpdated is no instant") from trouble
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    found.seen = max(found.seen or moment, moment)
    found.versions[f"{resource['resourceType']}/{resource['id']}/{reach.text(meta, 'versionId') or updated}"] = moment


async def gather(
    api: DirectoryApi, persons: Iterable[str], places: Iterable[str], progress: Progress | None = None
) -> Gathered:
    """All exercises and activities in force of these persons, and the structures they name, with those of ``places``. Raises
    ``ConnectorFailure``."""
    found, wanted = Gathered(), sorted(persons)
    held: dict[str, list[tuple[Practitioner, list[Role]]]] = {}
    for number, some in enumerate(_batches(wanted)):
        if progress:
            progress("increments", number * AT_ONCE, len(wanted))
        held |= await _persons(api, some, found)
    named = {role.organization for one in held.values() for _, roles in one for role in roles if role.organization}
    await _places(api, sorted(named | set(places)), found)
    for person, exercises in held.items():
        missing = [role.organization for _, roles in exercises for role in roles if role.organization]
        missing = [id for id in missing if id not in found.places or not found.places[id].is_active]
        if missing:
            found.skipped.append(f"{person}: Organization/{missing[0][:SHOWN]} is not there")
            continue
        found.persons[person] = Told(
            national_id=person,
            exercises=tuple(
                (one, tuple((role, found.places.get(role.organization)) for role in roles))
                for one, roles in _in_force(exercises)
            ),
        )
    return found


def _in_force(exercises: Iterable[tuple[Practitioner, list[Role]]]) -> list[tuple[Practitioner, list[Role]]]:
    """The exercises that have not ended, each once with its activities, should two resources tell of one."""
    found: dict[tuple[str, str], tuple[Practitioner, list[Role]]] = {}
    for one, roles in exercises:
        if one.is_active:
            found.setdefault(exercise_of(one), (one, []))[1].extend(roles)
    return list(found.values())


async def _persons(
    api: DirectoryApi, wanted: Sequence[str], found: Gathered
) -> dict[str, list[tuple[Practitioner, list[Role]]]]:
    """The exercises of each person, with the activities in force. Nobody knows whose a malformed resource is: those asked for with
    it are asked for again in halves, until it is one person's."""
    numbers = ("identifier", ",".join(f"{names.IDNPS}|{number}" for number in wanted))
    answer = await api.search("Practitioner", [numbers, WITH_ROLES])
    try:
        return _grouped(answer, set(wanted), found)
    except Malformed as trouble:
        if len(wanted) == 1:
            found.skipped.append(f"{wanted[0]}: {trouble}")
            return {}
    half = len(wanted) // 2
    return {**await _persons(api, wanted[:half], found), **await _persons(api, wanted[half:], found)}


def _grouped(
    answer: Iterable[Resource], wanted: set[str], found: Gathered
) -> dict[str, list[tuple[Practitioner, list[Role]]]]:
    people = [resources.practitioner(one) for one in answer if one["resourceType"] == "Practitioner"]
    roles: dict[str, list[Role]] = {}
    for one in answer:
        if one["resourceType"] == "PractitionerRole":
            role = resources.role(one)
            if role.is_active:
                roles.setdefault(role.practitioner, []).append(role)
    held: dict[str, list[tuple[Practitioner, list[Role]]]] = {}
    for person in people:
        if person.national_id in wanted:
            held.setdefault(person.national_id, []).append((person, roles.get(person.id, [])))
            found.unread.update(person.unread, *(role.unread for role in roles.get(person.id, [])))
    return held


async def _places(api: DirectoryApi, wanted: Sequence[str], found: Gathered) -> None:
    """Structures by id, each with the number of its legal entity."""
    for some in _batches(wanted):
        answer = await api.search("Organization", [("_id", ",".join(some)), WITH_ENTITY])
        read: dict[str, Organization] = {}
        for one in answer:
            with _noted(found.skipped, one):
                place = resources.organization(one)
                read[place.id] = place
        for id in some:
            if id in read:
                found.places[id] = _under(read[id], read.get(read[id].part_of)) if read[id].part_of else read[id]


def _under(place: Organization, entity: Organization | None) -> Organization:
    """With the number of its legal entity, untold when that could not be read."""
    cells = {key: value for key, value in place.cells.items() if key != "finess_ej"}
    return replace(place, cells=cells if entity is None else {**cells, "finess_ej": entity.cells["finess_ej"]})


def _batches(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))


@contextlib.contextmanager
def _noted(skipped: list[str], resource: Resource) -> Iterator[None]:
    """Keep which resource is malformed, and go on with the others."""
    try:
        yield
    except Malformed as trouble:
        skipped.append(f"{resource.get('resourceType')}/{resource['id'][:SHOWN]}: {trouble}")
