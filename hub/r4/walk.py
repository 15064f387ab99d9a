"""The walk over raw JSON that judges a resource and names every fault with its path (fhir.md 12.4, 2 and 3).

Driven by the tables of ``definitions``. Invariants are asked only of objects whose shape is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hub.r4 import definitions, narrative, references
from hub.r4.definitions import Field, Node
from hub.r4.invariants import RULES
from hub.r4.primitives import CHECKS

MOST = 100  # faults told at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``rule`` is a key of ``messages.csv``; ``words`` fill its sentence."""

    rule: str
    expression: str
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """The nearest resource that may contain others: types of its contained resources by id."""

    contained: Mapping[str, str]


class Walk:
    """One judgement: faults pile up in ``faults``."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def blame(self, rule: str, expression: str, **words: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(Fault(rule=rule, expression=expression, words=words))

    def resource(self, value: Any, path: str, scope: Scope | None = None) -> None:
        """A resource at a path; ``scope`` is that of the container when it is a contained one."""
        if type(value) is not dict:
            self.blame("not-object", path)
            return
        kind = value.get("resourceType")
        if not isinstance(kind, str) or kind not in definitions.resource_types():
            self.blame("unknown-type", path, found=str(kind))
            return
        if kind not in definitions.known_types():
            return
        node = definitions.node(kind)
        here = scope if scope is not None else Scope(_contained(value))
        before = len(self.faults)
        self._object(value, path, node, here, is_resource=True)
        if len(self.faults) == before:
            self._rules(value, path, kind)
        if scope is None and type(value.get("contained")) is list:
            self._contained(value, path)

    def _object(self, value: dict[str, Any], path: str, node: Node, scope: Scope, *, is_resource: bool = False) -> None:
        fields = node.fields
        chosen: dict[str, str] = {}
        for name, item in value.items():
            member = fields.get(name)
            if member is not None:
                if name in node.choices:
                    self._choice(name, path, node, chosen)
                self._member(member, item, value, path, scope)
            elif name.startswith("_") and (member := fields.get(name[1:])) is not None and member.is_primitive:
                if name in node.choices:
                    self._choice(name, path, node, chosen)
                self._beside(member, item, value, path, scope)
            elif not (is_resource and name == "resourceType"):
                self.blame("unknown-element", f"{path}.{name}")
        for label, members in node.required:
            if not any(name in value for name in members):
                self.blame("required", f"{path}.{label}")

    def _choice(self, name: str, path: str, node: Node, chosen: dict[str, str]) -> None:
        label, bare = node.choices[name], name.removeprefix("_")
        if chosen.setdefault(label, bare) != bare:
            self.blame("two-values", f"{path}.{label}")

    def _member(self, member: Field, item: Any, holder: Mapping[str, Any], path: str, scope: Scope) -> None:
        if not member.is_many:
            if item is None:
                self.blame("null", f"{path}.{member.name}")
            elif type(item) is list:
                self.blame("array", f"{path}.{member.name}")
            else:
                self._value(member, item, path, "", scope)
            return
        if type(item) is not list:
            self.blame("null" if item is None else "not-array", f"{path}.{member.name}")
            return
        if not item:
            self.blame("empty-array", f"{path}.{member.name}")
        beside = holder.get(f"_{member.name}") if member.is_primitive else None
        for index, one in enumerate(item):
            if one is None:
                if not (type(beside) is list and index < len(beside) and beside[index] is not None):
                    self.blame("null", f"{path}.{member.name}[{index}]")
            else:
                self._value(member, one, path, f"[{index}]", scope)

    def _beside(self, member: Field, item: Any, holder: Mapping[str, Any], path: str, scope: Scope) -> None:
        """The ``_x`` member: ids and extensions of a primitive, or of each of an array, ``null`` where there is none."""
        where = f"{path}._{member.name}"
        node = bare_element()
        parts = item if member.is_many else [item]
        if member.is_many != (type(item) is list) or not parts:
            self.blame("not-array" if member.is_many else "array", where)
            return
        values = holder.get(member.name)
        if member.is_many and type(values) is list and len(values) != len(parts):
            self.blame("unpaired", where)
        for index, part in enumerate(parts):
            at = f"{where}[{index}]" if member.is_many else where
            if part is None and member.is_many:
                continue
            self._complex(part, at, node, scope)

    def _value(self, member: Field, item: Any, path: str, index: str, scope: Scope) -> None:
        if member.is_primitive:
            self._primitive(member, item, path, index)
            return
        where = f"{path}.{member.name}{index}"
        if member.kind == "Resource":
            self.resource(item, where, scope if member.name == "contained" else None)
            if member.targets and type(item) is dict and item.get("resourceType") not in member.targets:
                self._wrong_target(member, str(item.get("resourceType")), where)
            return
        before = len(self.faults)
        self._complex(item, where, definitions.node(member.node), scope)
        if len(self.faults) > before:
            return
        self._rules(item, f"{path}.{member.label}{index}", member.node)
        if member.path != member.node:
            self._rules(item, f"{path}.{member.label}{index}", member.path)
        if member.kind == "Reference":
            self._reference(member, item, where, scope)
        elif member.kind == "Extension":
            self._extension_url(item, path, where)
        elif member.kind == "CodeableConcept" and member.codes is not None:
            self._concept(member, item, where)

    def _complex(self, item: Any, where: str, node: Node, scope: Scope) -> None:
        if type(item) is not dict:
            self.blame("null" if item is None else "not-object", where)
        elif not item:
            self.blame("empty-object", where)
        else:
            self._object(item, where, node, scope)
            if len(item) == 1 and "id" in item:
                self.blame("ele-1", where)

    def _primitive(self, member: Field, item: Any, path: str, index: str) -> None:
        fault = CHECKS[member.kind](item)
        if fault is not None:
            self.blame(fault.value, f"{path}.{member.name}{index}", kind=member.kind, value=str(item)[:60])
        elif member.plain_codes is not None and item not in member.plain_codes:
            allowed = ", ".join(sorted(member.plain_codes))
            self.blame("code", f"{path}.{member.name}{index}", value=item, allowed=allowed)
        elif member.kind == "xhtml" and (why := narrative.fault(item)):
            self.blame("narrative", f"{path}.{member.name}{index}", why=why)

    def _extension_url(self, item: Mapping[str, Any], path: str, where: str) -> None:
        """An extension is named by an address, but for the parts of a complex one; nothing beside the address stands for it."""
        if "url" not in item:
            self.blame("required", f"{where}.url")
            return
        is_part = path.rpartition(".")[2].startswith(("extension[", "modifierExtension["))
        if not is_part and not references.SCHEME.fullmatch(item["url"]):
            self.blame("extension-url", f"{where}.url", value=item["url"])

    def _concept(self, member: Field, item: Mapping[str, Any], where: str) -> None:
        codings = item.get("coding")
        pairs = {(one.get("system"), one.get("code")) for one in codings} if codings else set()
        if pairs and not pairs & (member.codes or frozenset()):
            allowed = ", ".join(sorted(member.plain_codes or ()))
            self.blame("code", where, value=str(next(iter(pairs))[1]), allowed=allowed)

    def _rules(self, value: dict[str, Any], path: str, node: str) -> None:
        for name, rule in RULES.get(node, {}).items():
            if not rule(value):
                self.blame(name, path)

    def _reference(self, member: Field, item: Mapping[str, Any], where: str, scope: Scope) -> None:
        literal = item.get("reference")
        if not isinstance(literal, str):
            kind = item.get("type")
            if member.targets and isinstance(kind, str) and kind in definitions.resource_types() - member.targets:
                self._wrong_target(member, kind, where)
            return
        if not references.is_literal(literal):
            self.blame("reference", where, value=literal[:80])
            return
        if literal.startswith("#"):
            found = scope.contained.get(literal[1:])
            if found is None and literal != "#":
                self.blame("ref-1", where, value=literal[:80])
                return
        else:
            found = references.type_of(literal)
        if found is not None and member.targets and found not in member.targets:
            self._wrong_target(member, found, where)

    def _wrong_target(self, member: Field, found: str, where: str) -> None:
        self.blame("target", where, found=found, allowed=", ".join(sorted(member.targets)))

    def _contained(self, value: dict[str, Any], path: str) -> None:
        """dom-2 to dom-5: what a contained resource may not have, and that it must be referred to."""
        local = set(_local_references(value))
        for one in value["contained"]:
            if type(one) is not dict:
                continue
            meta: Any = one.get("meta")
            meta = meta if type(meta) is dict else {}
            if "contained" in one:
                self.blame("dom-2", path)
            if f"#{one.get('id')}" not in local and "#" not in set(_local_references(one)):
                self.blame("dom-3", path)
            if "versionId" in meta or "lastUpdated" in meta:
                self.blame("dom-4", path)
            if "security" in meta:
                self.blame("dom-5", path)


@cache
def bare_element() -> Node:
    """What may stand beside a primitive: an id and extensions."""
    fields = {name: definitions.node("Reference").fields[name] for name in ("id", "extension")}
    return Node(path="Element", fields=fields, required=(), choices={})


def _contained(value: Mapping[str, Any]) -> Mapping[str, str]:
    parts = value.get("contained")
    if type(parts) is not list:
        return {}
    return {str(one.get("id")): str(one.get("resourceType")) for one in parts if type(one) is dict}


def _local_references(value: Any) -> list[str]:
    """Every text that begins with ``#``: references, uris and canonicals to contained resources."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in _local_references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _local_references(item)]
    return [value] if isinstance(value, str) and value.startswith("#") else []
