"""Accounts through days of the twin, told by its extraction or by its FHIR API: the same happens to them (rpps.md 10.5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from hub import clock
from hub.domain.identity import Identity
from hub.storage import differences, directory, situations
from hub.storage.session import Database
from hub.storage.tables.machinery import outbox
from hub.workflows import accounts as entries
from hub.workflows.directory import identity_of
from hub.workflows.timers import TOPICS
from hub.workflows.topics import SituationEnded
from sandbox.rpps import RppsTwin
from sandbox.rpps.days import Changes, next_day
from sandbox.rpps.model import Person
from tests.verbs.conftest import run

DAY = 86_400  # seconds
CHANNELS = {"extraction": ["load"], "increment": ["sync", "--increments"]}


class Holders:
    """People of the twin with an account here, and the channel that tells what becomes of them."""

    def __init__(self, database: Database, twin: RppsTwin, channel: str) -> None:
        self.database, self.twin, self.channel = database, twin, channel
        self.accounts: dict[str, str] = {}
        self.delivered = 0

    async def sign_in(self, national_id: str) -> None:
        async with self.database.transaction() as session:
            arrival = await entries.arrive(session, await self.who(national_id), accepts_test_identities=True)
        assert arrival.account is not None
        self.accounts[national_id] = arrival.account.id

    async def who(self, national_id: str) -> Identity:
        """Somebody as the directory has them now."""
        async with self.database.reading() as session:
            person = await directory.by_national_id(session, national_id)
        assert person is not None
        return identity_of(person, issuer="https://psc.test")

    async def tell(self) -> None:
        """A day passes, and the channel tells it."""
        self.twin.world.clock.advance(DAY)
        clock._Offset.read_at = float("-inf")
        told = await run(*CHANNELS[self.channel])
        assert told.exit_code == 0, told.output

    async def open_ones(self, national_id: str) -> list[situations.Situation]:
        async with self.database.reading() as session:
            return await situations.situations(session, self.accounts[national_id])

    async def noted(self, national_id: str) -> set[str]:
        async with self.database.reading() as session:
            found = await differences.of_account(session, self.accounts[national_id], clock.now())
        return {one.kind for one in found}

    async def promised(self) -> list[SituationEnded]:
        async with self.database.reading() as session:
            query = select(outbox.c.payload).where(outbox.c.topic == SituationEnded.topic).order_by(outbox.c.id)
            return [SituationEnded.model_validate(one) for one in (await session.execute(query)).scalars()]

    async def ending(self) -> set[str]:
        """The situations of which the end was promised since it was last delivered."""
        return {one.role for one in (await self.promised())[self.delivered :]}

    async def deliver(self) -> None:
        settle: Any = TOPICS[SituationEnded].settle
        for one in (await self.promised())[self.delivered :]:
            async with self.database.transaction() as session:
                await settle(session, one)
            self.delivered += 1


@pytest.fixture(params=CHANNELS)
async def holders(request: pytest.FixtureRequest, configured: RppsTwin, database: Database) -> Holders:
    told = await run("load")
    assert told.exit_code == 0, told.output
    return Holders(database, configured, request.param)


def coming(twin: RppsTwin) -> tuple[Changes, dict[str, Person]]:
    """What the twin will tell of the next day."""
    tomorrow = next_day(twin.current().directory)
    return tomorrow.since, dict(tomorrow.people)


def with_another_role(twin: RppsTwin) -> list[str]:
    """Who will have another role at the same place tomorrow."""
    (since, after), before = coming(twin), twin.current().directory.people
    first = {who: [one.exercises[0].activities[0].role for one in (before[who], after[who])] for who in since.changed}
    return [who for who, (old, new) in first.items() if old != new]


async def test_work_that_ends_or_moves_ends_the_situation_and_nothing_else_does(holders: Holders) -> None:
    since, _ = coming(holders.twin)
    stopped, moved, other = since.ended[:2], since.moved[:2], with_another_role(holders.twin)[:2]
    away = since.forgotten[0], since.removed[0]
    assert stopped and moved and other
    for who in (*stopped, *moved, *other, *away):
        await holders.sign_in(who)
    before = {who: await holders.open_ones(who) for who in (*stopped, *moved, *other, *away)}
    await holders.tell()
    lost = {one.role for who in stopped for one in before[who]} | {before[who][0].role for who in moved}
    assert await holders.ending() == lost
    await holders.deliver()
    for who in stopped:
        assert await holders.open_ones(who) == []
        assert await holders.noted(who) == {"situation-ended"}
    for who in moved:
        assert not {one.role for one in await holders.open_ones(who)} & lost
    for who in other:
        (now, *_), (then, *_) = await holders.open_ones(who), before[who]
        assert now.role == then.role
        assert (now.role_code, now.key) != (then.role_code, then.key)
        assert now.role_code == (await holders.who(who)).exercises[0].activities[0].role
    for who in away:  # absent for a day: told to the operators, asked as before
        assert await holders.open_ones(who) == before[who]
        assert await holders.noted(who) == {"missing"}


async def test_who_is_absent_is_put_out_once_the_absence_is_confirmed_and_who_is_back_never_was(
    holders: Holders,
) -> None:
    since, _ = coming(holders.twin)
    forgotten, removed = since.forgotten[0], since.removed[0]
    for who in (forgotten, removed):
        await holders.sign_in(who)
    kept = await holders.open_ones(forgotten)
    leaving = {one.role for one in await holders.open_ones(removed)}
    for day in range(1, 5):
        await holders.tell()
        await holders.deliver()
        gone = {one.role for one in await holders.promised()}
        assert gone == (leaving if day == 4 else set()), day
    assert await holders.open_ones(forgotten) == kept
    assert await holders.open_ones(removed) == []
    assert await holders.noted(forgotten) == {"returned"}
    assert await holders.noted(removed) == {"gone", "situation-ended"}
