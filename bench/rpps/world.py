"""What every process of a generation shares: options, names, places, professions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random

from bench.rpps import oddities
from bench.rpps.names import Names
from bench.rpps.places import PHONE, Addresses, Site, phone, shared
from bench.rpps.tables import OURS, Labels, Weighted, rows, shares

ROWS_A_PERSON = 1.17
COMMON_SKILLS = ("SM54", "SM26", "SM53")
EXTRA_KINDS = ("CAPA", "DNQ", "DEC", "C", "SST", "OP")
SECTIONS = {"pharmacy": ("A", "DA"), "lab": ("G",), "hospital": ("H",)}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for; the same options give the same bytes. ``chunk``: persons made at once, by any process."""

    rows: int
    seed: int
    days: int
    hostile: bool
    changes: float
    date: dt.date
    chunk: int = 10_000

    @property
    def persons(self) -> int:
        return max(1, round(self.rows / ROWS_A_PERSON))

    @property
    def chunks(self) -> int:
        return -(-self.persons // self.chunk)

    def rng(self, *what: object) -> Random:
        """A random source that depends on the seed and on what it is for."""
        return Random("/".join(map(str, (self.seed, *what))))

    def stamp(self, day: int, clock: str) -> str:
        """The stamp of a file of a day (from 1) at ``hhmm``."""
        return f"{self.date + dt.timedelta(days=day - 1):%Y%m%d}{clock}"


@dataclass(slots=True)
class Trade:
    """A profession under a category. ``tails``: by kind of site, what follows the structure, with its mode in front."""

    cells: str
    profession: str
    practice: str
    skills: str
    diploma: str
    share_none: float
    sites: Weighted[str]
    tails: dict[str, Weighted[tuple[str, str]]] = field(default_factory=dict)
    graduate: Trade | None = None  # the same profession once the student is no student any more


class World:
    """Built once, before the processes part; nothing changes in it afterwards."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.names, self.labels = Names(), Labels()
        self.addresses = Addresses(self.names, self.labels)
        rng = options.rng("places")
        size = (options.rows, options.persons)
        self.sites, cells = shared(rng, self.addresses, self.labels, size)
        if options.hostile:
            oddities.of_structures(options.rng("odd places"), cells)
        self.trades = self._trades()
        self.skills = self._skills()
        self.extra_skills = [self.labels.skill(code, kind) for kind in EXTRA_KINDS for code in self.labels.skills[kind]]
        self.waves: list[list[int]] = [[]]  # of each day: structures whose phone changed on all lines
        self.places = [["|".join(line) for line in cells]]  # of each day: the 28 cells of the shared structures
        for day in range(2, options.days + 1):
            self._wave(options.rng("wave", day), cells)
        self.kept = cells

    def _wave(self, rng: Random, cells: list[list[str]]) -> None:
        near = self.sites["hospital"].near.values()
        largest = max(near, key=lambda some: len(some.things)) if len(self.waves) == 1 else rng.choice(list(near))
        chosen = [
            largest.things[0],
            self.sites["hospital"].everywhere[rng.random()],
            self.sites["pharmacy"].everywhere[rng.random()],
        ]
        chosen = sorted(set(chosen))
        places = list(self.places[-1])
        for number in chosen:
            held = cells[number][PHONE]
            while cells[number][PHONE] == held:
                cells[number][PHONE] = phone(rng, "75")
            places[number] = "|".join(cells[number])
        self.waves.append(chosen)
        self.places.append(places)

    def _skills(self) -> dict[str, Weighted[str]]:
        """Main skills by kind of trade; the empty one when most have none."""
        said = self.labels.skill
        rest = [code for code in self.labels.skills["S"] if code.startswith("SM") and code not in COMMON_SKILLS]
        doctors = [(said("SM54", "S"), 31.0), (said("SM26", "S"), 9.0), (said("SM53", "S"), 4.0)]
        doctors += [(said(code, "S"), 14 / (rank + 4)) for rank, code in enumerate(sorted(rest))]
        dentists = [("|||", 92.0), *((said(code, "S"), 2.6) for code in ("SCD01", "SCD02", "SCD03"))]
        nurses = [("|||", 995.0), *((said(f"SI0{number}", "S"), 1.0) for number in range(1, 6))]
        pharmacists = [("|||", 90.0), *((said(code, "FQ"), 2.0) for code in self.labels.skills["FQ"])]
        pairs = {"doctor": doctors, "dentist": dentists, "nurse": nurses, "pharmacist": pharmacists, "": [("|||", 1.0)]}
        return {name: Weighted.of(some) for name, some in pairs.items()}

    def _trades(self) -> Weighted[Trade]:
        pairs: list[tuple[Trade, float]] = []
        for row in rows(OURS / "trades.csv"):
            trade = Trade(
                cells=f"{self.labels.cells('profession', row['profession'])}|{self.labels.cells('category', row['category'])}",
                profession=row["profession"],
                practice=self.labels.cells("practice-title", row["title"]),
                skills=row["skills"],
                diploma=self.labels.cells("diploma", row["diploma"]),
                share_none=int(row["share_none"]) / 100,
                sites=Weighted.of(shares(row["sites"])),
            )
            for kind in trade.sites.things:
                trade.tails[kind] = self._tails(row["registrar"], row["category"], row["profession"], kind)
            pairs.append((trade, float(row["thousands"])))
        by_profession = {trade.profession: trade for trade, _ in reversed(pairs)}
        for (trade, _), row in zip(pairs, rows(OURS / "trades.csv"), strict=True):
            trade.graduate = by_profession[trade.profession] if row["category"] == "E" else None
        return Weighted.of(pairs)

    def _tails(self, registrar: str, category: str, profession: str, kind: str) -> Weighted[tuple[str, str]]:
        """Mode, and columns 48 to 56, of somebody in a kind of structure."""
        site: Site = self.sites[kind]
        roles = [("FON-48", 9.0), ("FON-57", 1.0)] if category == "E" and profession == "10" else []
        sections = SECTIONS.get(kind, ("",)) if profession == "21" else ("",)
        pairs: list[tuple[tuple[str, str], float]] = []
        for role, weight in roles or zip(site.roles.things, self._weights(site.roles), strict=True):
            for section in sections:
                # Only the owner of a pharmacy is in section A; the others are salaried.
                is_helper = section == "DA"
                code = "FON-05" if is_helper else role
                genre = "GENR02" if role == "FON-22" else "GENR01"
                tail = "|".join(
                    (
                        f"{registrar}/{registrar}/{site.registrar or registrar}",
                        site.sector,
                        self.labels.cells("section", section),
                        self.labels.cells("role", code),
                        self.labels.cells("kind", genre),
                    )
                )
                pairs.append(((self.labels.cells("mode", "S") if is_helper else site.mode, tail), weight))
        return Weighted.of(pairs)

    @staticmethod
    def _weights(choice: Weighted[str]) -> list[float]:
        return [after - before for before, after in zip([0.0, *choice.bounds], choice.bounds, strict=False)]
