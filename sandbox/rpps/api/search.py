"""A search, read from its parameters and answered as a Bundle (FHIR R4, 3.1.1; directory specification 11.2)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.rpps.api.matching import Parameter, Test, all_of, moment, parameters, test_of, values
from sandbox.rpps.api.refusals import RefusedCallError
from sandbox.rpps.api.register import Store, Stored
from sandbox.rpps.api.systems import Json

TYPES = ("Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device")
USUAL_COUNT, MOST_COUNT = 50, 10_000
MOST_DIGITS = 20  # read of a count: more of them ask for more than is given anyway
MEMORY = timedelta(days=30)
NOT_AVAILABLE = ("_summary", "_sort", "_has", "_since", "_filter", "_query", "_text", "_content", "_list", "_contained")
FORMATS = ("json", "application/json", "application/fhir+json")
TOTALS = ("none", "estimate", "accurate")
INCLUDES = (
    *("PractitionerRole:practitioner", "PractitionerRole:organization", "Organization:partof"),
    *("Device:organization", "HealthcareService:organization"),
)
REVERSED = tuple(one for one in INCLUDES if one != "Organization:partof")
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = ("resourceType", "id", "meta")
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """`query` are the pairs as they came, for the self link; `since` the lower bound of `_lastUpdated`, if any."""

    type: str
    query: tuple[tuple[str, str], ...]
    test: Test
    count: int = USUAL_COUNT
    total: str = ""
    elements: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    reversed: tuple[str, ...] = ()
    since: datetime | None = None
    chained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A search as its first page saw it: what matched, by internal order, and the revision it was read in."""

    search: Search
    matched: tuple[Stored, ...]
    store: Store


def read(type: str, pairs: Pairs, store: Store, now: datetime) -> Search:
    """Raises `RefusedCallError` for anything the API does not know."""
    query = tuple(pairs)
    tests: list[Test] = []
    options: dict[str, Any] = {}
    for written, value in query:
        name, _, modifier = written.partition(":")
        if name.startswith("_") and name not in ("_id", "_lastUpdated"):
            _option(options, name, modifier, value)
        elif "." in written:
            tests.append(_chain(type, (written, value), store, now))
            options["chained"] = True
        else:
            tests.append(test_of(_known(type, name), modifier, value, now))
    bounds = [moment(value) for name, value in query if name == "_lastUpdated" and "," not in value]
    lower = [low for prefix, low, _ in bounds if prefix in ("gt", "ge", "eq", "ap")]
    return Search(type=type, query=query, test=all_of(tests), since=max(lower, default=None), **options)


def _known(type: str, name: str) -> Parameter:
    known = parameters(type)
    if name not in known:
        raise RefusedCallError("unknown-parameter", name)
    return known[name]


def _chain(type: str, pair: tuple[str, str], store: Store, now: datetime) -> Test:
    """`organization.identifier=`: those whose reference leads to a resource that answers the rest."""
    name, value = pair
    first, _, rest = name.partition(".")
    rest, _, modifier = rest.partition(":")
    link = _known(type, first)
    if link.kind != "reference":
        raise RefusedCallError("unknown-parameter", name)
    test = test_of(_known(link.target, rest), modifier, value, now)
    targets = {key for key, one in store.items() if key.startswith(f"{link.target}/") and test(one.resource)}
    return lambda resource: any(one in targets for path in link.paths for one in values(resource, path))


def _option(options: dict[str, Any], name: str, modifier: str, value: str) -> None:
    if name in NOT_AVAILABLE:
        raise RefusedCallError("not-available", name)
    if modifier:
        raise RefusedCallError("unknown-modifier", f"{name}:{modifier}")
    match name:
        case "_count":
            if not (value.isascii() and value.isdigit()):
                raise RefusedCallError("bad-value", value)
            options["count"] = min(int(value.lstrip("0")[:MOST_DIGITS] or 0), MOST_COUNT)
        case "_total":
            options["total"] = _among(value, TOTALS)
        case "_elements":
            options["elements"] = options.get("elements", ()) + tuple(one.strip() for one in value.split(",") if one)
        case "_include":
            options["includes"] = options.get("includes", ()) + _links(value, INCLUDES)
        case "_revinclude":
            options["reversed"] = options.get("reversed", ()) + _links(value, REVERSED)
        case "_format":
            if value not in FORMATS:
                raise RefusedCallError("bad-format", value)
        case "_pretty":
            _among(value, ("true", "false"))
        case _:
            raise RefusedCallError("unknown-parameter", name)


def _among(value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise RefusedCallError("bad-value", value)
    return value


def _links(value: str, allowed: Sequence[str]) -> tuple[str, ...]:
    return tuple(allowed) if value == "*" else (_among(value, allowed),)


def freeze(search: Search, store: Store, now: datetime) -> Frozen:
    """What matches now. A search on `_lastUpdated` only reaches as far as updates are kept: 30 days."""
    oldest = now - MEMORY if search.since is not None else None
    matched = [
        one
        for key, one in store.items()
        if key.startswith(f"{search.type}/") and (oldest is None or one.updated >= oldest) and search.test(one.resource)
    ]
    return Frozen(search=search, matched=tuple(sorted(matched, key=lambda one: one.number)), store=store)


def entries(frozen: Frozen, offset: int, base: str) -> list[Json]:
    """The entries of the page that begins at `offset`: matches, then what they include, nobody twice."""
    search = frozen.search
    matched = frozen.matched[offset : offset + search.count]
    made = [_entry(one.resource, base, "match", search.elements) for one in matched]
    seen = {f"{search.type}/{one.resource['id']}" for one in matched}
    for key in _included(frozen, [one.resource for one in matched], seen):
        made.append(_entry(frozen.store[key].resource, base, "include", search.elements))
    return made


def _included(frozen: Frozen, matched: Sequence[Json], seen: set[str]) -> Iterator[str]:
    search = frozen.search
    wanted: list[str] = []
    for link in search.includes:
        type, _, name = link.partition(":")
        if type == search.type:
            wanted += [key for one in matched for key in _references(one, type, name)]
    targets = set(seen)
    for link in search.reversed:
        type, _, name = link.partition(":")
        if parameters(type)[name].target == search.type:
            wanted += [
                key
                for key, one in frozen.store.items()
                if key.startswith(f"{type}/") and targets & set(_references(one.resource, type, name))
            ]
    for key in wanted:
        if key in frozen.store and key not in seen:
            seen.add(key)
            yield key


def _references(resource: Json, type: str, name: str) -> list[str]:
    return [one for path in parameters(type)[name].paths for one in values(resource, path)]


def _entry(resource: Json, base: str, mode: str, elements: tuple[str, ...]) -> Json:
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": subset(resource, elements), "search": {"mode": mode}}


def subset(resource: Json, elements: tuple[str, ...]) -> Json:
    """Only the `elements` asked for (bare, or `Type.element`), marked so; the whole resource when none is."""
    type = resource["resourceType"]
    kept = {one.removeprefix(f"{type}.") for one in elements if "." not in one or one.startswith(f"{type}.")}
    if not kept:
        return resource
    made = {name: value for name, value in resource.items() if name in ALWAYS or name.removeprefix("_") in kept}
    return {**made, "meta": {**resource["meta"], "tag": [SUBSETTED]}}
