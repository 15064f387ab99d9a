"""Value sets the DMP checks, as data (editions and origins: ``data/README.md``).

An operator may replace a file without a release.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A coded value. ``system`` is an OID, or a word (``URN``, ``ASTM``) where the DMP writes one."""

    code: str
    display: str
    system: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A row of JDV_J07. ``in_dmp``: also in JDV_J66. ``class_code``: JDV_J57, empty for types without a published class."""

    coded: Code
    in_dmp: bool
    class_code: str


Table = Mapping[str, Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Each value set by code."""

    specialties: Table  # JDV_J01
    facilities: Table  # JDV_J02
    practices: Table  # JDV_J04
    types: Mapping[str, DocumentType]  # JDV_J07
    kinds: Table  # JDV_J23
    encounters: Table  # JDV_J142
    genders: Table  # JDV_J143
    civilities: Table  # JDV_J245
    titles: Table  # JDV_J246
    classes: Table  # JDV_J57
    confidentialities: Table  # JDV_J58
    contents: Table  # JDV_J59
    formats: Table  # JDV_J60
    roles: Table  # JDV_J65


def _rows(directory: Path, name: str) -> list[dict[str, str]]:
    chosen = directory / f"{name}.csv"
    with (chosen if chosen.exists() else DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _code(row: dict[str, str]) -> Code:
    return Code(code=row["code"], display=row["display"], system=row["system"])


def _table(directory: Path, name: str) -> Table:
    rows = _rows(directory, name)
    return MappingProxyType({row["code"]: _code(row) for row in rows})


def _types(directory: Path) -> Mapping[str, DocumentType]:
    rows = _rows(directory, "JDV_J07")
    return MappingProxyType(
        {
            row["code"]: DocumentType(
                coded=_code(row),
                in_dmp=row["in_dmp"] == "yes",
                class_code=row["class_code"],
            )
            for row in rows
        }
    )


def read(directory: Path = DATA) -> Tables:
    """The value sets of ``directory``; a file missing there is taken from the ones shipped."""
    return Tables(
        specialties=_table(directory, "JDV_J01"),
        facilities=_table(directory, "JDV_J02"),
        practices=_table(directory, "JDV_J04"),
        types=_types(directory),
        kinds=_table(directory, "JDV_J23"),
        encounters=_table(directory, "JDV_J142"),
        genders=_table(directory, "JDV_J143"),
        civilities=_table(directory, "JDV_J245"),
        titles=_table(directory, "JDV_J246"),
        classes=_table(directory, "JDV_J57"),
        confidentialities=_table(directory, "JDV_J58"),
        contents=_table(directory, "JDV_J59"),
        formats=_table(directory, "JDV_J60"),
        roles=_table(directory, "JDV_J65"),
    )


SHIPPED = read()
