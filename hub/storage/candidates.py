"""Who could take a request: one indexed query over one row a situation (workflow.md 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.domain import specialties
from hub.storage.session import Session
from hub.storage.tables.accounts import candidate

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A situation that may be asked. ``longitude`` and ``latitude`` in degrees, ``None`` when only the commune is known;
    ``care_types`` empty takes all; ``absences`` are pairs of dates, both included.
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


COLUMNS = ", ".join(f"c.{one.name}" for one in fields(Row))

# Near or of the networks, else the usual professional of the patient, whom neither distance, volunteering nor kind leaves out.
ABLE = text(f"""
SELECT {COLUMNS} FROM candidate AS c
WHERE c.is_active
  AND (
    (c.profession = :profession
     AND (c.commune = ANY(:communes) OR c.network = ANY(:networks))
     AND (:any_specialty OR c.specialties && :specialties)
     AND (CAST(:kind AS text) IS NULL OR :kind = ANY(c.kinds))
     AND (CAST(:care_type AS text) IS NULL OR c.care_types = '{{}}' OR :care_type = ANY(c.care_types))
     AND (NOT :is_handoff OR c.sas_networks && :networks))
    OR (c.national_id = :usual AND c.profession = :profession)
  )
  AND NOT EXISTS (SELECT FROM jsonb_array_elements(c.absences) AS a WHERE :day BETWEEN a ->> 0 AND a ->> 1)
  AND (c.max_open IS NULL OR c.max_open > (SELECT count(*) FROM board AS b WHERE b.performer = c.role AND b.state = ANY(:held)))
""")  # noqa: S608 - the columns are those of the dataclass above

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
) -> list[Row]:
    """Everybody who could take a request now: active, of the profession and specialty, near (``communes``) or in one of
    ``networks``, taking this kind of care and care type, a SAS volunteer of one of them for a handoff, present on that day in
    France, with room left. ``usual``: national identifier of the usual professional, asked in any case unless absent or full.
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
    }
    rows = await session.execute(ABLE, given)
    return [Row(**row._mapping) for row in rows]


async def keep(session: Session, one: Row) -> None:
    """Add or replace the row of a situation."""
    values: dict[str, Any] = asdict(one)
    changed = {name: value for name, value in values.items() if name != "role"}
    await session.execute(upsert(candidate).values(values).on_conflict_do_update(index_elements=["role"], set_=changed))


async def forget(session: Session, role: str) -> None:
    """The situation may no longer be asked."""
    await session.execute(delete(candidate).where(candidate.c.role == role))
