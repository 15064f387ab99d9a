# ruff: noqa: S608 - what is put together here are texts of this module; every value is a parameter
"""The national directory as FHIR resources: made of its rows when they are read, never stored (rpps.md 11.6 and 13).

Public data: no viewer here. A Practitioner is an exercise, a PractitionerRole an activity, an Organization a structure; each in the
words of :mod:`hub.r4.shapes.directory`, under the id that carries its key. Its version is the load that last changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, select, text, tuple_

from hub.domain.visibility import Level
from hub.r4 import json
from hub.r4.shapes import directory as shapes
from hub.r4.shapes import directory_ids
from hub.r4.shapes.directory_codes import Labels, unknown
from hub.storage.resources import Stored
from hub.storage.session import Session
from hub.storage.tables import directory as tables

TYPES = ("Practitioner", "PractitionerRole", "Organization")
Row = Mapping[str, Any]

LOADED = "l.id AS load, l.stamp, l.loaded_at"
SAME = "o.national_id = {0}.national_id AND o.profession_code = {0}.profession_code AND o.category_code = {0}.category_code"
SKILLS = f"""(SELECT json_agg(json_build_array(u.skill_type_code, u.skill_code) ORDER BY u.skill_code, u.skill_type_code) FROM (
    SELECT o.skill_type_code, o.skill_code FROM directory_skill AS o WHERE {SAME.format("e")}
    UNION SELECT w.skill_type_code, w.skill_code FROM directory_exercise AS o JOIN directory_situation AS w ON w.exercise = o.id
    WHERE {SAME.format("e")} AND w.skill_code <> '') AS u) AS skills"""
# The number of a structure in the list of mailboxes stands apart from the digit that says its kind, or with it.
AT_STRUCTURE = """m.structure_national_id IN (s.structure_national_id, substr(s.structure_national_id, 2))
    AND s.structure_national_id IN (m.structure_national_id, m.structure_id_type || m.structure_national_id)
    AND s.structure_national_id <> ''"""
MAILBOXES = """(SELECT json_agg(DISTINCT jsonb_build_array(m.address, m.kind, m.service)) FROM directory_mailbox AS m
    WHERE {}) AS mailboxes"""
OF_PERSON = "m.national_id = e.national_id AND m.profession_code IN ('', e.profession_code)"

# Each takes ``:numbers``, of rows any of which stands for the whole: an exercise, a situation, a structure.
PRACTITIONERS = text(f"""
SELECT DISTINCT ON (e.national_id, e.profession_code, e.category_code) g.id AS number, p.national_id, p.id_type, p.identifier,
  e.id AS exercise, e.practice_title_code, e.title_code, e.family, e.given, e.profession_code, e.category_code, {LOADED}, {SKILLS},
  (SELECT min(w.authority) FROM directory_situation AS w WHERE w.exercise = e.id AND w.authority <> '') AS authority,
  (SELECT json_agg(json_build_array(d.diploma_type_code, d.diploma_code, d.authorization_type_code, d.authorization_field_code)
    ORDER BY d.diploma_type_code, d.diploma_code, d.authorization_type_code, d.authorization_field_code, d.id)
   FROM directory_diploma AS d WHERE d.national_id = e.national_id) AS diplomas,
  {MAILBOXES.format(f"{OF_PERSON} AND m.structure_national_id = ''")}
FROM directory_exercise AS g JOIN directory_exercise AS e USING (national_id, profession_code, category_code)
JOIN directory_person AS p ON p.national_id = e.national_id JOIN directory_load AS l ON l.id = p.load
WHERE g.id = ANY(:numbers) ORDER BY e.national_id, e.profession_code, e.category_code, e.is_idle, e.id""")
ROLES = text(f"""
SELECT s.id AS number, s.id AS situation, s.exercise, s.structure, s.mode_code, s.pharmacist_section_code, s.role_code,
  s.activity_kind_code, s.authority, e.national_id, e.profession_code, e.category_code, e.family, e.given,
  coalesce(s_.key, '') AS structure_key, coalesce(s_.structure_name, '') AS structure_name,
  coalesce(s_.structure_alias, '') AS structure_alias, {LOADED}, {SKILLS},
  {MAILBOXES.format(f"{OF_PERSON} AND {AT_STRUCTURE}".replace("s.structure_national_id", "s_.structure_national_id"))}
FROM directory_situation AS s JOIN directory_exercise AS e ON e.id = s.exercise
JOIN directory_person AS p ON p.national_id = e.national_id JOIN directory_load AS l ON l.id = p.load
LEFT JOIN directory_structure AS s_ ON s_.id = s.structure
WHERE s.id = ANY(:numbers) AND NOT s.is_idle ORDER BY s.id""")
ORGANIZATIONS = text(f"""
SELECT DISTINCT ON (s.key, CASE s.key WHEN '' THEN s.id END) g.id AS number, s.*, s.key AS structure_key, s.id AS structure,
  l.stamp, l.loaded_at, a.sector_code, a.authority, {MAILBOXES.format(f"m.national_id = '' AND {AT_STRUCTURE}")}
FROM directory_structure AS g CROSS JOIN LATERAL (
  SELECT o.* FROM directory_structure AS o WHERE g.key <> '' AND o.key = g.key
  UNION ALL SELECT o.* FROM directory_structure AS o WHERE g.key = '' AND o.id = g.id) AS s
JOIN directory_load AS l ON l.id = s.load
CROSS JOIN LATERAL (SELECT min(nullif(w.sector_code, '')) AS sector_code, min(nullif(w.authority, '')) AS authority
  FROM directory_situation AS w WHERE w.structure = s.id) AS a
WHERE g.id = ANY(:numbers) ORDER BY s.key, CASE s.key WHEN '' THEN s.id END, s.load DESC, s.id""")

STATEMENTS: Mapping[str, TextClause] = dict(zip(TYPES, (PRACTITIONERS, ROLES, ORGANIZATIONS), strict=True))
RENDERED: Mapping[str, Callable[[Row, Labels], dict[str, Any]]] = dict(
    zip(TYPES, (shapes.practitioner, shapes.role, shapes.organization), strict=True)
)
ID_OF: Mapping[str, Callable[[Row], str]] = dict(
    zip(TYPES, (shapes.practitioner_id, shapes.role_id, shapes.organization_id), strict=True)
)


async def rows(session: Session, type: str, numbers: Sequence[int]) -> list[Row]:
    """What the directory says of each thing that one of these rows stands for, once, in no order."""
    if not numbers:
        return []
    found = await session.execute(STATEMENTS[type], {"numbers": list(numbers)})
    return [dict(row) for row in found.mappings()]


async def rendered(session: Session, type: str, found: Sequence[Row]) -> list[Stored]:
    """The resources of these rows, in their order."""
    labels = await _labels(session, found)
    return [_stored(RENDERED[type](row, labels), row) for row in found]


def _stored(resource: dict[str, Any], row: Row) -> Stored:
    return Stored(
        key=0,
        type=resource["resourceType"],
        id=resource["id"],
        version=row["load"],
        updated_at=row["loaded_at"],
        content=json.dumps(resource),
        level=Level.FULL,
        deleted=False,
    )


async def _labels(session: Session, found: Sequence[Row]) -> Labels:
    """The words of the file for the codes of these rows that our tables do not hold."""
    wanted = sorted({pair for row in found for pair in unknown(row)})
    if not wanted:
        return Labels()
    label = tables.label.c
    said = await session.execute(
        select(label.subject, label.code, label.label).where(tuple_(label.subject, label.code).in_(wanted))
    )
    return Labels(printed={(subject, code): words for subject, code, words in said})


async def read(session: Session, type: str, id: str) -> Stored | None:
    """The resource of an id of the directory, ``None`` when the directory holds nothing under it."""
    row = await row_of(session, type, id)
    return None if row is None else (await rendered(session, type, [row]))[0]


async def row_of(session: Session, type: str, id: str) -> Row | None:
    """What the directory says of the thing of an id, ``None`` when it holds nothing under it."""
    named = directory_ids.named(id)
    if type not in TYPES or named is None:
        return None
    numbers = [named.number] if named.number is not None else await numbers_of(session, type, named.text)
    return next((row for row in await rows(session, type, numbers) if ID_OF[type](row) == id), None)


async def numbers_of(session: Session, type: str, text: str) -> list[int]:
    """Rows of a person, or of a structure, by the text that an id carries; several stand for one thing, least first."""
    exercise, situation, structure = tables.exercise.c, tables.situation.c, tables.structure.c
    if type == "Organization":
        query = select(structure.id).where(structure.key == text).order_by(structure.id).limit(1)
    elif type == "Practitioner":
        query = select(exercise.id).where(exercise.national_id == text).order_by(exercise.id)
    else:
        query = (
            select(situation.id)
            .join(tables.exercise, exercise.id == situation.exercise)
            .where(exercise.national_id == text, ~situation.is_idle)
            .order_by(situation.id)
        )
    return list((await session.execute(query)).scalars())


async def mailboxes(session: Session, national_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Secure mailboxes of persons: address, and number of the structure where it is one's (``""``: the person's alone)."""
    held = tables.mailbox.c
    query = (
        select(held.national_id, held.address, held.structure_national_id)
        .where(held.national_id.in_(national_ids))
        .order_by(held.national_id, held.address, held.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for national_id, address, where in await session.execute(query):
        found.setdefault(national_id, []).append((address, where))
    return found
