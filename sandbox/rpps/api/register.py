"""What the API knows: each resource with its version, day after day (directory specification 11.3).

A night changes only what changed: same content, same version. Who leaves stays as `active` = false with almost nothing else.
Ids are numbered in order of appearance, so that the same story gives the same ids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from sandbox.rpps.api import equipment, organisations, shapes
from sandbox.rpps.api.systems import SOURCE, Json, extension
from sandbox.rpps.model import Activity, Exercise, Person, Structure
from sandbox.rpps.publication import Publication

ZONE = ZoneInfo("Europe/Paris")
FIRST_NUMBER = 9_900_001  # of the parts of an id
OLDEST = timedelta(days=400)  # what was there on the first day was updated at some moment before
SOURCE_DELAY = timedelta(days=1)  # between a change at the source and its publication
KEPT_WHEN_DEPARTED = ("resourceType", "id", "identifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`number` is the internal order, `content` the resource before it was dated, `resource` as it is served."""

    number: int
    version: int
    updated: datetime
    authority: str
    content: Json
    resource: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    structure: Structure
    sector: str
    authority: str


Store = Mapping[str, Stored]


class Register:
    """`resources` (by `Type/id`) is replaced at each publication and never altered: whoever holds it holds one revision."""

    def __init__(self) -> None:
        self.resources: Store = {}
        self._next: dict[str, Stored] = {}
        self._numbers: dict[Any, int] = {}
        self._counts: dict[str, int] = {}
        self._people: Mapping[str, Person] = {}
        self._places: dict[str, Place] = {}
        self._of_person: dict[str, set[str]] = {}

    def publish(self, publication: Publication) -> None:
        """Take in the directory of one day; the days come in their order."""
        self._next = dict(self.resources)
        people, at = publication.directory.people, publication.at
        self._publish_places(people, at)
        for id in [*people, *(id for id in self._people if id not in people)]:
            person = people.get(id)
            if person is self._people.get(id):
                continue
            made = dict(self._resources_of(person)) if person is not None and person.id_type == "8" else {}
            for key, (content, authority) in made.items():
                self._put(key, content, authority, at)
            for key in sorted(self._of_person.get(id, set()) - made.keys()):
                self._depart(key, at)
            self._of_person[id] = set(made)
        self._people = people
        self.resources = self._next

    def _publish_places(self, people: Mapping[str, Person], at: datetime) -> None:
        """Establishments outlive those who work there; a practice does not."""
        found = self._found_places(people)
        for key, place in found.items():
            if self._places.get(key) != place:
                for content in self._organization(key, place):
                    self._put(f"{content['resourceType']}/{content['id']}", content, place.authority, at)
        for key in [key for key in self._places if key not in found]:
            if self._places[key].structure.finess or self._places[key].structure.siret:
                found[key] = self._places[key]
            else:
                self._depart(f"Organization/{self._organization_id(key)}", at)
        self._places = found

    def _found_places(self, people: Mapping[str, Person]) -> dict[str, Place]:
        """Those who work in one place may disagree on it: what was said the day before is kept while somebody says it."""
        told: dict[str, set[Place]] = {}
        for person in people.values():
            for exercise in person.exercises:
                for activity in exercise.activities:
                    if key := structure_key(activity.structure):
                        told.setdefault(key, set()).add(_place(activity))
        before = self._places
        return {
            key: before[key] if before.get(key) in places else min(places, key=lambda one: (one.sector, one.authority))
            for key, places in told.items()
        }

    def _organization(self, key: str, place: Place) -> Iterator[Json]:
        legal = self._organization_id(f"legal {place.structure.finess_ej}") if place.structure.finess_ej else ""
        if legal:
            yield organisations.legal_entity(legal, place.structure)
        id = self._organization_id(key)
        yield organisations.organization(id, place.structure, place.sector, legal)
        yield from equipment.of(id, place.structure, place.sector)

    def _resources_of(self, person: Person) -> Iterator[tuple[str, tuple[Json, str]]]:
        for exercise in person.exercises:
            id = self._practitioner_id(person, exercise)
            authority = exercise.activities[0].authority.split("/")[0] if exercise.activities else ""
            yield f"Practitioner/{id}", (shapes.practitioner(id, person, exercise), authority)
            for activity in exercise.activities:
                role = self._role(person, exercise, activity, id)
                yield f"PractitionerRole/{role['id']}", (role, "".join(activity.authority.split("/")[1:2]))

    def _role(self, person: Person, exercise: Exercise, activity: Activity, practitioner: str) -> Json:
        key = structure_key(activity.structure)
        owner = self._number("exercise", (person.national_id, exercise.profession, exercise.category))
        situation = self._number("situation", (person.national_id, exercise.profession, exercise.category, key))
        references = {"practitioner": {"reference": f"Practitioner/{practitioner}"}}
        if key:
            references["organization"] = {"reference": f"Organization/{self._organization_id(key)}"}
        return shapes.role(f"005-{owner}-{situation}", person, activity, references)

    def _practitioner_id(self, person: Person, exercise: Exercise) -> str:
        owner = self._number("person", person.national_id)
        return f"003-{owner}-{self._number('exercise', (person.national_id, exercise.profession, exercise.category))}"

    def _organization_id(self, key: str) -> str:
        return f"001-01-{self._number('organization', key)}"

    def _number(self, series: str, key: Any) -> int:
        if (series, key) not in self._numbers:
            self._counts[series] = self._counts.get(series, 0) + 1
            self._numbers[(series, key)] = FIRST_NUMBER + self._counts[series] - 1
        return self._numbers[(series, key)]

    def _put(self, key: str, content: Json, authority: str, at: datetime) -> None:
        before = self._next.get(key)
        if before is not None and (before.content, before.authority) == (content, authority):
            return
        updated = at if self.resources else at - timedelta(seconds=crc32(key.encode()) % int(OLDEST.total_seconds()))
        stored = Stored(
            number=before.number if before else len(self._next) + 1,
            version=before.version + 1 if before else 1,
            updated=updated,
            authority=authority,
            content=content,
            resource={},
        )
        self._next[key] = replace(stored, resource=_dated(stored))

    def _depart(self, key: str, at: datetime) -> None:
        before = self._next[key]
        content = {name: before.content[name] for name in KEPT_WHEN_DEPARTED if name in before.content}
        content["meta"] = before.content["meta"]
        if content["resourceType"] == "Organization":
            content["name"] = before.content["name"]
        self._put(key, {**content, "active": False}, before.authority, at)


def structure_key(structure: Structure) -> str:
    """Column 24, else column 47, else nothing (specification 5.1)."""
    return structure.structure_id or structure.structure_national_id


def _place(activity: Activity) -> Place:
    sector = activity.raw.get("sector_code", activity.sector)
    authority = activity.authority.split("/")[2:3]
    return Place(structure=activity.structure, sector=sector, authority="".join(authority))


def _dated(stored: Stored) -> Json:
    """The resource with its version, dates and trace."""
    content = stored.content
    parts: list[Json] = []
    if stored.authority:
        coded = {"coding": [{"code": stored.authority}]}
        parts.append({"url": "autorite-enregistrement", "valueCodeableConcept": coded})
    from_finess = content["resourceType"] in ("HealthcareService", "Device") or stored.authority == "ARS"
    is_person = content["resourceType"] in ("Practitioner", "PractitionerRole")
    parts.append({"url": "systeme-information", "valueCode": "FINESS" if from_finess and not is_person else "RPPS"})
    changed = (stored.updated.astimezone(ZONE) - SOURCE_DELAY).date()
    parts.append({"url": "date-maj-ae", "valueDate": changed.isoformat()})
    meta = {
        "versionId": str(stored.version),
        "lastUpdated": stored.updated.astimezone(UTC).astimezone(ZONE).isoformat(timespec="milliseconds"),
        "source": SOURCE,
        "extension": [extension("as-ext-data-trace", *parts)],
        "profile": content["meta"]["profile"],
    }
    return {**content, "meta": meta}
