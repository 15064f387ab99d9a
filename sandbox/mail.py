"""The twin of a mail server: takes the hub's mails and delivers nothing (SMTP, RFC 5321; STARTTLS, RFC 3207)."""

import asyncio
import hashlib
import ssl
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from fastapi import APIRouter

from sandbox.faults import SILENCE, SLOW, Fault, Faults
from sandbox.journal import Check
from sandbox.mail_rules import Reading, demands, parse, read, remarks
from sandbox.servers import Listener, bind
from sandbox.world import World

USER, PASSWORD = "colibri", "mot-de-passe-invente"
HOSTNAME = "smtp.sandbox.example.org"
KEPT = 1000  # mails; the oldest leave first
LARGEST = 5 * 1024 * 1024  # bytes
# Each: French label, answer (RFC 3463 gives the second number), the command that gets it.
NAMED: dict[str, tuple[str, str, str]] = {
    "greylist": ("demande de revenir plus tard", "451 4.7.1 Greylisted, try again later", "RCPT"),
    "mailbox-full": ("boîte pleine", "452 4.2.2 Mailbox full", "RCPT"),
    "unknown-recipient": ("destinataire inconnu", "550 5.1.1 Recipient address rejected: user unknown", "RCPT"),
    "content-refused": ("refuse le contenu", "554 5.7.1 Message content rejected", "DATA"),
    "lost-answer": ("garde le mail, puis coupe avant de répondre", "", "DATA"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail kept. `source` is the message as it came."""

    id: int
    at: datetime
    sender: str
    recipient: str
    digest: str
    source: str
    reading: Reading


class MailTwin:
    name = "mail"
    title = "Serveur de mails"
    about = "SMTP, STARTTLS"

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults({kind: label for kind, (label, _, _) in NAMED.items()})
        self.mails: list[Mail] = []
        self.side = _side(self)
        self._number = 0
        self._server: asyncio.Server | None = None
        self._calls: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def listeners(self) -> list[Listener]:
        return []

    def reset(self) -> None:
        self.mails.clear()
        self.faults.clear()
        self.world.journal.clear(self.name)

    async def start(self) -> None:
        settings, certificates = self.world.settings, self.world.certificates
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificates.path("server"), certificates.key("server"))
        loop = asyncio.get_running_loop()

        def answer() -> SMTP:
            call = SMTP(
                Desk(self),
                loop=loop,
                hostname=HOSTNAME,
                ident="Colibri sandbox",
                tls_context=context,
                authenticator=_authenticate,
                data_size_limit=LARGEST,
            )
            self._calls.add(call)
            return call

        self._server = await loop.create_server(answer, sock=bind(settings.host, settings.port("smtp")))

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for call in list(self._calls):
            if call.transport is not None:
                call.transport.close()
        await self._server.wait_closed()
        self._server = None

    def known(self, message_id: str) -> Mail | None:
        return next((mail for mail in self.mails if mail.reading.message_id == message_id), None)

    def keep(self, *, sender: str, recipient: str, content: bytes, reading: Reading) -> Mail:
        self._number += 1
        mail = Mail(
            id=self._number,
            at=self.world.clock.now(),
            sender=sender,
            recipient=recipient,
            digest=_digest(content),
            source=content.decode("utf-8", "replace"),
            reading=reading,
        )
        self.mails.append(mail)
        del self.mails[:-KEPT]
        return mail

    def note(self, *, title: str, answer: str, facts: dict[str, str], **more: Any) -> None:
        """One line of the journal for a command that was answered."""
        more = {"verdict": answer, "accepted": answer.startswith("250"), **more}
        facts = {"code": answer[:3], **facts}
        self.world.journal.add(twin=self.name, direction="in", title=title, answer=answer, facts=facts, **more)


class Desk:
    """The hooks aiosmtpd calls: each returns the line to answer."""

    def __init__(self, twin: MailTwin) -> None:
        self.twin = twin

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = _generic(self.twin.faults)
        if fault is not None:
            answer = await self._serve(server, fault)
            if answer:
                return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._named("RCPT", title=f"RCPT TO {address}", facts={"recipient": address})
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        started = time.perf_counter()
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = parse(content)
        reading = read(message)
        refusal = self._named("DATA", title=f"Mail : {reading.subject}", facts={"message_id": reading.message_id})
        if refusal:
            return refusal
        checks = demands(message, content, envelope.rcpt_tos)
        wrong = next((check for check in checks if not check.passed), None)
        secured = session.ssl is not None
        checks += remarks(message, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, secured=secured)
        if wrong is None:
            answer, verdict, facts = self._accept(content, reading, envelope, checks)
        else:
            answer, verdict, facts = "550 5.6.0 Message refused", f"refusé : {wrong.what.lower()}", {}
        self.twin.note(
            title=f"Mail : {reading.subject}",
            answer=answer,
            verdict=verdict,
            subject=reading.message_id,
            request=content.decode("utf-8", "replace"),
            checks=tuple(checks),
            milliseconds=(time.perf_counter() - started) * 1000,
            facts={
                "message_id": reading.message_id,
                "sender": envelope.mail_from or "",
                "recipient": ", ".join(envelope.rcpt_tos),
                "sha256": _digest(content),
                "tls": str(secured).lower(),
                "user": getattr(session.auth_data, "login", b"").decode("ascii", "replace"),
                **facts,
            },
        )
        if answer.startswith("250") and self.twin.faults.take("lost-answer"):
            await _drop(server)
        return answer

    def _accept(
        self, content: bytes, reading: Reading, envelope: Envelope, checks: list[Check]
    ) -> tuple[str, str, dict[str, str]]:
        """Answer, verdict in French, facts. Keeps the mail when it is new; adds to `checks` for a repeat."""
        earlier = self.twin.known(reading.message_id)
        if earlier is not None:
            same = earlier.digest == _digest(content)
            detail = "" if same else "même Message-ID, autre contenu : le premier reste"
            checks.append(Check(what="Un mail répété est le même à l’octet", passed=same, detail=detail))
            return "250 2.0.0 Ok: already here", "déjà reçu", {"repeat": "true", "mail": str(earlier.id)}
        recipient = envelope.rcpt_tos[0]
        mail = self.twin.keep(sender=envelope.mail_from or "", recipient=recipient, content=content, reading=reading)
        noted = sum(not check.passed for check in checks)
        verdict = f"reçu, {noted} remarque{'s' if noted > 1 else ''}" if noted else "reçu"
        return f"250 2.0.0 Ok: kept as {mail.id}", verdict, {"repeat": "false", "mail": str(mail.id)}

    def _named(self, command: str, *, title: str, facts: dict[str, str]) -> str:
        for kind, (label, answer, where) in NAMED.items():
            if where == command and answer and self.twin.faults.take(kind):
                self.twin.note(title=title, answer=answer, verdict=f"panne voulue : {label}", facts=facts)
                return answer
        return ""

    async def _serve(self, server: SMTP, fault: Fault) -> str:
        """What a generic fault makes of this call: the line to answer, or an empty one to go on."""
        label = self.twin.faults.labels[fault.kind]
        answer = {"status": f"{fault.value} 4.3.0 Fault wanted", "html": "<!doctype html><h1>Maintenance</h1>"}.get(
            fault.kind, ""
        )
        self.twin.note(
            title="MAIL FROM",
            answer=answer,
            verdict=f"panne voulue : {label}",
            accepted=False,
            facts={"fault": fault.kind},
        )
        if fault.kind in ("slow", "silence"):
            await asyncio.sleep(fault.seconds or (SLOW if fault.kind == "slow" else SILENCE))
        if fault.kind in ("silence", "cut"):
            await _drop(server)
        return answer


def _generic(faults: Faults) -> Fault | None:
    found = (faults.take(kind) for kind in ("status", "html", "slow", "silence", "cut"))
    return next((fault for fault in found if fault is not None), None)


async def _drop(server: SMTP) -> None:
    """Cut the line; the loss of the connection cancels this very call."""
    transport = server.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), SILENCE)


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword | Sequence[Any]
) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    # handled=False lets aiosmtpd answer 535 itself.
    return AuthResult(success=known, handled=False, auth_data=data if known else None)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _side(twin: MailTwin) -> APIRouter:
    router = APIRouter()

    @router.get("/messages")
    async def messages(to: str = "") -> dict[str, Any]:
        """What was kept, oldest first; `to` keeps one recipient."""
        kept = [mail for mail in twin.mails if to.lower() in ("", mail.recipient.lower())]
        return {"messages": [_flat(mail) for mail in kept]}

    return router


def _flat(mail: Mail) -> dict[str, Any]:
    return {"id": mail.id, "at": mail.at, "sender": mail.sender, "recipient": mail.recipient, **asdict(mail.reading)}
