"""What goes back to the SAS: each version, to whom handed it over, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import clock as hub_clock
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.installation import Installation
from hub.connectors.sas import outbound
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.settings import SasSettings
from hub.domain.appointment import Mode
from hub.domain.people import Viewer
from hub.storage import resources, subscriptions
from hub.storage.session import Session
from hub.storage.tables.machinery import audit as audit_table
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import appointments, requests
from hub.workflows.appointments import Proposal
from hub.workflows.topics import SasAppointment, SasOutcome
from sandbox.sas import SasTwin
from tests.connectors.sas.conftest import Follow, Followed
from tests.workflows.conftest import SAS, Place


def outcome(followed: Followed, version: int, client: str = SAS) -> SasOutcome:
    return SasOutcome(client=client, request=followed.request, task=followed.task, version=version)


async def test_every_version_arrives_in_order(
    session: Session, place: Place, follow: Follow, client: SasClient, twin: SasTwin
) -> None:
    doctor = await place.professional("899700999909", "VASSEUR")
    followed = await follow()
    await requests.accept(session, doctor, followed.request)
    last = int((await resources.lock(session, "Task", followed.task))["meta"]["versionId"])
    assert last >= 2
    for version in range(1, last + 1):
        body = await outbound.prepare(session, outcome(followed, version))
        assert body is not None
        await outbound.send(client, body)
    (case,) = twin.desk.ledger.cases.values()
    assert [state.version for state in case.states] == list(range(1, last + 1))
    assert case.states[-1].business == "taken"
    for entry in twin.desk.world.journal.entries("sas"):
        assert [check.what for check in entry.checks if not check.passed] == []


async def test_without_a_subscription_nothing_is_sent(session: Session, follow: Follow) -> None:
    assert await outbound.prepare(session, outcome(await follow(subscribed=False), 1)) is None


@pytest.mark.parametrize("change", [{"status": "off"}, {"criteria": "Task?group-identifier=urn:other|"}])
async def test_a_subscription_that_ended_or_wants_others_hears_nothing(
    session: Session, place: Place, follow: Follow, change: dict[str, str]
) -> None:
    followed = await follow()
    (held,) = await subscriptions.of_client(session, SAS)
    await resources.save(session, place.sas, {**held, **change})
    assert await outbound.prepare(session, outcome(followed, 1)) is None


async def test_another_platform_is_told_nothing(session: Session, follow: Follow) -> None:
    assert await outbound.prepare(session, outcome(await follow(), 1, client="fr.health.samu780")) is None


async def test_a_version_that_never_was_is_not_sent(session: Session, follow: Follow) -> None:
    assert await outbound.prepare(session, outcome(await follow(), 99)) is None


async def test_the_same_version_is_prepared_to_the_byte(session: Session, follow: Follow) -> None:
    followed = await follow()
    once, again = [await outbound.prepare(session, outcome(followed, 1)) for _ in range(2)]
    assert once is not None and once == again
    assert json.loads(json.loads(once)["body"])["meta"]["versionId"] == "1"


def test_a_platform_that_stays_silent_for_a_day_is_given_up() -> None:
    deliveries = outbound.topics(SasSettings(), Installation(public_url="", phone="")).values()
    assert {one.give_up_after for one in deliveries} == {timedelta(hours=24)}


# ---------------------------------------------------------------------------------------- appointments (INT_R03)


async def promised(session: Session) -> list[SasAppointment]:
    """The versions of appointments promised to the platform, in order."""
    query = select(outbox_table.c.payload).where(outbox_table.c.topic == SasAppointment.topic)
    return [
        SasAppointment.model_validate(row)
        for row in (await session.execute(query.order_by(outbox_table.c.id))).scalars()
    ]


def tomorrow(hours: int = 24) -> Proposal:
    return Proposal(mode=Mode.PRACTICE, start=hub_clock.now() + timedelta(hours=hours))


@pytest.fixture
async def taken(session: Session, place: Place, follow: Follow) -> tuple[Viewer, Followed]:
    """A doctor, and the request that she has accepted."""
    doctor = await place.professional("899700999909", "VASSEUR")
    followed = await follow()
    await requests.accept(session, doctor, followed.request)
    return doctor, followed


async def deliver(session: Session, settings: SasSettings, client: SasClient) -> list[str]:
    """Send each version promised, as the worker does; how each went: by POST, by PUT, or not at all."""
    went = []
    for message in await promised(session):
        prepared = await outbound.prepare_appointment(settings, session, message)
        went.append(json.loads(prepared)["method"] if prepared else "")
        if prepared:
            await outbound.send(client, prepared)
    return went


def statuses(twin: SasTwin) -> list[list[str]]:
    return [[version["status"] for version in one.versions] for one in twin.desk.ledger.appointments.values()]


def remarks(twin: SasTwin) -> list[str]:
    entries = twin.desk.world.journal.entries("sas")
    return [check.what for entry in entries for check in entry.checks if not check.passed]


async def test_the_platform_follows_an_appointment_from_proposal_to_visit(
    session: Session, place: Place, taken: Any, settings: SasSettings, client: SasClient, twin: SasTwin
) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    await appointments.confirm(session, place.operator, followed.request)
    await appointments.finish(session, doctor, followed.request, was_seen=True)
    assert await deliver(session, settings, client) == ["POST", "PUT", "PUT"]
    assert statuses(twin) == [["pending", "booked", "fulfilled"]] and remarks(twin) == []


async def test_another_hour_ends_the_first_appointment_and_brings_another(
    session: Session, place: Place, taken: Any, settings: SasSettings, client: SasClient, twin: SasTwin
) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    await appointments.counter(session, place.operator, followed.request, tomorrow(26))
    await requests.cancel(session, place.sas, followed.request, "no-longer-needed")
    assert await deliver(session, settings, client) == ["POST", "PUT", "POST", "PUT"]
    assert statuses(twin) == [["pending", "cancelled"], ["pending", "cancelled"]] and remarks(twin) == []


async def test_what_has_no_hour_waits_for_one(
    session: Session, place: Place, taken: Any, settings: SasSettings, client: SasClient, twin: SasTwin
) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, Proposal(mode=Mode.PRACTICE, words="demain matin"))
    start = hub_clock.now() + timedelta(hours=20)
    await appointments.confirm(
        session, place.operator, followed.request, start=start, end=start + timedelta(minutes=20)
    )
    assert await deliver(session, settings, client) == ["", "POST"]
    assert statuses(twin) == [["booked"]] and remarks(twin) == []


async def test_where_proposals_are_not_agreed_upon_only_what_is_confirmed_leaves(
    session: Session, place: Place, taken: Any, settings: SasSettings, client: SasClient, twin: SasTwin
) -> None:
    doctor, followed = taken
    quiet = settings.model_copy(update={"tells_pending": False})
    await appointments.propose(session, doctor, followed.request, tomorrow())
    await appointments.confirm(session, place.operator, followed.request)
    await requests.cancel(session, place.operator, followed.request, "no-longer-needed")
    assert await deliver(session, quiet, client) == ["", "POST", "PUT"]
    assert statuses(twin) == [["booked", "cancelled"]] and remarks(twin) == []


async def test_without_a_platform_nothing_leaves(session: Session, taken: Any, client: SasClient) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    assert await deliver(session, SasSettings(), client) == [""]


async def test_news_of_a_request_keep_their_order_in_one_lane(session: Session, taken: Any) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    lane = outbox_table.c.lane == f"request/{followed.request}"
    rows = await session.execute(select(outbox_table.c.topic).where(lane).order_by(outbox_table.c.id))
    assert list(rows.scalars())[-2:] == ["sas.appointment", "sas.outcome"]


@pytest.fixture
async def prepared(session: Session, taken: Any, settings: SasSettings) -> AsyncIterator[bytes]:
    """A first proposal ready to leave."""
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    (message,) = await promised(session)
    made = await outbound.prepare_appointment(settings, session, message)
    assert made is not None
    yield made


async def test_a_lost_answer_is_told_again_and_changes_nothing(
    prepared: bytes, client: SasClient, twin: SasTwin
) -> None:
    twin.faults.set("cut")
    with pytest.raises(ConnectorFailure) as lost:
        await outbound.send(client, prepared)
    assert lost.value.kind is Kind.UNREACHABLE
    await outbound.send(client, prepared)
    await outbound.send(client, prepared)
    (held,) = twin.desk.ledger.appointments.values()
    assert len({json.dumps(version) for version in held.versions}) == 1 and remarks(twin) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [("503", Kind.BUSY), ("422", Kind.REFUSED), ("409", Kind.REPEATED), ("403", Kind.DENIED), ("400", Kind.REFUSED)],
)
async def test_each_answer_of_the_platform_has_its_kind(
    prepared: bytes, client: SasClient, twin: SasTwin, status: str, kind: Kind
) -> None:
    twin.faults.set("status", value=status)
    with pytest.raises(ConnectorFailure) as failure:
        await outbound.send(client, prepared)
    assert failure.value.kind is kind


async def test_a_regulator_the_platform_does_not_know_is_refused_by_it(
    session: Session, prepared: bytes, client: SasClient, twin: SasTwin
) -> None:
    twin.desk.ledger.clear()
    with pytest.raises(ConnectorFailure) as failure:
        await outbound.send(client, prepared)
    assert (failure.value.kind, failure.value.code) == (Kind.REFUSED, "422")


async def test_a_handoff_without_its_regulator_is_not_sent_and_the_operators_hear_of_it(
    session: Session, place: Place, taken: Any, settings: SasSettings
) -> None:
    doctor, followed = taken
    await appointments.propose(session, doctor, followed.request, tomorrow())
    held = await resources.lock(session, "ServiceRequest", followed.request)
    del held["requester"]
    await resources.save(session, place.operator, held)
    (message,) = await promised(session)
    with pytest.raises(ConnectorFailure) as failure:
        await outbound.prepare_appointment(settings, session, message)
    assert failure.value.code == "regulator-without-identifier"
    await outbound.give_up(session, message, failure.value)
    events = select(audit_table.c.event).where(audit_table.c.request == followed.request)
    assert "sas.untold" in set((await session.execute(events)).scalars())
