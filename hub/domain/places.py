"""Where things are: communes of France by INSEE code, distances, what lies around. Nothing is read before the first call."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import cos, hypot, radians
from pathlib import Path
from typing import ClassVar

import hub.codes

TABLE = Path(hub.codes.__file__).parent / "tables" / "communes.csv"

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere of 6 371 km
CELL = 0.1  # degrees: side of a square of the grid


class Precision(StrEnum):
    """How a point was found, the best first. Distances compare only between points of like precision (rpps.md 12.5)."""

    ADDRESS = "address"
    CENTROID = "centroid"  # the middle of the commune, from a publication that the operator gave
    PLACE = "place"  # the place that bears the commune's name
    NEIGHBOUR = "neighbour"  # mean of the communes of the same post code
    DISTRICT = "district"  # mean of the communes of the same administrative district
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point in WGS84 degrees, in a commune (INSEE code)."""

    longitude: float
    latitude: float
    commune: str
    precision: Precision = Precision.PLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """The point of a commune, in WGS84 degrees, and how it was found."""

    longitude: float
    latitude: float
    precision: Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """A present commune. Its point is absent when ``precision`` is none."""

    code: str
    name: str
    department: str
    postcodes: tuple[str, ...]
    longitude: float | None
    latitude: float | None
    precision: Precision

    @property
    def place(self) -> Place | None:
        """Its middle as a point."""
        if self.longitude is None or self.latitude is None:
            return None
        return Place(longitude=self.longitude, latitude=self.latitude, commune=self.code, precision=self.precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """The table in memory, with its indexes."""

    communes: Mapping[str, Commune]
    present: Mapping[str, str]  # former code or district -> present code
    by_postcode: Mapping[str, tuple[str, ...]]
    grid: Mapping[tuple[int, int], tuple[Place, ...]]


def _cell(longitude: float, latitude: float) -> tuple[int, int]:
    return int(longitude // CELL), int(latitude // CELL)


def cell(place: Place) -> tuple[int, int]:
    """The square of the grid in which a point lies: column, row."""
    return _cell(place.longitude, place.latitude)


def _commune(line: Mapping[str, str], better: Centre | None) -> Commune:
    longitude, latitude, precision = line["longitude"], line["latitude"], line["precision"]
    return Commune(
        code=line["code"],
        name=line["name"],
        department=line["department"],
        postcodes=tuple(line["postcodes"].split()),
        longitude=better.longitude if better else float(longitude) if longitude else None,
        latitude=better.latitude if better else float(latitude) if latitude else None,
        precision=better.precision if better else Precision(precision),
    )


def read(lines: Iterable[Mapping[str, str]], centres: Mapping[str, Centre]) -> Gazetteer:
    """Communes and indexes from lines of ``communes.csv``, with the points of ``centres`` in place of its own."""
    communes: dict[str, Commune] = {}
    present: dict[str, str] = {}
    postcodes: dict[str, list[str]] = defaultdict(list)
    grid: dict[tuple[int, int], list[Place]] = defaultdict(list)
    for line in lines:
        found = _commune(line, centres.get(line["code"]))
        communes[found.code] = found
        present.update(dict.fromkeys(line["former"].split(), found.code))
        for postcode in found.postcodes:
            postcodes[postcode].append(found.code)
        if (place := found.place) is not None:
            grid[cell(place)].append(place)
    return Gazetteer(
        communes=communes,
        present=present,
        by_postcode={code: tuple(codes) for code, codes in postcodes.items()},
        grid={cell: tuple(points) for cell, points in grid.items()},
    )


@cache
def gazetteer() -> Gazetteer:
    """The whole table, read once (a tenth of a second)."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return read(csv.DictReader(file), _Given.centres)


class _Given:
    """Points that are better than those of the table, by INSEE code."""

    centres: ClassVar[Mapping[str, Centre]] = {}


def use(centres: Mapping[str, Centre]) -> None:
    """Take these points, by INSEE code of a present commune, in place of those of the table: fixed at the start of a process."""
    _Given.centres = centres
    gazetteer.cache_clear()


def normalise(code: str) -> str:
    """The present commune of a former code, of a delegated commune, or of a district of Paris, Lyon, Marseille.

    A code nobody knows comes back as it is, upper case.
    """
    code = code.strip().upper()
    known = gazetteer()
    return code if code in known.communes else known.present.get(code, code)


def commune(code: str) -> Commune | None:
    """The commune of an INSEE code, former codes included."""
    return gazetteer().communes.get(normalise(code))


def of_postcode(postcode: str) -> tuple[Commune, ...]:
    """The communes of a post code: often several (rpps.md 12.4)."""
    known = gazetteer()
    return tuple(known.communes[code] for code in known.by_postcode.get(postcode.strip(), ()))


def of_department(code: str) -> tuple[Commune, ...]:
    """The communes of a department (``95``, ``2A``, ``971``), by code."""
    return tuple(one for one in gazetteer().communes.values() if one.department == code.upper())


def of_postcodes(beginning: str) -> tuple[Commune, ...]:
    """The communes of which a post code begins so, each once."""
    known = gazetteer()
    codes = dict.fromkeys(
        code for one, codes in known.by_postcode.items() if one.startswith(beginning) for code in codes
    )
    return tuple(known.communes[code] for code in codes)


def worse(a: Precision, b: Precision) -> Precision:
    """What a distance between two points is worth: no more than the worse of them."""
    order = list(Precision)
    return max(a, b, key=order.index)


def metres(a: Place, b: Place) -> float:
    """Distance on a plane that touches the globe between the two: 0.1 % off at 100 km."""
    east = (a.longitude - b.longitude) * cos(radians((a.latitude + b.latitude) / 2))
    return METRES_PER_DEGREE * hypot(east, a.latitude - b.latitude)


def kilometres(a: Place, b: Place) -> int:
    """Distance in whole kilometres, for people."""
    return round(metres(a, b) / 1000)


def within(place: Place, km: float) -> list[str]:
    """Codes of the communes whose middle lies within ``km`` kilometres, nearest first; the place's own commune leads."""
    return list(around(place, km))


def around(place: Place, km: float) -> dict[str, int]:
    """The communes of :func:`within` with the distance of their middle, in metres; 0 for the place's own."""
    reach = km * 1000 / METRES_PER_DEGREE
    wide = reach / max(0.05, cos(radians(abs(place.latitude) + reach)))
    west, south = _cell(place.longitude - wide, place.latitude - reach)
    east, north = _cell(place.longitude + wide, place.latitude + reach)
    limit = (km * 1000) ** 2 / METRES_PER_DEGREE**2
    shrink = cos(radians(place.latitude)) ** 2
    grid = gazetteer().grid
    found: list[tuple[float, str]] = []
    for column in range(west, east + 1):
        for row in range(south, north + 1):
            for point in grid.get((column, row), ()):
                gap = (point.longitude - place.longitude) ** 2 * shrink + (point.latitude - place.latitude) ** 2
                if gap <= limit:
                    found.append((gap, point.commune))
    found.sort()
    home = normalise(place.commune)
    return {home: 0} | {code: round(METRES_PER_DEGREE * gap**0.5) for gap, code in found if code != home}
