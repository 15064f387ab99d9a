"""The accounts that a load of the directory touches, and what it ended for them (rpps.md 10.5): a few questions, whatever the
number of persons in the load. Who of the directory has an account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from sqlalchemy import Integer, Text, column, func, select, text, values

from hub.storage import rows
from hub.storage.accounts import Account
from hub.storage.directory_people import Person, persons, whole
from hub.storage.session import Session
from hub.storage.situations import Situation
from hub.storage.tables.accounts import account, situation
from hub.storage.tables.directory import change

Place = tuple[str, str, str]  # profession, category, key of the structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """An account that a load touches. ``kinds``: added, changed, qualified, missing, returned, gone; ``situations``: still open;
    ``person``: as the directory now has them, ``None`` when it has not; ``ended``: where the load ended some work.
    """

    account: Account
    kinds: set[str] = field(default_factory=set)
    situations: list[Situation] = field(default_factory=list)
    person: Person | None = None
    ended: set[Place] = field(default_factory=set)


# The structure key is that of hub.domain.identity.Activity: what both sides are compared by.
ENDED = text("""
SELECT DISTINCT e.national_id, e.profession_code, e.category_code, CASE
  WHEN st.id IS NULL THEN ''
  WHEN st.structure_id <> '' THEN st.structure_id
  WHEN st.finess <> '' THEN 'F' || st.finess
  WHEN st.siret <> '' THEN 'C' || st.siret
  ELSE st.structure_national_id END
FROM (
  SELECT id, national_id, profession_code, category_code FROM directory_exercise WHERE national_id = ANY(:numbers)
  UNION SELECT id, national_id, profession_code, category_code FROM directory_exercise_past WHERE national_id = ANY(:numbers)
) AS e
JOIN directory_situation_past AS s ON s.exercise = e.id AND s.until_load = :load
LEFT JOIN LATERAL (
  SELECT id, structure_id, finess, siret, structure_national_id FROM directory_structure WHERE id = s.structure
  UNION ALL
  SELECT id, structure_id, finess, siret, structure_national_id FROM directory_structure_past WHERE id = s.structure LIMIT 1
) AS st ON true
""")


KNOWN = (
    """DELETE FROM directory_account AS known WHERE NOT EXISTS (
        SELECT FROM directory_exercise AS e JOIN account AS a ON a.national_id = e.national_id AND a.state <> 'closed'
        WHERE e.id = known.id AND e.is_idle = known.is_idle)""",
    """INSERT INTO directory_account
        SELECT e.id, e.national_id, e.profession_code, e.category_code, e.is_idle, e.profession, e.family_key, e.given_key
        FROM directory_exercise AS e JOIN account AS a ON a.national_id = e.national_id
        WHERE a.state <> 'closed' AND NOT EXISTS (SELECT FROM directory_account AS known WHERE known.id = e.id)
        ON CONFLICT DO NOTHING""",
)
ALONE = 7_041_997


async def know(session: Session, *, is_patient: bool = True) -> None:
    """Note again who of the directory has an account: they stand first in searches. ``is_patient``: wait for another that does so
    now, else leave it to that one. Held until the end of the transaction."""
    if is_patient:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ALONE})
    elif not (await session.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": ALONE})).scalar_one():
        return
    for order in KNOWN:
        await session.execute(text(order))


async def touched(session: Session, load: int) -> list[Touched]:
    """The accounts of persons that a load changed, closed ones left out."""
    query = select(account, change.c.kind).join(change, change.c.national_id == account.c.national_id)
    found = await session.execute(
        query.where(change.c.load == load, account.c.state != "closed").order_by(account.c.id)
    )
    made: dict[str, Touched] = {}
    for row in found:
        one = made.setdefault(row.id, Touched(account=rows.record(Account, row)))
        one.kinds.add(row.kind)
    if made:
        await _fill(session, load, made)
    return list(made.values())


async def _fill(session: Session, load: int, made: dict[str, Touched]) -> None:
    mine = situation.c.account == func.any(list(made))
    query = select(situation).where(mine, situation.c.ended_at.is_(None)).order_by(situation.c.role)
    for one in await rows.every(session, Situation, query):
        made[one.account].situations.append(one)
    numbers = {one.account.national_id or "" for one in made.values()}
    known = await people(session, numbers)
    ended: dict[str, set[Place]] = defaultdict(set)
    for number, *place in await session.execute(ENDED, {"load": load, "numbers": list(numbers)}):
        ended[number].add((place[0], place[1], place[2]))
    for id, touched_one in made.items():
        number = touched_one.account.national_id or ""
        made[id] = replace(touched_one, person=known.get(number), ended=ended[number])


async def people(session: Session, numbers: Collection[str]) -> dict[str, Person]:
    """The persons of these national identifiers that the directory has, by identifier."""
    named = values(column("national_id", Text), column("position", Integer), name="named")
    chosen = select(named.data([(number, place) for place, number in enumerate(sorted(numbers))])).cte("chosen")
    found = (await session.execute(whole(chosen))).mappings().all()
    return {one.national_id: one for one in persons(found)}
