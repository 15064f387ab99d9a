"""Who could take a request: one indexed query over one row a situation (workflow.md 4.2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from math import ceil, cos, radians
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.domain import places, specialties
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

ANYWHERE = 32_000  # kilometres: the reach of those whose point is not known

DISTANCE = "power((c.longitude - :longitude) * :per_longitude, 2) + power((c.latitude - :latitude) * :per_latitude, 2)"
REACHED = (
    f"""(CAST(:longitude AS float8) IS NULL OR c.longitude IS NULL OR {DISTANCE} <= power(c.radius_km * 1000.0, 2))"""
)
# The volunteers of the networks for a patient handed over; those near, and those of the networks who are not, for any other
# request; the usual professional anyhow. Each road has its own index and leads to other people, whatever the planner assumes of
# the values. In a city the nearest communes give enough: nobody measures thirty thousand people to write to two hundred.
NETWORKS = "unnest(CAST(:networks AS text[])) AS ours (network)"
NEAR = """unnest(string_to_array(:communes, ','), CAST(string_to_array(:kilometres, ',') AS integer[]))
    WITH ORDINALITY AS near (commune, km, place)"""
IS_OURS = "c.network = ANY(CAST(:networks AS text[]))"
FIT = f"""c.is_active AND c.profession = :profession AND c.role <> ALL(CAST(:declined AS text[]))
  AND (CAST(:usual AS text) IS NULL OR c.national_id IS DISTINCT FROM :usual) AND {REACHED}
  AND (:any_specialty OR c.specialties && CAST(:specialties AS text[]))
  AND (CAST(:kind AS text) IS NULL OR CAST(:kind AS text) = ANY(c.kinds))
  AND (CAST(:care_type AS text) IS NULL OR c.care_types = '{{}}' OR CAST(:care_type AS text) = ANY(c.care_types))"""
FREE = """(c.absences = '[]'
    OR NOT EXISTS (SELECT FROM jsonb_array_elements(c.absences) AS a WHERE :day BETWEEN a ->> 0 AND a ->> 1))
  AND (c.max_open IS NULL OR c.max_open > (SELECT count(*) FROM board AS b WHERE b.performer = c.role AND b.state = ANY(:held)))"""
ABLE = text(f"""
SELECT {COLUMNS}, coalesce(p.addresses -> 0 ->> 'longitude', '') <> '' AS is_exact FROM (SELECT c.* FROM (
  SELECT c.* FROM {NETWORKS} JOIN candidate AS c ON c.sas_networks @> ARRAY[ours.network] AND {FIT} AND {FREE}
  WHERE :is_handoff AND (
    {IS_OURS} OR CAST(:longitude AS float8) IS NOT NULL AND c.longitude IS NOT NULL
    OR c.commune IN (SELECT unnest(string_to_array(:communes, ','))))
  UNION ALL
  (SELECT c.* FROM {NEAR} JOIN candidate AS c ON c.commune = near.commune AND c.reach_km >= near.km AND {FIT} AND {FREE}
  WHERE NOT :is_handoff ORDER BY near.place LIMIT :measured)
  UNION ALL
  SELECT c.* FROM {NETWORKS} JOIN candidate AS c ON c.network = ours.network AND {FIT} AND {FREE}
  WHERE NOT :is_handoff AND c.commune NOT IN (SELECT unnest(string_to_array(:communes, ',')))
  UNION ALL
  SELECT c.* FROM candidate AS c
  WHERE c.national_id = :usual AND c.profession = :profession AND c.is_active
    AND c.role <> ALL(CAST(:declined AS text[])) AND {FREE}
) AS c
ORDER BY c.national_id = :usual DESC NULLS LAST, {IS_OURS} DESC NULLS LAST, {DISTANCE} NULLS LAST, c.role LIMIT :most
) AS c LEFT JOIN preference AS p ON p.role = c.role
""")  # noqa: S608 - columns of the dataclass above and conditions written here

HELD = ["accepted", "proposed", "unreachable", "confirmed"]  # states in which a request counts against ``max_open``
MOST = 200  # nobody writes to more people for one appointment: the networks' own first, then the nearest
MEASURED = 700  # of those near, commune after commune from the nearest


async def able(
    session: Session,
    *,
    profession: str,
    specialty: str | None,
    near: Mapping[str, int],
    networks: Sequence[str],
    kind: str | None,
    care_type: str | None,
    is_handoff: bool,
    usual: str | None,
    at: datetime,
    origin: Place | None = None,
    declined: Collection[str] = (),
) -> list[Row]:
    """Everybody who could take a request now, ``MOST`` at most: active, of the profession and specialty, in a commune that is
    ``near`` (its distance in metres, the nearest first) or in one of ``networks``, taking this kind of care and care type, a SAS
    volunteer of one of them for a handoff, present on that day in France, with room left. ``origin``: where care is wanted, to
    leave out those whose radius does not reach it. ``usual``: national identifier of the usual professional, asked in any case
    unless absent or full. ``declined``: roles that said no.
    """
    codes = specialties.wanted(profession, specialty)
    given = {
        "profession": profession,
        "communes": ",".join(near),  # one text: a long list is looked at item by item, by the driver and by the planner
        "kilometres": ",".join(str(metres // 1000) for metres in near.values()),
        "networks": list(dict.fromkeys(networks)),
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
        "declined": sorted(declined),
        "most": MOST,
        "measured": MEASURED,
    }
    rows = await session.execute(ABLE, given)
    return [Row(**row._mapping) for row in rows]


def reach_km(one: Row) -> int:
    """Kilometres from the middle of its commune within which the situation may reach a place: nobody further need be measured."""
    middle = known.place if (known := places.commune(one.commune)) else None
    if middle is None or one.longitude is None or one.latitude is None:
        return ANYWHERE
    point = Place(longitude=one.longitude, latitude=one.latitude, commune=one.commune)
    return min(ANYWHERE, ceil((one.radius_km + places.metres(middle, point) / 1000) * TOLERANCE) + 1)


async def keep(session: Session, one: Row) -> None:
    """Add or replace the row of a situation."""
    known = {name: value for name, value in asdict(one).items() if name != "is_exact"}
    values: dict[str, Any] = {**known, "reach_km": reach_km(one)}
    changed = {name: value for name, value in values.items() if name != "role"}
    await session.execute(upsert(candidate).values(values).on_conflict_do_update(index_elements=["role"], set_=changed))


async def forget(session: Session, role: str) -> None:
    """The situation may no longer be asked."""
    await session.execute(delete(candidate).where(candidate.c.role == role))
