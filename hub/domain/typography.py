"""French typography of sentences for people (portal, Voice): one filter for refusals, pages and mails. Never for SMS."""

from __future__ import annotations

import re

NO_BREAK = "\u00a0"

_BEFORE_MARKS = re.compile(r" (?=[:;!?%»](?:\s|$|[.,)]))")
_UNITS = re.compile(r"(?<=\d) (?=(?:h|min|km|ans?|mois|jours?|%|€)\b)|(?<=\d h) (?=\d)")


def typeset(text: str) -> str:
    """Typographic apostrophe; no-break spaces inside guillemets, before ``: ; ! ? %`` and between a number and its unit."""
    text = _BEFORE_MARKS.sub(NO_BREAK, text.replace("'", "’"))
    return _UNITS.sub(NO_BREAK, text).replace("« ", f"«{NO_BREAK}")
