"""Statements that stand on the hot path, run on libpq itself (:mod:`hub.storage.lines`). SQLAlchemy still makes their text, so
that what a viewer may see is said in one place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from sqlalchemy import ClauseElement, Select
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.compiler import SQLCompiler

from hub.storage import hot
from hub.storage.lines import PLACE, Rows
from hub.storage.session import Database, Session

DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """``text`` with named parameters, ``constants`` for those that come with the statement, ``columns`` of its rows."""

    text: bytes
    constants: Mapping[str, Any]
    columns: tuple[str, ...]


def order(statement: ClauseElement, columns: Sequence[str] = ()) -> Order:
    """The statement as the driver takes it. ``columns``: of the rows of one that is no ``Select``."""
    made = statement.compile(dialect=DIALECT)
    assert isinstance(made, SQLCompiler)
    open_to = {name for name, one in made.binds.items() if one.required}
    state = made.construct_expanded_state(dict.fromkeys(open_to))
    constants = {name: value for name, value in state.parameters.items() if name not in open_to}
    if isinstance(statement, Select):
        columns = [str(column.key) for column in statement.selected_columns]
    return Order(text=state.statement.encode(), constants=constants, columns=tuple(columns))


def written_out(one: Order, words: Mapping[str, Any]) -> Order:
    """The statement with its constants and these words as literals, quoted by the driver, so that its plan is made for them."""
    values = {**one.constants, **words}

    def literal(place: re.Match[str]) -> str:
        name = place[1]
        return sql.Literal(values[name]).as_string(None).replace("%", "%%") if name in values else place[0]

    return Order(text=PLACE.sub(literal, one.text.decode()).encode(), constants={}, columns=one.columns)


def _rows(one: Order, found: Rows) -> list[Row]:
    return [dict(zip(one.columns, row, strict=True)) for row in found]


async def rows(database: Database, one: Order, words: Mapping[str, Any]) -> list[Row]:
    """What the statement finds, in one round trip. ``words`` fill the parameters that are not its own constants."""
    return _rows(one, await database.fetch(one.text, {**one.constants, **words}))


async def within(session: Session, one: Order, words: Mapping[str, Any]) -> list[Row]:
    """The same in the transaction of a session."""
    (found,) = await hot.ask(session, (one.text, {**one.constants, **words}))
    return _rows(one, found)


async def values(session: Session, one: Order, words: Mapping[str, Any]) -> list[Any]:
    """The first column of what :func:`within` finds."""
    (found,) = await hot.ask(session, (one.text, {**one.constants, **words}))
    return [row[0] for row in found]


async def later(session: Session, one: Order, words: Mapping[str, Any]) -> None:
    """Have the statement carried out before the next one of the session, or before its commit: nobody waits for it."""
    await hot.later(session, (one.text, {**one.constants, **words}))
