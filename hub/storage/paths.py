"""The part of FHIRPath that search parameters use, on parsed JSON: element names, choice elements, ``as(T)``, ``where(a='b')``,
``where(resolve() is T)``, ``extension('url')``, ``isTrue()`` (ours: exists and is not false), alternatives with ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

Step = Callable[[list[Any]], list[Any]]
Path = tuple[tuple[Step, ...], ...]

# Elements written name[x]: in JSON the type is part of the name.
CHOICES = frozenset(
    {"occurrence", "deceased", "value", "effective", "occurred", "scheduled", "source", "onset", "abatement"}
)
SEGMENT = re.compile(
    r"""(?P<name>[A-Za-z]+)(?:\((?P<word>(?:'[^']*'|[^()']|\(\))*)\))?(?:\.|$)""",
    re.VERBOSE,
)


def _flat(values: Iterable[Any]) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value]) if one is not None]


def _child(name: str) -> Step:
    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if isinstance(value, dict):
                if name in value:
                    found.append(value[name])
                elif name in CHOICES:
                    found += [part for key, part in value.items() if re.fullmatch(rf"{name}[A-Z]\w*", key)]
        return _flat(found)

    return step


def _typed(name: str, type_name: str) -> Step:
    key = name + type_name[0].upper() + type_name[1:]
    return lambda values: _flat(value[key] for value in values if isinstance(value, dict) and key in value)


def _where(word: str) -> Step:
    resolved = re.fullmatch(r"resolve\(\) is (\w+)", word)
    if resolved:
        return lambda values: [value for value in values if _type_of(value) == resolved[1]]
    name, wanted = word.split("=")
    return lambda values: [
        value for value in values if isinstance(value, dict) and value.get(name) == wanted.strip("'")
    ]


def _type_of(reference: Any) -> str | None:
    """The type a reference leads to, by its text or ``Reference.type``, without fetching (fhir.md 3.5)."""
    if not isinstance(reference, dict):
        return None
    parts = str(reference.get("reference", "")).split("/_history/")[0].split("/")
    if len(parts) >= 2:
        return parts[-2]
    named = reference.get("type")
    return named if isinstance(named, str) else None


def _extension(word: str) -> Step:
    url = word.strip("'")
    return lambda values: [
        part
        for value in values
        if isinstance(value, dict)
        for part in value.get("extension", [])
        if part.get("url") == url
    ]


def _is_true(values: list[Any]) -> list[Any]:
    return [any(value is not False for value in values)]


def _steps(alternative: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    last = ""
    position = 0
    while position < len(alternative):
        match = SEGMENT.match(alternative, position)
        if match is None:
            raise ValueError(f"not a path of a search parameter: {alternative}")
        name, word = match["name"], match["word"]
        if word is None:
            steps.append(_child(name))
        elif name == "as":
            steps[-1] = _typed(last, word)
        elif name == "isTrue":
            steps.append(_is_true)
        else:
            steps.append({"where": _where, "extension": _extension}[name](word))
        last, position = name, match.end()
    return tuple(steps)


@cache
def compiled(path: str) -> Path:
    """The path ready for use. Raises ``ValueError`` or ``KeyError`` on what this module does not speak."""
    return tuple(_steps(alternative) for alternative in path.split(" | "))


@cache
def heads(path: str) -> frozenset[str] | None:
    """The members that a resource must have one of, for the path to lead anywhere; ``None`` when that cannot be said."""
    found = set()
    for alternative in path.split(" | "):
        names = [(match["name"], match["word"]) for match in SEGMENT.finditer(alternative)]
        (name, _), (step, word) = names[0], names[1] if len(names) > 1 else ("", None)
        if step == "as" and word:
            name += word[0].upper() + word[1:]
        elif name in CHOICES or ("isTrue", "") in names:
            return None
        found.add(name)
    return frozenset(found)


def values(path: Path, resource: Mapping[str, Any]) -> list[Any]:
    """What the path leads to in a resource, in order, lists opened."""
    found: list[Any] = []
    for steps in path:
        current: list[Any] = [resource]
        for step in steps:
            current = step(current)
        found += current
    return found
