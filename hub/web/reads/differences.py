"""Differences between the directory and what people are known by, in the words of the published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from hub import codes
from hub.domain import places
from hub.domain.identity import STUDENT
from hub.storage import directory
from hub.storage.differences import Kind, Shown
from hub.storage.session import Session
from hub.workflows.capacities import PROFESSION_TABLES

CATEGORIES = "TRE_R09-CategorieProfessionnelle"
SKILLS = "JDV_J107-EnsembleSavoirFaire-RASS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What a page shows. ``day``: that of the extraction served, ``None`` without one (rpps.md 14)."""

    rows: list[Shown]
    day: date | None


async def worded(session: Session, rows: Sequence[Shown]) -> Differences:
    """The rows with words in place of codes."""
    keys = {key for one in rows if one.kind in (Kind.PLACE, Kind.ENDED) for key in (one.said, one.directory) if key}
    names = await directory.structure_names(session, keys) if keys else {}
    served = await directory.status(session)
    return Differences(
        rows=[
            replace(one, said=_words(one, one.said, names), directory=_words(one, one.directory, names)) for one in rows
        ],
        day=_day(served.stamp) if served else None,
    )


def _day(stamp: str) -> date | None:
    try:
        return datetime.strptime(stamp[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _words(one: Shown, value: str, names: Mapping[str, str]) -> str:
    if one.kind in (Kind.PLACE, Kind.ENDED):
        commune = places.commune(value) if value else None
        return names.get(value) or (commune.name if commune else value)
    if one.kind in (Kind.EXERCISE, Kind.PROFESSION):
        return ", ".join(_exercise(pair) for pair in value.split(",") if pair)
    if one.kind == Kind.SKILL and codes.table(SKILLS).has(value):
        return codes.table(SKILLS).display(value)
    return value


def _exercise(pair: str) -> str:
    profession, _, category = pair.partition("/")
    table = next((codes.table(name) for name in PROFESSION_TABLES if codes.table(name).has(profession)), None)
    label = table.display(profession) if table else profession
    kinds = codes.table(CATEGORIES)
    kind = "étudiant" if category == STUDENT else kinds.display(category).lower() if kinds.has(category) else ""
    return f"{label} ({kind})" if kind else label
