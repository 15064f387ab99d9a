"""The search parameters offered, by type: what each looks at and how (fhir.md 3.9; rows in ``search_parameters.csv``)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hub.r4 import names
from hub.storage import paths

TABLE = Path(__file__).with_name("search_parameters.csv")
COMPARTMENT = Path(__file__).with_name("patient_compartment.csv")

# Values that compare without case: identifiers and contact points (fhir.md 3.2). Codes compare with it.
FOLDED = frozenset({"identifier", "requisition", "group-identifier", "telecom", "phone", "email", "altid", "contact"})

COMMON = (
    ("_id", "token", "id"),
    ("_lastUpdated", "date", "meta.lastUpdated"),
    ("_tag", "token", "meta.tag"),
    ("_security", "token", "meta.security"),
    ("_profile", "uri", "meta.profile"),
    ("_source", "uri", "meta.source"),
)
CANONICAL = "http://hl7.org/fhir/SearchParameter/Resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One search parameter of one type. ``kind``: string, token, date, reference, quantity, uri or special.

    ``targets``: types a reference may lead to; empty or ``*`` means any. ``canonical`` names its definition.
    """

    base: str
    code: str
    kind: str
    path: str
    targets: tuple[str, ...]
    canonical: str

    @property
    def is_folded(self) -> bool:
        """Whether a token compares without case."""
        return self.code in FOLDED

    def values(self, resource: Mapping[str, Any]) -> list[Any]:
        """What the parameter looks at in a resource, in order."""
        return paths.values(paths.compiled(self.path), resource)


@cache
def every() -> Mapping[str, Mapping[str, Parameter]]:
    """The parameters by type and code, without those that every type has."""
    by_type: dict[str, dict[str, Parameter]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            one = Parameter(
                base=line["base"],
                code=line["code"],
                kind=line["kind"],
                path=line["path"],
                targets=tuple(line["targets"].split()),
                canonical=line["canonical"].replace("{base}", names.base()),
            )
            by_type.setdefault(one.base, {})[one.code] = one
    return by_type


@cache
def of(type_name: str) -> Mapping[str, Parameter]:
    """The parameters of a type by code, those of every type included."""
    common = {
        code: Parameter(
            base=type_name,
            code=code,
            kind=kind,
            path=path,
            targets=(),
            canonical=f"{CANONICAL}-{code.removeprefix('_')}",
        )
        for code, kind, path in COMMON
    }
    return {**common, **every().get(type_name, {})}


@cache
def compartment() -> Mapping[str, tuple[str, ...]]:
    """For each type, the parameters by which a resource belongs to the compartment of a patient (fhir.md 3.11)."""
    with COMPARTMENT.open(encoding="utf-8", newline="") as file:
        return {line["type"]: tuple(line["parameters"].split()) for line in csv.DictReader(file)}
