"""Filings of notes in the DMP: asked, filed, refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from hub.domain.notebook import FilingState
from hub.storage.session import Session
from hub.storage.tables.filing import filing


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """One submission of one version of a note."""

    note: str
    version: int
    patient: str
    state: FilingState
    unique_id: str
    set_id: str
    submission_id: str
    asked_by: str
    asked_at: datetime
    entry_uuid: str | None = None
    code: str | None = None
    french: str | None = None
    remedy: str | None = None
    ended_at: datetime | None = None


COLUMNS = tuple(Filing.__dataclass_fields__)


def _filing(row: Any) -> Filing:
    values = {name: getattr(row, name) for name in COLUMNS}
    return Filing(**{**values, "state": FilingState(row.state)})


async def ask(session: Session, one: Filing) -> None:
    """Record a new submission."""
    await session.execute(insert(filing).values({name: getattr(one, name) for name in COLUMNS}))


async def settle(session: Session, unique_id: str, state: FilingState, *, at: datetime, **values: str | None) -> None:
    """How a submission ended. ``values``: entry_uuid, or code, french and remedy."""
    await session.execute(
        update(filing).where(filing.c.unique_id == unique_id).values(state=state.value, ended_at=at, **values)
    )


async def of_note(session: Session, note: str) -> list[Filing]:
    """Every submission of a note, oldest first."""
    rows = await session.execute(select(filing).where(filing.c.note == note).order_by(filing.c.id))
    return [_filing(row) for row in rows]


async def latest(session: Session, notes: Sequence[str]) -> dict[str, Filing]:
    """The last submission of each of these notes, by note."""
    query = (
        select(filing)
        .where(filing.c.note.in_(notes))
        .order_by(filing.c.note, filing.c.id.desc())
        .ext(distinct_on(filing.c.note))
    )
    return {row.note: _filing(row) for row in await session.execute(query)}


async def by_unique_id(session: Session, unique_id: str) -> Filing | None:
    """One submission by the identifier of its document."""
    row = (await session.execute(select(filing).where(filing.c.unique_id == unique_id))).one_or_none()
    return _filing(row) if row else None
