"""What differs between the directory served and the rows staged beside it, and putting it in place (rpps.md 10.3 and 10.4).

One engine for the extraction of each night and the increments of a day. A row is new, lost or unchanged; a person is added,
changed, missing (in none of today's rows: shown until the absence is confirmed), returned or gone. All in the transaction of the
caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub.storage.directory_load import FRESH, NotStorable
from hub.storage.session import Session
from hub.storage.tables import metadata

LISTS = ("directory_skill", "directory_diploma", "directory_mailbox")  # of which each row stands alone
QUALIFIED = "qualified"  # a change of who kept their activities and has other skills, diplomas or mailboxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many persons were served and would be, and by kind of change; ``by_profession``: exercises of those missing since
    today, with how many there were, per code of profession; ``waves``: structures whose one change touches many lines, by name.
    """

    before: int
    added: int
    changed: int
    missing: int
    returned: int
    gone: int
    new_rows: int
    lost_rows: int
    by_profession: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    waves: Mapping[str, int] = field(default_factory=dict)

    @property
    def after(self) -> int:
        """Persons in today's rows."""
        return self.before + self.added + self.returned - self.missing


async def note_lost(session: Session, table: str, numbers: Iterable[int]) -> None:
    """Keep, until the end of the transaction, which numbers of a table were not met again."""
    raw = (await session.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    name = sql.Identifier(f"lost_{table}")
    async with raw.cursor() as cursor:
        await cursor.execute(sql.SQL("CREATE TEMP TABLE {} (id bigint PRIMARY KEY) ON COMMIT DROP").format(name))
        async with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(name)) as stream:
            held = []
            for number in numbers:
                held.append(f"{number}\n")
                if len(held) == 50_000:
                    await stream.write("".join(held))
                    held.clear()
            await stream.write("".join(held))
        await cursor.execute(sql.SQL("ANALYZE {}").format(name))


# Rows known already are no news: what was lost of them is not lost, and what was staged of them is not new.
TIDY = """
DELETE FROM fresh_{table} AS f USING {table} AS served WHERE served.id = f.id
"""
PEOPLE = """
CREATE TEMP TABLE met ON COMMIT DROP AS
WITH fresh AS (
  SELECT DISTINCT e.national_id FROM fresh_directory_situation AS s JOIN fresh_directory_exercise AS e ON e.id = s.exercise
), lost AS (
  SELECT e.national_id, count(*) AS rows FROM lost_directory_situation AS l
  JOIN directory_situation AS s ON s.id = l.id JOIN directory_exercise AS e ON e.id = s.exercise GROUP BY 1
), served AS (
  SELECT e.national_id, count(*) AS rows FROM lost JOIN directory_exercise AS e USING (national_id)
  JOIN directory_situation AS s ON s.exercise = e.id GROUP BY 1
)
SELECT national_id, fresh.national_id IS NULL AND lost.rows = served.rows AS is_absent
FROM fresh FULL JOIN lost USING (national_id) LEFT JOIN served USING (national_id)
"""
OUTCOMES = """
CREATE TEMP TABLE outcome ON COMMIT DROP AS
SELECT m.national_id, 'added' AS kind, NULL::date AS missing_since FROM met AS m
  LEFT JOIN directory_person AS p USING (national_id) WHERE p.national_id IS NULL
UNION ALL
SELECT m.national_id, 'changed', NULL FROM met AS m JOIN directory_person AS p USING (national_id) WHERE NOT m.is_absent
UNION ALL
SELECT p.national_id, 'returned', p.missing_since FROM directory_person AS p LEFT JOIN met AS m USING (national_id)
  WHERE p.missing_since IS NOT NULL AND NOT coalesce(m.is_absent, false) {scope}
UNION ALL
SELECT p.national_id, CASE WHEN p.missing_since IS NULL THEN 'missing' ELSE 'gone' END, p.missing_since
  FROM met AS m JOIN directory_person AS p USING (national_id)
  WHERE m.is_absent AND (p.missing_since IS NULL OR p.missing_since <= CAST(:confirmed AS date))
"""
WAVES = """
SELECT st.structure_name, count(DISTINCT e.national_id) FROM lost_directory_situation AS l
JOIN directory_situation AS s ON s.id = l.id JOIN directory_exercise AS e ON e.id = s.exercise
JOIN directory_structure AS st ON st.id = s.structure JOIN outcome AS o ON o.national_id = e.national_id AND o.kind = 'changed'
GROUP BY st.id, st.structure_name HAVING count(DISTINCT e.national_id) >= 50 ORDER BY 2 DESC, 1 LIMIT 20
"""
BY_PROFESSION = """
WITH lost AS (
  SELECT e.profession_code, count(*) AS exercises FROM outcome AS o
  JOIN directory_exercise AS e USING (national_id) WHERE o.kind = 'missing' GROUP BY 1
), served AS (SELECT profession_code, count(*) AS exercises FROM directory_exercise GROUP BY 1)
SELECT profession_code, lost.exercises, served.exercises FROM lost JOIN served USING (profession_code)
WHERE lost.exercises > :least
"""
MANY = 50  # exercises of one profession: fewer say nothing (rpps.md 10.4)


async def people(session: Session, *, day: date, confirmed_after: int, among: Collection[str] | None = None) -> Outcome:
    """Who differs, from the staged rows and the lost numbers of Personne_activite. ``confirmed_after``: days missing after which an
    absence is a departure. ``among``: who has rows today, of the persons looked at, when not everybody was: nobody else has come
    back.
    """
    await session.execute(text(TIDY.format(table="directory_situation")))
    await session.execute(text("ANALYZE fresh_directory_situation, fresh_directory_exercise"))
    await session.execute(text(PEOPLE))
    await session.execute(text("ANALYZE met"))
    scope = "" if among is None else "AND p.national_id = ANY(:among)"
    confirmed = day - timedelta(days=confirmed_after)
    limits = {"confirmed": confirmed} | ({} if among is None else {"among": list(among)})
    await session.execute(text(OUTCOMES.format(scope=scope)), limits)
    await session.execute(text("ANALYZE outcome"))
    counted = await session.execute(text("SELECT kind, count(*) FROM outcome GROUP BY 1"))
    kinds = {kind: count for kind, count in counted}
    before = await _count(session, "directory_person WHERE missing_since IS NULL")
    professions = await session.execute(text(BY_PROFESSION), {"least": MANY})
    return Outcome(
        before=before,
        **{kind: kinds.get(kind, 0) for kind in ("added", "changed", "missing", "returned", "gone")},
        new_rows=await _count(session, "fresh_directory_situation"),
        lost_rows=await _count(session, "lost_directory_situation"),
        by_profession={code: (lost, total) for code, lost, total in professions},
        waves=dict(map(tuple, await session.execute(text(WAVES)))),
    )


async def _count(session: Session, what: str) -> int:
    return int((await session.execute(text(f"SELECT count(*) FROM {what}"))).scalar_one())  # noqa: S608 - written here


def _ended(table: str, condition: str) -> str:
    """Rows put among the past ones: those of the table, called ``t``, that meet a condition."""
    columns = ", ".join(column.name for column in metadata.tables[table].columns)
    return (
        f"WITH ended AS (DELETE FROM {table} AS t {condition} RETURNING t.*) "  # noqa: S608 - names of this module
        f"INSERT INTO {table}_past ({columns}, until_load) SELECT {columns}, :load FROM ended"
    )


def _begun(table: str) -> str:
    return f"INSERT INTO {table} SELECT * FROM {FRESH}{table} ON CONFLICT DO NOTHING"  # noqa: S608


# Who is missing and not gone keeps everything for as long as the absence is not confirmed.
KEPT = """SELECT m.national_id FROM met AS m
LEFT JOIN outcome AS o ON o.national_id = m.national_id AND o.kind = 'gone' WHERE m.is_absent AND o.kind IS NULL"""
PUT_IN_PLACE = (
    f"""DELETE FROM lost_directory_situation AS l USING directory_situation AS s, directory_exercise AS e
        WHERE s.id = l.id AND e.id = s.exercise AND e.national_id IN ({KEPT})""",  # noqa: S608 - names of this module
    """CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT s.exercise, s.structure FROM lost_directory_situation AS l JOIN directory_situation AS s ON s.id = l.id
        UNION SELECT exercise, structure FROM fresh_directory_situation""",
    _ended("directory_situation", "USING lost_directory_situation AS l WHERE l.id = t.id"),
    _begun("directory_exercise"),
    _begun("directory_name"),
    _begun("directory_structure"),
    _begun("directory_situation"),
    _ended(
        "directory_exercise",
        """USING (SELECT DISTINCT exercise FROM touched) AS c WHERE t.id = c.exercise
        AND NOT EXISTS (SELECT FROM directory_situation AS s WHERE s.exercise = t.id)""",
    ),
    _ended(
        "directory_structure",
        """USING (SELECT DISTINCT structure FROM touched) AS c WHERE t.id = c.structure
        AND NOT EXISTS (SELECT FROM directory_situation AS s WHERE s.structure = t.id)""",
    ),
)
IDLENESS = """
UPDATE directory_exercise AS e SET is_idle = NOT e.is_idle FROM (SELECT DISTINCT exercise FROM touched) AS c
WHERE e.id = c.exercise AND e.is_idle = EXISTS (
  SELECT FROM directory_situation AS s WHERE s.exercise = e.id AND NOT s.is_idle)
"""
PERSONS = (
    """INSERT INTO directory_person SELECT f.* FROM fresh_directory_person AS f JOIN outcome AS o USING (national_id)
        WHERE o.kind = 'added' ON CONFLICT DO NOTHING""",
    """UPDATE directory_person AS p SET load = :load, missing_since = CASE o.kind WHEN 'missing' THEN CAST(:day AS date) END
        FROM outcome AS o WHERE o.national_id = p.national_id AND o.kind IN ('missing', 'returned', 'changed')""",
    _ended("directory_person", "USING outcome AS o WHERE o.kind = 'gone' AND o.national_id = t.national_id"),
    "INSERT INTO directory_change SELECT :load, national_id, kind, missing_since FROM outcome",
)
TOUCHED = """
UPDATE directory_person AS p SET load = :load FROM directory_change AS c
WHERE c.load = :load AND c.kind = 'qualified' AND c.national_id = p.national_id AND p.load <> :load
"""
LABELS = """
INSERT INTO directory_label SELECT subject, code, label FROM fresh_directory_label
ON CONFLICT (subject, code) DO UPDATE SET label = excluded.label WHERE directory_label.label <> excluded.label
"""


async def _run(session: Session, order: str, values: Mapping[str, object]) -> None:
    try:
        await session.execute(text(order), {name: value for name, value in values.items() if f":{name}" in order})
    except OperationalError as trouble:
        if isinstance(trouble.orig, psycopg.errors.ProgramLimitExceeded):
            raise NotStorable(str(trouble.orig)) from trouble
        raise


async def put_in_place(session: Session, *, load: int, day: date) -> None:
    """Serve the staged rows of Personne_activite and end the lost ones, after :func:`people` has said who differs. Raises
    ``NotStorable``."""
    for order in (*PUT_IN_PLACE, IDLENESS, *PERSONS):
        await _run(session, order, {"load": load, "day": day})


async def put_list_in_place(session: Session, table: str, *, load: int, is_alone: bool = False) -> tuple[int, int]:
    """Serve the staged rows of a list whose rows stand alone, and end the lost ones but those of persons whose absence is not
    confirmed; how many of each. ``is_alone``: Personne_activite was not read in this load.
    """
    await session.execute(text(TIDY.format(table=table)))
    if not is_alone:
        order = f"DELETE FROM lost_{table} AS l USING {table} AS t WHERE t.id = l.id AND t.national_id IN ({KEPT})"  # noqa: S608
        await session.execute(text(order))
    counted = await _count(session, f"{FRESH}{table}"), await _count(session, f"lost_{table}")
    people = f"""INSERT INTO directory_change SELECT DISTINCT :load, national_id, '{QUALIFIED}', NULL::date FROM (
        SELECT national_id FROM {FRESH}{table}
        UNION SELECT t.national_id FROM {table} AS t JOIN lost_{table} AS l ON l.id = t.id) AS differ
        JOIN directory_person USING (national_id) ON CONFLICT DO NOTHING"""  # noqa: S608 - names of this module
    await session.execute(text(people), {"load": load})
    await session.execute(text(_ended(table, f"USING lost_{table} AS l WHERE l.id = t.id")), {"load": load})
    for order in (_begun(table), TOUCHED):
        await _run(session, order, {"load": load})
    return counted


async def put_labels_in_place(session: Session) -> None:
    """Keep what the file calls the codes of its new rows."""
    await session.execute(text(LABELS))
