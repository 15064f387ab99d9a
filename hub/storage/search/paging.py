"""Sort keys and the place after which the next page begins (keyset: no offset, so that writers do not shift the pages)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from hub.storage.search.conditions import Frame
from hub.storage.search.matches import TABLE_OF
from hub.storage.search.query import SortKey

Bound = ColumnElement[Any]

# The value of a row that sorts, by kind. Text sorts by code point: the cursor and the order must agree.
VALUES: Mapping[str, Callable[[Any], Bound]] = {
    "token": lambda index: index.c.code.collate("C"),
    "uri": lambda index: index.c.code.collate("C"),
    "string": lambda index: index.c.folded.collate("C"),
    "date": lambda index: index.c.start_at,
    "reference": lambda index: (index.c.target_type + "/" + index.c.target_id).collate("C"),
    "quantity": lambda index: index.c.low,
}
WRITTEN: Mapping[type, Callable[[Any], Any]] = {datetime: datetime.isoformat, Decimal: str}


def column(frame: Frame, key: SortKey) -> Bound:
    """What a row is sorted by: the smallest of its values ascending, the largest descending, of those the viewer sees."""
    if key.parameter.code == "_id":
        return frame.row.c.id.collate("C")
    if key.parameter.code == "_lastUpdated":
        return frame.row.c.updated_at
    index = frame.index(TABLE_OF[key.parameter.kind])
    best = func.max if key.descending else func.min
    return (
        select(best(VALUES[key.parameter.kind](index)))
        .where(index.c.key == frame.row.c.key, index.c.parameter == key.parameter.code, frame.shows(index))
        .correlate(*frame.around)
        .scalar_subquery()
    )


def order(columns: Sequence[Bound], keys: Sequence[SortKey], tie: Bound) -> list[ColumnElement[Any]]:
    """ORDER BY: rows without a value last, ties by their number."""
    by = [(one.desc() if key.descending else one.asc()).nulls_last() for one, key in zip(columns, keys, strict=True)]
    return [*by, tie.asc()]


def after(columns: Sequence[Bound], keys: Sequence[SortKey], tie: Bound, place: Sequence[Any]) -> ColumnElement[bool]:
    """The rows that come after a place in that order."""
    values = [_read(key, value) for key, value in zip(keys, place, strict=False)]
    branches: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for one, key, value in zip(columns, keys, values, strict=True):
        if value is not None:  # nothing comes after those without a value but those of the same kind
            further = one < value if key.descending else one > value
            branches.append(and_(*same, or_(further, one.is_(None))))
        same.append(one.is_not_distinct_from(value))
    return or_(*branches, and_(*same, tie > int(place[-1])))


def _read(key: SortKey, value: Any) -> Any:
    if value is None:
        return None
    if key.parameter.code == "_lastUpdated":
        return datetime.fromisoformat(value)
    return Decimal(value) if key.parameter.kind == "quantity" else value


def place(row: Mapping[str, Any], keys: Sequence[SortKey]) -> list[Any]:
    """The place of a row, in values that JSON can write."""
    values = [row[f"sort_{number}"] for number in range(len(keys))]
    return [*(WRITTEN.get(type(value), lambda same: same)(value) for value in values), row["key"]]
