"""Who could take a care request, with every general practitioner and nurse of the directory as an account."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from bench.directory_search import spread
from hub.domain import places, specialties
from hub.domain.places import Commune
from hub.storage import candidates
from hub.storage.session import Database, Session

EACH, WIDEST_KM = 400, 60
MOST_MS = 10.0
MEMBERS = 800  # of a network: general practitioners and nurses of some 100 000 inhabitants
# Rows straight from the directory: what is measured is the question, not the making of accounts.
# A place of many is cut in networks.
FILL = (
    "ALTER TABLE candidate DROP CONSTRAINT IF EXISTS candidate_role_fkey, DROP CONSTRAINT IF EXISTS candidate_account_fkey",
    "CREATE TABLE point (commune text PRIMARY KEY, longitude float8, latitude float8, area text)",
    "INSERT INTO point VALUES (:commune, :longitude, :latitude, :area)",
    """
INSERT INTO candidate (role, account, national_id, profession, specialties, commune, longitude, latitude, network, sas_networks,
  kinds, radius_km, reach_km, is_active)
WITH found AS (
  SELECT DISTINCT ON (e.national_id, s.place) e.national_id || '/' || s.place AS role, e.national_id, s.profession,
    s.skill_code, p.*
  FROM directory_situation AS s JOIN directory_exercise AS e ON e.id = s.exercise JOIN point AS p ON p.commune = s.place
  WHERE s.profession = '60' OR s.profession = '10' AND s.skill_code = ANY(:general)
), shared AS (SELECT area, ceil(count(*) / :members)::int AS networks FROM found GROUP BY area),
placed AS (
  SELECT found.*, area || '-' || abs(hashtext(role)) % networks AS network, abs(hashtext(national_id)) % 10 < 4 AS volunteers
  FROM found JOIN shared USING (area)
)
SELECT role, national_id, national_id, profession, CASE WHEN skill_code = '' THEN '{}' ELSE ARRAY[skill_code] END,
  commune, longitude, latitude, network, CASE WHEN volunteers THEN ARRAY[network] ELSE '{}' END, ARRAY['office', 'video'],
  10, 12, true
FROM placed
""",
    "ANALYZE candidate",
)
DRAWN = """SELECT commune, network FROM candidate TABLESAMPLE SYSTEM (2) REPEATABLE (7) LIMIT 4000"""


async def _fill(session: Session) -> int:
    values: dict[str, object] = {
        "general": sorted(specialties.group(specialties.GENERAL_MEDICINE)),
        "members": float(MEMBERS),
    }
    points = [
        {"commune": one.code, "longitude": one.longitude, "latitude": one.latitude, "area": one.postcodes[0][:3]}
        for one in places.gazetteer().communes.values()
        if one.longitude is not None and one.postcodes
    ]
    for order in FILL:
        if order.startswith("INSERT INTO point"):
            await session.execute(text(order), points)
        else:
            await session.execute(text(order), {name: value for name, value in values.items() if f":{name}" in order})
    return int((await session.execute(text("SELECT count(*) FROM candidate"))).scalar_one())


async def _asked(
    session: Session, drawn: Sequence[tuple[Commune, str]], *, is_handoff: bool
) -> tuple[list[float], float]:
    """Seconds of each question, and how many people answer in the mean."""
    took: list[float] = []
    answered = 0
    for commune, network in drawn:
        near = places.around(commune.place, WIDEST_KM) if commune.place else {commune.code: 0}
        started = time.perf_counter()
        rows = await candidates.able(
            session,
            profession="10" if len(took) % 2 else "60",
            specialty=None,
            near=near,
            networks=[network],
            kind="office",
            care_type=None,
            is_handoff=is_handoff,
            usual=None,
            at=datetime.now(UTC),
            origin=commune.place,
        )
        took.append(time.perf_counter() - started)
        answered += len(rows)
    return took, answered / len(took)


async def measured(url: str) -> list[str]:
    """For a patient handed over by the SAS, and for any other request, at places drawn as the professionals are spread."""
    database = await Database.open(url, pool=2)
    try:
        async with database.transaction() as session:
            count = await _fill(session)
        lines = []
        async with database.transaction() as session:
            found = [(places.commune(code), network) for code, network in await session.execute(text(DRAWN))]
            known = [(commune, network) for commune, network in found if commune is not None]
            drawn = random.Random(7).choices(known, k=EACH)
            for name, is_handoff in (("handed over", True), ("any other", False)):
                await _asked(session, drawn[:50], is_handoff=is_handoff)
                took, people = await _asked(session, drawn, is_handoff=is_handoff)
                p50, p99 = spread(took)
                lines.append(
                    f"candidates       {name}, among {count:,} situations: p50 {p50:.1f} ms, p99 {p99:.1f} ms (<= {MOST_MS:g}), "
                    f"{people:.0f} people in the mean   {'met' if p99 <= MOST_MS else 'MISSED'}"
                )
        return lines
    finally:
        await database.close()
