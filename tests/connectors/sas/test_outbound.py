"""What goes back to the SAS: each version, to whom handed it over, and to nobody else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hub.connectors.installation import Installation
from hub.connectors.sas import outbound
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.settings import SasSettings
from hub.storage import resources, subscriptions
from hub.storage.session import Session
from hub.workflows import requests
from hub.workflows.topics import SasOutcome
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
    (delivery,) = outbound.topics(SasSettings(), Installation(public_url="", phone="")).values()
    assert delivery.give_up_after == timedelta(hours=24)
