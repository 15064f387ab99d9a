"""Work promised in a transaction and done after it: messages to others, timers to ourselves (at least once, in order in a lane)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.engine import RowMapping

from hub import clock
from hub.storage import crypto, swift
from hub.storage.outbox_claim import CLAIM
from hub.storage.session import Database, Session
from hub.storage.tables.machinery import outbox

CHANNEL = "outbox"
PURPOSE = "outbox.prepared"
RAW_PURPOSE = "outbox.raw-answer"
LEASE = timedelta(minutes=2)  # longer than any timeout of a connector (Choice)
KEEP_PREPARED = timedelta(days=90)  # of a stopped message (Choice)
KEEP_DONE = timedelta(days=30)  # rows of messages delivered (Choice)


class Message(BaseModel):
    """What a topic carries: references and wire identifiers, no clinical content, no patient name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    topic: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a topic is carried out; the steps and their transactions are those of the architecture, section 5.

    ``prepare(session, payload)``, ``send(client, message)``, ``settle(session, payload, answer)``,
    ``give_up(session, payload, failure)``. A timer has ``settle`` only, which then takes ``(session, payload)``.
    ``allow(session, payload)`` comes before each try, retries included, and raises what stops the message for good.
    """

    connector: str
    allow: Callable[..., Awaitable[None]] | None = None
    prepare: Callable[..., Awaitable[Any]] | None = None
    send: Callable[..., Awaitable[Any]] | None = None
    settle: Callable[..., Awaitable[Any]] | None = None
    give_up: Callable[..., Awaitable[Any]] | None = None
    give_up_after: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message promised. ``lease`` is what proves that it is still ours; ``prepared`` is decrypted."""

    id: int
    topic: str
    lane: str | None
    payload: dict[str, Any]
    put_at: datetime
    first_due_at: datetime
    due_at: datetime
    state: str
    attempts: int
    lease: int
    prepared: bytes | None
    last_error: dict[str, str] | None
    ended_at: datetime | None


class LeaseLost(Exception):
    """Another worker has taken this message since: whatever this one was about to write must be rolled back."""


COLUMNS = tuple(outbox.c[name] for name in Row.__dataclass_fields__)


def _row(found: RowMapping) -> Row:
    values = dict(found)
    if values["prepared"] is not None:
        values["prepared"] = crypto.unseal(values["prepared"], purpose=PURPOSE)
    return Row(**values)


_promised = ("topic", "lane", "payload", "put_at", "first_due_at", "due_at")
PUT = swift.order(insert(outbox).values({name: bindparam(name) for name in _promised}).returning(outbox.c.id))
NOTIFY = swift.order(select(func.pg_notify(CHANNEL, bindparam("topic"))))


async def put(session: Session, message: Message, *, lane: str | None = None, due_at: datetime | None = None) -> int:
    """Promise a message in this transaction; nothing leaves if it is rolled back. Returns its number.

    ``lane``: messages of one lane are delivered one after the other, in the order they were put; without it nobody waits.
    ``due_at``: not before (hub clock); without it, now.
    """
    now = clock.now()
    due = due_at or now
    values = {
        "topic": message.topic,
        "lane": lane,
        "payload": message.model_dump(mode="json"),
        "put_at": now,
        "first_due_at": due,
        "due_at": due,
    }
    await swift.later(session, NOTIFY, {"topic": message.topic})
    id: int = (await swift.values(session, PUT, values))[0]
    return id


async def claim(
    database: Database, *, limit: int, topics: Collection[str], now: datetime, lease: timedelta = LEASE
) -> list[Row]:
    """Take at most ``limit`` due messages of these topics, oldest first, only the first of each lane, for the time of a lease.

    ``now`` is the hub's clock, for what is due; leases run on the clock of the database.
    """
    words = {"n": limit, "topics": list(topics), "now": now, "seconds": lease.total_seconds()}
    async with database.transaction() as session:
        found = (await session.execute(CLAIM, words)).mappings().all()
    return sorted((_row(row) for row in found), key=lambda row: (row.due_at, row.id))


def _held(id: int, lease: int) -> Any:
    return update(outbox).where(outbox.c.id == id, outbox.c.lease == lease, outbox.c.state == "waiting")


async def _write(session: Session, id: int, lease: int, values: dict[str, Any]) -> None:
    done = await session.execute(_held(id, lease).values(**values))
    if done.rowcount != 1:
        raise LeaseLost(f"message {id}")


async def keep_prepared(database: Database, id: int, lease: int, prepared: bytes) -> None:
    """Keep what ``prepare`` made, encrypted, so that every try sends the same. Raises :class:`LeaseLost`."""
    async with database.transaction() as session:
        await _write(session, id, lease, {"prepared": crypto.seal(prepared, purpose=PURPOSE)})


async def finish(session: Session, row: Row) -> None:
    """Done, in the transaction of ``settle``. Raises :class:`LeaseLost`, upon which that transaction must be rolled back."""
    ended = {"state": "done", "prepared": None, "held_until": None, "last_error": None, "ended_at": clock.now()}
    await _write(session, row.id, row.lease, ended)
    await swift.later(session, NOTIFY, {"topic": row.topic})  # the next of the lane may go


async def stop(session: Session, row: Row, failure: dict[str, str], *, raw: bytes = b"") -> None:
    """Given up, in the transaction of ``give_up``; the lane goes on. ``failure``: kind, code, detail; ``raw``: an answer that
    nobody could read, kept encrypted. Raises :class:`LeaseLost`.
    """
    kept = crypto.seal(raw, purpose=RAW_PURPOSE) if raw else None
    ended = {
        "state": "stopped", "held_until": None, "last_error": failure, "raw_answer": kept, "ended_at": clock.now(),
    }  # fmt: skip
    await _write(session, row.id, row.lease, ended)
    await swift.later(session, NOTIFY, {"topic": row.topic})


async def postpone(database: Database, row: Row, until: datetime, error: dict[str, str]) -> None:
    """Try again at ``until`` (hub clock); the row keeps its place in the lane. Raises :class:`LeaseLost`."""
    async with database.transaction() as session:
        await _write(session, row.id, row.lease, {"due_at": until, "held_until": None, "last_error": error})


async def release(database: Database, row: Row) -> None:
    """Give a message back untried, at once: the worker is stopping. Does nothing when the lease was lost."""
    back = {"held_until": None, "attempts": outbox.c.attempts - 1}
    async with database.transaction() as session:
        await session.execute(_held(row.id, row.lease).values(**back))
        await swift.later(session, NOTIFY, {"topic": row.topic})


def wake(database: Database) -> AsyncGenerator[str]:
    """The topic of each message as it is committed; an empty text first, and after a cut line: look at everything."""
    return database.listen(CHANNEL)


async def rows(
    session: Session, *, state: str | None = None, topic: str | None = None, lane: str | None = None, limit: int = 100
) -> list[Row]:
    """Messages for the command line and the operators' page, newest first."""
    query = select(*COLUMNS).order_by(outbox.c.id.desc()).limit(limit)
    for name, value in (("state", state), ("topic", topic), ("lane", lane)):
        if value is not None:
            query = query.where(outbox.c[name] == value)
    return [_row(found) for found in (await session.execute(query)).mappings()]


async def by_id(session: Session, id: int) -> Row | None:
    """One message."""
    found = (await session.execute(select(*COLUMNS).where(outbox.c.id == id))).mappings().one_or_none()
    return _row(found) if found else None


async def raw_answer(session: Session, id: int) -> bytes | None:
    """The answer that nobody could read, of a stopped message; ``None`` when none is kept."""
    query = select(outbox.c.raw_answer).where(outbox.c.id == id)
    kept: bytes | None = (await session.execute(query)).scalar_one_or_none()
    return crypto.unseal(kept, purpose=RAW_PURPOSE) if kept is not None else None


async def again(session: Session, id: int) -> bool:
    """Try a waiting or stopped message at once, by hand, with what was prepared. ``False`` when it is done or unknown."""
    now = clock.now()
    fresh = {
        "state": "waiting", "due_at": now, "first_due_at": now, "held_until": None, "ended_at": None, "raw_answer": None,
    }  # fmt: skip
    order = update(outbox).where(outbox.c.id == id, outbox.c.state.in_(("waiting", "stopped"))).values(**fresh)
    topic = (await session.execute(order.returning(outbox.c.topic))).scalar_one_or_none()
    if topic is None:
        return False
    await swift.later(session, NOTIFY, {"topic": topic})
    return True


async def stop_by_hand(session: Session, id: int) -> bool:
    """Stop a waiting message, also one that a worker holds: that worker cannot settle it. ``False`` when it is not waiting."""
    ended = {"state": "stopped", "held_until": None, "ended_at": clock.now(), "lease": outbox.c.lease + 1}
    order = update(outbox).where(outbox.c.id == id, outbox.c.state == "waiting").values(**ended)
    return bool((await session.execute(order)).rowcount)


async def depth(session: Session) -> dict[tuple[str, str], int]:
    """How many messages are waiting or stopped, by (topic, state)."""
    query = (
        select(outbox.c.topic, outbox.c.state, func.count())
        .where(outbox.c.state != "done")
        .group_by(outbox.c.topic, outbox.c.state)
    )
    return {(topic, state): number for topic, state, number in await session.execute(query)}


OLDEST = select(func.min(outbox.c.due_at)).where(outbox.c.state == "waiting", outbox.c.due_at <= bindparam("now"))


async def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest message due is waiting; ``None`` when nothing is."""
    due: datetime | None = (await session.execute(OLDEST, {"now": now})).scalar_one()
    return due


async def sweep(session: Session) -> None:
    """Empty what was prepared and answered for messages stopped long ago, and forget those delivered long ago."""
    now = clock.now()
    is_full = outbox.c.prepared.is_not(None) | outbox.c.raw_answer.is_not(None)
    old = (outbox.c.state == "stopped") & (outbox.c.ended_at < now - KEEP_PREPARED) & is_full
    await session.execute(update(outbox).where(old).values(prepared=None, raw_answer=None))
    await session.execute(delete(outbox).where(outbox.c.state == "done", outbox.c.ended_at < now - KEEP_DONE))
