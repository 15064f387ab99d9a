"""Sign-in through the twin, sessions that follow the national one, sign-out; all against a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub.clock
from hub.connectors.failure import ConnectorFailure
from hub.domain.people import Capacity
from hub.domain.refusal import Refusal
from hub.storage import crypto, sign_ins
from hub.storage.session import Database
from hub.storage.sign_ins import BrowserSession
from hub.web import sign_in
from hub.web.sessions import Sessions, kept, open_session
from hub.web.sign_in import Entrance
from hub.web.standing import Policy, Standing, Visit, needs_check, standing
from hub.workflows import accounts as entries
from sandbox import authority
from sandbox.authority import Certificates
from tests.psc_twin import MARCHAND, MINIMAL, VASSEUR, Psc


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.create(tmp_path_factory.mktemp("web-psc") / "certificates")


@pytest.fixture
async def psc(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Psc]:
    """The twin and the hub read the same offset of the clock."""
    opened = Psc(tmp_path, certificates)
    hub.clock.set_file(tmp_path / "clock")
    yield opened
    hub.clock.set_file(None)
    await opened.close()


@pytest.fixture
def sessions(database: Database, psc: Psc) -> Sessions:
    return Sessions.of(database, psc.client)


def later(psc: Psc, **length: float) -> None:
    psc.clock.advance(timedelta(**length).total_seconds())
    hub.clock._Offset.read_at = float("-inf")


async def leave(sessions: Sessions, psc: Psc, person: str = VASSEUR, **words: object) -> tuple[Mapping[str, str], str]:
    departure = await sign_in.begin_sign_in(sessions, browser=None, return_to="/demandes/7", **words)  # type: ignore[arg-type]
    return await psc.go(departure.url, person), departure.cookie


async def enter(sessions: Sessions, psc: Psc, person: str = VASSEUR) -> Entrance:
    query, browser = await leave(sessions, psc, person)
    return await sign_in.finish_sign_in(sessions, query=query, browser=browser)


async def present(sessions: Sessions, cookie: str, *, is_act: bool = True) -> Visit:
    visit = await sessions.visit(cookie, is_act=is_act)
    assert isinstance(visit, Visit)
    return visit


# ---------------------------------------------------------------- there and back


async def test_a_doctor_comes_in_and_is_a_viewer(sessions: Sessions, psc: Psc) -> None:
    entrance = await enter(sessions, psc)
    assert (entrance.return_to, entrance.must_choose) == ("/demandes/7", False)
    visit = await present(sessions, entrance.cookie)
    assert visit.require_viewer().name == "Dr Hélène VASSEUR, médecin"
    assert visit.session.acr == "eidas1"
    assert visit.until - visit.session.auth_time == timedelta(hours=4)
    assert kept(visit.session).id_token
    assert entrance.cookie.encode() not in visit.session.token_hash


async def test_two_situations_ask_for_a_choice_which_is_remembered(sessions: Sessions, psc: Psc) -> None:
    entrance = await enter(sessions, psc, MARCHAND)
    assert entrance.must_choose
    visit = await present(sessions, entrance.cookie)
    with pytest.raises(Refusal, match="capacity-required"):
        visit.require_viewer()
    offered = await sessions.choices(visit)
    assert [one.place for one in offered] == ["CABINET MEDICAL DES ESSAIS", "CENTRE HOSPITALIER FICTIF DES BOUCLES"]
    with pytest.raises(Refusal, match="not-allowed"):
        await sessions.choose(visit, "role/celui-d-un-autre")
    chosen = await sessions.choose(visit, offered[1].value)
    assert (await present(sessions, entrance.cookie)).require_viewer() == chosen
    again = await enter(sessions, psc, MARCHAND)
    assert not again.must_choose
    assert (await present(sessions, again.cookie)).require_viewer().role == offered[1].role


async def test_a_minimal_user_comes_in_with_no_capacity(sessions: Sessions, psc: Psc) -> None:
    entrance = await enter(sessions, psc, MINIMAL)
    assert entrance.must_choose
    visit = await present(sessions, entrance.cookie)
    assert visit.viewer is None
    assert await sessions.choices(visit) == []


async def test_the_return_is_for_one_browser_once_and_in_time(sessions: Sessions, psc: Psc) -> None:
    query, browser = await leave(sessions, psc)
    for changed, cookie in (
        (query, "un-autre"),
        (query, None),
        ({**query, "state": "inventé"}, browser),
        ({}, browser),
    ):
        with pytest.raises(Refusal, match="sign-in-mismatch"):
            await sign_in.finish_sign_in(sessions, query=changed, browser=cookie)
    query, browser = await leave(sessions, psc)
    assert await sign_in.finish_sign_in(sessions, query=query, browser=browser)
    with pytest.raises(Refusal, match="sign-in-mismatch"):
        await sign_in.finish_sign_in(sessions, query=query, browser=browser)
    query, browser = await leave(sessions, psc)
    later(psc, minutes=11)
    with pytest.raises(Refusal, match="sign-in-mismatch"):
        await sign_in.finish_sign_in(sessions, query=query, browser=browser)


async def test_an_answer_of_another_issuer_is_refused(sessions: Sessions, psc: Psc) -> None:
    query, browser = await leave(sessions, psc)
    with pytest.raises(Refusal, match="sign-in-mismatch"):
        await sign_in.finish_sign_in(sessions, query={**query, "iss": "https://ailleurs.example.org"}, browser=browser)


async def test_the_refusal_on_the_phone_is_told_in_words(sessions: Sessions, psc: Psc) -> None:
    departure = await sign_in.begin_sign_in(sessions, browser=None, return_to=None)
    query = await psc.go(departure.url, answer="refuse")
    with pytest.raises(Refusal) as caught:
        await sign_in.finish_sign_in(sessions, query=query, browser=departure.cookie)
    assert caught.value.code == "psc-refused"
    assert "confirmée" in caught.value.text
    assert "nombre" in caught.value.remedy


@pytest.mark.parametrize("error", ["login_required", "temporarily_unavailable", "server_error", "inconnue", ""])
async def test_every_error_has_its_sentence(sessions: Sessions, psc: Psc, error: str) -> None:
    query, browser = await leave(sessions, psc)
    with pytest.raises(Refusal) as caught:
        await sign_in.finish_sign_in(sessions, query={"state": query["state"], "error": error}, browser=browser)
    assert caught.value.text


async def test_a_forged_token_lets_nobody_in(sessions: Sessions, psc: Psc) -> None:
    psc.twin.faults.set("wrong-aud", times=0)
    query, browser = await leave(sessions, psc)
    with pytest.raises(Refusal, match="psc-refused"):
        await sign_in.finish_sign_in(sessions, query=query, browser=browser)


async def test_the_service_down_is_told(database: Database, psc: Psc) -> None:
    psc.is_down = True
    with pytest.raises(Refusal, match="service-unavailable"):
        await sign_in.begin_sign_in(Sessions.of(database, psc.client_with()), browser=None, return_to=None)


async def test_a_fresh_sign_in_is_really_one(sessions: Sessions, psc: Psc) -> None:
    first = await present(sessions, (await enter(sessions, psc)).cookie)
    later(psc, minutes=20)
    now = hub.clock.now()
    with pytest.raises(Refusal, match="fresh-sign-in"):
        first.require_fresh(timedelta(minutes=15), now)
    departure = await sign_in.begin_sign_in(sessions, browser=None, return_to=None, fresh=True)
    assert parse_qs(urlsplit(departure.url).query)["prompt"] == ["login"]
    stale = await psc.go(departure.url.replace("prompt=login", "prompt="))
    with pytest.raises(Refusal, match="fresh-sign-in"):
        await sign_in.finish_sign_in(sessions, query=stale, browser=departure.cookie)
    query, browser = await leave(sessions, psc, fresh=True)
    entrance = await sign_in.finish_sign_in(sessions, query=query, browser=browser)
    (await present(sessions, entrance.cookie)).require_fresh(timedelta(minutes=15), hub.clock.now())


async def test_the_former_session_of_the_browser_ends(sessions: Sessions, psc: Psc) -> None:
    first = await enter(sessions, psc)
    query, browser = await leave(sessions, psc)
    second = await sign_in.finish_sign_in(sessions, query=query, browser=browser, former=first.cookie)
    assert await sessions.visit(first.cookie) is Standing.ENDED
    assert await present(sessions, second.cookie)


@pytest.mark.parametrize(
    ("wanted", "kept_path"),
    [
        ("/demandes/7?liste=miennes", "/demandes/7?liste=miennes"),
        (None, "/"),
        ("", "/"),
        ("//ailleurs.example.org", "/"),
        ("https://ailleurs.example.org/", "/"),
        ("/\\ailleurs.example.org", "/"),
        ("/\t/ailleurs.example.org", "/"),
        ("javascript:alert(1)", "/"),
        ("demandes", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
    ],
)
def test_the_way_back_stays_here(wanted: str | None, kept_path: str) -> None:
    assert sign_in.safe_path(wanted) == kept_path


# ---------------------------------------------------------------- following the national session


async def test_the_session_is_confirmed_following_an_act(sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    before = (await present(sessions, cookie)).session
    later(psc, minutes=6)
    polled = await present(sessions, cookie, is_act=False)
    assert (polled.session.checked_at, polled.session.active_at) == (before.checked_at, before.active_at)
    after = (await present(sessions, cookie)).session
    assert after.checked_at > before.checked_at
    assert kept(after).refresh != kept(before).refresh
    assert (await present(sessions, cookie)).session.checked_at == after.checked_at


async def test_the_end_of_the_national_session_ends_ours(sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    await psc.side("end-sessions", identifier=VASSEUR)
    assert await present(sessions, cookie)
    later(psc, minutes=6)
    assert await sessions.visit(cookie) is Standing.ENDED
    assert await sessions.visit(cookie) is Standing.ENDED


async def test_a_silent_service_keeps_the_session_with_a_notice(sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    later(psc, minutes=6)
    psc.is_down = True
    visit = await present(sessions, cookie)
    assert visit.is_unconfirmed
    assert visit.viewer is not None
    later(psc, minutes=10)
    assert (await present(sessions, cookie)).is_unconfirmed
    psc.is_down = False
    later(psc, minutes=1)
    assert not (await present(sessions, cookie)).is_unconfirmed


@pytest.mark.parametrize("status", ["500", "503", "429"])
async def test_a_service_in_trouble_is_not_a_refusal(sessions: Sessions, psc: Psc, status: str) -> None:
    cookie = (await enter(sessions, psc)).cookie
    later(psc, minutes=6)
    psc.twin.faults.set("status", times=0, value=status)
    assert (await present(sessions, cookie)).is_unconfirmed


async def test_many_requests_at_once_refresh_once(sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    later(psc, minutes=6)
    seen = len(psc.twin.realm.world.journal.entries("psc"))
    visits = await asyncio.gather(*(sessions.visit(cookie) for _ in range(8)))
    assert all(isinstance(visit, Visit) for visit in visits)
    assert len(psc.twin.realm.world.journal.entries("psc")) == seen + 1
    later(psc, minutes=6)
    assert not (await present(sessions, cookie)).is_unconfirmed


async def test_thirty_minutes_without_an_act(sessions: Sessions, psc: Psc) -> None:
    await psc.side("settings", idle_seconds=36000)
    cookie = (await enter(sessions, psc)).cookie
    later(psc, minutes=29)
    assert await present(sessions, cookie)
    for _ in range(3):
        later(psc, minutes=10)
        last = await sessions.visit(cookie, is_act=False)
    assert last is Standing.IDLE
    assert await sessions.visit(cookie) is Standing.ENDED
    departure = await sign_in.begin_sign_in(sessions, browser=None, return_to=None)
    assert "code" in await psc.go(departure.url, "personne")  # the national session was left alone: no phone is asked


async def test_four_hours_whatever_a_refresh_says(sessions: Sessions, psc: Psc) -> None:
    await psc.side("settings", session_seconds=36000, idle_seconds=36000)
    cookie = (await enter(sessions, psc)).cookie
    for _ in range(11):
        later(psc, minutes=20)
        assert await present(sessions, cookie)
    later(psc, minutes=20)
    assert await sessions.visit(cookie) is Standing.OVER


async def test_an_old_national_session_opens_none_of_ours(sessions: Sessions, psc: Psc) -> None:
    await psc.side("settings", session_seconds=36000, idle_seconds=36000)
    assert await enter(sessions, psc)
    later(psc, hours=5)
    with pytest.raises(Refusal, match="fresh-sign-in"):
        await enter(sessions, psc)


# ---------------------------------------------------------------- leaving


async def test_sign_out_ends_ours_before_leaving_and_then_the_national_one(sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    url = await sessions.sign_out(cookie)
    assert url is not None
    assert await sessions.visit(cookie) is Standing.ENDED
    answer = await psc.browser.get(url)
    assert answer.headers["location"].startswith("http://localhost:8000/connexion")
    assert await sessions.sign_out(cookie) is None
    assert await sessions.sign_out(None) is None
    assert await sessions.sign_out("inventé") is None


async def test_sign_out_works_when_the_service_is_silent(database: Database, sessions: Sessions, psc: Psc) -> None:
    cookie = (await enter(sessions, psc)).cookie
    psc.is_down = True
    fresh = Sessions.of(database, psc.client_with())
    assert await fresh.sign_out(cookie) is None
    assert await fresh.visit(cookie) is Standing.ENDED


async def test_back_channel_logout_ends_every_session_of_that_sid_once(sessions: Sessions, psc: Psc) -> None:
    first, second = await enter(sessions, psc), await enter(sessions, psc)
    visit = await present(sessions, first.cookie)
    claims = {
        "iss": psc.issuer,
        "aud": "colibri-sandbox",
        "iat": int(hub.clock.now().timestamp()),
        "jti": "j-1",
        "sid": visit.session.sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    token = psc.twin.realm.keyring.sign(claims)
    assert await sessions.ended_by_issuer(token) == 2
    for cookie in (first.cookie, second.cookie):
        assert await sessions.visit(cookie) is Standing.ENDED
    third = await enter(sessions, psc)
    assert await sessions.ended_by_issuer(token) == 0
    assert await present(sessions, third.cookie)
    with pytest.raises(ConnectorFailure):
        await sessions.ended_by_issuer(psc.twin.realm.keyring.sign({**claims, "jti": "j-2", "nonce": "n"}))
    unknown = psc.twin.realm.keyring.sign({**claims, "jti": "j-3", "sid": "inconnue"})
    assert await sessions.ended_by_issuer(unknown) == 0


# ---------------------------------------------------------------- local sessions and forms


async def test_a_local_session_obeys_the_same_limits_and_asks_nobody(sessions: Sessions, psc: Psc) -> None:
    async with sessions.database.transaction() as session:
        account = await entries.create_local(session, given="Nadia", family="ROCHE")
        cookie, must_choose = await open_session(session, account, None, now=hub.clock.now())
    assert must_choose
    psc.is_down = True
    later(psc, minutes=20)
    assert not (await present(sessions, cookie)).is_unconfirmed
    assert await sessions.sign_out(cookie) is None
    assert await sessions.visit(cookie) is Standing.ENDED


async def test_a_closed_account_is_out_at_once(sessions: Sessions, psc: Psc) -> None:
    entrance = await enter(sessions, psc)
    visit = await present(sessions, entrance.cookie)
    assert visit.require_viewer().capacity is Capacity.PROFESSIONAL
    async with sessions.database.transaction() as session:
        await entries.close(session, visit.require_viewer(), entrance.account)
    assert await sessions.visit(entrance.cookie) is Standing.ENDED


async def test_a_form_of_another_session_is_refused(sessions: Sessions, psc: Psc) -> None:
    one = await present(sessions, (await enter(sessions, psc)).cookie)
    two = await present(sessions, (await enter(sessions, psc)).cookie)
    one.require_form(one.csrf)
    for given_csrf in (two.csrf, "", None, "é"):
        with pytest.raises(Refusal, match="form-too-old"):
            one.require_form(given_csrf)


async def test_unknown_cookies(sessions: Sessions) -> None:
    for cookie in (None, "", "inventé", "é" * 500):
        assert await sessions.visit(cookie) is Standing.ENDED


# ---------------------------------------------------------------- pure rules


def made(**changes: object) -> BrowserSession:
    start = hub.clock.now()
    values = {
        "id": "s",
        "token_hash": sign_ins.digest("t"),
        "account": "a",
        "means": "psc",
        "csrf": "c",
        "auth_time": start,
        "created_at": start,
        "active_at": start,
        "checked_at": start,
        "tokens": b"x",
        **changes,
    }
    return BrowserSession(**values)  # type: ignore[arg-type]


@given(
    act=st.integers(min_value=0, max_value=14400),
    after=st.integers(min_value=0, max_value=20000),
)
def test_standing_never_outlives_its_limits(act: int, after: int) -> None:
    one = made()
    one = made(auth_time=one.auth_time, active_at=one.auth_time + timedelta(seconds=act))
    found = standing(one, one.auth_time + timedelta(seconds=act + after), Policy())
    lawful = after < 1800 and act + after < 14400
    assert (found is Standing.OPEN) is lawful
    assert found is not Standing.OVER or act + after >= 14400


def test_who_is_checked() -> None:
    one = made()
    late = one.checked_at + timedelta(minutes=5)
    assert needs_check(one, late, Policy())
    assert not needs_check(one, late - timedelta(seconds=1), Policy())
    assert not needs_check(made(means="local", checked_at=one.checked_at), late, Policy())
    assert not needs_check(made(tokens=None, checked_at=one.checked_at), late, Policy())
    assert not needs_check(made(checked_at=one.checked_at, checking_until=late + timedelta(seconds=1)), late, Policy())
    assert needs_check(made(is_unconfirmed=True), hub.clock.now(), Policy())


def test_the_cookie_is_bound_to_its_host_where_it_may() -> None:
    assert (Policy().cookie, Policy(secure=False).cookie) == ("__Host-colibri", "colibri")


async def test_a_request_that_read_before_another_refreshed_does_not_spend_the_old_token(
    sessions: Sessions, psc: Psc
) -> None:
    cookie = (await enter(sessions, psc)).cookie
    stale = (await present(sessions, cookie)).session
    later(psc, minutes=6)
    assert (await present(sessions, cookie)).session.checked_at > stale.checked_at
    assert await sessions._confirmed(stale, hub.clock.now()) == stale
    assert await present(sessions, cookie)
