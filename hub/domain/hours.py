"""Opening hours, public holidays and time zones of all departments; times, durations and ages as French people write them.

The words come with plain spaces and apostrophes, fit for an SMS; pages and mails pass them through ``typography.typeset``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hub.domain import places

Hours = Mapping[str, Sequence[str]]
"""Opening hours: for each of ``DAYS`` and ``holiday``, ranges of local time such as ``"08:00-12:30"``; a day left out is closed."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
DEFAULT: Hours = {**dict.fromkeys(DAYS[:5], ("08:00-20:00",)), "sat": ("08:00-12:00",)}  # sas.md 17.8 (Choice)
LOOK_AHEAD = 30  # days: no pause of opening hours lasts longer

MAINLAND = "Europe/Paris"
ZONES = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "984": "Indian/Kerguelen",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
    "989": "Etc/GMT+8",
}
ZONES_OF_COMMUNES = {  # archipelagos of Polynesia that do not keep the time of Tahiti
    **dict.fromkeys(("98718", "98723", "98731", "98750", "98756", "98757"), "Pacific/Marquesas"),
    "98719": "Pacific/Gambier",
}

FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
AFTER_EASTER = (1, 39, 50)  # Easter Monday, Ascension, Whit Monday
ALSACE_MOSELLE = frozenset({"57", "67", "68"})  # Good Friday and 26 December besides (code du travail L3134-13)
ABOLITION = {  # of slavery (code du travail L3422-2; decree 83-1003)
    "971": (5, 27),
    "972": (5, 22),
    "973": (6, 10),
    "974": (12, 20),
    "976": (4, 27),
    "977": (10, 9),
    "978": (5, 28),
}

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
NEAR_DAYS = {-1: "hier", 0: "aujourd'hui", 1: "demain"}


def zone_of(commune: str) -> ZoneInfo:
    """The time zone of a commune (INSEE code); of its department when the commune is not known."""
    code = places.normalise(commune)
    return ZoneInfo(ZONES_OF_COMMUNES.get(code) or ZONES.get(code[:3], MAINLAND))


def _zone(zone: ZoneInfo | str) -> ZoneInfo:
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def easter(year: int) -> date:
    """Easter Sunday (Gregorian computus of Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


@cache
def holidays(year: int, department: str = "") -> frozenset[date]:
    """Public holidays of a department (``"95"``, ``"2A"``, ``"974"``); without one, those of the whole country."""
    sunday = easter(year)
    found = {date(year, month, day) for month, day in FIXED_HOLIDAYS}
    found |= {sunday + timedelta(days=days) for days in AFTER_EASTER}
    if department in ALSACE_MOSELLE:
        found |= {sunday - timedelta(days=2), date(year, 12, 26)}
    if department in ABOLITION:
        found.add(date(year, *ABOLITION[department]))
    return frozenset(found)


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.strip().split(":"))
    if not (0 <= minute < 60 and 0 <= hour * 60 + minute <= 1440):
        raise ValueError(f"not a time of day: {text!r}")
    return hour * 60 + minute


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    if minutes == 1440:
        return datetime.combine(day + timedelta(days=1), time(), zone)
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone)


def _ranges(hours: Hours, day: date, zone: ZoneInfo, department: str) -> list[tuple[datetime, datetime]]:
    name = HOLIDAY if day in holidays(day.year, department) else DAYS[day.weekday()]
    found = []
    for text in hours.get(name, ()):
        begin, end = (_minutes(part) for part in text.split("-"))
        if end <= begin:
            raise ValueError(f"a range ends after it begins: {text!r}")
        found.append((_at(day, begin, zone), _at(day, end, zone)))
    return sorted(found)


def check(hours: Hours) -> None:
    """Raise ``ValueError`` when the hours cannot be read, or never open."""
    unknown = set(hours) - {*DAYS, HOLIDAY}
    if unknown:
        raise ValueError(f"unknown days: {sorted(unknown)}")
    for name in hours:
        for text in hours[name]:
            begin, end = (_minutes(part) for part in text.split("-"))
            if end <= begin:
                raise ValueError(f"a range ends after it begins: {text!r}")
    if not any(hours.get(name) for name in DAYS):
        raise ValueError("these hours never open")


def is_open(hours: Hours | None, at: datetime, zone: ZoneInfo | str, *, department: str = "") -> bool:
    """Whether an aware instant falls in the hours (``None``: the default hours). The closing minute is closed."""
    return next_opening(hours, at, zone, department=department) <= at


def next_opening(hours: Hours | None, at: datetime, zone: ZoneInfo | str, *, department: str = "") -> datetime:
    """``at`` itself when open, else the next instant the hours open, in UTC. Raises ``ValueError`` when they never do."""
    local = _zone(zone)
    today = at.astimezone(local).date()
    for days in range(LOOK_AHEAD):
        for begin, end in _ranges(DEFAULT if hours is None else hours, today + timedelta(days=days), local, department):
            if begin <= at < end:
                return at
            if begin > at:
                return begin.astimezone(UTC)
    raise ValueError("these hours never open")


def clock_time(at: datetime, zone: ZoneInfo | str) -> str:
    """« 15:02 », for screens."""
    return at.astimezone(_zone(zone)).strftime("%H:%M")


def spoken_time(at: datetime, zone: ZoneInfo | str) -> str:
    """« 15 h 02 », for mails, SMS and sentences to read aloud; « 9 h » on the hour."""
    local = at.astimezone(_zone(zone))
    return f"{local.hour} h {local.minute:02}" if local.minute else f"{local.hour} h"


def day(at: datetime | date, now: datetime, zone: ZoneInfo | str) -> str:
    """« aujourd'hui », « demain », « hier », « lundi 16 novembre »; with the year when it is another one."""
    local = _zone(zone)
    today = now.astimezone(local).date()
    that = at.astimezone(local).date() if isinstance(at, datetime) else at
    near = NEAR_DAYS.get((that - today).days)
    if near:
        return near
    number = "1er" if that.day == 1 else str(that.day)
    words = f"{WEEKDAYS[that.weekday()]} {number} {MONTHS[that.month - 1]}"
    return words if that.year == today.year else f"{words} {that.year}"


def moment(at: datetime, now: datetime, zone: ZoneInfo | str) -> str:
    """« aujourd'hui à 15 h 02 », « lundi 16 novembre à 8 h »."""
    return f"{day(at, now, zone)} à {spoken_time(at, zone)}"


def duration(length: timedelta) -> str:
    """« 1 h 22 », « 50 min », « moins d'une minute », « 3 jours » from two days on. Negative lengths count as nothing."""
    minutes = max(0, int(length.total_seconds())) // 60
    if minutes < 1:
        return "moins d'une minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 2 * 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02}" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} jours"


def age(born: date, on: date) -> str:
    """« 47 ans »; « 18 mois » before two years; « 12 jours » before one month."""
    months = (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)
    if months >= 24:
        return f"{months // 12} ans"
    if months >= 1:
        return f"{months} mois"
    days = max(0, (on - born).days)
    return f"{days} jours" if days > 1 else f"{days} jour"
