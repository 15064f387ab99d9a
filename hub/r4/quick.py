"""A quick yes for bodies without fault: decoded straight into the types of ``typed``, then asked what types cannot tell.

It never says what is wrong, and never says yes to what the walk of ``validation`` would blame; whatever it is not sure of, it
leaves to the walk. A member written twice, or unknown, is dropped by the decoder: the quotes of what was kept are counted against
those of what came, which finds both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, TypedDict

import msgspec

from hub.r4 import narrative, references, typed
from hub.r4.definitions import Field, Node
from hub.r4.invariants import RULES
from hub.r4.json import Resource, dumps
from hub.r4.primitives import LONGEST_STRING

Look = Callable[[Any, int], bool]  # a value, and how many levels it may still open; True: nothing to blame
Check = Callable[[Resource], bool]

FIRST_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
# Escapes that may spell a control character, half of a character, or a quote that the count would miss.
DOUBTFUL = re.compile(rb"\\(?:[bf]|u(?:00[01]|0022|[dD][89a-fA-F]))")
TOKEN = re.compile(r"\S+")
DEEPEST = 50
FEW = 6  # members that a compiled look asks for one by one
REMEMBERED = 4096  # texts


class _Typed(TypedDict):
    resourceType: str


_peek = msgspec.json.Decoder(_Typed)
_seen: set[str] = set()  # codes and addresses without white space, seen lately: nearly all are of a few vocabularies


def read(body: bytes) -> Resource | None:
    """The resource in the body when it has no fault for certain; ``None`` leaves the judgement to the walk."""
    if len(body) > LONGEST_STRING or (b"\\" in body and DOUBTFUL.search(body)):
        return None
    try:
        found = _resource(body, DEEPEST)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if found is None or dumps(found).count(b'"') != body.count(b'"'):
        return None
    return found


def _resource(body: bytes | msgspec.Raw, left: int) -> Resource | None:
    first = FIRST_TYPE.match(body)
    kind = first[1].decode() if first else _peek.decode(body)["resourceType"]
    decoder = typed.decoder(kind)
    if decoder is None:
        return None
    found: Resource = decoder.decode(body)
    return found if _whole(kind)(found, left) else None


def _is_token(value: str) -> bool:
    if not TOKEN.fullmatch(value):
        return False
    if len(_seen) >= REMEMBERED:
        _seen.clear()
    _seen.add(value)
    return True


def _token(value: str, _left: int) -> bool:
    return value in _seen or _is_token(value)


def _narrative(value: str, _left: int) -> bool:
    return not narrative.fault(value)


def _holding(look: Look, held: dict[str, Field]) -> Look:
    """An object that holds resources, each still in bytes: put in their place what they read as."""

    def both(value: Resource, left: int) -> bool:
        for name, field in held.items():
            if name in value:
                found = _resource(value[name], left - 1)
                if found is None or (field.targets and found["resourceType"] not in field.targets):
                    return False
                value[name] = found
        return look(value, left)

    return both


def _reference(targets: frozenset[str]) -> Check:
    def holds(value: Resource) -> bool:
        literal = value.get("reference")
        if literal is None:
            return "type" not in value
        if literal.startswith("urn:uuid:"):  # names no type
            return len(literal) > len("urn:uuid:") and literal.split() == [literal]
        found = references.type_of(literal)
        if found is None and (literal.startswith("#") or not references.is_literal(literal)):
            return False
        return found is None or not targets or found in targets

    return holds


def _concept(codes: frozenset[tuple[str, str]]) -> Check:
    def holds(value: Resource) -> bool:
        codings = value.get("coding")
        return not codings or any((one.get("system"), one.get("code")) in codes for one in codings)

    return holds


def _shape(node: Node) -> Iterator[Check]:
    """What types do not say of the members of an object: exactly, or at most, one of each choice."""
    needed = {label for label, _ in node.required}
    for label in dict.fromkeys(node.choices.values()):
        names = frozenset(name for name, choice in node.choices.items() if choice == label)
        yield _one_of(names, least=int(label in needed))


def _one_of(names: frozenset[str], *, least: int) -> Check:
    common = names.intersection  # of a dict: of its keys
    return (lambda value: len(common(value)) == 1) if least else (lambda value: len(common(value)) < 2)


def _extension(value: Resource) -> bool:
    """One value, or extensions, beside the url: ext-1, and the choice."""
    return len(value) - ("id" in value) == 2 and "_url" not in value and "_id" not in value


@lru_cache(maxsize=REMEMBERED)
def _is_address(url: str) -> bool:
    return references.SCHEME.fullmatch(url) is not None


def _address(value: Resource) -> bool:
    return _is_address(value["url"])


def _checks(holder: Node, field: Field) -> Iterator[Check]:
    """What is asked of one object as a whole."""
    if field.kind == "Extension":
        yield _extension
    else:
        yield from _shape(typed.node(field.node))
        yield from RULES.get(field.node, {}).values()
    if field.path != field.node:
        yield from RULES.get(field.path, {}).values()
    if field.kind == "Reference":
        yield _reference(field.targets)
    elif field.kind == "Extension" and holder.path != "Extension":  # the parts of a complex one have plain names
        yield _address
    elif field.kind == "CodeableConcept" and field.codes is not None:
        yield _concept(field.codes)


def _loop(looks: dict[str, Look]) -> Look:
    """Asks of each member that is there: for objects of many possible members, and for the rare ones of the others."""
    seen = _seen

    def look(value: Resource, left: int) -> bool:
        for name in value:
            if name in looks:
                item, ask = value[name], looks[name]
                if type(item) is list:
                    for one in item:
                        if not ask(one, left - 2):
                            return False
                elif ask is _token:
                    if item not in seen and not _is_token(item):
                        return False
                elif not ask(item, left - 1):
                    return False
        return True

    return look


def _source(common: Mapping[str, Field], checks: int) -> str:
    """An object's look written out: without loop nor table it takes half the time. ``loop`` is for the members not written out."""
    lines = [
        "def look(value, left):",
        " if left < 3 or (len(value) < 2 and (not value or 'id' in value)): return False",
        " if not is_common(value) and not loop(value, left): return False",
    ]
    for name, field in common.items():
        lines.append(f" item = value.get({name!r})")
        if field.is_many:
            lines.append(f" if item is not None:\n  for one in item:\n   if not {name}_(one, left - 2): return False")
        elif field.kind in typed.TOKENS:
            lines.append(" if item is not None and item not in seen and not is_token(item): return False")
        else:
            lines.append(f" if item is not None and not {name}_(item, left - 1): return False")
    lines += [f" if not check_{number}(value): return False" for number in range(checks)]
    return "\n".join([*lines, " return True"])


def _object(path: str, checks: tuple[Check, ...]) -> Look:
    """The look at an object, compiled from the tables."""
    node, looks = typed.node(path), _members(path)
    asked = {name: field for name, field in node.fields.items() if _is_asked(field) and name != "extension"}
    common = asked if len(asked) <= FEW else {}
    others = {*node.fields, *(f"_{name}" for name in node.fields)} - {name for name in common}
    plain = {name for name, field in node.fields.items() if not _is_asked(field)}
    words: dict[str, Any] = {
        "seen": _seen,
        "is_token": _is_token,
        "loop": _loop(looks),
        "is_common": (others - plain).isdisjoint,
    }
    words |= {f"check_{number}": check for number, check in enumerate(checks)}
    exec(_source(common, len(checks)), words)  # noqa: S102 - our own words and names of the tables
    _waiting.append((words, looks))
    held = {name: field for name, field in node.fields.items() if typed.is_held(field)}
    look: Look = words["look"]
    return _holding(look, held) if held else look


def _is_asked(field: Field) -> bool:
    """Whether anything remains to be asked of a member once it is decoded."""
    if field.is_primitive:
        return field.kind == "xhtml" or (field.kind in typed.TOKENS and not field.plain_codes)
    return field.kind != "Resource"


def _look(holder: Node, field: Field) -> Look:
    """What is asked of a member, or of each of its items."""
    if field.is_primitive:
        return _narrative if field.kind == "xhtml" else _token
    return _object(field.node, tuple(_checks(holder, field)))


_known: dict[str, dict[str, Look]] = {}  # by node: nodes hold one another in circles
_waiting: list[tuple[dict[str, Any], dict[str, Look]]] = []  # names of compiled looks, until those they name are made


def _members(path: str) -> dict[str, Look]:
    """What to ask of each member that is asked anything."""
    if path in _known:
        return _known[path]
    looks = _known[path] = {}
    node = typed.node(path)
    for name, field in node.fields.items():
        if _is_asked(field):
            looks[name] = _look(node, field)
        if field.is_primitive and not field.is_many:
            looks[f"_{name}"] = _beside()
    return looks


@cache
def _beside() -> Look:
    return _object(typed.BESIDE, ())


@cache
def _whole(kind: str) -> Look:
    look = _object(kind, (*_shape(typed.node(kind)), *RULES.get(kind, {}).values()))
    while _waiting:
        words, looks = _waiting.pop()
        words |= {f"{name}_": one for name, one in looks.items()}
    return look
