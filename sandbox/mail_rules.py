"""What a mail must hold to be taken, and how it reads (RFC 5322, RFC 2045 to 2047, RFC 3834)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageDefect
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

from lxml import html as lxml_html

from sandbox.journal import Check

MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
IDENTITY_NUMBER = re.compile(r"(?<!\d)(\d{15}|\d{13})(?!\d)")  # INS with or without its key
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)»]")
ONCE = ("From", "To", "Date", "Subject", "Message-ID", "Sender", "Reply-To", "MIME-Version")  # RFC 5322, 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A mail as a person sees it. `html` is empty when there is none; `message_id` keeps its angle brackets."""

    message_id: str
    subject: str
    author: str
    text: str
    html: str
    links: tuple[str, ...]


def parse(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def read(message: EmailMessage) -> Reading:
    text, html = _body(message, "plain"), _body(message, "html")
    return Reading(
        message_id=str(message.get("Message-ID", "")).strip(),
        subject=str(message.get("Subject", "")),
        author=str(message.get("From", "")),
        text=text,
        html=html,
        links=tuple(dict.fromkeys([*LINK.findall(text), *_anchors(html)])),
    )


def _anchors(html: str) -> list[str]:
    if not html.strip():
        return []
    return [str(anchor.get("href")) for anchor in lxml_html.document_fromstring(html).iter("a") if anchor.get("href")]


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except LookupError:  # a charset nobody knows
        return ""


def demands(message: EmailMessage, content: bytes, recipients: Sequence[str]) -> list[Check]:
    """The rules that refuse a mail."""
    reading = read(message)
    defects = _defects(message)
    double = [name for name in ONCE if len(message.get_all(name, [])) > 1]
    date = message.get("Date")
    dated = date is not None and getattr(date, "datetime", None) is not None
    one = len(recipients) == 1 and len(_addresses(message, "To")) == 1
    # Each line: what is verified, whether it holds, where, what is wrong when it does not.
    rules = (
        ("Message lisible, sans défaut de structure", not defects, "RFC 5322, RFC 2045", ", ".join(defects)),
        ("En-têtes en ASCII", content.split(b"\r\n\r\n")[0].isascii(), "RFC 5322, 2.2", "octets hors ASCII"),
        ("Chaque en-tête une seule fois", not double, "RFC 5322, 3.6", ", ".join(double)),
        ("Date présente et lisible", dated, "RFC 5322, 3.6.1", "absente ou illisible"),
        ("Expéditeur présent", bool(_addresses(message, "From")), "RFC 5322, 3.6.2", "From absent ou illisible"),
        (
            "Message-ID présent et bien formé",
            bool(MESSAGE_ID.fullmatch(reading.message_id)),
            "RFC 5322, 3.6.4",
            reading.message_id or "absent",
        ),
        ("Un destinataire et un seul", one, "RFC 5321, 3.3", f"{len(recipients)} dans l’enveloppe"),
        ("Objet présent", bool(reading.subject.strip()), "RFC 5322, 3.6.5", "absent ou vide"),
        ("Texte simple présent", bool(reading.text.strip()), "RFC 2046, 5.1.4", "aucune partie text/plain lisible"),
        (
            "Objet sans numéro d’identité",
            not IDENTITY_NUMBER.search(reading.subject),
            "",
            "13 ou 15 chiffres de suite dans l’objet",
        ),
        (
            "Texte sans numéro d’identité",
            not IDENTITY_NUMBER.search(LINK.sub("", reading.text)),
            "",
            "13 ou 15 chiffres de suite dans le texte",
        ),
    )
    return [Check(what=what, passed=held, where=where, detail="" if held else why) for what, held, where, why in rules]


def remarks(message: EmailMessage, *, sender: str, recipients: Sequence[str], secured: bool) -> list[Check]:
    """What is noted without refusing."""
    automatic = str(message.get("Auto-Submitted", "no")).strip().lower() != "no"
    addressed = [address.lower() for address in _addresses(message, "To")] == [one.lower() for one in recipients]
    domains = {address.rpartition("@")[2].lower() for address in [sender, *_addresses(message, "From")]}
    return [
        Check(what="Reçu sur une ligne chiffrée", passed=secured, where="RFC 3207"),
        Check(what="Auto-Submitted dit qu’un automate écrit", passed=automatic, where="RFC 3834, 5"),
        Check(what="Destinataire de l’enveloppe et de l’en-tête identiques", passed=addressed, where="RFC 5321, 7.2"),
        Check(what="Même domaine dans l’enveloppe et dans From", passed=len(domains) == 1, where="RFC 7489, 3.1"),
    ]


def _defects(message: EmailMessage) -> list[str]:
    found: list[MessageDefect] = list(message.defects)
    for part in message.walk():
        found += part.defects if part is not message else []
        found += [defect for _, value in part.items() for defect in getattr(value, "defects", ())]
    return list(dict.fromkeys(type(defect).__name__ for defect in found))


def _addresses(message: EmailMessage, name: str) -> list[str]:
    header = message.get(name)
    found = [address.addr_spec for address in getattr(header, "addresses", ())]
    return [address for address in found if "@" in parseaddr(address)[1]]
