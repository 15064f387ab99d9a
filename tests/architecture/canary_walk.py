"""Every road of the FHIR face, read from the tables of the router and of the search parameters, never from a list made by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hub.domain.people import Viewer
from hub.domain.visibility import REACH
from hub.fhir import router
from hub.fhir.message import FhirRequest, FhirResponse
from hub.fhir.rules import RULES
from hub.storage import index, parameters
from hub.storage.parameters import Parameter
from tests.architecture.canary import Aviary

BASE = "https://hub.test/fhir"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """One request without a body. ``query``: decoded pairs."""

    segments: tuple[str, ...]
    query: Pairs = ()
    method: str = "GET"

    def __str__(self) -> str:
        return f"{self.method} {'/'.join(self.segments)}?{'&'.join('='.join(pair) for pair in self.query)}"


async def go(aviary: Aviary, viewer: Viewer | None, road: Road) -> FhirResponse:
    """What the router answers to that viewer."""
    request = FhirRequest(
        method=road.method, segments=road.segments, query=road.query, headers={}, body=b"", base=BASE,
        database=aviary.database, viewer=viewer,
    )  # fmt: skip
    return await router.answer(request)


async def go_all(aviary: Aviary, viewer: Viewer | None, roads: Iterable[Road]) -> list[tuple[Road, FhirResponse]]:
    """What the router answers on each road, eight at a time."""
    todo, found = list(roads), []
    for start in range(0, len(todo), 8):
        part = todo[start : start + 8]
        found += zip(part, await asyncio.gather(*(go(aviary, viewer, road) for road in part)), strict=True)
    return found


def whole(answer: FhirResponse) -> str:
    """Everything that leaves: headers and body."""
    return "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), answer.body.decode()])


def addresses(known: dict[str, dict[str, int]]) -> Iterator[Road]:
    """Each GET of the router's table, with each id and version of ``known`` (type, id, last version) where it has a place."""
    for route in router.ROUTES:
        if route.method != "GET":
            continue
        for segments in _filled(route.path, (), known):
            yield Road(segments=segments)


def _filled(
    path: tuple[str, ...], done: tuple[str, ...], known: dict[str, dict[str, int]]
) -> Iterator[tuple[str, ...]]:
    if not path:
        yield done
        return
    head, rest = path[0], path[1:]
    choices: list[str] = [head]
    if head == "{}":
        choices = list(RULES)
    elif head == "*" and len(done) == 1:  # an id: those of the type, and those of others under a wrong name
        choices = [*known.get(done[0], {}), next(iter(known["Patient"]))]
    elif head == "*":
        choices = [str(number) for number in range(1, known.get(done[0], {}).get(done[1], 1) + 1)]
    for choice in choices:
        yield from _filled(rest, (*done, choice), known)


def references() -> Iterator[tuple[str, Parameter, tuple[str, ...]]]:
    """Every reference parameter with the types it may lead to."""
    for name in REACH:
        for parameter in parameters.of(name).values():
            if parameter.kind == "reference":
                named = tuple(one for one in parameter.targets if one in REACH)
                yield (
                    name,
                    parameter,
                    named or (tuple(REACH) if not parameter.targets or "*" in parameter.targets else ()),
                )


def listings() -> Iterator[Road]:
    """Every search that gives a whole list: bare, counted, sorted by every parameter each way, with every include there is."""
    for name in RULES:
        sorts = [code for code in parameters.of(name) if _sorts(name, code)]
        forward = tuple(("_include", f"{name}:{one.code}") for source, one, _ in references() if source == name)
        backward = tuple(
            ("_revinclude", f"{source}:{one.code}") for source, one, targets in references() if name in targets
        )
        around = tuple(("_include:iterate", f"{source}:{one.code}") for source, one, _ in references())
        wanted: list[Pairs] = [
            (), (("_total", "accurate"),), (("_summary", "count"),), (("_include", "*"),), forward, backward, around,
            (*backward, *around), (("_sort", ",".join(sorts)),), (("_sort", ",".join(f"-{code}" for code in sorts)),),
        ]  # fmt: skip
        yield from (Road(segments=(name,), query=(*pairs, ("_count", "200"))) for pairs in wanted)


def _sorts(name: str, code: str) -> bool:
    return parameters.of(name)[code].kind not in ("special", "composite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A value that somebody may search for: ``type``, parameter with its modifier, value as it is written in a query."""

    type: str
    name: str
    value: str

    @property
    def code(self) -> str:
        return self.name.partition(":")[0]


def _written(text: str) -> str:
    return "".join(f"\\{letter}" if letter in ",|$\\" else letter for letter in text)


def guesses(resource: dict[str, Any]) -> Iterator[Guess]:
    """What a search could find this resource by, for each row of its index."""
    kind, rows = resource["resourceType"], index.entries(resource)
    for code, system, value, _ in rows.token:
        if code.endswith(":of-type"):
            yield Guess(type=kind, name=code, value=f"{system}|{_written(value)}")
        else:
            yield Guess(type=kind, name=code, value=f"{system}|{_written(value)}" if system else _written(value))
    for code, _, raw, _ in rows.text:
        yield Guess(type=kind, name=code, value=_written(raw))
        if ":" not in code and parameters.of(kind)[code].kind == "string":
            yield Guess(type=kind, name=f"{code}:exact", value=_written(raw))
            yield Guess(type=kind, name=f"{code}:contains", value=_written(raw[1:] or raw))
    for code, *_ in rows.date:
        yield Guess(type=kind, name=code, value="ge1900-01-01")
    for code, target, id, *_ in rows.reference:
        yield Guess(type=kind, name=code, value=f"{target}/{id}")
        yield Guess(type=kind, name=f"{code}:{target}", value=id)


def roads_to(guess: Guess) -> Iterator[Road]:
    """Every way to ask for it: straight, at the end of a chain, through ``_has``, and two steps away."""
    more = (("_total", "accurate"),)
    if guess.type in RULES:
        yield Road(segments=(guess.type,), query=((guess.name, guess.value), *more))
    if ":" in guess.name:
        return
    for source, one, targets in references():
        if source in RULES and guess.type in targets:
            yield Road(segments=(source,), query=((f"{one.code}:{guess.type}.{guess.name}", guess.value), *more))
        if source != guess.type:
            continue
        for target in targets:
            if target in RULES:
                name = f"_has:{guess.type}:{one.code}:{guess.name}"
                yield Road(segments=(target,), query=((name, guess.value), *more))
    if guess.type == "Patient":
        yield Road(
            segments=("Patient",), query=((f"_has:Task:patient:patient:Patient.{guess.name}", guess.value), *more)
        )


def matches(answer: FhirResponse) -> tuple[list[str], int | None]:
    """Ids found, in order, and the total."""
    body = json.loads(answer.body)
    found = [one["resource"]["id"] for one in body.get("entry", []) if one["search"]["mode"] == "match"]
    return found, body.get("total")
