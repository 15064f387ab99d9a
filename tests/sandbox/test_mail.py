"""The mail server, over a real socket: STARTTLS, what it keeps, what it refuses, what it loses on purpose."""

import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest
from fastapi import FastAPI

from sandbox.journal import Entry
from sandbox.mail import PASSWORD, USER, MailTwin
from sandbox.world import World


@pytest.fixture
async def twin(open_world: World) -> AsyncIterator[MailTwin]:
    twin = MailTwin(open_world)
    await twin.start()
    yield twin
    await twin.stop()


def mail(**changes: str | None) -> EmailMessage:
    """A right one; a change of None leaves the header out, underscores stand for hyphens."""
    headers: dict[str, str | None] = {
        "From": "Colibri <ne-pas-repondre@example.org>",
        "To": "helene.vasseur@example.org",
        "Subject": "Une demande attend votre réponse avant 15 h 02",
        "Date": "Tue, 17 Nov 2026 14:02:00 +0100",
        "Message-ID": "<notice-1@colibri.example.org>",
        "Auto-Submitted": "auto-generated",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    message = EmailMessage()
    for name, value in headers.items():
        if value is not None:
            message[name] = value
    message.set_content(
        "Bonjour Docteur,\nune demande vous attend : https://hub.example.org/demandes/7KQ2.\n", cte="8bit"
    )
    return message


async def send(twin: MailTwin, content: EmailMessage | bytes, **options: Any) -> str:
    settings, certificates = twin.world.settings, twin.world.certificates
    client = aiosmtplib.SMTP(
        hostname="localhost",
        port=settings.port("smtp"),
        start_tls=options.get("start_tls", True),
        tls_context=ssl.create_default_context(cafile=str(certificates.authority)),
        username=options.get("username"),
        password=options.get("password"),
        timeout=options.get("timeout", 5),
    )
    raw = content if isinstance(content, bytes) else bytes(content)
    async with client:
        recipients = options.get("recipients", ["helene.vasseur@example.org"])
        _, answer = await client.sendmail("ne-pas-repondre@example.org", recipients, raw)
    return answer


def last(twin: MailTwin) -> Entry:
    return twin.world.journal.entries("mail")[-1]


async def test_keeps_what_arrives(twin: MailTwin) -> None:
    message = mail()
    message.add_alternative(
        '<p>Voir <a href="https://hub.example.org/demandes/7KQ2?vue=1">la demande</a></p>', subtype="html"
    )
    assert "kept as 1" in await send(twin, message)
    kept = twin.mails[0]
    assert kept.recipient == "helene.vasseur@example.org"
    assert kept.reading.subject == "Une demande attend votre réponse avant 15 h 02"
    assert "Bonjour Docteur" in kept.reading.text and "<a href" in kept.reading.html
    assert kept.reading.links == (
        "https://hub.example.org/demandes/7KQ2",
        "https://hub.example.org/demandes/7KQ2?vue=1",
    )
    entry = last(twin)
    assert entry.accepted and entry.verdict == "reçu"
    assert entry.subject == entry.facts["message_id"] == "<notice-1@colibri.example.org>"
    assert entry.facts["tls"] == "true"
    assert all(check.passed for check in entry.checks)


async def test_a_repeat_is_recognised(twin: MailTwin) -> None:
    await send(twin, mail())
    assert "already" in await send(twin, mail())
    assert len(twin.mails) == 1
    assert last(twin).facts["repeat"] == "true" and last(twin).verdict == "déjà reçu"
    await send(twin, mail(Subject="Un autre objet"))
    assert len(twin.mails) == 1
    assert not last(twin).checks[-1].passed


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Date": None}, "Date"),
        ({"Message_ID": None}, "Message-ID"),
        ({"Message_ID": "notice-1"}, "Message-ID"),
        ({"From": None}, "Expéditeur"),
        ({"To": "a@example.org, b@example.org"}, "destinataire"),
        ({"Subject": "Patient 279035121518989"}, "Objet sans numéro"),
        ({"Subject": "Patient 2790351215189"}, "Objet sans numéro"),
        ({"Subject": None}, "Objet présent"),
    ],
)
async def test_refuses_what_a_mail_must_not_be(twin: MailTwin, changes: dict[str, str | None], what: str) -> None:
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(twin, mail(**changes))
    assert refused.value.code == 550
    assert twin.mails == []
    failed = [check.what for check in last(twin).checks if not check.passed]
    assert any(what in sentence for sentence in failed)


async def test_refuses_two_recipients(twin: MailTwin) -> None:
    with pytest.raises(aiosmtplib.SMTPDataError):
        await send(twin, mail(), recipients=["a@example.org", "b@example.org"])
    assert twin.mails == []


async def test_refuses_raw_accents_in_headers_and_double_headers(twin: MailTwin) -> None:
    for wrong in (
        bytes(mail(Subject="SUJET")).replace(b"SUJET", "Réponse".encode()),
        b"Subject: deux fois\n" + bytes(mail()),
        bytes(mail()).partition(b"\n\n")[0] + b"\n\n",
    ):
        with pytest.raises(aiosmtplib.SMTPDataError):
            await send(twin, wrong)
    assert twin.mails == []


async def test_eleven_digits_and_links_are_no_identity_number(twin: MailTwin) -> None:
    message = mail(Subject="Votre numéro 10009999909")
    message.set_content("https://hub.example.org/d/2790351215189/ ou 01 99 00 01 01\n")
    await send(twin, message)
    assert len(twin.mails) == 1


async def test_a_plain_line_and_other_addresses_are_noted(twin: MailTwin) -> None:
    await send(twin, mail(To="autre@example.org", Auto_Submitted=None), start_tls=False)
    assert last(twin).accepted and last(twin).verdict == "reçu, 3 remarques"


async def test_authentication_is_optional_but_never_wrong(twin: MailTwin) -> None:
    await send(twin, mail(), username=USER, password=PASSWORD)
    assert last(twin).facts["user"] == USER
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(twin, mail(), username=USER, password="autre")


@pytest.mark.parametrize(
    ("kind", "code"), [("greylist", 451), ("mailbox-full", 452), ("unknown-recipient", 550), ("content-refused", 554)]
)
async def test_wanted_refusals(twin: MailTwin, kind: str, code: int) -> None:
    twin.faults.set(kind)
    with pytest.raises((aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError)) as refused:
        await send(twin, mail())
    first = (
        refused.value.recipients[0] if isinstance(refused.value, aiosmtplib.SMTPRecipientsRefused) else refused.value
    )
    assert first.code == code
    assert last(twin).verdict.startswith("panne voulue")
    await send(twin, mail())
    assert len(twin.mails) == 1


async def test_generic_faults(twin: MailTwin) -> None:
    twin.faults.set("status", value="421")
    with pytest.raises(aiosmtplib.SMTPException):
        await send(twin, mail())
    for kind in ("cut", "html"):
        twin.faults.set(kind)
        with pytest.raises(aiosmtplib.SMTPException):
            await send(twin, mail())
    twin.faults.set("silence", seconds=30)
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await send(twin, mail(), timeout=0.3)
    twin.faults.set("slow", seconds=0.01)
    await send(twin, mail())
    assert len(twin.mails) == 1


async def test_a_lost_answer_leaves_one_mail(twin: MailTwin) -> None:
    twin.faults.set("lost-answer")
    with pytest.raises(aiosmtplib.SMTPException):
        await send(twin, mail())
    await send(twin, mail())
    assert len(twin.mails) == 1
    assert last(twin).facts["repeat"] == "true"


async def test_side_door_and_reset(twin: MailTwin, client_for: Any) -> None:
    await send(twin, mail())
    home = FastAPI()
    home.include_router(twin.side, prefix="/twins/mail")
    async with client_for(home) as side:
        found = (await side.get("/twins/mail/messages", params={"to": "Helene.Vasseur@example.org"})).json()["messages"]
        assert found[0]["subject"].startswith("Une demande")
        assert (await side.get("/twins/mail/messages", params={"to": "x@example.org"})).json() == {"messages": []}
    twin.reset()
    assert twin.mails == [] and twin.world.journal.entries("mail") == []
