"""Text that may stand in an XML 1.0 document, and in an HL7v2 string inside one."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
INVISIBLE = re.compile("[\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # legal, never meant
IN_ATTRIBUTES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
HL7_DELIMITERS = {"\\": "\\E\\", "|": "\\F\\", "~": "\\R\\", "^": "\\S\\", "&": "\\T\\"}  # HL7v2 2.7.1


def lines(value: str) -> str:
    """The text without what XML forbids and without invisible controls; line ends become ``\\n``."""
    return INVISIBLE.sub("", ILLEGAL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")))


def line(value: str, longest: int | None = None) -> str:
    """The text on one line, words separated by one space; cut with an ellipsis when longer than ``longest`` characters."""
    joined = " ".join(lines(value).split())
    if longest is None or len(joined) <= longest:
        return joined
    return joined[: longest - 1].rstrip() + "…"


def element(value: str) -> str:
    """The text as element content. Raises ``ValueError`` on a character that XML forbids."""
    if ILLEGAL.search(value):
        raise ValueError("a character that XML 1.0 forbids")
    return escape(value, {"\r": "&#13;"})


def attribute(value: str) -> str:
    """The text as the value of an attribute in double quotes. Raises ``ValueError`` like :func:`element`."""
    if ILLEGAL.search(value):
        raise ValueError("a character that XML 1.0 forbids")
    return escape(value, IN_ATTRIBUTES)


def hl7(value: str) -> str:
    """The text as one component of an HL7v2 field: delimiters escaped."""
    return "".join(HL7_DELIMITERS.get(character, character) for character in line(value))
