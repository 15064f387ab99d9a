"""The stream of the board: what it says, to whom, until when, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.storage import board
from hub.storage.board import BoardRow
from hub.storage.session import Database
from hub.web import live as live_module
from hub.web.live import Live
from tests.conftest import FrozenClock
from tests.web.conftest import SECRETS, VASSEUR, Portal, leaks
from tests.workflows.conftest import NETWORK

HELLO, CHANGED, BEAT = b"id: 1\n\n", b"event: changed\nid: 1\ndata:\n\n", b": \n\n"
LISTENERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"board\"' AND datname = current_database()"
)
Words = AsyncGenerator[bytes]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "QUIET", 0.05)


@pytest.fixture
async def live(database: Database) -> Live:
    return Live(database, beat=5.0)


async def yes() -> bool:
    return True


@pytest.fixture
async def opened(live: Live) -> AsyncIterator[list[Words]]:
    """Streams of two CPTS that have heard the word by which a listener begins."""
    async with AsyncExitStack() as stack:
        made = [live.words(network, yes, is_back=False) for network in (NETWORK, "cpts-voisine")]
        for words in made:
            await stack.enter_async_context(aclosing(words))
            assert await anext(words) == HELLO
            if words is made[0]:
                assert await within(words) == CHANGED  # the listener begins: anything may have changed before
        yield made


async def within(words: Words, seconds: float = 4.0) -> bytes:
    return await asyncio.wait_for(anext(words), seconds)


async def write(database: Database, clock: FrozenClock, request: str = "r1", network: str = NETWORK) -> None:
    row = BoardRow(
        request=request, number="26-000417", network=network, state="searching", origin="sas", patient="p1",
        issued_at=clock.now(), response_due=clock.now() + timedelta(hours=2), changed_at=clock.now(),
        patient_name="CANARI-7F3A",
    )  # fmt: skip
    async with database.transaction() as session:
        await board.write(session, row)


async def test_each_kind_of_change_is_told_and_nothing_of_it(
    database: Database, clock: FrozenClock, opened: list[Words]
) -> None:
    ours, _ = opened
    await write(database, clock)
    assert await within(ours) == CHANGED
    async with database.transaction() as session:
        assert await board.assign(session, "r1", "nadia")
        assert not await board.assign(session, "inconnue", "nadia")
    assert await within(ours) == CHANGED
    async with database.transaction() as session:
        await board.remove(session, "r1")
    assert await within(ours) == CHANGED


async def test_another_cpts_hears_nothing(database: Database, clock: FrozenClock, opened: list[Words]) -> None:
    _, theirs = opened
    await write(database, clock)
    with pytest.raises(TimeoutError):
        await within(theirs, 0.4)


async def test_what_is_rolled_back_never_was(database: Database, clock: FrozenClock, opened: list[Words]) -> None:
    ours, _ = opened
    await write(database, clock)
    assert await within(ours) == CHANGED
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await board.remove(session, "r1")
            raise RuntimeError
    with pytest.raises(TimeoutError):
        await within(ours, 0.4)


async def test_a_burst_is_one_change(database: Database, clock: FrozenClock, opened: list[Words]) -> None:
    ours, _ = opened
    waiting = asyncio.create_task(anext(ours))
    for number in range(10):
        await write(database, clock, f"r{number}")
    assert await asyncio.wait_for(waiting, 4) == CHANGED
    heard = 1
    while True:
        try:
            await within(ours, 0.5)
        except TimeoutError:
            break
        heard += 1
    assert heard < 10


async def test_who_comes_back_is_told_at_once(live: Live) -> None:
    async with aclosing(live.words(NETWORK, yes, is_back=True)) as words:
        assert [await within(words), await within(words)] == [HELLO, CHANGED]


async def test_one_listener_whatever_the_number_of_streams_and_none_without(live: Live, database: Database) -> None:
    async def listeners() -> int:
        async with database.reading() as session:
            return int((await session.execute(LISTENERS)).scalar_one())

    async with AsyncExitStack() as stack:
        for _ in range(40):
            words = await stack.enter_async_context(aclosing(live.words(NETWORK, yes, is_back=False)))
            assert await within(words) == HELLO
        for _ in range(40):
            if await listeners():
                break
            await asyncio.sleep(0.05)
        assert await listeners() == 1
        assert database.readings.in_use == database.writing.in_use == 0
    assert not live.ears and live.listener is None
    for _ in range(40):
        if not await listeners():
            break
        await asyncio.sleep(0.05)
    assert await listeners() == 0


async def test_it_ends_with_the_session_and_with_its_own_life(database: Database) -> None:
    answers = iter([True, False])

    async def still() -> bool:
        return next(answers)

    brief = Live(database, beat=0.05)
    words = brief.words("cpts-muette", still, is_back=False)
    said = [one async for one in words]
    assert said[0] == HELLO and said[-1] == CHANGED and len(said) == 3  # the last word leads to the sign-in
    short = Live(database, beat=5.0, life=0.2)
    assert HELLO in [one async for one in short.words(NETWORK, yes, is_back=False)]
    assert not brief.ears and not short.ears


async def test_operators_hear_it_and_others_do_not(portal: Portal) -> None:
    operator, doctor = await portal.staff("operator"), await portal.doctor(VASSEUR, "VASSEUR")
    await portal.handed_over()
    answer = await operator.open("/supervision/flux")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-accel-buffering"] == "no"
    assert answer.content.startswith(HELLO) and leaks(answer, SECRETS) == []
    assert (await doctor.open("/supervision/flux")).status_code == 403
    assert (await portal.stranger().open("/supervision/flux")).status_code == 303


async def test_a_stream_is_no_act_of_the_person(portal: Portal) -> None:
    operator = await portal.staff("operator")
    await operator.open("/supervision")
    for _ in range(4):
        portal.clock.advance(timedelta(minutes=9))
        answer = await operator.http.get("/supervision/flux", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 303 and "/connexion" in answer.headers["location"]


async def test_beyond_so_many_streams_pages_ask_by_themselves(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Live, "is_full", True)
    operator = await portal.staff("operator")
    answer = await operator.open("/supervision/flux")
    assert (answer.status_code, answer.headers["retry-after"], answer.content) == (503, "60", b"")


def test_so_many_and_no_more(database: Database) -> None:
    full = Live(database, most=0)
    assert full.is_full and not Live(database).is_full
