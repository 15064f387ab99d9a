"""One exchange with the mail server, over a real socket and STARTTLS."""

from __future__ import annotations

import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import read_errors
from hub.connectors.mail.client import MailClient
from hub.connectors.mail.settings import MailSettings
from sandbox.mail import PASSWORD, USER, MailTwin
from tests.connectors.mail.conftest import ERRORS
from tests.connectors.mail.test_mapping import mail

RIGHT = mail("request-waiting")


async def test_a_mail_is_handed_over_in_tls_with_nothing_to_remark(client: MailClient, twin: MailTwin) -> None:
    await client.send(RIGHT)
    (kept,) = twin.mails
    assert kept.recipient == "helene.vasseur@example.org"
    entry = twin.world.journal.entries("mail")[-1]
    assert entry.facts["tls"] == "true"
    assert [check.what for check in entry.checks if not check.passed] == []


async def test_a_lost_answer_does_not_deliver_twice(client: MailClient, twin: MailTwin) -> None:
    twin.faults.set("lost-answer")
    with pytest.raises(ConnectorFailure) as lost:
        await client.send(RIGHT)
    assert lost.value.kind is Kind.UNREACHABLE
    await client.send(RIGHT)
    assert len(twin.mails) == 1
    entry = twin.world.journal.entries("mail")[-1]
    assert entry.facts["repeat"] == "true"
    assert all(check.passed for check in entry.checks)  # the same to the byte


async def test_an_account_is_shown_only_inside_tls(settings: MailSettings, twin: MailTwin) -> None:
    known = settings.model_copy(update={"user": USER, "password": type(settings.password)(PASSWORD)})
    await MailClient(known, read_errors(ERRORS)).send(RIGHT)
    assert twin.world.journal.entries("mail")[-1].facts["user"] == USER


async def test_a_wrong_account_is_ours_to_mend(settings: MailSettings, twin: MailTwin) -> None:
    wrong = settings.model_copy(update={"user": USER, "password": type(settings.password)("autre")})
    with pytest.raises(ConnectorFailure) as denied:
        await MailClient(wrong, read_errors(ERRORS)).send(RIGHT)
    assert denied.value.kind is Kind.DENIED
    assert twin.mails == []


async def test_nobody_at_the_door_is_unreachable(settings: MailSettings) -> None:
    with pytest.raises(ConnectorFailure) as nobody:
        await MailClient(settings, {}).send(RIGHT)
    assert nobody.value.kind is Kind.UNREACHABLE


async def test_a_server_of_another_authority_is_not_spoken_to(settings: MailSettings, twin: MailTwin) -> None:
    stranger = settings.model_copy(update={"authority": None})
    with pytest.raises(ConnectorFailure) as untrusted:
        await MailClient(stranger, {}).send(RIGHT)
    assert untrusted.value.kind is Kind.UNREACHABLE
    assert twin.mails == []
