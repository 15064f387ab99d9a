"""A search as the client wrote it, read into conditions (fhir.md 3.1 to 3.7). Pure: no SQL, no database.

Every fault is ``Refusal("bad-search")`` with the parameter and the reason; nothing unknown is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.domain.refusal import Refusal
from hub.domain.visibility import REACH
from hub.storage import parameters
from hub.storage.parameters import Parameter

DEEPEST = 5  # steps of a chain (fhir.md 3.5)
MOST = 200  # page size a client may ask for
MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"not", "text", "of-type", "missing"}),
    "string": frozenset({"exact", "contains", "missing"}),
    "uri": frozenset({"above", "below", "missing"}),
    "reference": frozenset({"identifier", "missing"}),
    "date": frozenset({"missing"}),
    "quantity": frozenset({"missing"}),
}
SUMMARIES = frozenset({"true", "text", "data", "count", "false"})
TOTALS = frozenset({"none", "estimate", "accurate"})
# Matters of presentation: the FHIR face acts on them, the search lets them through.
ELSEWHERE = frozenset({"_elements", "_format", "_pretty"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One parameter with its values: any of them. ``values`` keep their escapes; ``name`` is what the client wrote."""

    name: str
    parameter: Parameter
    modifier: str | None
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A condition on what a reference leads to: for each possible type, the condition there."""

    parameter: Parameter
    branches: tuple[tuple[str, Condition], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Has:
    """A condition on a resource of type ``source`` that refers to this one by ``parameter``."""

    source: str
    parameter: Parameter
    inner: Condition


Condition = Criterion | Chain | Has


class SortKey(NamedTuple):
    """One key of ``_sort``."""

    parameter: Parameter
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """``_include`` or ``_revinclude``. ``parameter`` empty: every reference of the source; ``target`` empty: any type."""

    source: str
    parameter: str
    target: str
    iterate: bool
    reverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A whole search. ``total``: none, estimate or accurate; ``only_total``: no entries wanted."""

    type: str
    conditions: tuple[Condition, ...]
    sort: tuple[SortKey, ...]
    includes: tuple[Include, ...]
    count: int | None
    total: str
    only_total: bool
    params: tuple[tuple[str, str], ...]


def bad(name: str, why: str) -> Refusal:
    """The refusal of a parameter, with the reason in French."""
    return Refusal("bad-search", parameter=name, why=why)


def parts(text: str, separator: str) -> list[str]:
    """Split on a separator that is not escaped by a backslash; escapes stay."""
    found = [""]
    escaped = False
    for letter in text:
        if letter == separator and not escaped:
            found.append("")
            continue
        found[-1] += letter
        escaped = letter == "\\" and not escaped
    return found


def plain(text: str) -> str:
    r"""A value without its escapes: ``\,`` ``\|`` ``\$`` ``\\``."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def read(type_name: str, params: Sequence[tuple[str, str]]) -> Query:
    """The search of one type. Raises ``Refusal("bad-search")``."""
    words: dict[str, str] = {}
    conditions: list[Condition] = []
    includes: list[Include] = []
    for name, value in params:
        if not value:
            raise bad(name, "il n'a pas de valeur")
        bare = name.split(":")[0]
        if bare in ("_include", "_revinclude"):
            includes.append(_include(type_name, name, value))
        elif name in RESULTS:
            words[name] = RESULTS[name](name, value)
        elif name not in ELSEWHERE:
            conditions.append(_condition(type_name, name, value, depth=1))
    count = int(words["_count"]) if "_count" in words else None
    return Query(
        type=type_name,
        conditions=tuple(conditions),
        sort=tuple(_sort(type_name, words.get("_sort", ""))),
        includes=tuple(includes),
        count=count,
        total=words.get("_total", "none"),
        only_total=words.get("_summary") == "count" or count == 0,
        params=tuple(params),
    )


def _one_of(choices: frozenset[str]) -> Callable[[str, str], str]:
    def check(name: str, value: str) -> str:
        if value not in choices:
            raise bad(name, "il vaut " + ", ".join(sorted(choices)))
        return value

    return check


def _number(name: str, value: str) -> str:
    if not value.isdigit():
        raise bad(name, "un nombre est attendu")
    return str(min(int(value), MOST))


RESULTS: Mapping[str, Callable[[str, str], str]] = {
    "_count": _number,
    "_sort": lambda _, value: value,
    "_total": _one_of(TOTALS),
    "_summary": _one_of(SUMMARIES),
    "_contained": _one_of(frozenset({"false"})),
}


def _sort(type_name: str, text: str) -> Iterator[SortKey]:
    for word in filter(None, text.split(",")):
        yield SortKey(_parameter(type_name, word.removeprefix("-"), "_sort"), word.startswith("-"))


def _parameter(type_name: str, code: str, name: str) -> Parameter:
    found = parameters.of(type_name).get(code)
    if found is None:
        raise bad(name, f"ce paramètre n'existe pas sur {type_name}")
    return found


def _include(type_name: str, name: str, value: str) -> Include:
    bare, _, modifier = name.partition(":")
    reverse, iterate = bare == "_revinclude", modifier in ("iterate", "recurse")
    if modifier and not iterate:
        raise bad(name, "seul :iterate est offert")
    if value == "*":
        if reverse:
            raise bad(name, "nommez le type et le paramètre")
        return Include(source=type_name, parameter="", target="", iterate=iterate, reverse=False)
    words = value.split(":")
    if not 2 <= len(words) <= 3:
        raise bad(name, "la forme est Type:paramètre ou Type:paramètre:Cible")
    source, code, target = words[0], words[1], words[2] if len(words) == 3 else ""
    if code != "*" and _parameter(source, code, name).kind != "reference":
        raise bad(name, f"{code} n'est pas une référence")
    if not reverse and not iterate and source != type_name:
        raise bad(name, f"la source est {type_name}, ou bien ajoutez :iterate")
    return Include(
        source=source, parameter="" if code == "*" else code, target=target, iterate=iterate, reverse=reverse
    )


def _condition(type_name: str, name: str, value: str, *, depth: int) -> Condition:
    if depth > DEEPEST:
        raise bad(name, f"la chaîne dépasse {DEEPEST} pas")
    if name.startswith("_has:"):
        return _has(name, value, depth=depth)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    parameter = _parameter(type_name, code, name)
    if dot:
        return _chain(parameter, modifier, rest, value, depth=depth)
    return _criterion(name, parameter, modifier or None, value)


def _has(name: str, value: str, *, depth: int) -> Has:
    words = name.split(":", 3)
    if len(words) != 4:
        raise bad(name, "la forme est _has:Type:référence:paramètre")
    _, source, code, rest = words
    parameter = _parameter(source, code, name)
    if parameter.kind != "reference":
        raise bad(name, f"{code} n'est pas une référence")
    return Has(source=source, parameter=parameter, inner=_condition(source, rest, value, depth=depth + 1))


def _chain(parameter: Parameter, type_name: str, rest: str, value: str, *, depth: int) -> Chain:
    name = f"{parameter.code}.{rest}"
    if parameter.kind != "reference":
        raise bad(name, f"{parameter.code} n'est pas une référence")
    possible = [type_name] if type_name else _targets(parameter)
    code = rest.split(".")[0].split(":")[0]
    known = [one for one in possible if rest.startswith("_has:") or code in parameters.of(one)]
    if not known:
        raise bad(name, "aucun type visé n'a ce paramètre")
    branches = tuple((one, _condition(one, rest, value, depth=depth + 1)) for one in known)
    return Chain(parameter=parameter, branches=branches)


def _targets(parameter: Parameter) -> list[str]:
    named = [one for one in parameter.targets if one != "*"]
    return named or list(REACH)


def _criterion(name: str, parameter: Parameter, modifier: str | None, value: str) -> Criterion:
    offered = MODIFIERS[parameter.kind]
    is_type = parameter.kind == "reference" and modifier is not None and modifier[:1].isupper()
    if modifier is not None and modifier not in offered and not is_type:
        raise bad(name, f"le modificateur :{modifier} n'est pas offert")
    if modifier == "missing" and value not in ("true", "false"):
        raise bad(name, ":missing vaut true ou false")
    values = tuple(parts(value, ","))
    if not all(values):
        raise bad(name, "une valeur est vide")
    return Criterion(name=name, parameter=parameter, modifier=modifier, values=values)
