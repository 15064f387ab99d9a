"""From one FHIR request to one answer: which interaction, whether the scopes allow it, every refusal as OperationOutcome."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hub.domain.refusal import Refusal
from hub.fhir import answers, capability
from hub.fhir.interactions import create, delete, history, read, search, transaction, update
from hub.fhir.message import FhirRequest, FhirResponse
from hub.fhir.rules import LETTERS, RULES, offers
from hub.fhir.smart import scopes
from hub.r4 import names, outcome
from hub.r4.validation import Invalid

ID = re.compile(r"^[A-Za-z0-9.-]{1,64}$")
Interaction = Callable[[FhirRequest], Awaitable[FhirResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``name``: the interaction of the specification; ``path``: segments, ``{}`` for a type, ``*`` for an id."""

    method: str
    path: tuple[str, ...]
    name: str
    handler: Interaction


async def _capabilities(request: FhirRequest) -> FhirResponse:
    """What this server offers (https://hl7.org/fhir/R4/http.html#capabilities); no token needed."""
    return answers.of_resource(capability.statement(request.base), headers={"Cache-Control": "max-age=3600"})


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path=("metadata",), name="capabilities", handler=_capabilities),
    Route(method="POST", path=(), name="transaction", handler=transaction.handle),
    Route(method="POST", path=("Bundle",), name="transaction", handler=transaction.handle),  # fhir.md 10.6
    Route(method="POST", path=("{}", "_search"), name="search", handler=search.by_form),
    Route(method="GET", path=("{}",), name="search", handler=search.by_query),
    Route(method="GET", path=("{}", "*"), name="read", handler=read.current),
    Route(method="GET", path=("{}", "*", "_history"), name="history", handler=history.of_instance),
    Route(method="GET", path=("{}", "*", "_history", "*"), name="vread", handler=read.version),
    Route(method="POST", path=("{}",), name="create", handler=create.handle),
    Route(method="PUT", path=("{}", "*"), name="update", handler=update.put),
    Route(method="PATCH", path=("{}", "*"), name="patch", handler=update.patch),
    Route(method="PUT", path=("{}",), name="update", handler=update.conditional_put),
    Route(method="PATCH", path=("{}",), name="patch", handler=update.conditional_patch),
    Route(method="DELETE", path=("{}", "*"), name="delete", handler=delete.handle),
)

BY_SHAPE: Mapping[tuple[str, int], tuple[Route, ...]] = {
    shape: tuple(reversed([route for route in ROUTES if (route.method, len(route.path)) == shape]))  # the last one wins
    for shape in {(route.method, len(route.path)) for route in ROUTES}
}


def _fits(route: Route, segments: tuple[str, ...]) -> bool:
    if len(route.path) != len(segments):
        return False
    for wanted, given in zip(route.path, segments, strict=True):
        if wanted == "{}" and given not in RULES:
            return False
        if wanted not in ("{}", "*") and wanted != given:
            return False
        if wanted == "*" and not ID.match(given):
            return False
    return True


WRITES = frozenset({"create", "update", "patch", "delete"})


def _is_offered(route: Route, segments: tuple[str, ...]) -> bool:
    """Whether the type takes this write; an update or patch of a type itself is a conditional one."""
    if route.name not in WRITES:
        return True
    by_criteria = route.name != "create" and len(segments) == 1
    return offers(segments[0], route.name) and (not by_criteria or segments[0] in update.CONDITIONAL)


def offered(segments: tuple[str, ...]) -> Mapping[str, Route]:
    """What can be done at an address, by method; empty when there is no such address."""
    found = {route.method: route for route in ROUTES if _fits(route, segments) and _is_offered(route, segments)}
    return found | ({"HEAD": found["GET"]} if "GET" in found else {})


def _route(method: str, segments: tuple[str, ...]) -> Route | None:
    for route in BY_SHAPE.get(("GET" if method == "HEAD" else method, len(segments)), ()):
        if _fits(route, segments) and _is_offered(route, segments):
            return route
    return None


def _require_scope(request: FhirRequest, route: Route) -> None:
    if request.viewer is None:
        raise Refusal("token-required")
    letter = LETTERS.get(route.name)
    type_name = request.segments[0] if request.segments else ""
    if letter and type_name in RULES and not scopes.allows(request.viewer.scopes, type_name, letter):
        raise Refusal("scope-missing", scope=f"system/{type_name}.{letter}")


async def answer(request: FhirRequest) -> FhirResponse:
    """The answer to any request below ``[base]``; raises when the database does not answer, and on a bug of ours."""
    try:
        if request.method == "OPTIONS":
            return await _capabilities(request)
        route = _route(request.method, request.segments)
        if route is None:
            routes = offered(request.segments)
            if not routes:
                raise Refusal("not-found")
            what = f"{request.method} [base]/{'/'.join(request.segments[:1])}"
            return answers.of_refusal(Refusal("not-supported", what=what), {"Allow": ", ".join(sorted(routes))})
        if route.name != "capabilities":
            _require_scope(request, route)
        return await route.handler(request)
    except Refusal as refusal:
        return answers.of_refusal(refusal)
    except Invalid as invalid:
        resource = outcome.of_issues(invalid.issues, names.base())
        return answers.of_resource(resource, status=max(issue.http for issue in invalid.issues))
