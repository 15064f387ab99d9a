"""Who is missing from the last extraction, and what the national directory served under an id and serves no longer, for as long as
its past is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import TextClause, select, text

from hub.r4.shapes import directory_ids
from hub.storage.directory_resources import ID_OF, TYPES
from hub.storage.session import Session
from hub.storage.tables import directory as tables

EXERCISES = """
  SELECT id, national_id, profession_code, category_code FROM directory_exercise WHERE national_id = :text
  UNION SELECT id, national_id, profession_code, category_code FROM directory_exercise_past WHERE national_id = :text"""
ROLE = """s.id AS situation, s.structure, s.mode_code, s.pharmacist_section_code, s.role_code, s.activity_kind_code,
  e.national_id, e.profession_code, e.category_code, coalesce(st.key, '') AS structure_key"""
PLACE = """LEFT JOIN LATERAL (
  SELECT key FROM directory_structure WHERE id = s.structure
  UNION ALL SELECT key FROM directory_structure_past WHERE id = s.structure LIMIT 1) AS st ON true"""

# Past rows that may be those of an id: of the text it carries, or of the number. The work of somebody is looked for among what
# ended at the loads that changed them, by index.
BY_TEXT: Mapping[str, TextClause] = {
    "Practitioner": text(f"""
        SELECT id AS exercise, national_id, profession_code, category_code FROM ({EXERCISES}) AS e"""),  # noqa: S608
    "PractitionerRole": text(f"""
        WITH e AS ({EXERCISES})
        SELECT {ROLE} FROM (SELECT DISTINCT load FROM directory_change WHERE national_id = :text) AS c
        JOIN directory_situation_past AS s ON s.until_load = c.load JOIN e ON e.id = s.exercise {PLACE}
        WHERE NOT s.is_idle"""),  # noqa: S608 - texts of this module
    "Organization": text("""
        SELECT key AS structure_key, id AS structure FROM directory_structure_past WHERE key = :text LIMIT 1"""),
}
BY_NUMBER: Mapping[str, TextClause] = {
    "Practitioner": text("""
        SELECT id AS exercise, national_id, profession_code, category_code FROM directory_exercise_past WHERE id = :number"""),
    "PractitionerRole": text(f"""
        SELECT {ROLE} FROM directory_situation_past AS s JOIN (
          SELECT id, national_id, profession_code, category_code FROM directory_exercise
          UNION ALL SELECT id, national_id, profession_code, category_code FROM directory_exercise_past) AS e ON e.id = s.exercise
        {PLACE} WHERE s.id = :number AND NOT s.is_idle"""),  # noqa: S608 - texts of this module
    "Organization": text("""
        SELECT key AS structure_key, id AS structure FROM directory_structure_past WHERE id = :number"""),
}


async def is_gone(session: Session, type: str, id: str) -> bool:
    """Whether the past of the directory holds what an id names. To be asked once the directory serves nothing under it."""
    named = directory_ids.named(id)
    if type not in TYPES or named is None:
        return False
    if named.number is not None:
        found = await session.execute(BY_NUMBER[type], {"number": named.number})
    else:
        found = await session.execute(BY_TEXT[type], {"text": named.text})
    return any(ID_OF[type](dict(row)) == id for row in found.mappings())


async def missing_since(session: Session, national_id: str) -> date | None:
    """The first day on which somebody who is still shown was in no extraction (rpps.md 10.4)."""
    person = tables.person.c
    found = await session.execute(select(person.missing_since).where(person.national_id == national_id))
    return found.scalar_one_or_none()
