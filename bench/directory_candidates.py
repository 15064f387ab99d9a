"""Who could take a care request, with every general practitioner and nurse of the directory as an account."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from sqlalchemy import text

from bench.directory_search import spread
from hub.domain import places, specialties
from hub.storage import candidates
from hub.storage.session import Database, Session

EACH, WIDEST_KM = 400, 60
MOST_MS = 10.0
# Rows straight from the directory: what is measured is the question, not the making of accounts.
FILL = """
ALTER TABLE candidate DROP CONSTRAINT IF EXISTS candidate_role_fkey, DROP CONSTRAINT IF EXISTS candidate_account_fkey;
INSERT INTO candidate (role, account, national_id, profession, specialties, commune, longitude, latitude, network, sas_networks,
  kinds, radius_km, is_active)
SELECT DISTINCT ON (e.national_id, s.place) e.national_id || '/' || s.place, e.national_id, e.national_id, s.profession,
  CASE WHEN s.skill_code = '' THEN '{}' ELSE ARRAY[s.skill_code] END, s.place, p.longitude, p.latitude, p.network,
  CASE WHEN abs(hashtext(e.national_id)) % 10 < 4 THEN ARRAY[p.network] ELSE '{}' END, ARRAY['office', 'video'], 10, true
FROM directory_situation AS s JOIN directory_exercise AS e ON e.id = s.exercise JOIN point AS p ON p.commune = s.place
WHERE s.profession = '60' OR s.profession = '10' AND s.skill_code = ANY(%(general)s)
"""
TOWNS = "SELECT place FROM directory_situation TABLESAMPLE SYSTEM (1) WHERE place <> '' AND NOT is_idle LIMIT 4000"


async def _fill(session: Session) -> int:
    await session.execute(
        text("CREATE TABLE point (commune text PRIMARY KEY, longitude float8, latitude float8, network text)")
    )
    known = [
        {
            "commune": one.code,
            "longitude": one.longitude,
            "latitude": one.latitude,
            "network": f"cpts-{one.postcodes[0][:3]}",
        }
        for one in places.gazetteer().communes.values()
        if one.longitude is not None and one.postcodes
    ]
    await session.execute(text("INSERT INTO point VALUES (:commune, :longitude, :latitude, :network)"), known)
    drop, insert = FILL.split(";\n")
    await session.execute(text(drop))
    general = sorted(specialties.group(specialties.GENERAL_MEDICINE))
    await session.execute(text(insert.replace("%(general)s", ":general")), {"general": general})
    await session.execute(text("ANALYZE candidate"))
    return int((await session.execute(text("SELECT count(*) FROM candidate"))).scalar_one())


async def measured(url: str) -> list[str]:
    """The query of a handed-over patient, at places drawn as the professionals are spread."""
    database = await Database.open(url, pool=2)
    try:
        async with database.transaction() as session:
            count = await _fill(session)
        took: list[float] = []
        answered: list[float] = []
        async with database.transaction() as session:
            drawn = [code for (code,) in await session.execute(text(TOWNS))]
            for code in random.Random(7).choices(drawn, k=EACH):
                commune = places.commune(code)
                if commune is None or commune.place is None:
                    continue
                started = time.perf_counter()
                rows = await candidates.able(
                    session,
                    profession="10" if len(took) % 2 else "60",
                    specialty=None,
                    communes=places.within(commune.place, WIDEST_KM),
                    networks=[f"cpts-{commune.postcodes[0][:3]}"],
                    kind="office",
                    care_type=None,
                    is_handoff=True,
                    usual=None,
                    at=datetime.now(UTC),
                    origin=commune.place,
                )
                took.append(time.perf_counter() - started)
                answered.append(len(rows))
    finally:
        await database.close()
    p50, p99 = spread(took)
    verdict = "met" if p99 <= MOST_MS else "MISSED"
    return [
        f"candidates       {count:,} situations that may be asked: p50 {p50:.1f} ms, p99 {p99:.1f} ms (<= {MOST_MS:g}), "
        f"{sum(answered) / len(answered):.0f} people in the mean   {verdict}"
    ]
