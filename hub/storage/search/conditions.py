"""Conditions as SQL, on the index tables: each drives the plan from its index (``key IN``), and, for a viewer who sees some rows
at outline only, is guarded so that a hidden element never matches (fhir.md 9.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, exists, false, or_, select, true
from sqlalchemy.sql.selectable import Exists, LateralFromClause

from hub.domain import facets
from hub.domain.people import Viewer
from hub.storage import parameters, sight
from hub.storage.search import matches
from hub.storage.search.matches import TABLE_OF, Test
from hub.storage.search.query import Chain, Condition, Criterion, Has, bad
from hub.storage.tables.records import index_reference, index_text, index_token, resource

Index = FromClause


@cache
def alias(table: Table, number: int) -> FromClause:
    """An alias by number: made once for all queries, because its columns take longer to make than a query to run."""
    return table.alias(f"{table.name}_{number}")


@cache
def _beside(number: int, type_name: str) -> LateralFromClause:
    row = alias(resource, number)
    return sight.beside(row, sight.level(row, False, [type_name]), f"seen_{number}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One row of ``resource`` in a query: its alias, its type, and beside it the viewer's level (``None``: always full).

    ``numbers`` names the aliases of the whole query.
    """

    row: FromClause
    type: str
    seen: FromClause | None
    sees_all: bool
    is_narrow: bool
    is_sender: bool
    numbers: Iterator[int]

    @property
    def source(self) -> FromClause:
        """What stands in FROM."""
        return self.row if self.seen is None else self.row.join(self.seen, true())

    @property
    def exists(self) -> ColumnElement[bool]:
        """The row is there, and is there for the viewer."""
        there = and_(self.row.c.type == self.type, ~self.row.c.deleted)
        if self.seen is None:
            return there
        sieve = sight.possible(self.row, self.type) if self.is_narrow else None
        return and_(there, sight.seen(self.row, self.seen.c.level), true() if sieve is None else sieve)

    def shows(self, index: Index) -> ColumnElement[bool]:
        """A row of an index stands for an element this viewer sees."""
        if self.seen is None:
            return true()
        if self.is_facet:
            common = index.c.parameter.in_(sorted(facets.SEARCHED))
            return or_(self.whole, and_(self.seen.c.level == sight.FULL, common))
        return or_(self.whole, index.c.at_outline)

    @property
    def is_facet(self) -> bool:
        """Patients, for a viewer who sees of some of them only what it sent itself (domain/facets.py)."""
        return self.is_sender and self.type == "Patient"

    @property
    def whole(self) -> ColumnElement[bool]:
        """Nothing of the row is hidden from the viewer."""
        if self.seen is None:
            return true()
        full = self.seen.c.level == sight.FULL
        return and_(full, sight.of_sender(self.row)) if self.is_facet else full

    @property
    def around(self) -> list[FromClause]:
        """What subqueries refer to."""
        return [self.row] if self.seen is None else [self.row, self.seen]

    def index(self, table: Table) -> Index:
        """A fresh alias of an index table."""
        return alias(table, next(self.numbers))

    def beside(self, type_name: str) -> Frame:
        """Another row in the same query."""
        return _frame(type_name, self.sees_all, self.is_narrow, self.is_sender, self.numbers)


def frame(type_name: str, viewer: Viewer) -> Frame:
    """A row of that type as the viewer sees it, in a query of its own."""
    return _frame(type_name, viewer.sees_all, sight.is_narrow(viewer), viewer.sender is not None, count())


def _frame(type_name: str, sees_all: bool, is_narrow: bool, is_sender: bool, numbers: Iterator[int]) -> Frame:
    number = next(numbers)
    is_whole = sees_all or sight.is_open(type_name)
    seen = None if is_whole else _beside(number, type_name)
    return Frame(alias(resource, number), type_name, seen, sees_all, is_narrow, is_sender, numbers)


def of(frame: Frame, condition: Condition) -> ColumnElement[bool]:
    """The SQL of one condition on a row."""
    if isinstance(condition, Chain):
        return or_(*(_chain(frame, condition, type_name, inner) for type_name, inner in condition.branches))
    if isinstance(condition, Has):
        return _has(frame, condition)
    return _criterion(frame, condition)


def _criterion(frame: Frame, one: Criterion) -> ColumnElement[bool]:
    if one.parameter.code in ON_THE_ROW:
        return ON_THE_ROW[one.parameter.code](frame, one)
    if one.modifier == "missing":
        return _missing(frame, one)
    table, name, test = matches.of(one)
    if one.modifier == "not":
        return ~_visible(frame, table, name, test)
    return _matching(frame, table, name, test)


def _rows(frame: Frame, table: Table, name: str, test: Test) -> tuple[Index, ColumnElement[bool]]:
    index = frame.index(table)
    return index, and_(index.c.type == frame.type, index.c.parameter == name, test(index))


def _matching(frame: Frame, table: Table, name: str, test: Test) -> ColumnElement[bool]:
    index, matching = _rows(frame, table, name, test)
    drives = frame.row.c.key.in_(select(index.c.key).where(matching))
    if frame.seen is None:
        return drives
    return and_(drives, or_(frame.whole, _visible(frame, table, name, test)))


def _visible(frame: Frame, table: Table, name: str, test: Test) -> Exists:
    index, matching = _rows(frame, table, name, test)
    return exists().where(index.c.key == frame.row.c.key, matching, frame.shows(index)).correlate(*frame.around)


# Where else an element leaves a row when it has no value of its own kind: a concept with a text only, a logical reference.
ALSO: dict[str, tuple[Table, str]] = {"token": (index_text, ":text"), "reference": (index_token, ":identifier")}


def _missing(frame: Frame, one: Criterion) -> ColumnElement[bool]:
    places = [(TABLE_OF[one.parameter.kind], one.parameter.code)]
    if one.parameter.kind in ALSO:
        table, suffix = ALSO[one.parameter.kind]
        places.append((table, one.parameter.code + suffix))
    present = or_(*(_visible(frame, table, name, lambda _: true()) for table, name in places))
    return ~present if one.values == ("true",) else present


def _chain(frame: Frame, chain: Chain, type_name: str, inner: Condition) -> ColumnElement[bool]:
    def leads(only_outline: bool) -> Select[Any]:
        index, target = frame.index(index_reference), frame.beside(type_name)
        return (
            select(index.c.key)
            .select_from(index)
            .join(target.source, and_(target.row.c.id == index.c.target_id, target.row.c.type == type_name))
            .where(
                index.c.type == frame.type,
                index.c.parameter == chain.parameter.code,
                index.c.target_type == type_name,
                target.exists,
                of(target, inner),
                index.c.at_outline if only_outline else true(),
            )
        )

    drives = frame.row.c.key.in_(leads(False))
    if frame.seen is None:
        return drives
    return and_(drives, or_(frame.whole, frame.row.c.key.in_(leads(True))))


def _has(frame: Frame, has: Has) -> ColumnElement[bool]:
    index, source = frame.index(index_reference), frame.beside(has.source)
    referred = (
        select(index.c.target_id)
        .select_from(index)
        .join(source.source, source.row.c.key == index.c.key)
        .where(
            index.c.type == has.source,
            index.c.parameter == has.parameter.code,
            index.c.target_type == frame.type,
            source.exists,
            source.shows(index),
            of(source, has.inner),
        )
    )
    return frame.row.c.id.in_(referred)


def _by_id(frame: Frame, one: Criterion) -> ColumnElement[bool]:
    if one.modifier == "missing":
        return false() if one.values == ("true",) else true()
    if one.modifier not in (None, "not"):
        raise bad(one.name, f"le modificateur :{one.modifier} n'est pas offert")
    among = frame.row.c.id.in_(one.values)
    return ~among if one.modifier == "not" else among


def _by_update(frame: Frame, one: Criterion) -> ColumnElement[bool]:
    if one.modifier == "missing":
        return false() if one.values == ("true",) else true()
    return or_(*(matches.update_test(frame.row.c.updated_at, one.name, value) for value in one.values))


ON_THE_ROW: dict[str, Callable[[Frame, Criterion], ColumnElement[bool]]] = {"_id": _by_id, "_lastUpdated": _by_update}


def in_compartment(frame: Frame, patient: str) -> ColumnElement[bool]:
    """The row belongs to the compartment of a patient (fhir.md 3.11). Raises ``Refusal("bad-search")`` for other types."""
    names = parameters.compartment().get(frame.type)
    if names is None:
        raise bad(frame.type, "ce type n'appartient pas au dossier d'un patient")
    test = matches.to_target("Patient", patient)
    linked = or_(*(_matching(frame, index_reference, name, test) for name in names))
    return or_(frame.row.c.id == patient, linked) if frame.type == "Patient" else linked


def everything(frame: Frame, conditions: Sequence[Condition]) -> list[ColumnElement[bool]]:
    """All that a row must satisfy."""
    return [frame.exists, *(of(frame, one) for one in conditions)]
