"""What a searched value asks of one row of an index: tokens, texts, dates, references, quantities (fhir.md 3.2 to 3.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, and_, func, literal, not_, or_

from hub import clock
from hub.storage import values
from hub.storage.search.query import Criterion, bad, parts, plain
from hub.storage.tables.records import index_date, index_quantity, index_reference, index_text, index_token

Test = Callable[[FromClause], ColumnElement[bool]]
TABLE_OF: Mapping[str, Table] = {
    "token": index_token,
    "uri": index_token,
    "string": index_text,
    "date": index_date,
    "reference": index_reference,
    "quantity": index_quantity,
}
PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)
MILLISECOND = timedelta(milliseconds=1)


def of(one: Criterion) -> tuple[Table, str, Test]:
    """The index to look in, the name of the parameter there, and the test: any of the values."""
    kind, modifier = one.parameter.kind, one.modifier
    name = one.parameter.code
    make = SPECIAL.get((kind, modifier or ""), KINDS[kind])
    table, suffix = ELSEWHERE.get((kind, modifier or ""), (TABLE_OF[kind], ""))
    made = [make(one, value) for value in one.values]
    return table, name + suffix, lambda index: or_(*(test(index) for test in made))


def _token(one: Criterion, value: str) -> Test:
    words = [plain(part) for part in parts(value, "|")]
    if len(words) > 2:
        raise bad(one.name, "la forme est code ou système|code")
    code = words[-1].lower() if one.parameter.is_folded else words[-1]
    if len(words) == 1:
        return lambda index: index.c.code == code
    if not code:
        return lambda index: index.c.system == words[0]
    return lambda index: and_(index.c.code == code, index.c.system == words[0])


def _of_type(one: Criterion, value: str) -> Test:
    words = [plain(part) for part in parts(value, "|")]
    if len(words) != 3 or not all(words):
        raise bad(one.name, "la forme est système du type|type|valeur")
    system, code = f"{words[0]}|{words[1]}", words[2].lower()
    return lambda index: and_(index.c.code == code, index.c.system == system)


def _identifier(one: Criterion, value: str) -> Test:
    words = [plain(part) for part in parts(value, "|")]
    code = words[-1].lower()
    if len(words) == 1:
        return lambda index: index.c.code == code
    return lambda index: and_(index.c.code == code, index.c.system == words[0])


def _folded(one: Criterion, value: str) -> str:
    folded = values.fold(plain(value))
    if not folded.strip():
        raise bad(one.name, "il n'y a ni lettre ni chiffre à chercher")
    return folded


def _text(one: Criterion, value: str) -> Test:
    start = _folded(one, value)
    return lambda index: index.c.folded.like(start + "%")


def _contains(one: Criterion, value: str) -> Test:
    inside = _folded(one, value).strip()
    return lambda index: index.c.folded.like(f"%{inside}%")


def _exact(one: Criterion, value: str) -> Test:
    text = plain(value)
    return lambda index: and_(index.c.folded == values.fold(text).rstrip(), index.c.exact == text)


def _uri(_one: Criterion, value: str) -> Test:
    return lambda index: index.c.code == plain(value)


def _below(_one: Criterion, value: str) -> Test:
    address = plain(value)
    if address.startswith("urn:"):
        return lambda index: index.c.code == address
    start = address.rstrip("/") + "/"
    return lambda index: or_(index.c.code == address, index.c.code.startswith(start, autoescape=True))


def _above(_one: Criterion, value: str) -> Test:
    address = plain(value)
    if address.startswith("urn:"):
        return lambda index: index.c.code == address
    return lambda index: or_(
        index.c.code == address, func.starts_with(literal(address), func.rtrim(index.c.code, "/") + "/")
    )


ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def to_target(type_name: str, id: str) -> Test:
    """A reference to that resource of ours."""
    return lambda index: and_(index.c.target_id == id, index.c.target_type == type_name)


def _reference(one: Criterion, value: str) -> Test:
    text = plain(value)
    if one.modifier is not None:  # :Type
        text = text if "/" in text else f"{one.modifier}/{text}"
    target = values.target(text)
    if target is not None and target.type:
        if one.modifier not in (None, target.type):
            raise bad(one.name, "le type et la référence ne vont pas ensemble")
        return to_target(target.type, target.id)
    if ID.fullmatch(text):
        return lambda index: and_(index.c.target_id == text, index.c.target_type != "")
    words = [plain(part) for part in parts(value, "|")]
    if len(words) == 2:
        address, version = words
        return lambda index: and_(index.c.target_id == address, index.c.target_version == version)
    return lambda index: and_(index.c.target_id == text, index.c.target_type == "")


# t0, t1: what is stored; s0, s1: what is searched; half-open (fhir.md 3.4).
DATES: Mapping[str, Callable[[Any, Any, Any, Any], ColumnElement[bool]]] = {
    "eq": lambda t0, t1, s0, s1: and_(t0 >= s0, t1 <= s1),
    "ne": lambda t0, t1, s0, s1: not_(and_(t0 >= s0, t1 <= s1)),
    "gt": lambda t0, t1, s0, s1: t1 > s1,
    "lt": lambda t0, t1, s0, s1: t0 < s0,
    "ge": lambda t0, t1, s0, s1: or_(t1 > s1, and_(t0 >= s0, t1 <= s1)),
    "le": lambda t0, t1, s0, s1: or_(t0 < s0, and_(t0 >= s0, t1 <= s1)),
    "sa": lambda t0, t1, s0, s1: t0 >= s1,
    "eb": lambda t0, t1, s0, s1: t1 <= s0,
    "ap": lambda t0, t1, s0, s1: and_(t0 < s1, t1 > s0),
}


def _searched(name: str, value: str) -> tuple[str, values.Interval]:
    match = PREFIXED.fullmatch(plain(value))
    assert match is not None
    prefix = match[1] or "eq"
    try:
        span = values.interval(match[2].replace(" ", "+"))  # a plus that was not percent-encoded arrives as a space
    except ValueError as trouble:
        raise bad(name, "la date ne se lit pas") from trouble
    if prefix != "ap":
        return prefix, span
    margin = abs(values.micros(clock.now()) - span.start) // 10
    return prefix, values.Interval(span.start - margin, span.end + margin)


def _date(one: Criterion, value: str) -> Test:
    prefix, span = _searched(one.name, value)
    return lambda index: DATES[prefix](index.c.start_at, index.c.end_at, span.start, span.end)


class _Shifted:
    """``updated_at`` as the end of its own millisecond: comparisons move the other side, so that the column keeps its index."""

    def __init__(self, column: ColumnElement[datetime]) -> None:
        self.column = column

    def __gt__(self, other: datetime) -> ColumnElement[bool]:
        return self.column > other - MILLISECOND

    def __le__(self, other: datetime) -> ColumnElement[bool]:
        return self.column <= other - MILLISECOND


def update_test(column: ColumnElement[datetime], name: str, value: str) -> ColumnElement[bool]:
    """``_lastUpdated`` on the column itself."""
    prefix, span = _searched(name, value)
    return DATES[prefix](column, _Shifted(column), values.moment(span.start), values.moment(span.end))


QUANTITIES: Mapping[str, Callable[[Any, Any, Decimal, Decimal], ColumnElement[bool]]] = {
    "eq": lambda low, high, n, d: and_(low >= n - d, high < n + d),
    "ne": lambda low, high, n, d: not_(and_(low >= n - d, high < n + d)),
    "gt": lambda low, high, n, d: high > n,
    "lt": lambda low, high, n, d: low < n,
    "ge": lambda low, high, n, d: high >= n,
    "le": lambda low, high, n, d: low <= n,
    "sa": lambda low, high, n, d: low > n,
    "eb": lambda low, high, n, d: high < n,
    "ap": lambda low, high, n, d: and_(low <= n + abs(n) / 10, high >= n - abs(n) / 10),
}


def _quantity(one: Criterion, value: str) -> Test:
    words = [plain(part) for part in parts(value, "|")]
    match = PREFIXED.fullmatch(words[0])
    assert match is not None
    try:
        number = Decimal(match[2])
        margin = values.spread(number)
    except (InvalidOperation, ValueError) as trouble:
        raise bad(one.name, "un nombre est attendu") from trouble
    if len(words) not in (1, 3):
        raise bad(one.name, "la forme est nombre|système|code")
    compare = QUANTITIES[match[1] or "eq"]

    def test(index: FromClause) -> ColumnElement[bool]:
        within = [compare(index.c.low, index.c.high, number, margin)]
        if len(words) == 3 and words[1]:
            within.append(and_(index.c.system == words[1], index.c.code == words[2]))
        elif len(words) == 3 and words[2]:
            within.append(or_(index.c.unit == words[2], index.c.code == words[2]))
        return and_(*within)

    return test


KINDS: Mapping[str, Callable[[Criterion, str], Test]] = {
    "token": _token,
    "uri": _uri,
    "string": _text,
    "date": _date,
    "reference": _reference,
    "quantity": _quantity,
}
SPECIAL: Mapping[tuple[str, str], Callable[[Criterion, str], Test]] = {
    ("token", "of-type"): _of_type,
    ("token", "text"): _text,
    ("string", "exact"): _exact,
    ("string", "contains"): _contains,
    ("uri", "below"): _below,
    ("uri", "above"): _above,
    ("reference", "identifier"): _identifier,
}
ELSEWHERE: Mapping[tuple[str, str], tuple[Table, str]] = {
    ("token", "of-type"): (index_token, ":of-type"),
    ("token", "text"): (index_text, ":text"),
    ("reference", "identifier"): (index_token, ":identifier"),
}
