from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import ClassVar

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from hub.storage import outbox
from hub.storage.outbox import LeaseLost, Message, Row
from hub.storage.session import Database
from tests.conftest import FrozenClock


class Told(Message):
    topic: ClassVar[str] = "told"
    number: int


class Timer(Message):
    topic: ClassVar[str] = "timer"
    number: int


async def put(database: Database, *numbers: int, lane: str | None = None) -> None:
    async with database.transaction() as session:
        for number in numbers:
            await outbox.put(session, Told(number=number), lane=lane)


async def claim(
    database: Database, clock: FrozenClock, limit: int = 100, topics: tuple[str, ...] = ("told",)
) -> list[Row]:
    return await outbox.claim(database, limit=limit, topics=topics, now=clock.now())


async def finish(database: Database, row: Row) -> None:
    async with database.transaction() as session:
        await outbox.finish(session, row)


async def end_leases(database: Database) -> None:
    """What two minutes without a sign of life do."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE outbox SET held_until = clock_timestamp() - interval '1 second' WHERE held_until IS NOT NULL")
        )


def numbers(rows: list[Row]) -> list[int]:
    return [row.payload["number"] for row in rows]


async def test_a_message_put_and_rolled_back_leaves_nothing(database: Database, clock: FrozenClock) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await outbox.put(session, Told(number=1))
            raise RuntimeError("the effect failed")
    assert await claim(database, clock) == []


async def test_a_lane_gives_its_messages_one_after_the_other(database: Database, clock: FrozenClock) -> None:
    await put(database, 1, 2, 3, lane="request/1")
    for expected in (1, 2, 3):
        rows = await claim(database, clock)
        assert numbers(rows) == [expected]
        assert await claim(database, clock) == []
        await finish(database, rows[0])
    assert await claim(database, clock) == []


async def test_without_a_lane_nobody_waits(database: Database, clock: FrozenClock) -> None:
    await put(database, 1, 2, 3)
    assert numbers(await claim(database, clock)) == [1, 2, 3]


async def test_order_inside_lanes_with_claimers_in_a_hurry(database: Database, clock: FrozenClock) -> None:
    lanes, length = 7, 6
    for number in range(length):
        for lane in range(lanes):
            await put(database, lane * 100 + number, lane=f"request/{lane}")
    delivered: dict[int, list[int]] = defaultdict(list)

    async def worker() -> None:
        while sum(map(len, delivered.values())) < lanes * length:
            for row in await claim(database, clock, limit=3):
                number = row.payload["number"]
                await asyncio.sleep(0.001 * (number % 3))
                delivered[number // 100].append(number % 100)
                await finish(database, row)

    await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(6))), 60)
    assert delivered == {lane: list(range(length)) for lane in range(lanes)}


async def test_two_claimers_never_hold_the_same_message(database: Database, clock: FrozenClock) -> None:
    await put(database, *range(60))
    shares = await asyncio.gather(*(claim(database, clock, limit=25) for _ in range(5)))
    taken = [number for share in shares for number in numbers(share)]
    assert len(taken) == len(set(taken))
    rest = numbers(await claim(database, clock))
    assert sorted(taken + rest) == list(range(60))


async def test_topics_not_asked_stay_and_hold_their_lane(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await outbox.put(session, Timer(number=1), lane="request/1")
        await outbox.put(session, Told(number=2), lane="request/1")
        await outbox.put(session, Told(number=3), lane="request/2")
    assert numbers(await claim(database, clock)) == [3]
    assert numbers(await claim(database, clock, topics=("timer",))) == [1]


async def test_a_timer_waits_for_the_hub_clock(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await outbox.put(session, Timer(number=1), due_at=clock.now() + timedelta(hours=2))
    assert await claim(database, clock, topics=("timer",)) == []
    clock.advance(timedelta(hours=2))
    rows = await claim(database, clock, topics=("timer",))
    assert numbers(rows) == [1]
    assert rows[0].first_due_at == clock.now()


async def test_a_worker_that_died_gives_its_work_back(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (dead,) = await claim(database, clock)
    await outbox.keep_prepared(database, dead.id, dead.lease, b"<same to the byte/>")
    assert await claim(database, clock) == []  # its lease still runs
    await end_leases(database)
    (second,) = await claim(database, clock)
    assert (second.id, second.attempts, second.prepared) == (dead.id, 2, b"<same to the byte/>")
    assert second.lease > dead.lease


async def test_a_worker_that_lost_its_lease_can_write_nothing(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (late,) = await claim(database, clock)
    await end_leases(database)
    (current,) = await claim(database, clock)
    with pytest.raises(LeaseLost):
        await outbox.keep_prepared(database, late.id, late.lease, b"x")
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO setting (name, value) VALUES ('effect', '1')"))
            await outbox.finish(session, late)
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await outbox.stop(session, late, {"kind": "refused"})
    with pytest.raises(LeaseLost):
        await outbox.postpone(database, late, clock.now(), {"kind": "busy"})
    await outbox.release(database, late)
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM setting"))).scalar_one() == 0
        found = await outbox.by_id(session, current.id)
    assert found is not None and found.state == "waiting" and found.lease == current.lease
    assert await claim(database, clock) == []  # the release of the late one freed nothing
    await finish(database, current)


async def test_settled_twice_counts_once(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (row,) = await claim(database, clock)
    await finish(database, row)
    with pytest.raises(LeaseLost):
        await finish(database, row)


async def test_killed_between_settle_and_commit_the_message_comes_again(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (row,) = await claim(database, clock)
    with pytest.raises(asyncio.CancelledError):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO setting (name, value) VALUES ('effect', '1')"))
            await outbox.finish(session, row)
            raise asyncio.CancelledError
    await end_leases(database)
    assert numbers(await claim(database, clock)) == [1]
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM setting"))).scalar_one() == 0


async def test_a_poisoned_message_blocks_only_its_own_lane(database: Database, clock: FrozenClock) -> None:
    await put(database, 1, 2, lane="poisoned")
    await put(database, 10, lane="sound")
    rows = {row.payload["number"]: row for row in await claim(database, clock)}
    assert set(rows) == {1, 10}
    await outbox.postpone(
        database, rows[1], clock.now() + timedelta(hours=1), {"kind": "unreachable", "code": "timeout"}
    )
    await finish(database, rows[10])
    assert await claim(database, clock) == []  # 2 waits behind 1
    await put(database, 11, lane="sound")
    assert numbers(await claim(database, clock)) == [11]
    clock.advance(timedelta(hours=1))
    (again,) = await claim(database, clock)
    assert (again.payload["number"], again.attempts) == (1, 2)
    assert again.last_error == {"kind": "unreachable", "code": "timeout"}
    async with database.transaction() as session:
        await outbox.stop(session, again, {"kind": "refused", "code": "XDSError"})
    assert numbers(await claim(database, clock)) == [2]  # a stopped message holds nobody


async def test_prepared_is_encrypted_and_emptied_when_done(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (row,) = await claim(database, clock)
    await outbox.keep_prepared(database, row.id, row.lease, b"NOM DU PATIENT")
    stored = text("SELECT prepared FROM outbox")
    async with database.reading() as session:
        assert b"PATIENT" not in bytes((await session.execute(stored)).scalar_one())
        kept = await outbox.by_id(session, row.id)
    assert kept is not None and kept.prepared == b"NOM DU PATIENT"
    await finish(database, row)
    async with database.reading() as session:
        assert (await session.execute(stored)).scalar_one() is None


async def test_release_gives_back_at_once_and_counts_no_attempt(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (row,) = await claim(database, clock)
    await outbox.release(database, row)
    (again,) = await claim(database, clock)
    assert again.attempts == 1


async def test_by_hand_again_and_stop(database: Database, clock: FrozenClock) -> None:
    await put(database, 1)
    (row,) = await claim(database, clock)
    async with database.transaction() as session:
        assert await outbox.stop_by_hand(session, row.id)
        assert not await outbox.stop_by_hand(session, row.id)
    with pytest.raises(LeaseLost):
        await finish(database, row)
    async with database.transaction() as session:
        assert [found.id for found in await outbox.rows(session, state="stopped")] == [row.id]
        assert await outbox.depth(session) == {("told", "stopped"): 1}
        assert await outbox.again(session, row.id)
    (again,) = await claim(database, clock)
    await finish(database, again)
    async with database.transaction() as session:
        assert not await outbox.again(session, row.id)


async def test_sweep_empties_what_is_old(database: Database, clock: FrozenClock) -> None:
    await put(database, 1, 2)
    one, two = await claim(database, clock)
    await outbox.keep_prepared(database, one.id, one.lease, b"x")
    await finish(database, two)
    async with database.transaction() as session:
        await outbox.stop(session, one, {"kind": "refused"})
    clock.advance(timedelta(days=89))
    async with database.transaction() as session:
        await outbox.sweep(session)
        stopped, done = await outbox.by_id(session, one.id), await outbox.by_id(session, two.id)
    assert stopped is not None and stopped.prepared == b"x" and done is None
    clock.advance(timedelta(days=2))
    async with database.transaction() as session:
        await outbox.sweep(session)
        stopped = await outbox.by_id(session, one.id)
    assert stopped is not None and stopped.prepared is None and stopped.state == "stopped"


async def test_the_worker_wakes_when_a_message_is_committed(database: Database, clock: FrozenClock) -> None:
    bell = outbox.wake(database)
    assert await anext(bell) == ""
    await put(database, 1)
    assert await asyncio.wait_for(anext(bell), 10) == "told"
    await bell.aclose()


def test_a_message_takes_no_word_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        Told(number=1, patient="DUPONT")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Told(number=1).number = 2  # type: ignore[misc]
