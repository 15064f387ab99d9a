"""Search and includes over the national directory, as FHIR resources in a total order (rpps.md 13): two statements a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from hub.storage import directory_criteria as criteria
from hub.storage import directory_resources as resources
from hub.storage.directory_criteria import exercise, situation, structure
from hub.storage.directory_resources import ID_OF, Row
from hub.storage.resources import Stored
from hub.storage.search.query import Condition, Include
from hub.storage.session import Session
from hub.storage.tables import directory as tables

MOST_INCLUDED = 1000  # resources around one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a search: what matches, the rows it was made of, and where the following begins (``None``: nothing follows)."""

    matches: list[Stored]
    rows: list[Row]
    after: list[Any] | None


PERSON = (exercise.national_id, exercise.profession_code, exercise.category_code)
# A structure without a key is one line; the key alone orders the others.
PLACE = (
    func.coalesce(structure.key, ""),
    case((func.coalesce(structure.key, "") == "", func.coalesce(structure.id, 0)), else_=0),
)
WORK = (situation.mode_code, situation.role_code, situation.activity_kind_code, situation.pharmacist_section_code)
ORDER: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "Practitioner": PERSON,
    "PractitionerRole": (*PERSON, *PLACE, *WORK),
    "Organization": PLACE,
}


def _from(type_name: str) -> Select[Any]:
    if type_name == "Practitioner":
        return select(exercise.id).select_from(tables.exercise)
    if type_name == "Organization":
        return select(structure.id).select_from(tables.structure)
    joined = tables.situation.join(tables.exercise, exercise.id == situation.exercise).outerjoin(
        tables.structure, structure.id == situation.structure
    )
    return select(situation.id).select_from(joined).where(~situation.is_idle)


async def _known(session: Session, type_name: str, conditions: Sequence[Condition]) -> dict[str, Row]:
    """The rows that the ids of a search name: a few at most."""
    found: dict[str, Row] = {}
    for target, id in dict.fromkeys(criteria.named_ids(type_name, conditions)):
        row = await resources.row_of(session, target, id)
        if row is not None:
            found[id] = row
    return found


async def _selection(session: Session, type_name: str, conditions: Sequence[Condition]) -> Select[Any]:
    known = await _known(session, type_name, conditions)
    return _from(type_name).where(*(criteria.test(type_name, one, known) for one in conditions))


async def count(session: Session, type_name: str, conditions: Sequence[Condition]) -> int:
    """How many resources match, all counted. Raises :class:`hub.storage.directory_criteria.NotAsked`."""
    order = ORDER[type_name]
    selection = await _selection(session, type_name, conditions)
    each = (
        selection.with_only_columns(*(one.label(f"k{place}") for place, one in enumerate(order))).distinct().subquery()
    )
    total: int = (await session.execute(select(func.count()).select_from(each))).scalar_one()
    return total


async def page(
    session: Session, type_name: str, conditions: Sequence[Condition], *, size: int, after: Sequence[Any] | None = None
) -> Part:
    """At most ``size`` matches after a place, in the order of keys: ``size`` nought only tells whether something follows.

    Raises :class:`hub.storage.directory_criteria.NotAsked`, and ``Refusal("bad-search")``.
    """
    order = ORDER[type_name]
    selection = await _selection(session, type_name, conditions)
    if after:
        selection = selection.where(tuple_(*order) > tuple_(*map(literal, after)))
    number = selection.selected_columns[0]
    chosen = (
        selection.with_only_columns(
            number.label("number"), *(one.label(f"k{place}") for place, one in enumerate(order))
        )
        .ext(distinct_on(*order))
        .order_by(*order, number)
        .limit(size + 1)
    )
    keys = (await session.execute(chosen)).all()
    rows = await _rows(session, type_name, [key.number for key in keys[:size]])
    following = list(keys[size - 1][1:]) if size and len(keys) > size else ([] if len(keys) > size else None)
    return Part(matches=await resources.rendered(session, type_name, rows), rows=rows, after=following)


async def _rows(session: Session, type_name: str, numbers: Sequence[int]) -> list[Row]:
    """The rows, in the order of the keys of the page, each thing once."""
    found = await resources.rows(session, type_name, numbers)
    place = {number: position for position, number in enumerate(numbers)}
    by_id = {ID_OF[type_name](row): row for row in found}
    return sorted(by_id.values(), key=lambda row: place.get(row["number"], len(numbers)))


async def around(session: Session, type_name: str, rules: Sequence[Include], found: Sequence[Row]) -> list[Stored]:
    """What the rules of ``_include`` and ``_revinclude`` add to rows of a page, once each. One round: nothing refers further."""
    made: list[Stored] = []
    for target in ("Practitioner", "Organization"):
        if type_name == "PractitionerRole" and any(_leads(rule, target) for rule in rules):
            column = {"Practitioner": "exercise", "Organization": "structure"}[target]
            made += await _all(session, target, {row[column] for row in found if row[column]})
    if type_name in ("Practitioner", "Organization") and any(_comes_back(rule, type_name) for rule in rules) and found:
        made += await _all(session, "PractitionerRole", await _roles_of(session, type_name, found))
    return made


def _leads(rule: Include, target: str) -> bool:
    forward = not rule.reverse and rule.source == "PractitionerRole"
    return forward and rule.parameter in ("", target.lower()) and rule.target in ("", target)


def _comes_back(rule: Include, type_name: str) -> bool:
    return rule.reverse and rule.source == "PractitionerRole" and rule.parameter in ("", type_name.lower())


async def _roles_of(session: Session, type_name: str, found: Sequence[Row]) -> list[int]:
    order = ORDER["PractitionerRole"]
    if type_name == "Practitioner":
        wanted = tuple_(*PERSON).in_([tuple(row[name] for name in criteria.KEY) for row in found])
    else:
        wanted = tuple_(*PLACE).in_(
            [(row["structure_key"], 0 if row["structure_key"] else row["structure"]) for row in found]
        )
    query = _from("PractitionerRole").where(wanted).ext(distinct_on(*order)).order_by(*order, situation.id)
    return list((await session.execute(query.limit(MOST_INCLUDED))).scalars())


async def _all(session: Session, type_name: str, numbers: Iterable[int]) -> list[Stored]:
    wanted = sorted(set(numbers))
    return await resources.rendered(session, type_name, await _rows(session, type_name, wanted))
