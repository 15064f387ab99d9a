"""Codes of the directory as FHIR codings: a system chosen by the code, the words of our tables, else of the file (rpps.md 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub import codes

Coding = dict[str, str]

PROFESSIONS = ("TRE_G15", "TRE_R95", "TRE_R94", "TRE_R85", "TRE_R96")  # in this order (rpps.md 8.2)
ROLES = ("TRE_R21", "TRE_R85", "TRE_R96")
SECTIONS = ("TRE_G05", "TRE_R06")
SKILLS = "JDV_J107"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What the extraction calls each code, by subject (``profession``) and code."""

    printed: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def said(self, subject: str, code: str) -> str:
        """The word of the file, else the code itself."""
        return self.printed.get((subject, code), "") or code

    def words(self, table: str, subject: str, code: str) -> str:
        """What people read for a code: our table, else the file; empty without a code."""
        return codes.table(table).display(code, self.said(subject, code)) if code else ""

    def coding(self, table: str, subject: str, code: str, *, known_only: bool = False) -> Coding | None:
        """The coding of a table, ``None`` without a code. ``known_only``: nor for a code that may be of another table."""
        found = codes.table(table)
        if not code or (known_only and not found.has(code)):
            return None
        return {"system": found.system, "code": code, "display": found.display(code, self.said(subject, code))}


def _among(tables: tuple[str, ...], subject: str, code: str, labels: Labels) -> Coding | None:
    """The first table where the code is in use, else the first that ever held it."""
    holders = [table for table in tables if codes.table(table).has(code)]
    active = [table for table in holders if codes.table(table).rows[code].valid_until is None]
    best = next(iter([*active, *holders]), None)
    return labels.coding(best, subject, code) if best else None


def profession(code: str, labels: Labels) -> Coding | None:
    """A profession, ``None`` when no table knows it: its system cannot be told."""
    return _among(PROFESSIONS, "profession", code, labels)


def role_code(code: str, labels: Labels) -> Coding | None:
    """A function; a code that is too new is of the table of functions."""
    return _among(ROLES, "role", code, labels) or labels.coding("TRE_R21", "role", code)


def section(code: str, labels: Labels) -> Coding | None:
    """A section of the table of pharmacists, or one of its sub-sections."""
    return _among(SECTIONS, "pharmacist_section", code, labels)


def skill(code: str) -> Coding | None:
    """A skill: each row of the list says its own system (rpps.md 8.4); ``None`` for one that is not in it."""
    row = codes.table(SKILLS).rows.get(code)
    return {"system": row.extra["system"], "code": code, "display": row.display} if row else None


TABLES: Mapping[str, tuple[str, ...]] = {
    "profession": PROFESSIONS, "role": ROLES, "pharmacist_section": SECTIONS, "skill": (SKILLS,), "category": ("TRE_R09",),
    "skill_type": ("TRE_R04",), "mode": ("TRE_R23",), "activity_kind": ("TRE_R22",), "sector": ("TRE_R02",),
    "street_type": ("TRE_R35",), "diploma_type": ("TRE_R14",), "diploma": ("TRE_R48",), "authorization_type": ("TRE_R17",),
    "authorization_field": (),
}  # fmt: skip
DIPLOMA = ("diploma_type", "diploma", "authorization_type", "authorization_field")


def unknown(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The codes of a row that none of our tables holds, by subject: those whose words only the file knows."""
    found = {(subject, row.get(f"{subject}_code") or "") for subject in TABLES}
    found |= {pair for kind, code in row.get("skills") or () for pair in (("skill_type", kind), ("skill", code))}
    found |= {pair for one in row.get("diplomas") or () for pair in zip(DIPLOMA, one, strict=True)}
    return {(subject, code) for subject, code in found if code and not any(map(_holds(code), TABLES[subject]))}


def _holds(code: str) -> Callable[[str], bool]:
    return lambda table: codes.table(table).has(code)
