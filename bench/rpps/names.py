"""Names of people: about 400,000 distinct families in two million, in the proportions of France (MARTIN at 0.3 %)."""

from __future__ import annotations

import unicodedata
from random import Random

from bench.rpps.tables import OURS, rows

FLATTEN = 25  # q of Zipf-Mandelbrot: the share of rank r is as 1 / (r + q)
COMPOUND = ("Jean", "Marie", "Anne", "Pierre", "Paul", "Louis", "Claire", "Charles", "Rose", "Luc")


def plain(text: str) -> str:
    """Upper case without accents."""
    text = text.upper().replace("Œ", "OE").replace("Æ", "AE").replace("’", "'")
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


class Names:
    """``family`` and ``given`` draw from a random source; families are computed from their rank, no list is held."""

    def __init__(self) -> None:
        held: dict[str, list[str]] = {}
        for row in rows(OURS / "names.csv"):
            held.setdefault(row["kind"], []).append(row["value"])
        self.common, self.streets = held["family"], held["street"]
        self.particles = held["particle"]
        self.start, self.middle, self.end = held["start"], held["middle"], held["end"]
        self.short = len(self.start) * len(self.end)
        self.ranks = len(self.common) + self.short + self.short * len(self.middle)
        self.spread = self.ranks / FLATTEN + 1
        # 0: men, 1: women; forms as printed: title case, capitals with and without accents
        self.first = [[(name, plain(name), name.upper()) for name in held[kind]] for kind in ("male", "female")]

    def of_rank(self, rank: int) -> str:
        """The family name of a rank, from 0."""
        if rank < len(self.common):
            return self.common[rank]
        rank -= len(self.common)
        # The same tables in a scrambled order: neighbours in rank do not look alike.
        if rank < self.short:
            left, right = divmod(rank * 5 % self.short, len(self.end))
            name = self.start[left] + self.end[right]
        else:
            rest, right = divmod(rank - self.short, len(self.end))
            centre, left = divmod(rest * 7, len(self.start))
            name = f"{self.start[left]}{self.middle[centre % len(self.middle)]}{self.end[right]}"
        if rank % 23 == 0:
            return self.particles[rank // 23 % len(self.particles)] + name
        return name

    def family(self, rng: Random) -> str:
        name = self.of_rank(int(FLATTEN * (self.spread ** rng.random() - 1)))
        return f"{name}-{self.family(rng)}" if rng.random() < 0.02 else name

    def given(self, rng: Random, sex: int) -> str:
        """A first name as printed; ``sex``: 0 for men, 1 for women."""
        names = self.first[sex]
        draw = rng.random()
        forms = names[int(len(names) * rng.random() ** 2)]
        form = int(draw * 20) % 20
        case = 0 if form < 10 else 1 if form < 17 else 2
        name = forms[case]
        if draw * 1000 % 10 < 0.9:
            front = COMPOUND[int(draw * 1_000_000 % len(COMPOUND))]
            return f"{front if case == 0 else front.upper()}{'-' if form % 4 else ' '}{name}"
        return name
