"""Reaching into JSON that comes from outside: each thing is of the kind expected, absent, or the resource is malformed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 1000  # characters: like a field of the extraction
Object = Mapping[str, Any]


class Malformed(ValueError):
    """A resource is not of the form published; its only argument says where."""


def object(value: Any, where: str = "element") -> Object:
    """An object, empty when absent."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{where} is no object")
    return value


def part(parent: Object, name: str) -> Object:
    """An object inside another, empty when absent."""
    return object(parent.get(name), name)


def items(parent: Object, name: str) -> list[Any]:
    """A list, empty when absent; ``null`` stays in it."""
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"{name} is no list")
    return value


def objects(parent: Object, name: str) -> list[Object]:
    """A list of objects, empty when absent."""
    return [object(one, name) for one in items(parent, name) if one is not None]


def text(parent: Object, name: str) -> str:
    """A text as a cell of the extraction holds it, ``""`` when absent: on one line, without the sign between cells."""
    return _text(parent.get(name), name)


def texts(parent: Object, name: str) -> list[str]:
    """A list of texts, empty when absent."""
    return [_text(one, name) for one in items(parent, name)]


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value or len(value) > LONGEST:
        raise Malformed(f"{name} is no text of a usual length")
    return value.replace("|", " ").replace("\n", " ")


def flag(parent: Object, name: str) -> bool:
    """A boolean that must be there."""
    value = parent.get(name)
    if not isinstance(value, bool):
        raise Malformed(f"{name} is neither true nor false")
    return value


def extensions(parent: Object, url: str) -> Iterator[Object]:
    """The extensions of that address."""
    return (one for one in objects(parent, "extension") if one.get("url") == url)


def reference(parent: Object, name: str, type: str) -> str:
    """The id that a reference leads to, ``""`` when absent; relative or absolute."""
    value = text(part(parent, name), "reference")
    if not value:
        return ""
    kind, _, id = value.rpartition("/")
    if kind.rpartition("/")[2] != type or not id:
        raise Malformed(f"{name} leads to no {type}")
    return id
