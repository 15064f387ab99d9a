"""What is served of some persons and structures, by column of the extraction: what an increment is held against (rpps.md 11.3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select, text

from hub.storage.session import Session
from hub.storage.tables import directory as tables

Row = Mapping[str, Any]
LISTS = {table.name: table for table in (tables.skill, tables.diploma, tables.mailbox)}

# The columns of the structure are empty for a line without any.
LINES = """
SELECT s.id, CASE WHEN s.is_idle THEN 't' ELSE 'f' END AS is_idle, p.national_id, p.id_type, p.identifier,
  {exercise}, {work}, {where}
FROM directory_exercise AS e JOIN directory_person AS p USING (national_id)
JOIN directory_situation AS s ON s.exercise = e.id LEFT JOIN directory_structure AS st ON st.id = s.structure
WHERE e.national_id = ANY(:persons) ORDER BY s.id
"""
CONTENTS = """
SELECT st.key, {where}, count(*) AS lines, array_agg(DISTINCT s.sector_code) AS sectors
FROM directory_structure AS st JOIN directory_situation AS s ON s.structure = st.id
WHERE st.key = ANY(:keys) AND st.key <> '' GROUP BY st.id ORDER BY lines DESC, st.id
"""
AUTHORITIES = """
SELECT st.key, s.authority FROM directory_structure AS st JOIN directory_situation AS s ON s.structure = st.id
WHERE st.key = ANY(:keys) AND st.key <> '' GROUP BY st.key, s.authority ORDER BY count(*) DESC, s.authority
"""


def _named(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"coalesce({alias}.{name}, '') AS {name}" for name in names)


async def lines(
    session: Session, persons: Collection[str], *, exercise: Sequence[str], work: Sequence[str], where: Sequence[str]
) -> list[Row]:
    """The rows of Personne_activite of these persons, each with its number (``id``) and whether it is that of somebody without
    activity (``is_idle``: t or f). ``exercise``, ``work``, ``where``: the columns wanted of each part."""
    order = LINES.format(exercise=_named("e", exercise), work=_named("s", work), where=_named("st", where))
    return [dict(row) for row in (await session.execute(text(order), {"persons": list(persons)})).mappings()]


async def listed(session: Session, table: str, persons: Collection[str]) -> list[Row]:
    """The rows of one of the lists that name these persons."""
    columns = LISTS[table].c
    found = await session.execute(select(LISTS[table]).where(columns.national_id.in_(persons)).order_by(columns.id))
    return [dict(row) for row in found.mappings()]


async def shared_mailboxes(session: Session, structures: Collection[str]) -> list[Row]:
    """The mailboxes of these structures themselves, by column 47 with the digit that says its kind."""
    box = tables.mailbox.c
    whole = box.structure_id_type + box.structure_national_id
    wanted = list(structures)
    split = [number[1:] for number in wanted]
    query = select(tables.mailbox).where(
        box.national_id == "",
        box.structure_national_id.in_([*wanted, *split]),
        whole.in_(wanted) | box.structure_national_id.in_(wanted),
    )
    return [dict(row) for row in (await session.execute(query.order_by(box.id))).mappings()]


async def contents(session: Session, keys: Collection[str], where: Sequence[str]) -> list[Row]:
    """What lines of work say of these structures, the content of most lines first: ``key``, the columns ``where``, ``sectors``."""
    order = CONTENTS.format(where=", ".join(f"st.{name}" for name in where))
    return [dict(row) for row in (await session.execute(text(order), {"keys": list(keys)})).mappings()]


async def authorities(session: Session, keys: Collection[str]) -> list[tuple[str, str]]:
    """Who registered the lines of work of these structures: key and authority, the commonest first."""
    return [(key, one) for key, one in await session.execute(text(AUTHORITIES), {"keys": list(keys)})]


async def awaited(session: Session, until: date) -> list[str]:
    """Persons missing since that day or before, whose departure only waits to be seen again."""
    person = tables.person.c
    query = select(person.national_id).where(person.missing_since <= until).order_by(person.national_id)
    return list((await session.execute(query)).scalars())


async def settled(session: Session, load: int, since: int) -> int:
    """How many of the persons that a load changes had been changed by an increment after the load ``since``."""
    change, register = tables.change, tables.load
    told = (
        select(change.c.national_id)
        .join(register, register.c.id == change.c.load)
        .where(
            change.c.load > since, change.c.load < load, register.c.list == "increments", register.c.result == "served"
        )
    )
    query = select(func.count(change.c.national_id.distinct())).where(
        change.c.load == load, change.c.national_id.in_(told)
    )
    return int((await session.execute(query)).scalar_one())
