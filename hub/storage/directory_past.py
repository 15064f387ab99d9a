"""The past of the national directory: what somebody's lines were, going back to the load before, forgetting what is too old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update

from hub.storage import directory_load, rows
from hub.storage.directory_load import Load
from hub.storage.session import Session
from hub.storage.tables import directory as tables
from hub.storage.tables.directory import SERVED
from hub.storage.tables.directory import load as register

LISTS = ("directory", "skills", "diplomas", "mailboxes", "increments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of work of somebody. ``since`` and ``until``: when the loads that brought and ended it were served; ``until`` is
    ``None`` for a line that is served.
    """

    since: datetime
    until: datetime | None
    profession_code: str
    category_code: str
    family: str
    given: str
    structure_name: str
    commune: str
    role_code: str
    mode_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How somebody differed from the load before. ``kind``: added, changed, missing, returned, gone, or qualified (other skills,
    diplomas or mailboxes)."""

    load: int
    stamp: str
    loaded_at: datetime
    kind: str


LINES = """
WITH e AS (
  SELECT id, family, given, profession_code, category_code FROM directory_exercise WHERE national_id = :who
  UNION SELECT id, family, given, profession_code, category_code FROM directory_exercise_past WHERE national_id = :who
), s AS (
  SELECT s.exercise, s.structure, s.role_code, s.mode_code, s.load, NULL::int AS until_load
    FROM directory_situation AS s JOIN e ON e.id = s.exercise
  UNION ALL
  SELECT s.exercise, s.structure, s.role_code, s.mode_code, s.load, s.until_load
    FROM directory_situation_past AS s JOIN e ON e.id = s.exercise
)
SELECT since.loaded_at AS since, ended.loaded_at AS until, e.profession_code, e.category_code, e.family, e.given,
  coalesce(st.structure_name, '') AS structure_name, coalesce(st.commune, '') AS commune, s.role_code, s.mode_code
FROM s JOIN e ON e.id = s.exercise
LEFT JOIN LATERAL (
  SELECT structure_name, commune FROM directory_structure WHERE id = s.structure
  UNION ALL SELECT structure_name, commune FROM directory_structure_past WHERE id = s.structure LIMIT 1
) AS st ON true
JOIN directory_load AS since ON since.id = s.load LEFT JOIN directory_load AS ended ON ended.id = s.until_load
ORDER BY s.until_load IS NOT NULL, s.until_load DESC, s.load DESC, st.structure_name
"""


async def lines_of(session: Session, national_id: str) -> list[Line]:
    """The lines of work of somebody, those served first, then the past ones, the latest first."""
    return [rows.record(Line, row) for row in await session.execute(text(LINES), {"who": national_id})]


async def changes_of(session: Session, national_id: str) -> list[Change]:
    """How somebody changed from load to load, the latest first."""
    change = tables.change
    query = (
        select(change.c.load, change.c.kind, register.c.stamp, register.c.loaded_at)
        .join(register, register.c.id == change.c.load)
        .where(change.c.national_id == national_id)
        .order_by(change.c.load.desc(), change.c.kind)
    )
    return await rows.every(session, Change, query)


async def differing(session: Session, load: int) -> list[tuple[str, str]]:
    """Who differed at a load: (kind, national identifier), in order."""
    change = tables.change
    query = (
        select(change.c.kind, change.c.national_id)
        .where(change.c.load == load)
        .order_by(change.c.kind, change.c.national_id)
    )
    return [(row.kind, row.national_id) for row in await session.execute(query)]


async def later(session: Session, load: int, *names: str) -> list[Load]:
    """The loads of these lists served after a load, the latest first."""
    query = select(register).where(register.c.id > load, register.c.result == "served", register.c.list.in_(names))
    return await rows.every(session, Load, query.order_by(register.c.id.desc()))


async def last_reverted(session: Session, name: str) -> int:
    """The number of the latest load of a list that was taken back, 0 when none was."""
    query = select(func.coalesce(func.max(register.c.id), 0))
    return int(
        (await session.execute(query.where(register.c.list == name, register.c.result == "reverted"))).scalar_one()
    )


# What was lost or brought may have been all the work of somebody.
IDLE_AGAIN = """
UPDATE directory_exercise AS e SET is_idle = NOT e.is_idle FROM directory_change AS c
WHERE c.load = :load AND c.national_id = e.national_id AND e.is_idle = EXISTS (
  SELECT FROM directory_situation AS s WHERE s.exercise = e.id AND NOT s.is_idle)
"""
_OF_WHOM = "FROM directory_change AS c WHERE c.load = :load AND c.national_id = p.national_id AND c.kind ="
PERSONS_AGAIN = (
    "DELETE FROM directory_person AS p USING directory_change AS c "
    "WHERE c.load = :load AND c.national_id = p.national_id AND c.kind = 'added'",
    f"UPDATE directory_person AS p SET missing_since = NULL {_OF_WHOM} 'missing'",  # noqa: S608 - the words above
    f"UPDATE directory_person AS p SET missing_since = c.missing_since {_OF_WHOM} 'returned'",  # noqa: S608
    """UPDATE directory_person AS p SET load = coalesce(
        (SELECT max(c.load) FROM directory_change AS c WHERE c.national_id = p.national_id AND c.load < :load),
        (SELECT min(e.load) FROM directory_exercise AS e WHERE e.national_id = p.national_id), p.load)
        WHERE p.load = :load""",
)


async def take_back(session: Session, load: Load) -> None:
    """Serve what was served before a load, to the letter: what it brought goes, what it ended comes back. The load must be the last
    one of its list, and not the first. Whom it had changed is told until :func:`forget_changes`."""
    values = {"load": load.id}
    for table in SERVED:
        columns = ", ".join(column.name for column in table.columns)
        if table is not tables.person:
            await session.execute(text(f"DELETE FROM {table.name} WHERE load = :load"), values)  # noqa: S608 - our tables
        back = (
            f"WITH back AS (DELETE FROM {table.name}_past WHERE until_load = :load RETURNING {columns}) "  # noqa: S608
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM back ON CONFLICT DO NOTHING"
        )
        await session.execute(text(back), values)
    await session.execute(text(IDLE_AGAIN), values)
    for order in PERSONS_AGAIN:
        await session.execute(text(order), values)
    await session.execute(delete(tables.line))
    await session.execute(update(register).where(register.c.id == load.id).values(result="reverted"))


async def forget_changes(session: Session, load: int) -> None:
    """Nobody changed at a load that was taken back."""
    await session.execute(delete(tables.change).where(tables.change.c.load == load))


HELD = """EXISTS (SELECT FROM directory_person AS p WHERE p.national_id = {who})
OR EXISTS (SELECT FROM account AS a WHERE a.national_id = {who})"""
OF_EXERCISE = """(SELECT national_id FROM directory_exercise WHERE id = t.exercise
UNION ALL SELECT national_id FROM directory_exercise_past WHERE id = t.exercise LIMIT 1)"""
FORGET = """
DELETE FROM {table}_past AS t USING directory_load AS l
WHERE l.id = t.until_load AND NOT l.id = ANY(:last) AND l.loaded_at < CASE WHEN {held} THEN :oldest ELSE :oldest_gone END
"""


async def forget(session: Session, *, now: datetime, history_days: int, gone_days: int) -> int:
    """Delete what ended so long ago that nobody may ask for it; how many rows. Lines of persons who are served, or whose number an
    account bears, are kept ``history_days``, those of persons gone ``gone_days`` (rpps.md 10.4). What the last load of a list ended
    stays: it can be taken back.
    """
    last = [one.id for name in LISTS if (one := await directory_load.served(session, name))]
    values = {
        "last": last,
        "oldest": now - timedelta(days=history_days),
        "oldest_gone": now - timedelta(days=gone_days),
    }
    forgotten = 0
    for table in (
        tables.situation,
        *(one for one in SERVED if one is not tables.situation),
    ):  # before the exercises that tell whose
        who = "t.national_id" if "national_id" in table.c else OF_EXERCISE if "exercise" in table.c else ""
        order = FORGET.format(table=table.name, held=HELD.format(who=who) if who else "true")
        forgotten += (await session.execute(text(order), values)).rowcount
    return forgotten
