"""Tables of the generator: codes and communes of the hub read as data, labels as the extraction prints them, weighted choices."""

from __future__ import annotations

import csv
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

OURS = Path(__file__).with_name("tables")
CODES = Path(__file__).parents[2] / "hub" / "codes" / "tables"

# name of the code: tables in which it is looked for, the first that knows it wins (rpps.md 8.2)
OFFICIAL = {
    "profession": (
        "TRE_R95-UsagerTitre",
        "TRE_G15-ProfessionSante",
        "TRE_R94-ProfessionSocial",
        "TRE_R85-RolePriseCharge",
    ),
    "category": ("TRE_R09-CategorieProfessionnelle",),
    "practice-title": ("TRE_R11-CiviliteExercice",),
    "title": ("TRE_R81-Civilite",),
    "skill": ("JDV_J107-EnsembleSavoirFaire-RASS",),
    "skill-type": ("TRE_R04-TypeSavoirFaire",),
    "mode": ("TRE_R23-ModeExercice",),
    "sector": ("TRE_R02-SecteurActivite",),
    "role": ("TRE_R21-Fonction",),
    "kind": ("TRE_R22-GenreActivite",),
}


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class Labels:
    """``cells(name, code)``: the code and what the extraction prints for it, joined by a pipe."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}
        self.skills: dict[str, list[str]] = defaultdict(list)  # codes by kind of skill
        for name, files in OFFICIAL.items():
            for file in files:
                for row in rows(CODES / f"{file}.csv"):
                    label = row["display"].removesuffix(f" ({row['code'].rstrip('0123456789')})")
                    self.known.setdefault((name, row["code"]), label)
                    if name == "skill":
                        self.skills[row["type"]].append(row["code"])
        for row in rows(OURS / "labels.csv"):
            self.known[row["table"], row["code"]] = row["label"]

    def cells(self, name: str, code: str) -> str:
        return f"{code}|{self.known[name, code]}" if code else "|"

    def skill(self, code: str, kind: str) -> str:
        return f"{self.cells('skill-type', kind)}|{self.cells('skill', code)}"


@dataclass(frozen=True)
class Weighted(Generic[T]):
    """A choice among things: ``weighted[x]`` for x in [0, 1[."""

    things: Sequence[T]
    bounds: Sequence[float]

    @classmethod
    def of(cls, pairs: Iterable[tuple[T, float]]) -> Weighted[T]:
        held = list(pairs)
        return cls([thing for thing, _ in held], list(accumulate(weight for _, weight in held)))

    def __getitem__(self, draw: float) -> T:
        return self.things[bisect(self.bounds, draw * self.bounds[-1])]


def shares(text: str) -> list[tuple[str, float]]:
    """``own:16 group:14``."""
    return [(name, float(weight)) for name, weight in (part.split(":") for part in text.split())]
