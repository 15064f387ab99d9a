"""Open data publications of communes with the point of each (rpps.md 12.4): a text table, whose columns are known by their titles.

Each publisher names its columns in its own way; the ways met on data.gouv.fr are known here. Pure: lines in, points out.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.domain.places import Centre, Precision

SEPARATORS = ";,\t|"
CODES = (
    *("code_insee", "insee", "insee_com", "code_insee_commune", "code_commune_insee", "code_insee_de_la_commune"),
    *("code_officiel_commune", "code_officiel_geographique", "codgeo", "depcom", "com", "commune_code", "code_commune"),
    "code",
)
# Titles of latitude and longitude, and how good such a point is: the middle of the commune, or its town hall.
PAIRS = (
    ("latitude_centre", "longitude_centre", Precision.CENTROID),
    ("centre_latitude", "centre_longitude", Precision.CENTROID),
    ("latitude_centroide", "longitude_centroide", Precision.CENTROID),
    ("latitude", "longitude", Precision.CENTROID),
    ("lat", "lon", Precision.CENTROID),
    ("lat", "lng", Precision.CENTROID),
    ("lat", "long", Precision.CENTROID),
    ("latitude_mairie", "longitude_mairie", Precision.PLACE),
)
# Both in one cell, latitude first.
POINTS = ("geopoint", "geo_point", "geo_point_2d", "geo_point2d", "coordonnees_geographiques", "coordonnees_gps")
# France in WGS84: west, south, east, north (mainland and Corsica, then overseas).
FRANCE = (
    (-5.3, 41.2, 9.7, 51.2),
    *((-63.3, 14.2, -60.7, 18.2), (-54.7, 2.0, -51.5, 6.0), (55.1, -21.5, 55.9, -20.8), (44.9, -13.1, 45.4, -12.5)),
    *((-56.6, 46.6, -56.0, 47.3), (-178.5, -14.6, -175.9, -13.0), (-155.0, -28.0, -134.0, -7.5), (158.0, -23.2, 172.5, -17.8)),
)  # fmt: skip
SAMPLE = 20  # bad lines that are told


class Unreadable(ValueError):
    """A table that is none of communes; the text says in French what it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """``centres``: points by INSEE code, as published; ``lines``: without the header; ``rejected``: how many say no point;
    ``told``: the first of them, by number from 1 (the header), with the reason in French.
    """

    centres: Mapping[str, Centre]
    lines: int
    rejected: int = 0
    told: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where the code and the point stand. ``longitude``: ``None`` when both are in the cell of ``latitude``."""

    code: int
    latitude: int
    longitude: int | None
    precision: Precision


def _folded(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.casefold())
    return re.sub(r"[^a-z0-9]+", "_", "".join(sign for sign in plain if not unicodedata.combining(sign))).strip("_")


def _columns(titles: Sequence[str]) -> _Columns:
    places: dict[str, int] = {}
    for place, title in enumerate(titles):
        places.setdefault(_folded(title), place)
    code = next((places[name] for name in CODES if name in places), None)
    if code is None:
        raise Unreadable("aucune colonne n’y donne le code INSEE des communes (code_insee, par exemple)")
    for latitude, longitude, precision in PAIRS:
        if latitude in places and longitude in places:
            return _Columns(code=code, latitude=places[latitude], longitude=places[longitude], precision=precision)
    both = next((places[name] for name in POINTS if name in places), None)
    if both is None:
        raise Unreadable("aucune colonne n’y donne la latitude et la longitude (latitude et longitude, par exemple)")
    return _Columns(code=code, latitude=both, longitude=None, precision=Precision.CENTROID)


def read(lines: Iterable[str]) -> Publication:
    """The points of a publication; a line that says none is set aside and told. Of a commune that comes several times the first
    point is kept. Raises :class:`Unreadable`.
    """
    coming = iter(lines)
    header = next(coming, "").removeprefix("\ufeff")
    separator = max(SEPARATORS, key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=separator), []))
    centres: dict[str, Centre] = {}
    told: list[tuple[int, str]] = []
    count = rejected = 0
    rows = csv.reader(coming, delimiter=separator)
    try:
        for cells in rows:
            found = _point(cells, columns)
            count += 1
            if isinstance(found, str):
                rejected += 1
                if len(told) < SAMPLE:
                    told.append((rows.line_num + 1, found))
            else:
                centres.setdefault(_code(cells[columns.code]), found)
    except csv.Error as trouble:
        raise Unreadable(f"sa ligne {rows.line_num + 1} ne se lit pas") from trouble
    if not centres:
        raise Unreadable("aucune de ses lignes ne donne un point en France")
    return Publication(centres=centres, lines=count, rejected=rejected, told=tuple(told))


def _code(text: str) -> str:
    """With the nought that a spreadsheet takes from ``01001``."""
    return text.strip().upper().zfill(5)


CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}")
NUMBER = re.compile(r"[+-]?\d{1,3}(?:[.,]\d+)?")


def _point(cells: Sequence[str], columns: _Columns) -> Centre | str:
    """The point of a line, or why there is none."""
    if len(cells) <= max(columns.code, columns.latitude, columns.longitude or 0):
        return "il y manque des colonnes"
    if not CODE.fullmatch(_code(cells[columns.code])):
        return "le code INSEE n’en est pas un"
    if columns.longitude is None:
        parts = [one.strip() for one in re.split(r"[;,/]\s*|\s+", cells[columns.latitude].strip()) if one.strip()]
    else:
        parts = [cells[columns.latitude].strip(), cells[columns.longitude].strip()]
    if not any(parts):
        return "elle ne donne aucun point"
    if len(parts) != 2 or not all(NUMBER.fullmatch(one) for one in parts):
        return "la latitude ou la longitude n’est pas un nombre"
    latitude, longitude = (float(one.replace(",", ".")) for one in parts)
    if not _is_in_france(longitude, latitude):
        is_turned = _is_in_france(latitude, longitude)
        return "la latitude et la longitude y sont échangées" if is_turned else "ce point n’est pas en France"
    return Centre(longitude=longitude, latitude=latitude, precision=columns.precision)


def _is_in_france(longitude: float, latitude: float) -> bool:
    return any(west <= longitude <= east and south <= latitude <= north for west, south, east, north in FRANCE)
