"""What leaves by mail: notices and one-time codes."""

from __future__ import annotations

import json

from hub import clock
from hub.connectors.installation import Installation
from hub.connectors.mail import mapping
from hub.connectors.mail.client import MailClient
from hub.connectors.mail.settings import MailSettings
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Session
from hub.workflows import accounts, codes, notices
from hub.workflows.topics import SendCodeMail, SendMail

Deliveries = dict[type[Message], Delivery]


def topics(settings: MailSettings, installation: Installation) -> Deliveries:
    """The deliveries of this connector."""

    def ready(template: str, words: dict[str, str], recipient: str, reference: str) -> bytes:
        mail = mapping.to_mail(
            template,
            {"phone": installation.phone, "link": "", **words},
            recipient=recipient,
            sender=settings.sender,
            message_id=f"<{reference}@{settings.domain}>",
            at=clock.now(),
        )
        return json.dumps({"mail": mail.decode("utf-8")}).encode()

    async def prepare_notice(session: Session, message: SendMail) -> bytes | None:
        notice = await notices.of_request(session, message.account, message.request, message.due)
        if not notice.email or not await notices.still_matters(session, message.due):
            return None
        if message.role is not None:
            if not await notices.still_true(session, message.template, message.role):
                return None
            notice = await notices.of_situation(session, notice, message.role)
        link = installation.request_link(notice.number) if notice.number else f"{installation.public_url}/situation"
        words = {**notice.words, "link": link}
        return ready(message.template, words, notice.email, message.reference)

    async def prepare_code(session: Session, message: SendCodeMail) -> bytes | None:
        code = await accounts.code_to_send(session, message.code)
        if code is None:
            return None
        words = {"code": code.code, "minutes": str(code.minutes), "link": f"{installation.public_url}{code.path}"}
        return ready(code.template, words, code.address, f"code-{message.code}")

    return {
        SendMail: Delivery(connector="mail", prepare=prepare_notice, send=send),
        SendCodeMail: Delivery(connector="mail", prepare=prepare_code, send=send, settle=code_sent),
    }


async def code_sent(session: Session, message: SendCodeMail, _answer: object) -> None:
    """The code has left: its sealed copy is no longer needed."""
    await codes.sent(session, message.code)


async def send(client: MailClient, prepared: bytes) -> None:
    """One exchange with the SMTP server."""
    await client.send(json.loads(prepared)["mail"].encode("utf-8"))
