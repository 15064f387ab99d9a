"""The search key of a name (rpps.md 12.1): what is typed and what is stored are folded the same way. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

UNDECOMPOSED = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})
ABBREVIATIONS = {"st": "saint", "ste": "sainte"}
PARTICLES = frozenset(["de", "du", "des", "d", "la", "le", "l", "el", "al", "ben", "van", "von", "der"])
BETWEEN_NAMES = frozenset({"ep", "epouse", "nee", "dit"})
LONGEST_WORD = 60  # letters kept: no name needs more, an index refuses much more
LONGEST_KEY = 200
LAST = chr(0x10FFFF)  # after every sign of a key: what begins with a text stands before the text and this
PLAIN = re.compile(r"[^a-z0-9]+")


def _folded(text: str) -> str:
    if text.isascii():
        return PLAIN.sub(" ", text.lower())
    plain = unicodedata.normalize("NFKD", text.casefold().translate(UNDECOMPOSED)).casefold()
    return "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))


def words(text: str) -> list[str]:
    """The words of a name or query: letters and digits without case or accent; « st » is « saint »."""
    return [ABBREVIATIONS.get(word, word) for word in _folded(text).split()]


def key(name: str) -> str:
    """The words, one space between two: what names are sorted and compared by."""
    return " ".join(words(name))[:LONGEST_KEY].rstrip()


def _names(parts: Iterable[str]) -> list[list[str]]:
    """The words in groups: « née », « épouse », « dit » separate two names."""
    groups: list[list[str]] = [[]]
    for word in parts:
        if word in BETWEEN_NAMES and groups[-1]:
            groups.append([])
        else:
            groups[-1].append(word)
    return [group for group in groups if group]


def folded(name: str) -> tuple[str, str]:
    """The :func:`key` of a name and its :func:`beginnings`. Quick for one plain word; what is slow is remembered."""
    if name.isalpha() and name.isascii() and len(name) <= LONGEST_WORD:
        word = name.lower()
        word = ABBREVIATIONS.get(word, word)
        return word, word
    return _slowly_folded(name)


@lru_cache(maxsize=1 << 17)
def _slowly_folded(name: str) -> tuple[str, str]:
    return key(name), " ".join(beginnings(name))


def beginnings(name: str) -> list[str]:
    """What a word of a query may begin: each word but the particles, each word with the particles before it (« darc »), the whole
    without spaces (« annesophie »)."""
    found: dict[str, None] = {}
    for group in _names(words(name)):
        for place, word in enumerate(group):
            if word in PARTICLES:
                continue
            found[word[:LONGEST_WORD]] = None
            start = place
            while start and group[start - 1] in PARTICLES:
                start -= 1
                found["".join(group[start : place + 1])[:LONGEST_WORD]] = None
        if len(group) > 1 or group[0] in PARTICLES:
            found["".join(group)[:LONGEST_WORD]] = None
    return list(found)


def asked(text: str) -> list[str]:
    """The words of a query, particles joined to what follows: each must begin one of the :func:`beginnings` of a name."""
    found, held = [], ""
    for word in (word for group in _names(words(text)) for word in group):
        held += word
        if word not in PARTICLES:
            found.append(held[:LONGEST_WORD])
            held = ""
    return found or ([held[:LONGEST_WORD]] if held else [])
