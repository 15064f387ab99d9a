"""FHIR R4 (4.0.1) element tables, read once and compiled for the walk of ``validation`` type by type, on first use.

``elements.csv`` holds path, cardinality, types and reference targets; ``codes.csv`` the codes of required bindings;
``types.csv`` the names of all resource types. The first two are made by ``generate``.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
PRIMITIVES = frozenset(
    (
        "base64Binary",
        "boolean",
        "canonical",
        "code",
        "date",
        "dateTime",
        "decimal",
        "id",
        "instant",
        "integer",
        "markdown",
        "oid",
        "positiveInt",
        "string",
        "time",
        "unsignedInt",
        "uri",
        "url",
        "uuid",
        "xhtml",
    )
)
CHILDREN_HERE = frozenset({"BackboneElement", "Element"})  # their children are listed under their own path


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One JSON member. ``label`` is its name in paths (``value[x]``), ``path`` that of the element in the definitions; ``kind`` a
    primitive, a data type, or ``Resource``.

    ``node`` is the path of the node its content obeys, ``""`` for primitives and resources. ``targets`` are the types a reference
    may aim at, or a resource may be of; empty allows all.
    """

    name: str
    label: str
    path: str
    kind: str
    node: str
    is_primitive: bool
    is_many: bool
    targets: frozenset[str]
    codes: frozenset[tuple[str, str]] | None
    plain_codes: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What an object may hold. ``required``: (label, members of which one must be there); ``choices``: label by member."""

    path: str
    fields: Mapping[str, Field]
    required: tuple[tuple[str, tuple[str, ...]], ...]
    choices: Mapping[str, str]


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _elements() -> Mapping[str, list[dict[str, str]]]:
    """Lines by the path of the parent."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in _read("elements.csv"):
        parent, _, _ = line["path"].rpartition(".")
        found[parent].append(line)
    return found


@cache
def required_codes() -> Mapping[str, frozenset[tuple[str, str]]]:
    """(system, code) pairs of required bindings, by path."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in _read("codes.csv"):
        found[line["path"]].add((line["system"], line["code"]))
    return {path: frozenset(pairs) for path, pairs in found.items()}


@cache
def resource_types() -> frozenset[str]:
    """Every resource type of R4."""
    return frozenset(line["type"] for line in _read("types.csv"))


@cache
def known_types() -> frozenset[str]:
    """The resource types whose elements are in the tables."""
    return resource_types() & set(_elements())


def _content(path: str, kind: str) -> tuple[str, str]:
    """The kind of a member, and the path of the node it obeys."""
    if kind.startswith("#"):
        return "BackboneElement", kind[1:]
    if kind in PRIMITIVES:
        return kind, ""
    if kind == "Resource" or kind in resource_types():
        return "Resource", ""
    return kind, path if kind in CHILDREN_HERE else kind


def _field(line: Mapping[str, str], kind: str, *, is_choice: bool) -> Field:
    last = line["path"].rpartition(".")[2]
    name = last.removesuffix("[x]") + kind[0].upper() + kind[1:] if is_choice else last
    codes = required_codes().get(line["path"])
    content, node = _content(line["path"], kind)
    targets = {kind} if kind in resource_types() else set(line["targets"].split()) - {"Resource"}
    return Field(
        name=name,
        label=last,
        path=line["path"],
        kind=content,
        node=node,
        is_primitive=kind in PRIMITIVES,
        is_many=line["max"] == "*",
        targets=frozenset(targets),
        codes=codes,
        plain_codes=frozenset(code for _, code in codes) if codes else None,
    )


@cache
def node(path: str) -> Node:
    """The compiled node of a type or of a backbone path. Raises ``KeyError`` for a path without children."""
    fields: dict[str, Field] = {}
    required: list[tuple[str, tuple[str, ...]]] = []
    choices: dict[str, str] = {}
    for line in _elements()[path]:
        kinds, is_choice = line["types"].split(), line["path"].endswith("[x]")
        here = [_field(line, kind, is_choice=is_choice) for kind in (kinds if is_choice else kinds[:1])]
        fields |= {field.name: field for field in here}
        if is_choice:
            choices |= {name: here[0].label for field in here for name in (field.name, f"_{field.name}")}
        if int(line["min"]) > 0:
            members = tuple(name for field in here for name in (field.name, f"_{field.name}"))
            required.append((here[0].label, members))
    if not fields:
        raise KeyError(path)
    return Node(path=path, fields=fields, required=tuple(required), choices=choices)
