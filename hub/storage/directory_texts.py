"""Names and texts of the national directory in a FHIR search (rpps.md 13), as SQL: without case or accent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from hub.domain import search_key
from hub.storage import values
from hub.storage.search.query import Criterion, bad, plain
from hub.storage.tables import directory as tables

Test = ColumnElement[bool]
Rows = Mapping[str, Mapping[str, Any]]  # what the directory holds under the ids that a search names
Maker = Callable[[Criterion, str, Rows], Test]

exercise, structure = tables.exercise.c, tables.structure.c


def of_name(key_column: ColumnElement[str], printed: ColumnElement[str]) -> Maker:
    """A name that begins so, without case or accent; ``:exact``: the whole, as printed."""

    def test(one: Criterion, value: str, _: Rows) -> Test:
        key = search_key.key(plain(value))
        if not key:
            raise bad(one.name, "il n'y a ni lettre ni chiffre à chercher")
        # Both values of the first column of the index, named so that any PostgreSQL reads it by the name.
        begins = and_(exercise.is_idle.in_((False, True)), key_column >= key, key_column < key + search_key.LAST)
        return and_(begins, printed == plain(value)) if one.modifier == "exact" else begins

    return test


ACCENTED = "àâäáãåéèêëíìîïóòôöõúùûüýÿçñ"
PLAIN = "aaaaaaeeeeiiiiooooouuuuyycn"


def folded(column: ColumnElement[str]) -> ColumnElement[str]:
    """A text of a structure as it is compared: no case, no accents, punctuation as one space (``values.fold``, in SQL)."""
    accents: list[ColumnElement[str]] = [
        literal_column(f"'{signs}'") for signs in (ACCENTED + ACCENTED.upper(), PLAIN + PLAIN)
    ]
    low = func.translate(func.lower(column), *accents)
    return func.ltrim(
        func.regexp_replace(low, literal_column("'[^a-z0-9]+'"), literal_column("' '"), literal_column("'g'"))
    )


def text_of(*columns: ColumnElement[str]) -> Maker:
    """A text of a structure that begins so, without case or accent; ``:exact``: the whole, as printed."""

    def test(one: Criterion, value: str, _: Rows) -> Test:
        if one.modifier == "exact":
            return or_(*(column == plain(value) for column in columns))
        begins = values.fold(plain(value)).strip()
        if not begins:
            raise bad(one.name, "il n'y a ni lettre ni chiffre à chercher")
        return or_(*(folded(column).startswith(begins, autoescape=True) for column in columns))

    return test


def postcode(one: Criterion, value: str, _: Rows) -> Test:
    """A post code that begins so; ``:exact``: the whole."""
    code = plain(value).strip()
    return (
        structure.postcode == code if one.modifier == "exact" else structure.postcode.startswith(code, autoescape=True)
    )
