"""What the SAS verifies in the hub's answers to a handoff (SAS specification 17.2, FHIR 2.5 and 4). Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.journal import Check
from sandbox.sas import names
from sandbox.sas.bundle import TYPES
from sandbox.sas.hub import PATIENCE, Exchange

LOCATION = re.compile(r"^(?:https?://.+/)?([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?$")
WEAK_TAG = re.compile(r'^W/"[^"]+"$')
# HTTP code of a refusal -> issue codes that may stand in it.
ISSUES: dict[int, frozenset[str]] = {
    400: frozenset({"structure", "required", "value", "code-invalid", "invalid", "not-supported", "not-found"}),
    401: frozenset({"login", "expired"}),
    403: frozenset({"forbidden", "security"}),
    404: frozenset({"not-found"}),
    409: frozenset({"duplicate", "conflict"}),
    412: frozenset({"conflict", "multiple-matches"}),
    422: frozenset({"required", "business-rule", "invariant"}),
    429: frozenset({"throttled"}),
    500: frozenset({"exception"}),
    503: frozenset({"transient", "timeout", "throttled"}),
}
# Refusals of a handoff that have a code of their own: HTTP code and issue code they go with.
DETAILS: dict[str, tuple[int, str]] = {
    "case-exists-with-other-content": (409, "duplicate"),
    "territory-not-served": (422, "business-rule"),
    "cpts-closed": (422, "business-rule"),
    "urgent-case": (422, "business-rule"),
}
WAIT = frozenset({429, 503})
# What the SAS expects, by what it did: HTTP codes, and the detail code of the refusal.
EXPECTED: dict[str, tuple[frozenset[int], str]] = {
    "same": (frozenset({200}), ""),
    "conflict": (frozenset({409}), "case-exists-with-other-content"),
    "urgent": (frozenset({422}), "urgent-case"),
    "foreign": (frozenset({403}), ""),
    "anonymous": (frozenset({401}), ""),
    "broken": (frozenset({400, 422}), ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`locations` by resource type, when the hub took the case; `detail` is the code of its refusal, if it has one."""

    locations: dict[str, str]
    detail: str
    checks: tuple[Check, ...]


def read(exchange: Exchange, expected: str, before: dict[str, str] | None = None) -> Outcome:
    """`expected` is a key of EXPECTED, or "created"; `before` the locations given the first time, for a repetition."""
    checks = [*_manners(exchange)]
    if exchange.status == 200:
        locations, more = _taken(exchange.body, expected)
        if before and expected == "same":
            more.append(Check(what="Mêmes adresses qu’au premier envoi", passed=locations == before, where="SAS 17.7"))
        detail = ""
    else:
        locations = {}
        detail, more = _refused(exchange)
    return Outcome(locations=locations, detail=detail, checks=(*checks, *more, *_foreseen(exchange, expected, detail)))


def _manners(exchange: Exchange) -> list[Check]:
    echoed = exchange.headers.get("x-request-id", "")
    kind = exchange.headers.get("content-type", "").split(";")[0].strip()
    quick = exchange.milliseconds < PATIENCE * 1000
    return [
        Check(what="Content-Type application/fhir+json", passed=kind == names.FHIR_JSON, where="SAS 2", detail=kind),
        Check(what="X-Request-ID renvoyé", passed=echoed == exchange.request_id, where="SAS 17.2", detail=echoed),
        Check(what="Réponse en moins de 7 s", passed=quick, where="SAS 17.8"),
    ]


def _taken(body: Any, expected: str) -> tuple[dict[str, str], list[Check]]:
    bundle = body if isinstance(body, dict) else {}
    kind = bundle.get("type", "")
    entries = [entry for entry in bundle.get("entry", []) if isinstance(entry, dict)]
    responses = [entry.get("response", {}) for entry in entries]
    places = [str(response.get("location", "")) for response in responses]
    matched = [LOCATION.match(place) for place in places]
    found = [match[1] if match else "" for match in matched]
    statuses = [str(response.get("status", "")) for response in responses]
    # Regulator and SAS may exist from an earlier case; the file's own resources are new the first time, found later.
    allowed = ("200",) if expected == "same" else ("200", "201")
    checks = [
        Check(what="Bundle transaction-response", passed=kind == "transaction-response", where="FHIR 4", detail=kind),
        Check(
            what="Une réponse par entrée, dans l’ordre",
            passed=[place.split("/")[0] for place in found] == list(TYPES),
            where="FHIR 4",
            detail=" ".join(places),
        ),
        Check(
            what="Chaque entrée dit 201 Created, ou 200 OK pour ce qui existait",
            passed=bool(statuses) and all(status[:3] in allowed for status in statuses),
            where="SAS 17.2",
            detail=" ".join(statuses),
        ),
        Check(
            what="Chaque entrée porte etag et lastModified",
            passed=all(WEAK_TAG.match(str(one.get("etag", ""))) and one.get("lastModified") for one in responses),
            where="FHIR 4",
        ),
    ]
    return dict(zip([place.split("/")[0] for place in found], found, strict=True)), checks


def _refused(exchange: Exchange) -> tuple[str, list[Check]]:
    outcome = exchange.body if isinstance(exchange.body, dict) else {}
    issues = [issue for issue in outcome.get("issue", []) if isinstance(issue, dict)]
    codes = [str(issue.get("code", "")) for issue in issues]
    detail = _detail(issues)
    is_outcome = outcome.get("resourceType") == "OperationOutcome" and bool(issues)
    texts = [str(issue.get("details", {}).get("text", "")) for issue in issues]
    places = [expression for issue in issues for expression in issue.get("expression", [])]
    wait = exchange.status in WAIT or detail == "cpts-closed"
    checks = [
        Check(what="Refus expliqué par un OperationOutcome", passed=is_outcome, where="FHIR 2.5"),
        Check(
            what="Code de l’anomalie permis avec ce code HTTP",
            passed=set(codes) <= ISSUES.get(exchange.status, frozenset()) and bool(codes),
            where="FHIR 2.5",
            detail=f"{exchange.status} {' '.join(codes)}",
        ),
        Check(what="Gravité error ou fatal", passed=all(one.get("severity") in ("error", "fatal") for one in issues)),
        Check(what="Explication en français dans details.text", passed=all(texts) and bool(texts), where="FHIR 2.5"),
    ]
    if exchange.status in (400, 422) and is_outcome:
        inside = bool(places) and all(str(place).startswith("Bundle") for place in places)
        where = Check(
            what="Endroit de chaque faute, depuis Bundle", passed=inside, where="FHIR 4", detail=" ".join(places)
        )
        checks.append(where)
    if detail in DETAILS:
        agreed = DETAILS[detail][0] == exchange.status and DETAILS[detail][1] in codes
        checks.append(Check(what=f"« {detail} » avec le code HTTP prévu", passed=agreed, where="SAS 17.2"))
    if wait:
        seconds = exchange.headers.get("retry-after", "")
        checks.append(Check(what="Retry-After présent", passed=bool(seconds), where="SAS 17.2", detail=seconds))
    if exchange.status == 401:
        asked = exchange.headers.get("www-authenticate", "").startswith("Bearer")
        checks.append(Check(what="WWW-Authenticate: Bearer", passed=asked, where="FHIR 2.4"))
    return detail, checks


def _detail(issues: Sequence[dict[str, Any]]) -> str:
    """The code of `sas-handoff-error`, if one issue has it."""
    system = names.code_system("sas-handoff-error")
    codings = [coding for issue in issues for coding in issue.get("details", {}).get("coding", [])]
    return next((str(coding.get("code")) for coding in codings if coding.get("system") == system), "")


def _foreseen(exchange: Exchange, expected: str, detail: str) -> list[Check]:
    if expected not in EXPECTED:
        return []
    statuses, code = EXPECTED[expected]
    passed = exchange.status in statuses and code in ("", detail)
    wanted = f"attendu {'/'.join(map(str, sorted(statuses)))} {code}, reçu {exchange.status} {detail}"
    return [Check(what="Réponse prévue par le tableau des réponses", passed=passed, where="SAS 17.2", detail=wanted)]
