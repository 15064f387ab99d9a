"""Code tables as data: national ones under their official name, ours under ``hub-*`` (fhir.md 9.5).

``table("TRE_G15-ProfessionSante")``, or by the part before the dash, ``table("TRE_G15")``. Files are read on first use.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"
MANIFEST = Path(__file__).with_name("MANIFEST.toml")
MAPS = TABLES / "maps.csv"
COLUMNS = ("code", "display", "parent", "valid_from", "valid_until")
# The codes of refusals stand with their sentences, in one place.
REFUSALS = Path(__file__).parents[1] / "domain" / "refusals.csv"
REFUSAL_TABLES = ("hub-refusal", "hub-sas-handoff-error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One code. Days are inclusive; ``extra`` holds the columns of this table alone (``system_oid``, ``in_dmp``…)."""

    code: str
    display: str
    parent: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def is_valid(self, on: date) -> bool:
        """Whether the code may be used on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. ``system`` is the CodeSystem or ValueSet URI, empty for ours: see :func:`system`. ``version``: its edition."""

    name: str
    system: str
    oid: str
    version: str
    rows: Mapping[str, Row]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def has(self, code: str) -> bool:
        """Whether the table holds the code, retired or not."""
        return code in self.rows

    @property
    def offered(self) -> tuple[Row, ...]:
        """The codes a person may choose, in the order of the file: the others are given by the hub itself."""
        return tuple(row for row in self if row.extra.get("offered"))

    def offers(self, code: str) -> bool:
        """Whether a person may choose the code."""
        return code in self.rows and bool(self.rows[code].extra.get("offered"))

    def display(self, code: str, default: str | None = None) -> str:
        """The words for people. Raises ``KeyError`` for an unknown code when no default is given."""
        row = self.rows.get(code)
        if row is None and default is not None:
            return default
        return self.rows[code].display

    def translate(self, code: str, to: str) -> str | None:
        """The code of another table that stands for this one (``tables/maps.csv``)."""
        return _maps().get((self.name, code, name_of(to)))


@cache
def manifest() -> Mapping[str, Mapping[str, Any]]:
    """What each table is: ``system``, ``oid``, ``version``, ``source``, ``sha256``."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


@cache
def name_of(name: str) -> str:
    """The full name of a table given by its full name or by the part before the dash. Raises ``KeyError``."""
    if name in manifest():
        return name
    found = [known for known in manifest() if known.split("-")[0] == name]
    if len(found) != 1:
        raise KeyError(name)
    return found[0]


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _row(line: Mapping[str, str]) -> Row:
    return Row(
        code=line["code"],
        display=line["display"],
        parent=line["parent"],
        valid_from=_day(line["valid_from"]),
        valid_until=_day(line["valid_until"]),
        extra={name: value for name, value in line.items() if name not in COLUMNS},
    )


def _refusals(name: str) -> list[Row]:
    wanted = name.removeprefix("hub-")
    with REFUSALS.open(encoding="utf-8", newline="") as file:
        return [
            Row(code=line["code"], display=line["french"]) for line in csv.DictReader(file) if line["system"] == wanted
        ]


@cache
def _maps() -> Mapping[tuple[str, str, str], str]:
    with MAPS.open(encoding="utf-8", newline="") as file:
        return {(line["source"], line["code"], line["target"]): line["target_code"] for line in csv.DictReader(file)}


@cache
def _table(name: str) -> Table:
    about = manifest()[name]
    if name in REFUSAL_TABLES:
        rows = _refusals(name)
    else:
        with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = [_row(line) for line in csv.DictReader(file)]
    return Table(
        name=name,
        system=about.get("system", ""),
        oid=about.get("oid", ""),
        version=about.get("version", ""),
        rows={row.code: row for row in rows},
    )


def table(name: str) -> Table:
    """A table by its full name, or by the part before the dash. Raises ``KeyError`` when there is none."""
    return _table(name_of(name))


def system(name: str, canonical_base: str) -> str:
    """The CodeSystem URI of a table: the national one, or ``{canonical_base}/CodeSystem/<name without hub->`` for ours."""
    full = name_of(name)
    return manifest()[full].get("system") or f"{canonical_base.rstrip('/')}/CodeSystem/{full.removeprefix('hub-')}"


def profession_group(profession: str, skills: Iterable[str] = ()) -> str | None:
    """The code of ``hub-profession-group`` for a profession (TRE_G15) and its skills (TRE_R38): a skill decides first.

    A doctor with SM26, SM53 or SM54 is a general practitioner, another doctor a specialist.
    """
    by_skill = (table("TRE_R38").translate(skill, "hub-profession-group") for skill in skills)
    return next((found for found in by_skill if found), None) or table("TRE_G15").translate(
        profession, "hub-profession-group"
    )
