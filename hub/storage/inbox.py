"""The memory of messages already received: the second copy gets the first answer, and does nothing."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from hub import clock
from hub.storage import swift
from hub.storage.session import Session
from hub.storage.tables.machinery import inbox

LOCK = swift.order(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("pair"), 0))))
ANSWER = swift.order(
    select(inbox.c.answer).where(inbox.c.source == bindparam("source"), inbox.c.message_id == bindparam("message"))
)


async def recall(session: Session, source: str, message_id: str) -> bytes | None:
    """The answer given to this message of this source, or ``None`` the first time.

    Until the transaction ends nobody else gets past this point with the same pair, so copies that arrive together are
    treated one after the other. Needs a transaction, not a reading session.
    """
    await swift.later(session, LOCK, {"pair": f"inbox\x1f{source}\x1f{message_id}"})
    found = await swift.values(session, ANSWER, {"source": source, "message": message_id})
    return found[0] if found else None


async def replace(session: Session, source: str, message_id: str, answer: bytes) -> None:
    """Keep another answer for a message recalled in this transaction: what it stands for has begun anew."""
    same = (inbox.c.source == source) & (inbox.c.message_id == message_id)
    await session.execute(inbox.update().where(same).values(answer=answer, received_at=clock.now()))


async def remember(session: Session, source: str, message_id: str, answer: bytes) -> None:
    """Keep the answer, in the transaction of the effect. Raises ``sqlalchemy.exc.IntegrityError`` when one was kept before."""
    values = {"source": source, "message_id": message_id, "answer": answer, "received_at": clock.now()}
    await session.execute(inbox.insert().values(values))
