"""The invented persons who may sign in, read from people.toml (kinds of user: PSC specification 5.7)."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A place of activity; every absent value is the empty string, as in the national answers."""

    technical_id: str
    former_id: str
    name: str
    commune: str
    postal_code: str
    city: str
    department: str
    finess: str = ""
    finess_legal: str = ""
    siret: str = ""
    siren: str = ""
    trade_name: str = ""
    recipient: str = ""
    number: str = ""
    repetition: str = ""
    way_type: str = ""
    way: str = ""
    telephone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    structure: Structure
    mode: str
    sector: str
    role: str = ""
    kind: str = ""
    section: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One profession and category of a person, with the names under which it is practised."""

    given: str
    family: str
    profession: str = ""
    category: str = ""
    title: str = ""
    know_how_type: str = ""
    know_how: str = ""
    activities: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherId:
    identifier: str
    origin: str
    quality: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """``id`` is the national identifier with its prefix; ``shape`` is full, minimal or older."""

    id: str
    kind: str
    label: str
    civility: str
    given: str
    family: str
    shape: str = "full"
    exercises: tuple[Exercise, ...] = ()
    other_ids: tuple[OtherId, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"


def load() -> dict[str, Person]:
    """Every person by national identifier, in the order of the file."""
    text = resources.files(__package__).joinpath("people.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    structures = {key: Structure(**facts) for key, facts in data["structures"].items()}
    people = [_person(facts, structures) for facts in data["people"]]
    return {person.id: person for person in people}


def _person(facts: dict[str, Any], structures: dict[str, Structure]) -> Person:
    exercises = tuple(_exercise(exercise, structures) for exercise in facts.get("exercises", []))
    # An RPPS holder is announced under that number unless the file says otherwise.
    announced = facts.get("other_ids", [{"identifier": facts["id"], "origin": "RPPS"}])
    others = tuple(OtherId(**other) for other in announced)
    return Person(**{**facts, "exercises": exercises, "other_ids": others})


def _exercise(facts: dict[str, Any], structures: dict[str, Structure]) -> Exercise:
    activities = tuple(
        Activity(**{**activity, "structure": structures[activity["structure"]]})
        for activity in facts.get("activities", [])
    )
    return Exercise(**{**facts, "activities": activities})
