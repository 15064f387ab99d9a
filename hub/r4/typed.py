"""The tables of ``definitions`` as types that msgspec decodes into: one TypedDict a node, made on first use and kept.

They refuse whatever the walk would, as far as types can tell, and some of what it would take: what stands beside primitives in
arrays, contained resources, base64 with white space. ``quick`` says what follows from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from hub.r4 import definitions
from hub.r4.definitions import Field, Node
from hub.r4.primitives import BASE64, INTEGERS, LARGEST_INTEGER, PATTERNS
from hub.r4.walk import bare_element

# The usual dates: 29 February, which only some years have, leap seconds and the zone +14:00 are for the walk to judge.
_YEAR = r"(?!0000|.{5}(?:02-29|02-3|(?:0[2469]|11)-31))[0-9]{4}"
_MONTH, _DATE = "-(?:0[1-9]|1[0-2])", "-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
DATES = {
    "date": f"{_YEAR}(?:{_MONTH}(?:{_DATE})?)?",
    "dateTime": f"{_YEAR}(?:{_MONTH}(?:{_DATE}(?:{_TIME})?)?)?",
    "instant": f"{_YEAR}{_MONTH}{_DATE}{_TIME}",
}
TOKENS = ("code", "uri", "url", "canonical")  # ``quick`` looks for the white space that they may not have
BESIDE = "Element"  # node of what stands beside a primitive


def _whole(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


SOME_TEXT = Annotated[str, Meta(min_length=1)]
PRIMITIVES: Mapping[str, Any] = {
    "boolean": bool,
    "decimal": int | Decimal,
    "string": SOME_TEXT,
    "markdown": SOME_TEXT,
    "xhtml": SOME_TEXT,
    "base64Binary": Annotated[str, Meta(min_length=1, pattern=rf"\A{BASE64.pattern}\Z")],
    **{kind: Annotated[int, Meta(ge=least, le=LARGEST_INTEGER)] for kind, least in INTEGERS.items()},
    **{kind: _whole(PATTERNS[kind].pattern) for kind in ("id", "oid", "uuid", "time")},
    **{kind: _whole(form) for kind, form in DATES.items()},
    **dict.fromkeys(TOKENS, SOME_TEXT),
}


def node(path: str) -> Node:
    """The node of a data type, of a backbone path or of :data:`BESIDE`."""
    return bare_element() if path == BESIDE else definitions.node(path)


def is_held(field: Field) -> bool:
    """Whether the member is a resource left in its bytes: only they name the type that judges it."""
    return field.kind == "Resource" and not field.is_many


def _single(field: Field) -> Any:
    if field.is_primitive:
        return Literal[tuple(sorted(field.plain_codes))] if field.plain_codes else PRIMITIVES[field.kind]
    return msgspec.Raw if field.kind == "Resource" else _filled(field.node)


def _typed(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in node.fields.items():
        if field.kind == "Resource" and field.is_many:
            continue  # contained: local references are known only all together
        one = _single(field)
        found[name] = Annotated[list[one], Meta(min_length=1)] if field.is_many else one  # type: ignore[valid-type]
        if field.is_primitive and not field.is_many:
            found[f"_{name}"] = _filled(BESIDE)
    return found


_shells: dict[str, Any] = {}  # by node: nodes hold one another in circles, so a type gets its members after its name


def _filled(path: str, *, resource: str = "") -> Any:
    if path in _shells:
        return _shells[path]
    shell = _shells[path] = TypedDict(path, {}, total=False)  # type: ignore[operator]
    here = node(path)
    members = _typed(here) | ({"resourceType": Literal[resource]} if resource else {})
    required = {label for label, _ in here.required} | {"resourceType"}
    shell.__annotations__.update(members)
    shell.__required_keys__ = frozenset(required & members.keys())  # of a choice, none is named here
    shell.__optional_keys__ = frozenset(members.keys() - required)
    return shell


@cache
def decoder(kind: str) -> msgspec.json.Decoder[Any] | None:
    """Reads the bytes of a resource of that type; ``None`` when the tables do not hold it."""
    if kind not in definitions.known_types():
        return None
    return msgspec.json.Decoder(_filled(kind, resource=kind), float_hook=Decimal)
