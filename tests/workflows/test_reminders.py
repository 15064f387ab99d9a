"""Reminders to the operators at 50, 75 and 90 % of the response delay, while nobody has accepted (sas.md 17.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import clock as hub_clock
from hub.domain.people import Capacity
from hub.storage import accounts, situations
from hub.storage.accounts import Account
from hub.storage.session import Session
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import dispatch, handoffs, requests
from hub.workflows.topics import ResponseNear
from tests.workflows.conftest import NETWORK

VASSEUR = "899700999909"


async def told(session: Session) -> list[dict[str, Any]]:
    """The mails of reminder, in order."""
    rows = select(outbox_table.c.payload).where(outbox_table.c.topic == "mail.send").order_by(outbox_table.c.id)
    return [one for one in (await session.execute(rows)).scalars() if one["template"] == "response-near"]


async def timers(session: Session) -> dict[int, datetime]:
    """When each reminder of the latest attempt is due."""
    rows = select(outbox_table.c.payload, outbox_table.c.due_at).where(outbox_table.c.topic == ResponseNear.topic)
    found = (await session.execute(rows.order_by(outbox_table.c.id))).all()
    return {payload["percent"]: due for payload, due in found}


@pytest.fixture
async def handed(place: Any, bundle: Any) -> Any:
    """A request nobody has accepted, and one operator with an address."""
    await place.professional(VASSEUR, "VASSEUR")
    now = hub_clock.now()
    one = Account(id="nadia", given="Nadia", family="Roche", email="nadia@example.org", created_at=now)
    await accounts.create(place.session, one)
    await accounts.change(place.session, one.id, email_confirmed_at=now)
    held = situations.Capacity(account=one.id, capacity=Capacity.OPERATOR.value, since=now, organization=NETWORK)
    await situations.give_capacity(place.session, held)
    received = await handoffs.receive(place.session, place.sas, bundle())
    return place, received.request


async def near(place: Any, request: str, percent: int) -> int:
    """Let one reminder come; how many mails were promised in all."""
    await dispatch.response_near(place.session, ResponseNear(request=request, attempt=1, percent=percent))
    return len(await told(place.session))


async def test_each_part_of_the_delay_has_its_reminder(handed: Any, clock: Any) -> None:
    place, request = handed
    begun, due = hub_clock.now(), await timers(place.session)
    whole = timedelta(hours=2)
    assert {percent: at - begun for percent, at in due.items()} == {
        50: whole / 2, 75: whole * 3 / 4, 90: whole * 9 / 10
    }  # fmt: skip
    for count, percent in enumerate(due, start=1):
        clock.advance(due[percent] - hub_clock.now())
        assert await near(place, request, percent) == count
    (first, *_) = await told(place.session)
    assert first["account"] == "nadia" and first["role"] is None  # to a person, not to one situation of theirs
    assert set(first) == {"account", "role", "template", "reference", "request", "due"}


async def test_nothing_is_said_once_somebody_has_accepted(handed: Any, clock: Any) -> None:
    place, request = handed
    await requests.accept(place.session, place.people["VASSEUR"], request)
    clock.advance(timedelta(hours=1))
    assert await near(place, request, 50) == 0


async def test_given_back_after_half_of_the_delay_the_next_one_speaks(handed: Any, clock: Any) -> None:
    place, request = handed
    await requests.accept(place.session, place.people["VASSEUR"], request)
    clock.advance(timedelta(minutes=80))
    await requests.release(place.session, place.people["VASSEUR"], request, "emergency")
    clock.advance(timedelta(minutes=10))
    assert await near(place, request, 50) == 0
    assert await near(place, request, 75) == 1


async def test_after_an_absence_of_the_worker_the_last_one_speaks_for_all(handed: Any, clock: Any) -> None:
    place, request = handed
    clock.advance(timedelta(minutes=110))
    assert [await near(place, request, percent) for percent in (50, 75, 90)] == [0, 0, 1]


async def test_a_reminder_of_another_attempt_says_nothing(handed: Any, clock: Any) -> None:
    place, request = handed
    clock.advance(timedelta(minutes=60))
    await dispatch.response_near(place.session, ResponseNear(request=request, attempt=2, percent=50))
    assert await told(place.session) == []
