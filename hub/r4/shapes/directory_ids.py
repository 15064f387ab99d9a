"""Ids of the directory's resources: UUIDs that carry the key of what they name, so that a read finds it in one look at an index.

RFC 9562 version 8: 122 bits of ours. The first two say what follows: a text of letters, digits and ``/``; such a text of at most
twelve signs and a digest of what is under it; or a number. A key that does not fit is named by the number of its row. Keys and not
contents: a person who changes name or a hospital that changes telephone keeps its id from day to day (rpps.md 5.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/"
BASE = len(SIGNS) + 1  # nought ends a text
LONGEST, SHORT = 22, 12  # signs of a text alone, and of one with a digest
DIGEST_BITS = 57
TEXT, PART, NUMBER = 0, 1, 2
NUMBER_BITS = 64
VERSION, VARIANT = 0x8, 0b10


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What an id carries: a ``text`` (with ``part``, the digest of what is under it), or else the ``number`` of a row."""

    text: str = ""
    part: int = 0
    number: int | None = None


def _is_writable(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and all(sign in SIGNS for sign in text)


def _packed(text: str) -> int:
    value = 0
    for sign in reversed(text):
        value = value * BASE + SIGNS.index(sign) + 1
    return value


def _unpacked(value: int) -> str:
    found = []
    while value:
        value, sign = divmod(value, BASE)
        if not sign:
            return ""
        found.append(SIGNS[sign - 1])
    return "".join(found)


def _uuid(kind: int, content: int) -> str:
    bits = kind << 120 | content
    high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & (1 << 62) - 1
    return str(UUID(int=high << 80 | VERSION << 76 | middle << 64 | VARIANT << 62 | low))


def part(parts: Sequence[str]) -> int:
    """The digest of the parts of a key that stand under its text."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()) >> (64 - DIGEST_BITS)


def id_of_part(text: str, parts: Sequence[str], number: int) -> str:
    """The id of what ``parts`` name under a text: an exercise or an activity of a person. ``number``: of its row, when the text is
    not one of those that fit."""
    if not _is_writable(text, SHORT):
        return id_of_number(number)
    return _uuid(PART, _packed(text) << DIGEST_BITS | part(parts))


def id_of_text(text: str, number: int) -> str:
    """The id of what a text names: a structure. ``number``: of its row, when the text is empty or does not fit."""
    return _uuid(TEXT, _packed(text)) if _is_writable(text, LONGEST) else id_of_number(number)


def id_of_number(number: int) -> str:
    """The id of a row that has no other name. ``number``: 64 bits with a sign."""
    return _uuid(NUMBER, number & (1 << NUMBER_BITS) - 1)


def named(id: str) -> Named | None:
    """What an id carries, ``None`` when it is not one of these."""
    try:
        found = UUID(id)
    except ValueError:
        return None
    value = found.int
    if str(found) != id or value >> 76 & 0xF != VERSION or value >> 62 & 0b11 != VARIANT:
        return None
    bits = (value >> 80) << 74 | (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
    kind, content = bits >> 120, bits & (1 << 120) - 1
    if kind == NUMBER:
        if content >> NUMBER_BITS:
            return None
        return Named(number=content - (1 << NUMBER_BITS) if content >> NUMBER_BITS - 1 else content)
    text = _unpacked(content >> DIGEST_BITS if kind == PART else content)
    if kind not in (TEXT, PART) or not text:
        return None
    return Named(text=text, part=content & (1 << DIGEST_BITS) - 1 if kind == PART else 0)
