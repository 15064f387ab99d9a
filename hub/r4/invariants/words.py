"""Small readings and rule makers that the invariants share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

Json = Any
Rule = Callable[[dict[str, Json]], bool]


def items(value: Json, name: str) -> list[dict[str, Json]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def chosen(value: dict[str, Json], name: str) -> bool:
    """Whether a choice element has a value of any type."""
    return any(key.startswith(name) and key[len(name) :][:1].isupper() for key in value)


def distinct(values: list[Json]) -> bool:
    return len(values) == len(set(values))


def number(value: Json) -> bool:
    return isinstance(value, (int, float)) or hasattr(value, "is_finite")


def needs(name: str, *others: str) -> Rule:
    """``name`` asks for one of the others."""
    return lambda it: name not in it or any(other in it for other in others)


def one_of(*names: str) -> Rule:
    return lambda it: any(name in it for name in names)


def not_both(one: str, other: str) -> Rule:
    return lambda it: not (one in it and other in it)


def _same_kind(a: Json, b: Json) -> bool:
    return isinstance(a, str) and isinstance(b, str) and ("T" in a) == ("T" in b)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def in_order(start: Json, end: Json) -> bool:
    """Whether start <= end; undecided (different precisions, unreadable) counts as right."""
    if not _same_kind(start, end):
        return True
    if "T" in start:
        first, last = _moment(start), _moment(end)
        return first is None or last is None or first <= last
    return len(start) != len(end) or bool(start <= end)
