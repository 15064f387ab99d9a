"""What a load of the directory means for accounts: real files, real accounts, and what people are then shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub import clock as hub_clock
from hub.connectors.installation import Installation
from hub.connectors.mail import outbound
from hub.connectors.mail.settings import MailSettings
from hub.connectors.rpps.load import load, revert
from hub.connectors.rpps.settings import RppsSettings
from hub.domain.identity import Identity, activity_key
from hub.storage import accounts, audit, differences, directory, resources, sign_ins, situations
from hub.storage.accounts import Account
from hub.storage.session import Database
from hub.storage.tables.accounts import candidate
from hub.storage.tables.machinery import outbox
from hub.web.sessions import open_session
from hub.workflows import accounts as entries
from hub.workflows import capacities
from hub.workflows.directory import identity_of
from hub.workflows.timers import TOPICS
from hub.workflows.topics import SendMail, SituationEnded
from tests.conftest import FrozenClock
from tests.connectors.rpps.rows import DOCTOR, HOSPITAL, NURSE, OLD, source, text

NUMBER = DOCTOR["national_id"]
INVENTED = Installation(public_url="https://colibri.test", phone="02 61 91 04 00")


class Story:
    """Nights, one after the other, and somebody with an account."""

    def __init__(self, database: Database, clock: FrozenClock, folder: Path) -> None:
        self.database, self.clock, self.folder, self.day = database, clock, folder, 16

    async def night(self, *rows: dict[str, str]) -> int:
        """The directory of the next night; the number of its load."""
        given = source(
            self.folder, text([*rows, {**OLD, "phone": f"01990000{self.day}"}]), stamp=f"202611{self.day:02d}0900"
        )
        self.day += 1
        self.clock.advance(timedelta(days=1))
        report = await load(self.database, RppsSettings(least_share=0, most_missing=1, missing_days=2), given)
        return report.load.id

    async def who(self) -> Identity:
        async with self.database.reading() as session:
            person = await directory.by_national_id(session, NUMBER)
        assert person is not None
        return identity_of(person, issuer="https://psc.test")

    async def sign_in(self, who: Identity) -> Account:
        async with self.database.transaction() as session:
            arrival = await entries.arrive(session, who, accepts_test_identities=True)
            assert arrival.account is not None
            await accounts.change(
                session, arrival.account.id, email="lefevre@example.org", email_confirmed_at=hub_clock.now()
            )
        return arrival.account

    async def put(self, kind: Any) -> list[Any]:
        async with self.database.reading() as session:
            query = select(outbox.c.payload).where(outbox.c.topic == kind.topic).order_by(outbox.c.id)
            return [kind.model_validate(one) for one in (await session.execute(query)).scalars()]

    async def taken_back(self) -> None:
        """Go back to the directory of the night before, an hour after the last load."""
        self.clock.advance(timedelta(hours=1))
        await revert(self.database)

    async def asked(self) -> list[str]:
        """The situations that may be asked."""
        async with self.database.reading() as session:
            return sorted((await session.execute(select(candidate.c.role))).scalars())

    async def written(self, mail: SendMail) -> str | None:
        """What leaves by mail, ``None`` when nothing does."""
        prepare = outbound.topics(MailSettings(), INVENTED)[SendMail].prepare
        assert prepare is not None
        async with self.database.reading() as session:
            ready = await prepare(session, mail)
        return str(json.loads(ready)["mail"]) if ready is not None else None

    async def deliver(self) -> None:
        """Settle the last message of a situation that ended."""
        async with self.database.transaction() as session:
            settle = TOPICS[SituationEnded].settle
            assert settle is not None
            await settle(session, (await self.put(SituationEnded))[-1])

    async def open_situations(self, account: Account) -> list[situations.Situation]:
        async with self.database.reading() as session:
            return await situations.situations(session, account.id)

    async def noted(self, account: Account) -> list[tuple[str, str, str]]:
        async with self.database.reading() as session:
            found = await differences.of_account(session, account.id, hub_clock.now())
        return [(one.kind, one.said, one.directory) for one in found]


@pytest.fixture
def story(database: Database, clock: FrozenClock, tmp_path: Path) -> Story:
    return Story(database, clock, tmp_path)


async def test_an_activity_that_ended_ends_the_situation_and_its_holder_is_told(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    account = await story.sign_in(await story.who())
    await story.night(DOCTOR)
    (message,) = await story.put(SituationEnded)
    assert len(await story.open_situations(account)) == 2  # ends after the load, not in it
    await story.deliver()
    (left,) = await story.open_situations(account)
    assert left.structure_key == DOCTOR["structure_id"]
    async with story.database.reading() as session:
        role = await resources.peek(session, "PractitionerRole", message.role)
    assert await story.asked() == [left.role]
    assert role is not None
    assert role["active"] is False
    assert await story.noted(account) == [("situation-ended", HOSPITAL["structure_id"], "")]
    (mail,) = await story.put(SendMail)
    written = await story.written(mail) or ""
    assert "CH INVENTE" in written
    assert "https://colibri.test/situation" in written
    await story.deliver()  # delivered twice, told once
    assert len(await story.put(SendMail)) == 1


async def test_another_role_at_the_same_place_is_the_same_situation(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    (before,) = await story.open_situations(account)
    await story.night({**DOCTOR, "role_code": "FON-02"})
    (after,) = await story.open_situations(account)
    assert (after.role, after.role_code) == (before.role, "FON-02")
    assert before.key != after.key
    assert after.key == activity_key(NUMBER, "10", "C", (await story.who()).exercises[0].activities[0])
    assert await story.put(SituationEnded) == []


async def test_who_signs_in_before_the_end_is_delivered_keeps_what_is_vouched_for(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    who = await story.who()
    await story.sign_in(who)
    await story.night(DOCTOR)
    story.clock.advance(timedelta(minutes=1))
    account = await story.sign_in(who)
    await story.deliver()
    assert len(await story.open_situations(account)) == 2
    assert ("place", HOSPITAL["structure_id"], "") in await story.noted(account)
    # Another night that says the same does not end it again.
    await story.night(DOCTOR, NURSE)
    assert len(await story.put(SituationEnded)) == 1


async def test_who_signs_in_after_the_end_is_given_the_situation_back_and_told_nothing_else(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    who = await story.who()
    account = await story.sign_in(who)
    await story.night(DOCTOR)
    await story.deliver()
    story.clock.advance(timedelta(minutes=1))
    await story.sign_in(who)
    assert len(await story.open_situations(account)) == 2
    assert await story.noted(account) == [("place", HOSPITAL["structure_id"], "")]
    (mail,) = await story.put(SendMail)
    assert await story.written(mail) is None  # it waited for the morning, and is no longer true


async def test_a_session_goes_on_and_the_next_sign_in_asks_again(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    who = await story.who()
    account = await story.sign_in(who)
    hospital = next(one for one in await story.open_situations(account) if one.structure_name == "CH INVENTE")
    story.clock.advance(timedelta(hours=1))
    began = hub_clock.now()
    async with story.database.transaction() as session:
        token, must_choose = await open_session(session, account, None, now=began)
        assert must_choose
        opened = await sign_ins.session_of(session, sign_ins.digest(token))
        assert opened is not None
        await sign_ins.change_session(session, opened.id, role=hospital.role)
    await story.night(DOCTOR)
    await story.deliver()
    async with story.database.transaction() as session:
        known = await accounts.by_id(session, account.id)
        assert known is not None
        going = await capacities.viewer(session, known, role=hospital.role, held=None, since=began)
        assert going is not None
        assert going.role == hospital.role
        assert await capacities.viewer(session, known, role=hospital.role, held=None, since=hub_clock.now()) is None
        _, must_choose = await open_session(session, known, None, now=hub_clock.now())
    assert must_choose  # although one situation is left


async def test_missing_then_gone_then_back(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    await story.night(NURSE)
    assert await story.noted(account) == [("missing", "", "")]
    assert await story.put(SituationEnded) == []  # an absence of one day is no departure
    await story.night(NURSE)
    await story.night(NURSE)
    assert await story.noted(account) == [("gone", "", "")]
    await story.deliver()
    assert await story.open_situations(account) == []
    await story.night(NURSE, DOCTOR)
    kinds = [kind for kind, _, _ in await story.noted(account)]
    assert "missing" not in kinds
    assert "gone" not in kinds


async def test_a_profession_that_changed_is_told_to_the_operators(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    await story.night({**DOCTOR, "profession_code": "50", "profession": "Sage-Femme", "skill_code": ""})
    assert await story.noted(account) == [("profession", "10/C", "50/C")]
    await story.deliver()
    assert await story.open_situations(account) == []


async def test_who_is_not_in_the_directory_yet_gets_in_and_is_flagged_until_they_are(story: Story) -> None:
    await story.night(DOCTOR)
    who = await story.who()
    other = NURSE["national_id"]
    account = await story.sign_in(replace(who, national_id=other, other_ids=()))
    assert len(await story.open_situations(account)) == 1
    assert await story.noted(account) == [("person", other, "")]
    await story.night(DOCTOR, NURSE)
    assert await story.noted(account) == []


async def test_what_an_operator_has_seen_does_not_come_back_for_being_still_true(story: Story) -> None:
    await story.night(DOCTOR)
    who = await story.who()
    stranger = replace(who, exercises=(*who.exercises, replace(who.exercises[0], profession="60", activities=())))
    account = await story.sign_in(stranger)
    async with story.database.transaction() as session:
        (one,) = await differences.open_ones(session, "cpts-x", count=10)
        assert (one.kind, one.said) == ("exercise", "60/C")
        assert await differences.seen(session, one.id, "cpts-x", by="operator", at=hub_clock.now())
        assert not await differences.seen(session, one.id, "cpts-x", by="operator", at=hub_clock.now())
    await story.sign_in(stranger)
    async with story.database.reading() as session:
        assert await differences.open_ones(session, "cpts-x", count=10) == []
    assert await story.noted(account) == [("exercise", "60/C", "")]  # the person still reads it


async def test_a_load_taken_back_gives_back_the_situations_it_ended(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    account = await story.sign_in(await story.who())
    both = await story.asked()
    await story.night(DOCTOR)
    await story.deliver()
    assert len(await story.asked()) == 1
    await story.taken_back()
    assert len(await story.open_situations(account)) == 2
    assert await story.asked() == both
    assert await story.noted(account) == []
    (message,) = await story.put(SituationEnded)
    async with story.database.reading() as session:
        role = await resources.peek(session, "PractitionerRole", message.role)
        traces = [one.event for one in await audit.traces(session)]
    assert role is not None
    assert role["active"] is True
    assert "situation.back" in traces
    first, then = await story.put(SendMail)
    assert await story.written(first) is None  # should it not have left yet
    assert "CH INVENTE" in (await story.written(then) or "")
    # The same end, the next night, is a new one.
    await story.night(DOCTOR)
    await story.deliver()
    assert await story.noted(account) == [("situation-ended", HOSPITAL["structure_id"], "")]


async def test_an_end_not_delivered_when_its_load_is_taken_back_never_was(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    account = await story.sign_in(await story.who())
    await story.night(DOCTOR)
    await story.taken_back()
    await story.deliver()
    assert len(await story.open_situations(account)) == 2
    assert await story.noted(account) == []
    assert await story.put(SendMail) == []


async def test_a_role_that_a_load_changed_is_what_it_was_once_the_load_is_taken_back(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    before = await story.open_situations(account)
    await story.night({**DOCTOR, "role_code": "FON-02"})
    await story.taken_back()
    (after,) = await story.open_situations(account)
    assert [(one.role, one.key, one.role_code) for one in before] == [(after.role, after.key, after.role_code)]


async def test_one_load_after_the_other_is_taken_back(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    account = await story.sign_in(await story.who())
    first = sorted((one.role, one.key, one.role_code) for one in await story.open_situations(account))
    await story.night({**DOCTOR, "role_code": "FON-02"}, HOSPITAL)
    await story.night({**DOCTOR, "role_code": "FON-17"})
    await story.deliver()
    for _ in range(2):
        await story.taken_back()
    found = await story.open_situations(account)
    assert sorted((one.role, one.key, one.role_code) for one in found) == first


async def test_a_role_told_by_a_sign_in_since_the_load_outlives_its_return(story: Story) -> None:
    await story.night(DOCTOR)
    await story.sign_in(await story.who())
    await story.night({**DOCTOR, "role_code": "FON-02"})
    story.clock.advance(timedelta(minutes=1))
    account = await story.sign_in(await story.who())
    await story.taken_back()
    (one,) = await story.open_situations(account)
    assert one.role_code == "FON-02"


async def test_what_a_sign_in_said_since_the_load_outlives_its_return(story: Story) -> None:
    await story.night(DOCTOR, HOSPITAL)
    who = await story.who()
    await story.sign_in(who)
    await story.night(DOCTOR)
    await story.deliver()
    story.clock.advance(timedelta(minutes=1))
    (exercise,) = who.exercises
    at_work = [one for one in exercise.activities if one.technical_id != HOSPITAL["structure_id"]]
    account = await story.sign_in(replace(who, exercises=(replace(exercise, activities=tuple(at_work)),)))
    await story.taken_back()
    (left,) = await story.open_situations(account)
    assert left.structure_key == DOCTOR["structure_id"]


async def test_a_place_of_a_load_taken_back_stays_with_who_signed_in_with_it(story: Story) -> None:
    await story.night(DOCTOR)
    await story.night(DOCTOR, HOSPITAL)
    account = await story.sign_in(await story.who())
    await story.taken_back()
    assert len(await story.open_situations(account)) == 2  # Pro Santé Connect vouches for it


async def test_what_was_noted_is_what_it_was_before_the_load_taken_back(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    known: list[Any] = []
    for rows in ([NURSE], [NURSE, DOCTOR], [NURSE], [NURSE], [NURSE]):
        known.append(await story.noted(account))
        await story.night(*rows)
    assert await story.noted(account) == [("gone", "", "")]
    assert known == [
        [],
        [missing := ("missing", "", "")],
        [back := ("returned", "", "")],
        [missing, back],
        [missing, back],
    ]
    while known:
        await story.taken_back()
        assert await story.noted(account) == known.pop()


async def test_who_was_not_in_the_directory_yet_is_not_again(story: Story) -> None:
    await story.night(DOCTOR)
    who = await story.who()
    other = NURSE["national_id"]
    account = await story.sign_in(replace(who, national_id=other, other_ids=()))
    await story.night(DOCTOR, NURSE)
    assert await story.noted(account) == []
    await story.taken_back()
    assert await story.noted(account) == [("person", other, "")]


async def test_a_profession_that_changed_back_and_what_an_operator_has_seen_of_it(story: Story) -> None:
    await story.night(DOCTOR)
    account = await story.sign_in(await story.who())
    await story.night({**DOCTOR, "profession_code": "50", "profession": "Sage-Femme", "skill_code": ""})
    await story.deliver()
    async with story.database.transaction() as session:
        for one in await differences.open_ones(session, "cpts-x", count=10):
            assert await differences.seen(session, one.id, "cpts-x", by="operator", at=hub_clock.now())
    assert len(await story.noted(account)) == 2  # the person still reads it
    await story.taken_back()
    assert await story.noted(account) == []
    assert len(await story.open_situations(account)) == 1
