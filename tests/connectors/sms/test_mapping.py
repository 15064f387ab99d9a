"""Texts that fit in one part, for every template and every channel that names one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.sms import mapping
from hub.workflows.announce import NOTICES
from hub.workflows.codes import KINDS
from sandbox import gsm7

# The longest words that can come: a deadline of next year, and the short address of a request.
WORDS = {
    "due": "mercredi 30 septembre 2027 à 23 h 59",
    "link": "https://colibri.example.org/d/9999999",
    "code": "0042",
    "minutes": "60",
}


@pytest.mark.parametrize("template", sorted(mapping.TEXTS))
def test_every_template_fits_in_one_part_as_the_gateway_counts(template: str) -> None:
    text = mapping.to_text(template, WORDS)
    assert gsm7.septets(text) <= gsm7.ONE_PART
    assert gsm7.strangers(text) == []


def test_every_notice_and_code_has_its_text() -> None:
    wanted = {notice.sms for notice in NOTICES.values() if notice.sms}
    wanted |= {kind.template for (_, channel), kind in KINDS.items() if channel == "sms"}
    assert wanted == mapping.TEXTS.keys()


@pytest.mark.parametrize("link", ["https://hub.example.org/" + "x" * 120, "https://hub.example.org/d/œuf"])
def test_a_text_that_would_be_cut_or_garbled_does_not_leave(link: str) -> None:
    with pytest.raises(ValueError, match="text message"):
        mapping.to_text("appointment-confirmed", {**WORDS, "link": link})


@given(st.text(min_size=1, max_size=40))
def test_no_word_passes_that_the_gateway_would_refuse(word: str) -> None:
    try:
        text = mapping.to_text("appointment-confirmed", {**WORDS, "link": word})
    except ValueError:
        return
    assert gsm7.strangers(text) == []


def test_the_body_is_what_the_gateway_reads() -> None:
    body = mapping.to_request("+33639981126", "Colibri", "notice/1")
    assert body == {"to": "+33639981126", "text": "Colibri", "reference": "notice/1"}
