"""The age of patients, for pages that show an outline: people read an age, software a year of birth (workflow.md 4.3, fhir.md 9.4).

The birth date itself never leaves this module; the age is told to whoever sees at least the outline of the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from hub.domain import hours
from hub.domain.people import Viewer
from hub.r4 import json
from hub.storage.search import search
from hub.storage.session import Session
from hub.storage.tables.records import resource


@dataclass(frozen=True, slots=True)
class Age:
    """« 84 ans », « 18 mois » under two years, and the whole years."""

    words: str
    years: int


WHOLE = select(resource.c.id, resource.c.content).where(
    resource.c.type == "Patient", resource.c.id == func.any(bindparam("ids", type_=ARRAY(TEXT))), ~resource.c.deleted
)


async def of(session: Session, viewer: Viewer, patients: Sequence[str], on: date) -> dict[str, Age]:
    """The ages on that day of those the viewer sees, by Patient id; nobody whose birth date is not whole."""
    wanted = sorted(set(patients))
    if not wanted:
        return {}
    seen = await search(session, viewer, "Patient", [("_id", ",".join(wanted))], count=len(wanted))
    rows = await session.execute(WHOLE, {"ids": [one.id for one in seen.matches]})
    found: dict[str, Age] = {}
    for row in rows:
        text = json.loads(row.content).get("birthDate", "")
        if len(text) == 10:
            born = date.fromisoformat(text)
            years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
            found[row.id] = Age(hours.age(born, on), years)
    return found
