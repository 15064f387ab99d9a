"""When somebody wants to be told (workflow.md 3). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo

Hours = Mapping[str, Sequence[Sequence[str]]]  # ISO day "1" to "7" -> [["08:00", "20:00"], …]

# (Choice) Monday to Saturday, 8:00 to 20:00.
DEFAULT_HOURS: dict[str, list[list[str]]] = {str(day): [["08:00", "20:00"]] for day in range(1, 7)}
DEFAULT_RADIUS_KM = 10  # (Choice)
DEFAULT_KINDS = ("visite", "consultation")


def opens_at(hours: Hours, at: datetime, zone: tzinfo) -> datetime | None:
    """The instant a notice must wait for; ``None`` when it may arrive at once. No hours at all is no limit."""
    local = at.astimezone(zone)
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        for start, end in sorted(tuple(period) for period in hours.get(str(day.isoweekday()), ())):
            opening = datetime.combine(day, time.fromisoformat(start), zone)
            closing = datetime.combine(day, time.fromisoformat(end), zone)
            if opening <= local < closing:
                return None
            if local < opening < closing:
                return opening.astimezone(at.tzinfo)
    return None
