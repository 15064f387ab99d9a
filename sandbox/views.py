"""What the pages of the home port show, prepared in Python so that templates only lay it out."""

import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from sandbox.authority import Certificates
from sandbox.journal import Entry
from sandbox.mail import MailTwin
from sandbox.settings import Settings
from sandbox.sms import SmsTwin

ZONE = ZoneInfo("Europe/Paris")  # that of the invented territory, department 95
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
PAGE = 50
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)»]")
REQUEST_LINE = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD) (\S+)( HTTP/1\.1)?$")
# Headers that curl writes itself, or that only made sense on the first journey.
OWN_HEADERS = frozenset({"host", "content-length", "connection", "accept-encoding", "user-agent", "transfer-encoding"})


def hour(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M:%S")


def moment(at: datetime, now: datetime) -> str:
    """« 14:08:02 » the same day, else « 17 novembre 14:08:02 »."""
    local = at.astimezone(ZONE)
    if local.date() == now.astimezone(ZONE).date():
        return hour(at)
    return f"{'1er' if local.day == 1 else local.day} {MONTHS[local.month - 1]} {hour(at)}"


def duration(milliseconds: float) -> str:
    """« 0,4 ms », « 84 ms », « 2,4 s »."""
    if milliseconds < 1:
        return f"{milliseconds:.1f}\u00a0ms".replace(".", ",")
    if milliseconds < 1000:
        return f"{milliseconds:.0f}\u00a0ms"
    return f"{milliseconds / 1000:.1f}\u00a0s".replace(".", ",")


def plural(count: int, word: str) -> str:
    return f"{count}\u00a0{word}{'s' if count > 1 else ''}"


def kind(entry: Entry) -> str:
    """How the verdict is drawn: yes, no, or a wanted fault."""
    if entry.accepted:
        return "yes"
    return "fault" if "fault" in entry.facts or entry.verdict.startswith("panne voulue") else "no"


def with_links(text: str) -> Markup:
    """Plain text as HTML, its web addresses made into links."""
    parts, end = [], 0
    for found in LINK.finditer(text):
        address = escape(found.group())
        parts += [escape(text[end : found.start()]), Markup('<a href="{0}">{0}</a>').format(address)]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail or an SMS, as its reader sees it."""

    road: str
    at: datetime
    to: str
    subject: str
    text: str
    links: tuple[str, ...]


def letters(mail: MailTwin, sms: SmsTwin, to: str = "") -> list[Letter]:
    """Newest first; `to` keeps one reader."""
    mails = [
        Letter(
            road="Mail",
            at=one.at,
            to=one.recipient,
            subject=one.reading.subject,
            text=one.reading.text.strip(),
            links=tuple(link for link in one.reading.links if link not in one.reading.text),
        )
        for one in mail.mails
    ]
    texts = [Letter(road="SMS", at=one.at, to=one.to, subject="", text=one.text, links=()) for one in sms.messages]
    kept = [letter for letter in [*mails, *texts] if to in ("", letter.to)]
    return sorted(kept, key=lambda letter: letter.at, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page of a list is shown. `number` begins at 1; `pages` is at least 1."""

    number: int
    pages: int
    total: int

    @property
    def window(self) -> slice:
        return slice((self.number - 1) * PAGE, self.number * PAGE)


def paging(total: int, wanted: int) -> Paging:
    """A page that does not exist becomes the nearest one."""
    pages = max(1, -(-total // PAGE))
    return Paging(number=min(max(1, wanted), pages), pages=pages, total=total)


def body_of(entry: Entry) -> str:
    """What follows the headers when the entry shows an HTTP request, else the whole message."""
    head, blank, body = entry.request.partition("\n\n")
    return body if blank and REQUEST_LINE.match(head.split("\n")[0].strip()) else entry.request


def curl(entry: Entry, settings: Settings, certificates: Certificates) -> str:
    """A command that sends the same message again; empty when the entry is not a call that came in.

    What the journal hides (tokens, secrets) shows as it does there, and must be filled in.
    """
    body = f"{settings.url('home')}/journal/{entry.id}/corps"
    fetch, trust = f"curl -sS {shlex.quote(body)}", f"--cacert {shlex.quote(str(certificates.authority))}"
    if entry.twin == "mail" and "recipient" in entry.facts:
        sender, to = shlex.quote(entry.facts.get("sender", "")), shlex.quote(entry.facts["recipient"])
        server = f"curl -sS --ssl-reqd {trust} {settings.url('smtp')}"
        return f"{fetch} | {server} --mail-from {sender} --mail-rcpt {to} --upload-file -"
    lines = entry.request.partition("\n\n")[0].splitlines()
    first = REQUEST_LINE.match(lines[0].strip()) if lines else None
    if first is None or entry.direction != "in" or not first.group(2).startswith("/"):
        return ""
    pairs = [line.partition(":") for line in lines[1:]]
    headers = " ".join(
        f"-H {shlex.quote(f'{name}: {value.strip()}')}"
        for name, mark, value in pairs
        if mark and name.lower() not in OWN_HEADERS
    )
    key = f"--cert {shlex.quote(str(certificates.path('hub-auth-cli')))} --key {shlex.quote(str(certificates.key('hub-auth-cli')))}"
    call = f"curl -sS -i -X {first.group(1)} {trust} {key} {headers}".rstrip()
    call += " " + shlex.quote(settings.url(entry.twin) + first.group(2))
    return f"{fetch} | {call} --data-binary @-" if body_of(entry).strip() else call
