from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hub.storage import audit
from hub.storage.session import Database, Session
from tests.conftest import FrozenClock
from tests.storage.people import OPERATOR, SAS, WINNER


async def test_a_trace_says_who_in_which_capacity(session: Session, clock: FrozenClock) -> None:
    await audit.record(
        session, viewer=WINNER, event="request.accepted", request="r", patient="p", details={"wave": "1"}
    )
    await audit.record(
        session, viewer=SAS, event="note.read", outcome="refused", patient="p", resource="DocumentReference/n"
    )
    newest, oldest = await audit.traces(session, patient="p")
    assert (oldest.at, oldest.event, oldest.outcome, oldest.viewer) == (
        clock.instant,
        "request.accepted",
        "ok",
        "winner",
    )
    assert (oldest.capacity, oldest.name, oldest.role, oldest.details) == (
        "professional",
        "Dr winner",
        "winner",
        {"wave": "1"},
    )
    assert (newest.client, newest.resource, newest.outcome) == ("sas", "DocumentReference/n", "refused")
    assert await audit.traces(session, request="r") == [oldest]
    assert await audit.traces(session, patient="p", before=newest.id) == [oldest]
    assert await audit.traces(session, event="note.read", viewer="winner") == []


@pytest.mark.parametrize(
    "order", ["UPDATE audit SET event = 'x'", "DELETE FROM audit", "TRUNCATE audit CASCADE", "DELETE FROM audit_chain"]
)
async def test_nothing_changes_nor_removes_a_row(session: Session, clock: FrozenClock, order: str) -> None:
    await audit.record(session, viewer=OPERATOR, event="request.cancelled")
    with pytest.raises(ProgrammingError, match="never changed"):
        await session.execute(text(order))


async def write(database: Database, count: int) -> None:
    async with database.transaction() as session:
        for number in range(count):
            await audit.record(session, viewer=OPERATOR, event=f"event.{number}", details={"é": "à"})


async def seal(database: Database) -> int:
    async with database.transaction() as session:
        return await audit.seal(session)


async def verify(database: Database) -> audit.Verdict:
    async with database.transaction() as session:
        return await audit.verify(session)


async def tamper(database: Database, order: str) -> None:
    """As somebody with every right on the database would."""
    async with database.transaction() as session:
        for table in ("audit", "audit_chain"):
            await session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        await session.execute(text("ALTER TABLE audit_chain DROP CONSTRAINT IF EXISTS audit_chain_audit_fkey"))
        await session.execute(text(order))


async def test_the_chain_grows_and_verifies(database: Database, clock: FrozenClock) -> None:
    assert await verify(database) == audit.Verdict(sealed=0, pending=0, broken_at=None)
    await write(database, 3)
    assert await verify(database) == audit.Verdict(sealed=0, pending=3, broken_at=None)
    assert sum(await asyncio.gather(*(seal(database) for _ in range(4)))) == 3
    await write(database, 2)
    assert await seal(database) == 2 and await seal(database) == 0
    verdict = await verify(database)
    assert verdict == audit.Verdict(sealed=5, pending=0, broken_at=None) and verdict.is_sound


@pytest.mark.parametrize(
    "order",
    [
        "UPDATE audit SET viewer = 'somebody-else' WHERE id = 2",
        "UPDATE audit SET details = '{}' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "UPDATE audit_chain SET digest = '' WHERE audit = 2",
    ],
)
async def test_an_altered_row_breaks_the_chain(database: Database, clock: FrozenClock, order: str) -> None:
    await write(database, 4)
    await seal(database)
    await tamper(database, order)
    verdict = await verify(database)
    assert verdict.broken_at == 2 and not verdict.is_sound


async def test_a_link_taken_out_breaks_the_chain(database: Database, clock: FrozenClock) -> None:
    await write(database, 4)
    await seal(database)
    await tamper(database, "DELETE FROM audit_chain WHERE audit = 2")
    assert (await verify(database)).broken_at == 3


async def test_a_row_that_commits_late_is_sealed_later(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as slow:
        await audit.record(slow, viewer=OPERATOR, event="slow")
        await write(database, 2)
        assert await seal(database) == 2
    assert await seal(database) == 1
    assert await verify(database) == audit.Verdict(sealed=3, pending=0, broken_at=None)
