"""Tables that the invented directory is made from, read once from the CSV files beside this module."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """`weight` is how many of our people work there, compared with the others."""

    code: str
    name: str
    postcode: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A kind of place: `identifier` F (FINESS), C (SIRET) or R (known to RPPS only); `owner` registers the structure."""

    kind: str
    identifier: str
    mode: str
    sector: str
    role: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A profession and category, how many persons have it, and where they work (kind of site -> share)."""

    profession: str
    category: str
    persons: int
    practice_title: str
    authority: str
    sites: Mapping[str, int]


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def labels() -> Mapping[tuple[str, str], str]:
    """(table, code) -> label as the extraction prints it, which is not always the national one."""
    return {(row["table"], row["code"]): row["label"] for row in _rows("labels.csv")}


def label(table: str, code: str) -> str:
    """Empty when the code is empty or unknown."""
    return labels().get((table, code), "")


@cache
def communes() -> tuple[Commune, ...]:
    return tuple(Commune(**{**row, "weight": int(row["weight"])}) for row in _rows("communes.csv"))  # type: ignore[arg-type]


@cache
def commune(code: str) -> Commune:
    """Raises StopIteration for a code that is not in the table."""
    return next(one for one in communes() if one.code == code)


@cache
def sites() -> Mapping[str, Site]:
    return {row["kind"]: Site(**row) for row in _rows("sites.csv")}


@cache
def trades() -> tuple[Trade, ...]:
    return tuple(_trade(row) for row in _rows("trades.csv"))


def _trade(row: dict[str, str]) -> Trade:
    shares = dict(part.split(":") for part in row["sites"].split())
    return Trade(
        profession=row["profession"],
        category=row["category"],
        persons=int(row["persons"]),
        practice_title=row["practice_title"],
        authority=row["authority"],
        sites={kind: int(share) for kind, share in shares.items()},
    )


@cache
def names(kind: str) -> tuple[str, ...]:
    """`family`, `female`, `male` or `street`."""
    return tuple(row["value"] for row in _rows("names.csv") if row["kind"] == kind)
