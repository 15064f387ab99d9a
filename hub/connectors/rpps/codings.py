"""Which column a coding of the FHIR API fills (rpps.md 4, 8): it is known by its system, never by its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from hub import codes
from hub.connectors.rpps import reach
from hub.r4.shapes.directory_codes import SKILLS, TABLES

QUALIFICATION = ("profession", "category", "skill_type", "skill", "diploma_type", "diploma")
WORK = ("mode", "activity_kind", "pharmacist_section", "role")
# A table that tells what another coding of the same concept is about, whose own table may be newer than ours.
COMPANIONS = {"category": "profession", "skill_type": "skill", "diploma_type": "diploma"}


@cache
def systems(*subjects: str) -> Mapping[str, str]:
    """From the URI of a code system to the one of these subjects that it is about."""
    found: dict[str, str] = {}
    for subject in subjects:
        for name in TABLES[subject]:
            table = codes.table(name)
            uris = {row.extra["system"] for row in table} if name == SKILLS else {table.system}
            found.update(dict.fromkeys(uris, subject))
    return found


def read(concept: Any, subjects: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The codes of a concept by subject, and what is left of it: ``system|code`` of the others. Raises ``Malformed``."""
    known, found, left = systems(*subjects), dict[str, str](), list[tuple[str, str]]()
    for system, code in codings(concept):
        subject = known.get(system, "")
        if subject and subject not in found:
            found[subject] = code
        else:
            left.append((system, code))
    for companion, subject in COMPANIONS.items():
        if companion in found and subject in subjects and subject not in found and left:
            found[subject] = left.pop(0)[1]
    return found, tuple("|".join(pair) for pair in left)


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """The system and code of each coding of a concept. Raises ``Malformed``."""
    for coding in reach.objects(reach.object(concept), "coding"):
        code = reach.text(coding, "code")
        if code:
            yield reach.text(coding, "system"), code


def first(concepts: Iterable[Any]) -> str:
    """The first code of these concepts, ``""`` when there is none. Raises ``Malformed``."""
    return next((code for concept in concepts for _, code in codings(concept)), "")
