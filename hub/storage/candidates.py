"""Who could take a request: one indexed query over one row a situation (workflow.md 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from math import cos, radians
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.domain import specialties
from hub.domain.places import Place
from hub.storage.session import Session
from hub.storage.tables.accounts import candidate

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A situation that may be asked. ``longitude`` and ``latitude`` in degrees, ``None`` when only the commune is known;
    ``care_types`` empty takes all; ``absences`` are pairs of dates, both included. ``is_exact``: found, never kept: the point is
    that of an address.
    """

    role: str
    account: str
    profession: str
    commune: str
    radius_km: int
    is_active: bool
    national_id: str | None = None
    specialties: list[str] = field(default_factory=list)
    longitude: float | None = None
    latitude: float | None = None
    network: str | None = None
    sas_networks: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    care_types: list[str] = field(default_factory=list)
    max_open: int | None = None
    absences: list[list[str]] = field(default_factory=list)
    is_exact: bool = False


COLUMNS = ", ".join(f"c.{one.name}" for one in fields(Row) if one.name != "is_exact")
METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere of 6 371 km
TOLERANCE = 1.05  # the caller measures exactly; this only spares it those who are clearly too far

REACHED = """(CAST(:longitude AS float8) IS NULL OR c.longitude IS NULL OR
   power((c.longitude - :longitude) * :per_longitude, 2) + power((c.latitude - :latitude) * :per_latitude, 2)
   <= power(c.radius_km * 1000.0, 2))"""

# Three ways to be found, each through its own index whatever the planner assumes of the arrays: near, of the networks, or the usual
# professional of the patient, whom neither distance, volunteering nor kind leaves out.
ABLE = text(f"""
WITH found AS (
  SELECT c.role FROM unnest(CAST(:communes AS text[])) AS near (commune)
  JOIN candidate AS c ON c.profession = :profession AND c.commune = near.commune AND {REACHED}
  UNION
  SELECT c.role FROM unnest(CAST(:networks AS text[])) AS ours (network)
  JOIN candidate AS c ON c.profession = :profession AND c.network = ours.network AND {REACHED}
  UNION
  SELECT c.role FROM candidate AS c WHERE c.national_id = :usual AND c.profession = :profession
)
SELECT {COLUMNS}, coalesce(p.addresses -> 0 ->> 'longitude', '') <> '' AS is_exact
FROM found JOIN candidate AS c ON c.role = found.role LEFT JOIN preference AS p ON p.role = c.role
WHERE c.is_active
  AND (
    c.national_id = :usual
    OR ((:any_specialty OR c.specialties && CAST(:specialties AS text[]))
        AND (CAST(:kind AS text) IS NULL OR CAST(:kind AS text) = ANY(c.kinds))
        AND (CAST(:care_type AS text) IS NULL OR c.care_types = '{{}}' OR CAST(:care_type AS text) = ANY(c.care_types))
        AND (NOT :is_handoff OR c.sas_networks && CAST(:networks AS text[])))
  )
  AND NOT EXISTS (SELECT FROM jsonb_array_elements(c.absences) AS a WHERE :day BETWEEN a ->> 0 AND a ->> 1)
  AND (c.max_open IS NULL OR c.max_open > (SELECT count(*) FROM board AS b WHERE b.performer = c.role AND b.state = ANY(:held)))
""")  # noqa: S608 - columns of the dataclass above and a condition written here

HELD = ["accepted", "proposed", "unreachable", "confirmed"]  # states in which a request counts against ``max_open``


async def able(
    session: Session,
    *,
    profession: str,
    specialty: str | None,
    communes: Sequence[str],
    networks: Sequence[str],
    kind: str | None,
    care_type: str | None,
    is_handoff: bool,
    usual: str | None,
    at: datetime,
    origin: Place | None = None,
) -> list[Row]:
    """Everybody who could take a request now: active, of the profession and specialty, near (``communes``) or in one of
    ``networks``, taking this kind of care and care type, a SAS volunteer of one of them for a handoff, present on that day in
    France, with room left. ``origin``: where care is wanted, to leave out those whose radius does not reach it. ``usual``:
    national identifier of the usual professional, asked in any case unless absent or full.
    """
    codes = specialties.wanted(profession, specialty)
    given = {
        "profession": profession,
        "communes": list(communes),
        "networks": list(networks),
        "any_specialty": not codes,
        "specialties": sorted(codes),
        "kind": kind or None,
        "care_type": care_type or None,
        "is_handoff": is_handoff,
        "usual": usual,
        "day": at.astimezone(PARIS).date().isoformat(),
        "held": HELD,
        "longitude": origin.longitude if origin else None,
        "latitude": origin.latitude if origin else None,
        "per_longitude": METRES_PER_DEGREE * cos(radians(origin.latitude)) / TOLERANCE if origin else 0.0,
        "per_latitude": METRES_PER_DEGREE / TOLERANCE,
    }
    rows = await session.execute(ABLE, given)
    return [Row(**row._mapping) for row in rows]


async def keep(session: Session, one: Row) -> None:
    """Add or replace the row of a situation."""
    values: dict[str, Any] = {name: value for name, value in asdict(one).items() if name != "is_exact"}
    changed = {name: value for name, value in values.items() if name != "role"}
    await session.execute(upsert(candidate).values(values).on_conflict_do_update(index_elements=["role"], set_=changed))


async def forget(session: Session, role: str) -> None:
    """The situation may no longer be asked."""
    await session.execute(delete(candidate).where(candidate.c.role == role))
