"""From a promise of the outbox to the telephone: what is said, to whom, and what is not said any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.connectors.installation import Installation
from hub.connectors.sms import outbound
from hub.connectors.sms.client import SmsClient
from hub.connectors.sms.settings import SmsSettings
from hub.r4 import elements, names
from hub.storage import resources, sign_ins
from hub.storage.outbox import Delivery
from hub.storage.session import Session
from hub.workflows import codes, handoffs
from hub.workflows.topics import SendCodeSms, SendSms
from sandbox.sms import SmsTwin
from tests.workflows.conftest import Bundle, Place

HERE = Installation(public_url="https://colibri.example.org", phone="02 61 91 04 00")
DUE = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


@pytest.fixture
def deliveries(settings: SmsSettings) -> dict[Any, Delivery]:
    return outbound.topics(settings, HERE)


async def notice(session: Session, place: Place, bundle: Bundle, *, due: datetime = DUE) -> SendSms:
    doctor = await place.professional("899700999909", "VASSEUR")
    request = (await handoffs.receive(session, place.sas, bundle())).request
    assert doctor.account is not None
    return SendSms(account=doctor.account, template="request-waiting", reference="n-1", request=request, due=due)


async def prepared(delivery: Delivery, session: Session, message: Any) -> bytes | None:
    assert delivery.prepare is not None
    made: bytes | None = await delivery.prepare(session, message)
    return made


async def test_a_notice_says_when_and_where_and_nothing_of_the_patient(
    session: Session, place: Place, bundle: Bundle, deliveries: dict[Any, Delivery], client: SmsClient, twin: SmsTwin
) -> None:
    message = await notice(session, place, bundle)
    body = await prepared(deliveries[SendSms], session, message)
    assert body is not None
    await outbound.send(client, body)
    (told,) = twin.messages
    request = await resources.peek(session, "ServiceRequest", message.request or "")
    number = elements.identifier(request or {}, names.ns("request-number"))
    assert told.to == "+33639981126"
    assert (
        told.text == f"Colibri : une demande attend votre réponse avant 10 h 30. https://colibri.example.org/d/{number}"
    )
    assert "PAT-TROIS" not in told.text and "Cergy" not in told.text
    assert told.reference == "n-1"


async def test_a_notice_whose_hour_has_passed_is_not_sent(
    session: Session, place: Place, bundle: Bundle, deliveries: dict[Any, Delivery], clock: Any
) -> None:
    message = await notice(session, place, bundle)
    clock.move_to(DUE + timedelta(seconds=1))
    assert await prepared(deliveries[SendSms], session, message) is None


async def test_a_code_leaves_once_and_its_copy_is_forgotten(
    session: Session, place: Place, deliveries: dict[Any, Delivery]
) -> None:
    doctor = await place.professional("899700999909", "VASSEUR")
    assert doctor.account is not None
    id = await codes.put(
        session, account=doctor.account, purpose="sign-in", channel="sms", address="+33639981126", browser="b"
    )
    message = SendCodeSms(account=doctor.account, code=id)
    body = await prepared(deliveries[SendCodeSms], session, message)
    assert body is not None
    said = json.loads(body)
    held = await sign_ins.code(session, id)
    assert held is not None
    assert codes.is_right(held, said["text"].split("votre code est ")[1][:4])
    assert said["reference"] == f"code-{id}"
    settle = deliveries[SendCodeSms].settle
    assert settle is not None
    await settle(session, message, "sms-000001")
    forgotten = await sign_ins.code(session, id)
    assert forgotten is not None and forgotten.sealed is None
    assert await prepared(deliveries[SendCodeSms], session, message) is None
