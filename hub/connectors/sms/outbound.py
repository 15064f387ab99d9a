"""What leaves by text message: notices and one-time codes."""

from __future__ import annotations

import json

from hub.connectors.installation import Installation
from hub.connectors.sms import mapping
from hub.connectors.sms.client import SmsClient
from hub.connectors.sms.settings import SmsSettings
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Session
from hub.workflows import accounts, codes, notices
from hub.workflows.topics import SendCodeSms, SendSms

Deliveries = dict[type[Message], Delivery]


def topics(_settings: SmsSettings, installation: Installation) -> Deliveries:
    """The deliveries of this connector."""

    async def prepare_notice(session: Session, message: SendSms) -> bytes | None:
        notice = await notices.of_request(session, message.account, message.request, message.due)
        if not notice.mobile or not await notices.still_matters(session, message.due):
            return None
        words = {**notice.words, "link": installation.request_link(notice.number)}
        text = mapping.to_text(message.template, words)
        return json.dumps(mapping.to_request(notice.mobile, text, message.reference)).encode()

    async def prepare_code(session: Session, message: SendCodeSms) -> bytes | None:
        code = await accounts.code_to_send(session, message.code)
        if code is None:
            return None
        text = mapping.to_text(code.template, {"code": code.code, "minutes": str(code.minutes)})
        return json.dumps(mapping.to_request(code.address, text, f"code-{message.code}")).encode()

    return {
        SendSms: Delivery(connector="sms", prepare=prepare_notice, send=send),
        SendCodeSms: Delivery(connector="sms", prepare=prepare_code, send=send, settle=code_sent),
    }


async def code_sent(session: Session, message: SendCodeSms, _answer: object) -> None:
    """The code has left: its sealed copy is no longer needed."""
    await codes.sent(session, message.code)


async def send(client: SmsClient, prepared: bytes) -> str:
    """One exchange with the gateway; a repeated reference is not delivered twice."""
    return await client.send(json.loads(prepared))
