"""SMART scopes, version 2 with version 1 words translated (SMART App Launch 2.x; fhir.md 6.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

PATTERN = re.compile(r"^(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(c?r?u?d?s?|read|write|\*)$")
VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope: ``type`` may be ``*``; ``letters`` among c r u d s, in that order."""

    level: str
    type: str
    letters: str

    def __str__(self) -> str:
        return f"{self.level}/{self.type}.{self.letters}"


@lru_cache(maxsize=1024)
def parse(text: str) -> Scope | None:
    """A scope, or ``None`` when it is not one the hub grants: letters out of order, unknown words, a search suffix."""
    match = PATTERN.match(text)
    if match is None or not match[3]:
        return None
    return Scope(match[1], match[2], VERSION_1.get(match[3], match[3]))


def covers(owned: Scope, wanted: Scope) -> bool:
    """Whether a registered scope includes the one asked for."""
    same_type = owned.type in ("*", wanted.type)
    return owned.level == wanted.level and same_type and set(wanted.letters) <= set(owned.letters)


def granted(asked: str, registered: Iterable[str]) -> tuple[str, ...]:
    """The scopes of the request that the registration covers; those it does not know are left out."""
    owned = [scope for text in registered if (scope := parse(text))]
    found: list[str] = []
    for text in asked.split():
        wanted = parse(text)
        if wanted is not None and any(covers(scope, wanted) for scope in owned):
            found.append(str(wanted))
    return tuple(dict.fromkeys(found))


def allows(scopes: Iterable[str] | None, type_name: str, letter: str) -> bool:
    """Whether these scopes allow one interaction letter on a type. ``None`` (a person in the portal) is not limited."""
    if scopes is None:
        return True
    parsed = (parse(text) for text in scopes)
    return any(scope and scope.type in ("*", type_name) and letter in scope.letters for scope in parsed)
