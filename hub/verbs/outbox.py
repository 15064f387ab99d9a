"""``hub outbox``: what waits, what stopped, why, and what to do."""

from __future__ import annotations

from hub.domain.people import Viewer
from hub.storage import audit, outbox
from hub.storage.outbox import Row
from hub.storage.session import Database


async def listed(database: Database, *, state: str | None, topic: str | None, limit: int) -> list[Row]:
    """Messages, newest first."""
    async with database.reading() as session:
        return await outbox.rows(session, state=state, topic=topic, limit=limit)


async def one(database: Database, id: int) -> Row | None:
    """One message."""
    async with database.reading() as session:
        return await outbox.by_id(session, id)


async def answer(database: Database, id: int) -> bytes | None:
    """What the peer answered that nobody could read; ``None`` when nothing is kept. Reading it leaves a trace."""
    async with database.transaction() as session:
        raw = await outbox.raw_answer(session, id)
        if raw is not None:
            await audit.record(session, viewer=Viewer.hub(), event="outbox.read", details={"row": str(id)})
        return raw


async def again(database: Database, id: int) -> bool:
    """Try a stopped or waiting message at once; ``False`` when it is done or unknown."""
    async with database.transaction() as session:
        done = await outbox.again(session, id)
        if done:
            await audit.record(session, viewer=Viewer.hub(), event="outbox.again", details={"row": str(id)})
        return done


async def stop(database: Database, id: int) -> bool:
    """Stop a waiting message by hand; ``False`` when it is not waiting."""
    async with database.transaction() as session:
        done = await outbox.stop_by_hand(session, id)
        if done:
            await audit.record(session, viewer=Viewer.hub(), event="outbox.stopped", details={"row": str(id)})
        return done
