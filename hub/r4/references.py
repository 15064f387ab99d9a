"""References between resources: what they aim at, where they stand, and how a transaction replaces them (references.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hub.r4.definitions import resource_types
from hub.r4.json import Resource

ID = r"[A-Za-z0-9\-.]{1,64}"
RELATIVE = re.compile(rf"([A-Za-z]+)/({ID})(?:/_history/({ID}))?")
ABSOLUTE = re.compile(rf"https?://\S+?/([A-Za-z]+)/({ID})(?:/_history/{ID})?")
CONDITIONAL = re.compile(r"([A-Za-z]+)\?\S+=\S*")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
# Members that hold an address of a resource outside Reference, in the entries of a Bundle and in attachments.
LINKS = frozenset({"url"})


def target(reference: str | None) -> tuple[str, str] | None:
    """(type, id) of a relative literal reference to a resource of R4; ``None`` for anything else."""
    found = RELATIVE.fullmatch(reference or "")
    return (found[1], found[2]) if found and found[1] in resource_types() else None


def type_of(reference: str) -> str | None:
    """The type a literal reference names, relative, absolute or conditional; ``None`` when its form does not tell."""
    for form in (RELATIVE, ABSOLUTE, CONDITIONAL):
        found = form.fullmatch(reference)
        if found and found[1] in resource_types():
            return found[1]
    return None


def is_literal(reference: str) -> bool:
    """Whether the text has one of the forms of a literal reference: ``Type/id``, an address, ``#id``, or ``Type?criteria``."""
    if reference.startswith("#") or SCHEME.fullmatch(reference):
        return " " not in reference
    return type_of(reference) is not None


def walk(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """Every Reference with a literal, with its path: ``("ServiceRequest.subject", {"reference": "Patient/1"})``."""
    yield from _walk(resource, str(resource.get("resourceType", "")))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Resource]]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield path, value
        for name, item in value.items():
            if isinstance(item, (dict, list)):
                yield from _walk(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")


def replace_references(resource: Resource, mapping: Mapping[str, str]) -> Resource:
    """A copy in which every literal reference found in the mapping is replaced (http.html, transaction processing rules).

    ``mapping``: full URL of an entry (``urn:uuid:…``, or an address) to ``Type/id``. A fragment after the URL is kept. ``url``
    members (attachments) are replaced too; narratives are left alone.
    """
    copy = {name: _replaced(item, mapping) for name, item in resource.items()}
    return copy


def _replaced(value: Any, mapping: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _member(name, item, mapping) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, mapping) for item in value]
    return value


def _member(name: str, item: Any, mapping: Mapping[str, str]) -> Any:
    if isinstance(item, str):
        if name != "reference" and name not in LINKS:
            return item
        base, mark, fragment = item.partition("#")
        return f"{mapping[base]}{mark}{fragment}" if base in mapping else item
    return _replaced(item, mapping)
