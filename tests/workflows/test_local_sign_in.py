"""Local sign-in: five digits, a secret, a second factor; tries that are counted before they are judged."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hub.domain.refusal import Refusal
from hub.storage import accounts, crypto
from hub.storage.accounts import Account
from hub.storage.session import Database
from hub.storage.tables.accounts import one_time_code
from hub.storage.tables.machinery import outbox
from hub.workflows import accounts as entries
from hub.workflows import codes
from hub.workflows import local_sign_in as local
from tests.conftest import FrozenClock

SECRET = "quatre mots sans lien"
BROWSER = "navigateur-de-nadia"


@pytest.fixture
async def nadia(database: Database, clock: FrozenClock) -> Account:
    hashed = await local.hash_secret(SECRET)
    now = clock.now()
    async with database.transaction() as session:
        account = await entries.create_local(
            session,
            given="Nadia",
            family="ROCHE",
            email="nadia@example.org",
            email_confirmed_at=now,
            mobile="+33639980001",
            mobile_confirmed_at=now,
        )
        await local.set_secret(session, account.id, hashed)
    assert account.identifier is not None
    assert len(account.identifier) == 5
    return account


async def first(database: Database, account: Account, secret: str = SECRET) -> local.Challenge:
    return await local.first_factor(database, account.identifier or "", secret, browser=BROWSER)


async def sent(database: Database, id: str) -> str:
    async with database.reading() as reading:
        code = await entries.code_to_send(reading, id)
    assert code is not None
    return code.code


async def second(database: Database, id: str, code: str, browser: str = BROWSER) -> Account:
    return await local.second_factor(database, id, code, browser=browser)


async def test_the_two_steps(database: Database, nadia: Account) -> None:
    asked = await first(database, nadia)
    assert (asked.channel, asked.hint) == ("sms", "01")
    code = await sent(database, asked.id)
    assert len(code) == 4
    assert (await second(database, asked.id, f" {code} ")).id == nadia.id


async def test_the_code_lies_nowhere_in_clear(database: Database, nadia: Account) -> None:
    asked = await first(database, nadia)
    code = await sent(database, asked.id)
    async with database.reading() as reading:
        (message,) = (await reading.execute(select(outbox.c.topic, outbox.c.payload))).all()
        (row,) = (await reading.execute(select(one_time_code))).all()
    assert message.topic == "sms.code"
    assert set(message.payload) == {"account", "code"}
    assert message.payload["code"] == asked.id
    assert code.encode() not in row.sealed
    assert crypto.unseal(row.sealed, purpose=codes.PURPOSE).decode() == code
    async with database.transaction() as session:
        await codes.sent(session, asked.id)
        assert await entries.code_to_send(session, asked.id) is None
    assert (await second(database, asked.id, code)).id == nadia.id


async def test_wrong_secret_and_unknown_identifier_read_the_same(database: Database, nadia: Account) -> None:
    for identifier, secret in (
        (nadia.identifier or "", "autre"),
        ("00000", SECRET),
        ("", ""),
        (nadia.identifier or "", ""),
    ):
        with pytest.raises(Refusal) as caught:
            await local.first_factor(database, identifier, secret, browser=BROWSER)
        assert caught.value.code == "bad-credentials"


async def test_five_wrong_secrets_close_the_door_longer_and_longer(
    database: Database, nadia: Account, clock: FrozenClock
) -> None:
    for _ in range(5):
        with pytest.raises(Refusal, match="bad-credentials"):
            await first(database, nadia, "autre")
    with pytest.raises(Refusal, match="too-many-tries") as caught:
        await first(database, nadia)
    assert caught.value.retry_after == 61
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Refusal, match="bad-credentials"):
        await first(database, nadia, "autre")
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Refusal, match="too-many-tries"):
        await first(database, nadia)
    clock.advance(timedelta(minutes=1))
    assert await first(database, nadia)


async def test_many_at_once_do_not_get_more_tries(database: Database, nadia: Account) -> None:
    async def once() -> str:
        try:
            await first(database, nadia, "autre")
        except Refusal as refusal:
            return refusal.code
        return "in"

    found = await asyncio.gather(*(once() for _ in range(12)))
    assert sorted(set(found)) == ["bad-credentials", "too-many-tries"]
    assert found.count("bad-credentials") == 5


async def test_a_code_serves_once_in_time_and_in_one_browser(
    database: Database, nadia: Account, clock: FrozenClock
) -> None:
    asked = await first(database, nadia)
    code = await sent(database, asked.id)
    with pytest.raises(Refusal, match="code-expired"):
        await second(database, asked.id, code, browser="un-autre")
    assert await second(database, asked.id, code)
    with pytest.raises(Refusal, match="code-expired"):
        await second(database, asked.id, code)
    late = await first(database, nadia)
    code = await sent(database, late.id)
    clock.advance(timedelta(minutes=5))
    with pytest.raises(Refusal, match="code-expired"):
        await second(database, late.id, code)


async def test_a_new_code_makes_the_former_one_useless(database: Database, nadia: Account) -> None:
    old = await first(database, nadia)
    code = await sent(database, old.id)
    assert await first(database, nadia)
    with pytest.raises(Refusal, match="code-expired"):
        await second(database, old.id, code)


async def test_five_wrong_codes_close_the_second_door_even_for_new_codes(
    database: Database, nadia: Account, clock: FrozenClock
) -> None:
    asked = await first(database, nadia)
    code = await sent(database, asked.id)
    wrong = f"{(int(code) + 1) % 10000:04}"
    for _ in range(5):
        with pytest.raises(Refusal, match="code-wrong"):
            await second(database, asked.id, wrong)
    for attempt in (lambda: second(database, asked.id, code), lambda: first(database, nadia)):
        with pytest.raises(Refusal, match="too-many-tries"):
            await attempt()
    clock.advance(timedelta(minutes=1))
    again = await first(database, nadia)
    assert await second(database, again.id, await sent(database, again.id))


async def test_codes_cannot_be_asked_without_end(database: Database, nadia: Account) -> None:
    for _ in range(codes.MOST):
        await first(database, nadia)
    with pytest.raises(Refusal, match="too-many-tries"):
        await first(database, nadia)


async def test_totp_serves_each_code_once(database: Database, nadia: Account, clock: FrozenClock) -> None:
    key = local.new_totp()
    totp = pyotp.TOTP(key)
    async with database.transaction() as session:
        with pytest.raises(Refusal, match="code-wrong"):
            await local.set_totp(session, nadia.id, key, "000000" if totp.at(clock.now()) != "000000" else "111111")
        await local.set_totp(session, nadia.id, key, totp.at(clock.now()))
    asked = await first(database, nadia)
    assert asked.channel == "totp"
    with pytest.raises(Refusal, match="code-wrong"):
        await second(database, asked.id, totp.at(clock.now()))  # the one that proved the secret
    clock.advance(timedelta(seconds=30))
    assert await second(database, asked.id, totp.at(clock.now()))
    again = await first(database, nadia)
    with pytest.raises(Refusal, match="code-wrong"):
        await second(database, again.id, totp.at(clock.now()))
    async with database.reading() as reading:
        (method,) = await accounts.methods(reading, nadia.id)
    assert key.encode() not in (method.totp_secret or b"")


async def test_another_channel_may_be_chosen(database: Database, nadia: Account) -> None:
    async with database.transaction() as session:
        asked = await local.challenge(session, nadia, browser=BROWSER, channel="email")
    assert (asked.channel, asked.hint) == ("email", "n…@example.org")


async def test_an_account_without_confirmed_address_or_closed_does_not_enter(
    database: Database, nadia: Account
) -> None:
    async with database.transaction() as session:
        await accounts.change(session, nadia.id, mobile_confirmed_at=None, email_confirmed_at=None)
    with pytest.raises(Refusal, match="account-waiting"):
        await first(database, nadia)
    async with database.transaction() as session:
        await accounts.change(session, nadia.id, state="closed")
    with pytest.raises(Refusal, match="account-closed"):
        await first(database, nadia)


async def test_an_account_without_secret_does_not_enter(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        account = await entries.create_local(session, given="Sans", family="SECRET")
    with pytest.raises(Refusal, match="bad-credentials"):
        await first(database, account, "")


async def test_confirming_a_mobile(database: Database, nadia: Account) -> None:
    async with database.transaction() as session:
        code = await entries.ask_confirmation(session, nadia.id, channel="sms", address="+33639980002")
    assert await entries.use_code(database, code, await sent(database, code), purpose="confirm") == nadia.id
    async with database.reading() as reading:
        account = await accounts.by_id(reading, nadia.id)
    assert account is not None
    assert account.mobile == "+33639980002"


async def test_the_link_that_sets_a_secret_lives_a_day(database: Database, nadia: Account, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        code = await entries.ask_secret(session, nadia)
        to_send = await entries.code_to_send(session, code)
    assert to_send is not None
    assert to_send.path.startswith(f"/secret/{code}.")
    clock.advance(timedelta(hours=24))
    with pytest.raises(Refusal, match="code-expired"):
        await entries.use_code(database, code, to_send.path.split(".")[1], purpose="secret")


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        ("480263", True),
        ("123456", False),
        ("987654", False),
        ("111111", False),
        ("482482", False),
        ("12345", False),
        ("motdepasse", False),
        ("aaaaaaaaaaaaaa", False),
        ("Une-phrase-longue", True),
        ("quatre mots sans lien", True),
        ("mot mot mot mot", False),
        ("x" * 300, False),
    ],
)
async def test_what_is_strong_enough(secret: str, good: bool) -> None:
    assert local.is_strong(secret) is good
    if not good:
        with pytest.raises(Refusal, match="password-too-weak"):
            await local.hash_secret(secret)


@given(tries=st.integers(min_value=0, max_value=10_000))
def test_the_delay_grows_and_stops_at_an_hour(tries: int) -> None:
    delay = local.delay_after(tries)
    assert delay <= local.delay_after(tries + 1) <= timedelta(hours=1)
    assert (delay == timedelta()) is (tries < local.TRIES)
