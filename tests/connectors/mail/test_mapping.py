"""From a template to a mail: its subject, its headers, and no word left out."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from jinja2 import UndefinedError

from hub.connectors.mail import mapping
from hub.workflows.announce import NOTICES
from hub.workflows.codes import KINDS

AT = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
WORDS = {
    "due": "15 h 02",
    "link": "https://colibri.example.org/d/1042",
    "phone": "02 61 91 04 00",
    "code": "0042",
    "minutes": "5",
    "place": "CH INVENTE",
}
TEMPLATES = sorted(file.stem for file in (mapping.Path(mapping.__file__).with_name("templates")).glob("*.txt"))


def mail(template: str, words: dict[str, str] = WORDS) -> bytes:
    return mapping.to_mail(
        template,
        words,
        recipient="helene.vasseur@example.org",
        sender="Colibri <ne-pas-repondre@example.org>",
        message_id="<n-1@colibri.example.org>",
        at=AT,
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_makes_a_whole_mail(template: str) -> None:
    read = message_from_bytes(mail(template), policy=policy.default)
    assert read["Subject"] and "{" not in read["Subject"]
    assert read["Message-ID"] == "<n-1@colibri.example.org>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Date"].datetime == AT
    body = read.get_content()
    assert body.strip() and "{{" not in body and "{%" not in body
    assert body.endswith("\n") and not body.endswith("\n\n")


def test_every_notice_and_code_has_its_template() -> None:
    wanted = {notice.mail for notice in NOTICES.values() if notice.mail}
    wanted |= {kind.template for (_, channel), kind in KINDS.items() if channel == "email"}
    assert wanted <= set(TEMPLATES)


def test_a_missing_word_is_our_bug_and_nothing_leaves() -> None:
    with pytest.raises(UndefinedError):
        mail("request-waiting", {})


def test_the_same_words_make_the_same_bytes() -> None:
    assert mail("request-waiting") == mail("request-waiting")
