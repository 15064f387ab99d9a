"""Notifications to the platform, which judges every Task that comes."""

from __future__ import annotations

import json

import httpx
import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.sas import outbound
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.mapping import Notification
from hub.connectors.sas.settings import SasSettings
from hub.storage.session import Session
from hub.workflows.topics import SasOutcome
from sandbox.sas import SasTwin
from tests.connectors.sas.conftest import Follow
from tests.workflows.conftest import SAS


async def first(session: Session, follow: Follow) -> Notification:
    followed = await follow()
    message = SasOutcome(client=SAS, request=followed.request, task=followed.task, version=1)
    body = await outbound.prepare(session, message)
    assert body is not None
    return Notification(**json.loads(body))


async def test_the_platform_has_nothing_to_remark(
    session: Session, follow: Follow, client: SasClient, twin: SasTwin
) -> None:
    await client.notify(await first(session, follow))
    entry = twin.desk.world.journal.entries("sas")[-1]
    assert [check.what for check in entry.checks if not check.passed] == []
    assert (entry.facts["status"], entry.facts["business"]) == ("accepted", "searching")


async def test_a_lost_answer_is_told_again_and_recognised(
    session: Session, follow: Follow, client: SasClient, twin: SasTwin
) -> None:
    notification = await first(session, follow)
    twin.faults.set("lost-answer")
    with pytest.raises(ConnectorFailure) as lost:
        await client.notify(notification)
    assert lost.value.kind is Kind.UNREACHABLE
    await client.notify(notification)
    entry = twin.desk.world.journal.entries("sas")[-1]
    assert entry.facts["repeat"] == "true"
    assert [check.what for check in entry.checks if not check.passed] == []


async def test_a_host_that_is_not_on_the_list_hears_nothing(
    session: Session, follow: Follow, http: httpx.AsyncClient, twin: SasTwin
) -> None:
    notification = await first(session, follow)
    before = len(twin.desk.world.journal.entries("sas"))
    with pytest.raises(ConnectorFailure) as refused:
        await SasClient(http, SasSettings(allowed_hosts=["sas.example.org"]), {}).notify(notification)
    assert (refused.value.kind, refused.value.code) == (Kind.REFUSED, "host-not-allowed")
    assert len(twin.desk.world.journal.entries("sas")) == before
