"""From a promise of the outbox to the box: what is said, to whom, and what is not said any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from typing import Any

import pytest

from hub.connectors.installation import Installation
from hub.connectors.mail import outbound
from hub.connectors.mail.client import MailClient
from hub.connectors.mail.settings import MailSettings
from hub.storage import sign_ins
from hub.storage.outbox import Delivery
from hub.storage.session import Session
from hub.workflows import codes, handoffs
from hub.workflows.topics import SendCodeMail, SendMail
from sandbox.mail import MailTwin
from tests.workflows.conftest import Bundle, Place

HERE = Installation(public_url="https://colibri.example.org", phone="02 61 91 04 00")
DUE = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


@pytest.fixture
def deliveries() -> dict[Any, Delivery]:
    return outbound.topics(MailSettings(), HERE)


async def prepared(delivery: Delivery, session: Session, message: Any) -> bytes | None:
    assert delivery.prepare is not None
    made: bytes | None = await delivery.prepare(session, message)
    return made


async def notice(session: Session, place: Place, bundle: Bundle) -> SendMail:
    doctor = await place.professional("899700999909", "VASSEUR")
    request = (await handoffs.receive(session, place.sas, bundle())).request
    assert doctor.account is not None
    return SendMail(account=doctor.account, template="request-waiting", reference="n-1", request=request, due=DUE)


async def test_a_notice_says_when_and_where_and_nothing_of_the_patient(
    session: Session, place: Place, bundle: Bundle, deliveries: dict[Any, Delivery], client: MailClient, twin: MailTwin
) -> None:
    body = await prepared(deliveries[SendMail], session, await notice(session, place, bundle))
    assert body is not None
    await outbound.send(client, body)
    source = twin.mails[0].source
    assert twin.mails[0].recipient == "vasseur@example.org"
    read = message_from_string(source, policy=policy.default)
    assert read["Message-ID"] == "<n-1@colibri.example.org>"
    text = str(read["Subject"]) + read.get_content()
    assert "10 h 30" in text and "https://colibri.example.org/d/" in text
    assert not [word for word in ("PAT-TROIS", "DOMINIQUE", "279035121518989", "Fièvre") if word in text + source]


async def test_a_notice_whose_hour_has_passed_is_not_sent(
    session: Session, place: Place, bundle: Bundle, deliveries: dict[Any, Delivery], clock: Any
) -> None:
    message = await notice(session, place, bundle)
    clock.move_to(DUE + timedelta(seconds=1))
    assert await prepared(deliveries[SendMail], session, message) is None


async def test_a_link_leads_to_its_page_and_its_copy_is_forgotten(
    session: Session, place: Place, deliveries: dict[Any, Delivery]
) -> None:
    doctor = await place.professional("899700999909", "VASSEUR")
    assert doctor.account is not None
    id = await codes.put(
        session, account=doctor.account, purpose="confirm", channel="email", address="nouveau@example.org"
    )
    message = SendCodeMail(account=doctor.account, code=id)
    body = await prepared(deliveries[SendCodeMail], session, message)
    assert body is not None
    read = message_from_string(json.loads(body)["mail"], policy=policy.default)
    assert read["To"] == "nouveau@example.org"
    assert f"https://colibri.example.org/connexion/confirmer/{id}." in read.get_content()
    settle = deliveries[SendCodeMail].settle
    assert settle is not None
    await settle(session, message, None)
    forgotten = await sign_ins.code(session, id)
    assert forgotten is not None and forgotten.sealed is None
    assert await prepared(deliveries[SendCodeMail], session, message) is None
