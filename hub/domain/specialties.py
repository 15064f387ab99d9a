"""Know-how codes that mean the same specialty (rpps.md 8.4): the groups are data, in ``specialties.csv``."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("specialties.csv")
GENERAL_MEDICINE = "general-medicine"


@cache
def _groups() -> dict[str, frozenset[str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [(row["group"], row["code"]) for row in csv.DictReader(file)]
    return {name: frozenset(code for group, code in rows if group == name) for name, _ in rows}


def group(name: str) -> frozenset[str]:
    """The codes of a group, for instance :data:`GENERAL_MEDICINE`."""
    return _groups()[name]


def alike(code: str) -> frozenset[str]:
    """The codes to be treated as one with ``code``, itself included."""
    return next((codes for codes in _groups().values() if code in codes), frozenset({code}))


def wanted(profession: str, specialty: str | None) -> frozenset[str]:
    """The codes a request for that profession accepts; empty accepts all. A doctor without more is a general practitioner."""
    if specialty is not None:
        return alike(specialty)
    return group(GENERAL_MEDICINE) if profession == "10" else frozenset()
