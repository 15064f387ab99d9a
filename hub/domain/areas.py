"""What the text of a place means: a commune, a department, a post code; and what lies around all of it (rpps.md 12.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import ceil, cos, hypot, radians

from hub.domain import places
from hub.domain.places import CELL, METRES_PER_DEGREE, Commune, Place

SHORTEST = 2  # digits: one alone begins the post codes of a tenth of the country

Cell = tuple[int, int]
Squares = dict[Cell, list[Place]]


def named(text: str) -> tuple[Commune, ...]:
    """The communes of an INSEE code, of a department, of a post code or of its beginning; none for anything else."""
    known = places.commune(text)
    if known is not None and not places.of_postcode(text):
        return (known,)
    is_beginning = text.isdecimal() and len(text) >= SHORTEST
    return places.of_department(text) or (places.of_postcodes(text) if is_beginning else ())


def around(area: Sequence[Commune], km: float) -> dict[str, int]:
    """The communes of an area at 0, then all within ``km`` kilometres of one of them, the nearest first: middle to middle, in
    metres. A commune without a point stands for itself alone."""
    squares: Squares = defaultdict(list)
    for place in filter(None, (one.place for one in area)):
        squares[places.cell(place)].append(place)
    own = {one.code: 0 for one in area}
    found: dict[str, float] = {}
    for cell in _reached(squares, km):
        outside = [one for one in places.gazetteer().grid.get(cell, ()) if one.commune not in own]
        near = _nearest_first(cell, squares, km) if outside else []
        for point in outside:
            if (metres := _from(near, point)) <= km * 1000:
                found[point.commune] = metres
    return own | {code: round(metres) for code, metres in sorted(found.items(), key=lambda pair: pair[1])}


def _reached(squares: Squares, km: float) -> set[Cell]:
    """The squares of the grid where something may lie within ``km`` of these."""
    high = ceil(km * 1000 / METRES_PER_DEGREE / CELL)
    return {
        (column, row)
        for east, north in squares
        for row in range(north - high, north + high + 1)
        for wide in (ceil(high / _shrink(north, row)),)
        for column in range(east - wide, east + wide + 1)
    }


def _shrink(row: int, other: int) -> float:
    """The least that a degree of longitude is worth in these rows, in degrees of latitude."""
    return max(0.05, cos(radians(max(abs(edge) for one in (row, other) for edge in (one, one + 1)) * CELL)))


def _nearest_first(cell: Cell, squares: Squares, km: float) -> list[tuple[float, list[Place]]]:
    """Squares within ``km`` of one, with the least distance that their points may have to its own, in metres."""
    bounded = []
    for other, points in squares.items():
        columns, rows = (max(0, abs(a - b) - 1) * CELL for a, b in zip(cell, other, strict=True))
        least = METRES_PER_DEGREE * hypot(columns * _shrink(cell[1], other[1]), rows)
        if least <= km * 1000:
            bounded.append((least, points))
    return sorted(bounded, key=lambda pair: pair[0])


def _from(near: Sequence[tuple[float, list[Place]]], point: Place) -> float:
    """How far the nearest of these points lies, in metres: squares that can only be further are not looked into."""
    best = float("inf")
    for least, points in near:
        if least > best:
            break
        best = min(best, *(places.metres(one, point) for one in points))
    return best
