from __future__ import annotations

import asyncio

import pytest

from hub.storage import inbox
from hub.storage.session import Database, Session


async def test_first_time_then_the_answer_again(session: Session) -> None:
    assert await inbox.recall(session, "sas", "m1") is None
    await inbox.remember(session, "sas", "m1", b"answer")
    assert await inbox.recall(session, "sas", "m1") == b"answer"
    assert await inbox.recall(session, "other", "m1") is None
    assert await inbox.recall(session, "sas", "m2") is None


async def test_copies_that_arrive_together_have_one_effect(database: Database) -> None:
    effects: list[int] = []

    async def receive(number: int) -> bytes:
        async with database.transaction() as session:
            known = await inbox.recall(session, "sas", "same")
            if known is not None:
                return known
            await asyncio.sleep(0.01)  # leave the others time to arrive
            effects.append(number)
            await inbox.remember(session, "sas", "same", str(number).encode())
            return str(number).encode()

    answers = await asyncio.gather(*(receive(number) for number in range(12)))
    assert len(effects) == 1
    assert set(answers) == {str(effects[0]).encode()}


async def test_a_failed_first_copy_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            assert await inbox.recall(session, "sas", "m") is None
            await inbox.remember(session, "sas", "m", b"never")
            raise RuntimeError("the effect failed")
    async with database.transaction() as session:
        assert await inbox.recall(session, "sas", "m") is None


async def test_different_messages_do_not_wait_for_each_other(database: Database) -> None:
    async with database.transaction() as one, database.transaction() as two:
        await inbox.recall(one, "sas", "a")
        assert await asyncio.wait_for(inbox.recall(two, "sas", "b"), 5) is None
