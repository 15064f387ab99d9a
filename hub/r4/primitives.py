"""Primitive types of FHIR R4 (datatypes.html#primitive): JSON type, pattern, range, calendar. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

LONGEST_STRING = 1_048_576  # characters: 1 MB in the specification
INTEGERS = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
LARGEST_INTEGER = 2**31 - 1

_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_YEAR = r"([1-9][0-9]{3}|0[0-9]{2}[1-9]|0[0-9][1-9]0|0[1-9]00)"
_DAY = rf"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_SOME_DAY = rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"

PATTERNS = {
    "code": re.compile(r"[^\s]+(\s[^\s]+)*"),
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "uri": re.compile(r"\S+"),
    "url": re.compile(r"\S+"),
    "canonical": re.compile(r"\S+"),
    "oid": re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "date": re.compile(_SOME_DAY),
    "dateTime": re.compile(rf"{_SOME_DAY}|{_DAY}T{_CLOCK}{_ZONE}"),
    "instant": re.compile(rf"{_DAY}T{_CLOCK}{_ZONE}"),
    "time": re.compile(_CLOCK),
}
DATES = frozenset({"date", "dateTime", "instant"})
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # control characters but tab, line feed, carriage return
BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
WHITE = re.compile(r"\s+")


class Fault(StrEnum):
    """What can be wrong with a primitive; each has its sentence in ``messages``."""

    NOT_TEXT = "not-text"
    NOT_NUMBER = "not-number"
    NOT_BOOLEAN = "not-boolean"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    CONTROL = "control"
    PATTERN = "pattern"
    RANGE = "range"
    CALENDAR = "calendar"
    BASE64 = "base64"


def _text(value: Any) -> Fault | None:
    if type(value) is not str:
        return Fault.NOT_TEXT
    if not value:
        return Fault.EMPTY
    if len(value) > LONGEST_STRING:
        return Fault.TOO_LONG
    return Fault.CONTROL if FORBIDDEN.search(value) else None


def _long_text(value: Any) -> Fault | None:
    """Base64 and narratives have no length of their own: the size of the whole body is limited."""
    if type(value) is not str:
        return Fault.NOT_TEXT
    if not value:
        return Fault.EMPTY
    return None


def _base64(value: Any) -> Fault | None:
    fault = _long_text(value)
    return fault or (None if BASE64.fullmatch(WHITE.sub("", value)) else Fault.BASE64)


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _patterned(kind: str) -> Callable[[Any], Fault | None]:
    pattern, is_date = PATTERNS[kind], kind in DATES

    def check(value: Any) -> Fault | None:
        if type(value) is not str:
            return Fault.PATTERN if is_date else Fault.NOT_TEXT
        if not value:
            return Fault.EMPTY
        if pattern.fullmatch(value) is None:
            return Fault.PATTERN
        return Fault.CALENDAR if is_date and len(value) >= 10 and not _exists(value[:10]) else None

    return check


def _integer(least: int) -> Callable[[Any], Fault | None]:
    def check(value: Any) -> Fault | None:
        if type(value) is not int:
            return Fault.NOT_NUMBER
        return None if least <= value <= LARGEST_INTEGER else Fault.RANGE

    return check


def _decimal(value: Any) -> Fault | None:
    return None if type(value) in (int, Decimal, float) else Fault.NOT_NUMBER


def _boolean(value: Any) -> Fault | None:
    return None if type(value) is bool else Fault.NOT_BOOLEAN


CHECKS: Mapping[str, Callable[[Any], Fault | None]] = {
    "boolean": _boolean,
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": _long_text,
    "base64Binary": _base64,
    **{kind: _integer(least) for kind, least in INTEGERS.items()},
    **{kind: _patterned(kind) for kind in PATTERNS},
}
