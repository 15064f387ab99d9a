"""Where people work: towns weighted by inhabitants, shared structures held in memory, practices made on the spot.

A structure is its 28 cells, columns 20 to 47 of Personne_activite.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import NamedTuple

from bench.rpps import numbers
from bench.rpps.names import Names, plain
from bench.rpps.tables import CODES, OURS, Labels, Weighted, rows

# positions in the 28 cells
SIRET, SIREN, FINESS, FINESS_EJ, KEY, NAME, ALIAS = range(7)
STREET_CODE, STREET_LABEL, STREET = 11, 12, 13
OFFICE, POSTCODE, COMMUNE, TOWN = 15, 16, 17, 18
PHONE, PHONE2, NATIONAL_ID = 21, 22, 27
CELLS = 28

NATIONAL_ROWS = 2_300_000  # to which the counts of sites.csv belong
SMALL_TOWN, HAMLET = 1_500, 450  # inhabitants of communes below 5,000: with a place of their own, without
STREETS = (
    ("R", 50),
    ("AV", 16),
    ("BD", 8),
    ("PL", 7),
    ("RTE", 7),
    ("CHE", 4),
    ("ALL", 3),
    ("IMP", 2),
    ("QU", 2),
    ("FG", 1),
)
AREA = {"0": "3", "1": "4", "2": "3", "3": "5", "4": "4", "5": "3", "6": "4", "7": "1", "8": "4", "9": "2"}


class Town(NamedTuple):
    """A commune under one of its post codes; ``office`` as in *Bureau cedex*."""

    code: str
    label: str
    department: str
    postcode: str
    office: str


@cache
def towns() -> Weighted[Town]:
    """Communes by post code. Those of Paris, Lyon and Marseille bear the code of the city one time in two, else the district's."""
    inhabitants = {row["code"]: int(row["inhabitants"]) for row in rows(OURS / "towns.csv")}
    pairs: list[tuple[Town, float]] = []
    for row in rows(CODES / "communes.csv"):
        postcodes = row["postcodes"].split()
        if not postcodes or row["precision"] == "district":
            continue
        size = inhabitants.get(row["code"], SMALL_TOWN if row["precision"] == "place" else HAMLET) / len(postcodes)
        for postcode in postcodes:
            town = Town(row["code"], row["name"], row["department"], postcode, f"{postcode} {plain(row['name'])}")
            district = district_of(row["code"], postcode)
            if district:
                pairs.append(
                    (town._replace(code=district, office=f"{town.office} {int(district[3:]) % 80 or 80}"), size / 2)
                )
                size /= 2
            pairs.append((town, size))
    return Weighted.of(pairs)


def district_of(code: str, postcode: str) -> str:
    """The district of a city, from the post code; ``""`` elsewhere."""
    number = int(postcode[-2:])
    first = {"75056": 75100, "69123": 69380, "13055": 13200}.get(code)
    return str(first + number) if first else ""


def phone(rng: Random, department: str) -> str:
    return f"0{AREA.get(department[0], '1')}{int(rng.random() * 100_000_000):08d}"


@dataclass
class Site:
    """A kind of structure of ``sites.csv``: the cells of its mode, its roles, and where its structures are."""

    identifier: str
    mode: str
    sector: str
    registrar: str
    name: str
    roles: Weighted[str]
    everywhere: Weighted[int]
    near: dict[str, Weighted[int]] = field(default_factory=dict)  # by department


class Addresses:
    """Cells of new structures."""

    def __init__(self, names: Names, labels: Labels) -> None:
        self.towns = towns()
        self.streets = names.streets
        self.street_types = Weighted.of((labels.cells("street", code), weight) for code, weight in STREETS)

    def cells(self, rng: Random, town: Town, name: str) -> list[str]:
        """The 28 cells without any identifier; ``{street}`` and ``{town}`` in ``name`` are filled."""
        draw = rng.random()
        street = self.streets[int(draw * len(self.streets))]
        kind, _, kind_label = self.street_types[rng.random()].partition("|")
        fine = int(draw * 10_000)
        cells = [""] * CELLS
        cells[NAME] = name.replace("{street}", street).replace("{town}", town.office[6:])
        cells[9] = str(1 + fine % 97)
        cells[10] = ("B", "BIS", "T")[fine % 3] if fine % 12 == 0 else ""
        cells[STREET_CODE], cells[STREET_LABEL], cells[STREET] = kind, kind_label, street
        cells[OFFICE], cells[POSTCODE], cells[COMMUNE], cells[TOWN] = town.office, town.postcode, town.code, town.label
        if fine % 10 == 1:
            cells[8] = f"BATIMENT {'ABCDE'[fine % 5]}"
        if fine % 10 == 2:
            cells[19], cells[20] = "99000", "FRANCE"
        if fine % 10 < 7:
            cells[PHONE] = phone(rng, town.department)
        return cells


def _identify(cells: list[str], identifier: str, town: Town, index: int, persons: int) -> None:
    """Columns 20 to 24 and 47 of the ``index``-th shared structure."""
    if identifier == "F":
        cells[FINESS] = numbers.finess(town.department, index)
        cells[FINESS_EJ] = numbers.finess(town.department, index, legal=True) if index % 4 else ""
        cells[KEY], cells[NATIONAL_ID] = f"F{cells[FINESS]}", f"1{cells[FINESS]}"
    elif identifier == "C":
        cells[SIRET] = numbers.siret(index)
        cells[SIREN] = cells[SIRET][:9] if index % 3 == 0 else ""
        cells[KEY], cells[NATIONAL_ID] = f"C{cells[SIRET]}", f"3{cells[SIRET]}"
    else:
        cells[KEY] = f"R{numbers.rank(index)}"
        if index % 3:
            cells[NATIONAL_ID] = f"4{numbers.rpps(index % persons)}{100 + index % 800}"


def _decorate(cells: list[str], kind: str, index: int) -> None:
    if kind in ("hospital", "clinic") and index % 3 == 0:
        cells[POSTCODE] = cells[POSTCODE][:4] + ("4" if cells[POSTCODE][4] != "4" else "9")
        cells[OFFICE] = f"{cells[POSTCODE]} {cells[OFFICE][6:]} CEDEX"
        cells[14] = f"CS {10_000 + index % 50_000}"
    if kind in ("hospital", "ehpad", "centre"):
        cells[24] = f"contact@{kind}{index}.example"
        cells[23] = cells[PHONE]
    if kind == "pharmacy":
        cells[ALIAS] = cells[NAME]


def shared(
    rng: Random, addresses: Addresses, labels: Labels, size: tuple[int, int]
) -> tuple[dict[str, Site], list[list[str]]]:
    """The kinds of structures, and the cells of all those that several people share. ``size``: rows and persons asked."""
    total, persons = size
    sites: dict[str, Site] = {}
    structures: list[list[str]] = []
    for row in rows(OURS / "sites.csv"):
        count = max(3, int(row["count"]) * total // NATIONAL_ROWS) if row["count"] != "0" else 0
        pairs: list[tuple[int, float]] = []
        by_department: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for _ in range(count):
            town, index = addresses.towns[rng.random()], len(structures)
            cells = addresses.cells(rng, town, row["name"])
            _identify(cells, row["identifier"], town, index, persons)
            _decorate(cells, row["kind"], index)
            structures.append(cells)
            here = by_department[town.department]
            # The first hospital of a department is far larger than the next ones.
            weight = 1 / (len(here) + 1) if row["kind"] == "hospital" else 0.3 + rng.random()
            here.append((index, weight))
            pairs.append((index, weight))
        sites[row["kind"]] = Site(
            identifier=row["identifier"],
            mode=labels.cells("mode", row["mode"]),
            sector=labels.cells("sector", row["sector"]),
            registrar=row["registrar"],
            name=row["name"],
            roles=Weighted.of(
                (role, float(weight)) for role, weight in (part.split(":") for part in row["roles"].split())
            ),
            everywhere=Weighted.of(pairs),
            near={department: Weighted.of(some) for department, some in by_department.items()},
        )
    return sites, structures
