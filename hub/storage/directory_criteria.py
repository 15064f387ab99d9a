"""What a FHIR search asks of the rows of the national directory (rpps.md 13): each condition as SQL.

The directory lacks many elements (no sex, no address of a person): a search for them finds nobody in it. What it has and cannot be
asked that way (a modifier, ``_has``) raises :class:`NotAsked`, so that the answer can say that the directory was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, false, or_, true

from hub.storage import directory_makers as makers
from hub.storage import values
from hub.storage.directory_makers import KEY, NotAsked, exercise, situation, structure
from hub.storage.directory_texts import Maker, Rows, Test
from hub.storage.search.query import Chain, Condition, Criterion, plain

__all__ = [
    "KEY",
    "NotAsked",
    "exercise",
    "id_of",
    "is_exercise",
    "is_situation",
    "is_structure",
    "named_ids",
    "situation",
    "structure",
    "test",
]


def is_exercise(row: Mapping[str, Any]) -> Test:
    """The lines of an exercise."""
    return and_(*(exercise[name] == row[name] for name in KEY))


def is_structure(row: Mapping[str, Any]) -> Test:
    """The lines of a structure: those of its key, or the one line of a structure without."""
    return and_(structure.key == row["structure_key"] if row["structure_key"] else structure.id == row["structure"])


def is_situation(row: Mapping[str, Any]) -> Test:
    """One line of work, which stands for its activity."""
    return and_(situation.id == row["situation"])


def _refers(type_name: str, to: Callable[[Mapping[str, Any]], Test]) -> Maker:
    def test(_: Criterion, value: str, known: Rows) -> Test:
        row = known.get(id_of(value, type_name) or "")
        return to(row) if row is not None else false()

    return test


def id_of(value: str, type_name: str) -> str | None:
    """The id that a reference to a type names: alone, with its type, or in an address of ours."""
    text = plain(value)
    target = values.target(text)
    if target is not None and target.type:
        return target.id if target.type == type_name else None
    return None if "/" in text else text


MAKERS: Mapping[str, Mapping[str, Maker]] = {
    "Practitioner": {**makers.PERSON, "_id": _refers("Practitioner", is_exercise)},
    "PractitionerRole": {
        **makers.WORK,
        "practitioner": _refers("Practitioner", is_exercise),
        "organization": _refers("Organization", is_structure),
        "_id": _refers("PractitionerRole", is_situation),
    },
    "Organization": {**makers.PLACE, "_id": _refers("Organization", is_structure)},
}
PRESENT_OTHERWISE = frozenset(
    {"address", "_profile", "_source", "partof", "email", "telecom"}
)  # there, and not searched


def named_ids(type_name: str, conditions: Sequence[Condition]) -> Iterator[tuple[str, str]]:
    """The type and id of every resource of the directory that the conditions name, to be read beforehand."""
    for one in conditions:
        if isinstance(one, Chain):
            for branch, inner in one.branches:
                yield from named_ids(branch, [inner])
        elif isinstance(one, Criterion) and one.parameter.code in ("_id", "practitioner", "organization"):
            target = {"practitioner": "Practitioner", "organization": "Organization"}.get(one.parameter.code, type_name)
            for value in one.values:
                id = id_of(value, target)
                if id is not None:
                    yield target, id


def test(type_name: str, condition: Condition, known: Rows) -> Test:
    """The SQL of one condition. Raises :class:`NotAsked`, and ``Refusal("bad-search")`` for a value that says nothing."""
    if isinstance(condition, Chain):
        leads = {"practitioner": "Practitioner", "organization": "Organization"}.get(condition.parameter.code)
        if type_name != "PractitionerRole" or leads is None:
            return false()
        branches = [inner for branch, inner in condition.branches if branch == leads]
        there = situation.structure != 0 if leads == "Organization" else true()
        return and_(there, *(test(leads, inner, known) for inner in branches)) if branches else false()
    if not isinstance(condition, Criterion):
        if condition.source == "PractitionerRole":
            raise NotAsked(f"_has:{condition.source}:{condition.parameter.code}")
        return false()  # what refers to the directory is the directory
    return _criterion(type_name, condition, known)


def _criterion(type_name: str, one: Criterion, known: Rows) -> Test:
    maker = MAKERS[type_name].get(one.parameter.code)
    if maker is None:
        if one.parameter.code in PRESENT_OTHERWISE:
            raise NotAsked(one.name)
        return true() if one.modifier == "not" or (one.modifier, one.values) == ("missing", ("true",)) else false()
    if one.modifier in (None, "exact"):
        return or_(*(maker(one, value, known) for value in one.values))
    if one.modifier == "not":
        return ~or_(*(maker(one, value, known) for value in one.values))
    if one.modifier == "missing" and one.parameter.code in ("active", "_id", "_tag", "_lastUpdated"):
        return true() if one.values == ("false",) else false()
    raise NotAsked(one.name)
