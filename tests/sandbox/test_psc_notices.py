"""Back-channel logout sent by the PSC twin (PSC specification 11.3, 13 point 10)."""

from urllib.parse import parse_qs

import httpx
import pytest

from sandbox.psc import PscTwin
from sandbox.psc.notices import EVENT, RETRIES, Notices
from tests.sandbox.psc_service import CLIENT, LEBRUN, VASSEUR, Service


class Listening:
    """A service that answers what it was told to, and remembers what it heard."""

    def __init__(self) -> None:
        self.answers: list[int | None] = []
        self.heard: list[tuple[str, str]] = []
        self.waited: list[float] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0) if self.answers else 200
        if answer is None:
            raise httpx.ConnectError("nobody")
        self.heard.append((str(request.url), parse_qs(request.content.decode())["logout_token"][0]))
        return httpx.Response(answer)

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
async def told(world):
    service, listening = Service(PscTwin(world)), Listening()
    realm = service.twin.realm
    realm.notices = Notices(world, realm.issuer, transport=httpx.MockTransport(listening.handle), pause=listening.pause)
    async with service.http:
        await service.side("settings", backchannel_logout=True)
        yield service, listening
    await realm.notices.settled()


async def test_a_session_that_somebody_ends_is_announced(told):
    psc, listening = told
    answer = await psc.tokens(VASSEUR)
    await psc.side("end-sessions", identifier=VASSEUR)
    await psc.twin.realm.notices.settled()
    ((address, token),) = listening.heard
    assert address == "http://localhost:8000/oidc/backchannel-logout"
    read = await psc.verified(token)
    assert read.header["typ"] == "logout+jwt"
    assert (read.claims["iss"], read.claims["aud"]) == (psc.issuer, CLIENT)
    assert read.claims["sid"] == answer["session_state"] and read.claims["sub"].endswith(VASSEUR)
    assert read.claims["events"] == {EVENT: {}} and "nonce" not in read.claims and read.claims["jti"]


async def test_a_silent_service_is_told_again(told, world):
    psc, listening = told
    await psc.tokens()
    listening.answers = [None, 503, 200]
    await psc.side("end-sessions", all=True)
    await psc.twin.realm.notices.settled()
    assert len(listening.heard) == 2 and tuple(listening.waited) == RETRIES[:2]
    identifiers = {(await psc.verified(token)).claims["jti"] for _, token in listening.heard}
    assert len(identifiers) == 2, "a repeat is a new token"
    out = [entry for entry in world.journal.entries("psc") if entry.direction == "out"]
    assert [entry.accepted for entry in out] == [False, False, True]


async def test_a_service_that_refuses_is_left_alone(told):
    psc, listening = told
    await psc.tokens()
    listening.answers = [400]
    await psc.side("end-sessions", all=True)
    await psc.twin.realm.notices.settled()
    assert len(listening.heard) == 1 and listening.waited == []


async def test_a_service_that_never_answers_is_given_up(told):
    psc, listening = told
    await psc.tokens()
    listening.answers = [None] * 9
    await psc.side("end-sessions", all=True)
    await psc.twin.realm.notices.settled()
    assert tuple(listening.waited) == RETRIES and listening.heard == []


async def test_another_person_at_the_browser_is_an_end_too(told):
    psc, listening = told
    first = await psc.tokens(VASSEUR)
    await psc.tokens(LEBRUN, prompt="login")
    await psc.twin.realm.notices.settled()
    ((_, token),) = listening.heard
    assert (await psc.verified(token)).claims["sid"] == first["session_state"]


async def test_nothing_is_announced_unless_it_was_opened_nor_when_time_runs_out(told, world):
    psc, listening = told
    await psc.tokens()
    world.clock.advance(1800)
    await psc.side("end-sessions", all=True)
    await psc.side("settings", backchannel_logout=False)
    await psc.tokens()
    await psc.side("end-sessions", all=True)
    await psc.twin.realm.notices.settled()
    assert listening.heard == []
