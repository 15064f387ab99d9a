"""What is remembered of a caller from one request to the next, and for how long."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hub import clock
from hub.fhir.smart import callers
from hub.fhir.smart.callers import Callers
from hub.fhir.smart.tokens import AccessToken, thumbprint
from hub.storage import clients
from tests.conftest import FrozenClock
from tests.fhir.conftest import BASE, Face, Story, certificate, issue


async def _revoked_elsewhere(face: Face, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another process: nothing here hears of it."""
    before = clients.changes()
    async with face.database.transaction() as session:
        assert await clients.revoke(session, client)
    monkeypatch.setattr(clients._Register, "changes", before)


async def test_a_client_revoked_here_is_refused_at_once(story: Story) -> None:
    headers = story.face.software("VASSEUR")
    assert (await story.get("Task", headers)).status_code == 200
    async with story.face.database.transaction() as session:
        assert await clients.revoke(session, "software-vasseur")
    assert issue(await story.get("Task", headers))[0] == 401


async def test_a_client_revoked_elsewhere_is_refused_once_what_is_kept_of_it_is_over(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callers.CLIENT_KEPT <= 2
    monkeypatch.setattr(callers, "CLIENT_KEPT", 0.05)
    headers = story.face.software("VASSEUR")
    assert (await story.get("Task", headers)).status_code == 200
    await _revoked_elsewhere(story.face, "software-vasseur", monkeypatch)
    await asyncio.sleep(0.06)
    for _ in range(2):
        assert issue(await story.get("Task", headers))[0] == 401


async def test_a_change_of_the_client_is_seen(story: Story) -> None:
    headers = story.face.software("VASSEUR")
    assert (await story.get(f"Task/{story.invitations['VASSEUR']}", headers)).status_code == 200
    async with story.face.database.transaction() as session:
        one = await clients.by_id(session, "software-lebrun")
        assert one is not None
        await clients.keep(session, clients.Client(id="software-vasseur", name="V", kind="software", role=one.role))
    assert (await story.get(f"Task/{story.invitations['VASSEUR']}", headers)).status_code == 404
    assert (await story.get(f"Task/{story.invitations['LEBRUN']}", headers)).status_code == 200


async def test_a_token_that_was_taken_ends_at_its_date(story: Story, clock: FrozenClock) -> None:
    headers = story.face.software("VASSEUR")
    assert (await story.get("Task", headers)).status_code == 200
    clock.advance(timedelta(days=1))
    assert issue(await story.get("Task", headers)) == (401, "expired", "token-expired")


async def test_a_token_that_was_taken_still_asks_for_its_certificate(story: Story) -> None:
    mine, _ = certificate("A")
    other, _ = certificate("B")
    token = AccessToken(
        client="software-vasseur",
        scopes=("system/Task.rs",),
        expires_at=clock.now() + timedelta(minutes=5),
        thumbprint=thumbprint(mine),
    )
    headers = {"Authorization": f"Bearer {story.face.keys.issue(token, audience=BASE, now=clock.now())}"}
    for peer, status in ((mine, 200), (other, 401), (None, 401), (mine, 200)):
        story.face.peer["certificate"] = peer
        assert (await story.get("Task", headers)).status_code == status


async def test_many_requests_at_once_ask_for_the_client_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    really = clients.current

    async def counted(*given: object) -> clients.Client | None:
        asked.append(str(given[1]))
        return await really(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(callers.clients, "current", counted)
    headers = story.face.software("VASSEUR")
    answers = await asyncio.gather(*(story.get("Task", headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked == ["software-vasseur"]


async def test_tokens_remembered_are_bounded(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "MOST", 3)
    known = Callers(story.face.database, story.face.keys, BASE)
    for second in range(8):
        token = AccessToken(
            client="software-vasseur", scopes=(), expires_at=clock.now() + timedelta(minutes=1, seconds=second)
        )
        text = story.face.keys.issue(token, audience=BASE, now=clock.now())
        assert (await known.viewer(text, None)).client == "software-vasseur"
        assert len(known._known) <= 3
