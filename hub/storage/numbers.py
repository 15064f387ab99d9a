"""Numbers people say on the phone: the request number, counted by month (``2026-11-0412``)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import literal_column
from sqlalchemy.dialects.postgresql import insert

from hub.storage.session import Session
from hub.storage.tables.counter import counter


async def next_request(session: Session, now: datetime) -> str:
    """The next number of this month; gaps are possible after a refused transaction, repetitions are not."""
    month = f"{now:%Y-%m}"
    row = insert(counter).values(name=f"request/{month}", last=1)
    bumped = row.on_conflict_do_update(index_elements=["name"], set_={"last": counter.c.last + literal_column("1")})
    last = (await session.execute(bumped.returning(counter.c.last))).scalar_one()
    return f"{month}-{last:04d}"
