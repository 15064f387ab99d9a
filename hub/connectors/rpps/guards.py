"""When a file is not trusted (rpps.md 10.4). Pure: figures in, a code of ``errors.csv`` or warnings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.connectors.rpps.settings import RppsSettings

PROFESSION_SHARE = 0.2  # of one profession missing in a day: loaded, and told
CHANGED_SHARE = 0.2  # of persons changed: loaded, and told


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a file holds. ``before``: persons served, ``None`` when nothing is; ``by_profession``: missing today, and in all."""

    rows: int
    rejected: int
    persons: int
    before: int | None = None
    missing: int = 0
    changed: int = 0
    by_profession: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def refusal(figures: Figures, settings: RppsSettings) -> tuple[str, str] | None:
    """The first guard that refuses: its code and the figures it saw. A named person may answer for that very file."""
    rejected = figures.rejected / max(1, figures.rows + figures.rejected)
    if rejected > settings.most_rejected:
        return "too-many-rejected", f"{figures.rejected} lines, {rejected:.2%}"
    if figures.before is None:
        few = figures.persons < settings.least_persons
        return ("too-few-persons", f"{figures.persons} persons") if few else None
    if figures.persons < settings.least_share * figures.before:
        return "too-few-rows", f"{figures.persons} persons, {figures.before} are served"
    # One person of a handful is no flood.
    if figures.missing > max(1, settings.most_missing * figures.before):
        return "too-many-missing", f"{figures.missing} persons of {figures.before}"
    return None


def warnings(figures: Figures) -> dict[str, object]:
    """What is loaded all the same, and told to the operator."""
    found: dict[str, object] = {}
    emptied = {
        code: f"{missing} of {total}"
        for code, (missing, total) in figures.by_profession.items()
        if missing > PROFESSION_SHARE * total
    }
    if emptied:
        found["professions emptied"] = emptied
    if figures.before and figures.changed > CHANGED_SHARE * figures.before:
        found["many changed"] = f"{figures.changed} of {figures.before}"
    return found
