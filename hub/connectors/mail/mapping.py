"""From a template and its words to a mail (RFC 5322). Pure."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text mails
    trim_blocks=True,
    lstrip_blocks=True,
)


def to_mail(
    template: str, words: dict[str, str], *, recipient: str, sender: str, message_id: str, at: datetime
) -> bytes:
    """The message as bytes, ready to send. The first line of a template is the subject, the rest the body.

    Raises ``jinja2.UndefinedError`` when a word is missing: our bug.
    """
    subject, _, body = TEMPLATES.get_template(f"{template}.txt").render(words).partition("\n")
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject.strip()
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "fr"
    message.set_content(body.strip() + "\n", cte="8bit")
    return bytes(message)
