"""How a value is compared in searches (fhir.md 3.2 to 3.5): folded text, half-open intervals of time, intervals of numbers,
references brought to one form. Used on what is stored and on what is searched, so that both sides agree.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

FOREVER = 2**62  # microseconds: beyond every date FHIR can write
DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Interval(NamedTuple):
    """A half-open interval of time, in microseconds since 1970 UTC."""

    start: int
    end: int


def fold(text: str) -> str:
    """Text as it is compared: no case, no accents, punctuation as one space. A space at the end stays: it was typed."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae"))
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return re.sub(r" +", " ", kept.casefold()).lstrip(" ")


def micros(moment: datetime) -> int:
    """An aware instant in microseconds since 1970 UTC."""
    return (moment - EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    """The reverse of :func:`micros`, kept inside the years a ``datetime`` can hold."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    if micros <= (first - EPOCH) // MICROSECOND:
        return first
    return last if micros >= (last - EPOCH) // MICROSECOND else EPOCH + timedelta(microseconds=micros)


def interval(text: str) -> Interval:
    """A FHIR date, dateTime or instant of any precision as the interval it covers (fhir.md 3.4): a day is 24 h in UTC.

    Raises ``ValueError``.
    """
    match = DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a date: {text}")
    part = match.groupdict()
    year, month, day = int(part["year"]), int(part["month"] or 1), int(part["day"] or 1)
    if part["hour"] is None:
        start = datetime(year, month, day, tzinfo=UTC)
        days = (
            1 if part["day"] else calendar.monthrange(year, month)[1] if part["month"] else 365 + calendar.isleap(year)
        )
        return Interval(micros(start), micros(start) + days * 86_400_000_000)
    zone = part["zone"] or "Z"
    second = min(int(part["second"] or 0), 59)  # a leap second counts as the one before
    start = datetime.fromisoformat(
        f"{year:04}-{month:02}-{day:02}T{part['hour']}:{part['minute']}:{second:02}" + zone.replace("Z", "+00:00")
    )
    if part["fraction"]:
        digits = part["fraction"][:6]
        begin = micros(start) + int(digits.ljust(6, "0"))
        return Interval(begin, begin + 10 ** (6 - len(digits)))
    return Interval(micros(start), micros(start) + (1_000_000 if part["second"] else 60_000_000))


def between(start: str | None, end: str | None) -> Interval:
    """A Period: from the start of ``start`` to the end of ``end``; a missing bound is infinite."""
    return Interval(interval(start).start if start else -FOREVER, interval(end).end if end else FOREVER)


def spread(number: Decimal) -> Decimal:
    """Half the last digit written: 65 stands for 64.5 to 65.5, 65.0 for 64.95 to 65.05."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"not a finite number: {number}")
    return Decimal(5).scaleb(exponent - 1)


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference leads to: ``type`` and ``id`` here, or an address elsewhere (``type`` empty, ``id`` the address)."""

    type: str
    id: str
    version: str = ""


class _Own:
    """Where :func:`use_addresses` keeps the addresses of this hub."""

    addresses: tuple[str, ...] = ()


def use_addresses(*addresses: str) -> None:
    """Tell under which base addresses this hub is known: absolute references that begin with one of them are local."""
    _Own.addresses = tuple(address.rstrip("/") + "/" for address in addresses)


LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")


def target(text: str) -> Target | None:
    """A literal reference in its one form; ``None`` for a contained one (``#a``) or an empty one."""
    for address in _Own.addresses:
        text = text.removeprefix(address)
    local = LOCAL.fullmatch(text)
    if local is not None:
        return Target(local[1], local[2])
    if not text or text.startswith("#"):
        return None
    return Target("", text)


def canonical(text: str) -> Target | None:
    """A canonical ``url|version``."""
    address, _, version = text.partition("|")
    return Target("", address, version) if address else None
