"""transaction (https://hl7.org/fhir/R4/http.html#transaction): all or nothing.

One kind of transaction has a meaning here: a SAS that hands a patient over (sas.md 17.2). It ends in one workflow call; any other
is refused, since a bundle must not be a back door to writes that the types do not offer.
"""

from __future__ import annotations

from typing import Any

from hub import log
from hub.clock import now
from hub.domain.refusal import Refusal
from hub.fhir import answers, commands, throttle
from hub.fhir.message import JSON, FhirRequest, FhirResponse
from hub.fhir.smart import scopes
from hub.r4 import elements, validation
from hub.r4.shapes import handoff
from hub.storage import inbox
from hub.storage.session import Session
from hub.workflows.handoffs import Received

Resource = dict[str, Any]

SOURCE = "fhir-message"
KINDS = ("Patient", "Organization", "Practitioner", "Location", "ServiceRequest", "Task")  # sas.md 17.2


async def handle(request: FhirRequest) -> FhirResponse:
    """Answers of the table of sas.md 17.2; 200 only after the commit."""
    bundle = validation.parse(request.body)
    if bundle["resourceType"] != "Bundle":
        raise Refusal("bad-body", why="un Bundle est attendu")
    _require_handoff(bundle)
    for entry in bundle["entry"]:
        name = entry["resource"]["resourceType"]
        if not scopes.allows(request.caller.scopes, name, "c"):
            raise Refusal("scope-missing", scope=f"system/{name}.c")
    throttle.handoffs(request.caller.id)
    message = request.headers.get("x-request-id")
    async with request.database.transaction() as session:
        stored = await _stored_answer(session, request, message)
        if stored is not None:
            return stored
        received = await commands.handoff(session, request.caller, bundle)
        stamp = elements.written(now())
        entries = [{"response": _response(received, location, stamp)} for location in received.locations]
        answer = answers.of_resource({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
        if message:
            await inbox.remember(session, SOURCE, _key(request, message), answer.body)
    log.event("fhir.handoff", request=received.request, client=request.caller.client, count=len(received.created))
    return answers.returning(request, answer)


def _require_handoff(bundle: Resource) -> None:
    if bundle.get("type") != "transaction" or not handoff.is_handoff(bundle):
        raise Refusal("unprocessable", why="la seule transaction offerte remet une demande de niveau 2")
    seen: set[str] = set()
    for number, entry in enumerate(bundle["entry"]):
        kind = entry.get("resource", {}).get("resourceType", "")
        if kind not in KINDS or kind in seen or entry.get("request", {}).get("method") != "POST":
            why = f"une remise crée un seul {', '.join(KINDS)}"
            raise Refusal("unprocessable", expression=f"Bundle.entry[{number}]", why=why)
        seen.add(kind)


def _response(received: Received, location: str, stamp: str) -> dict[str, str]:
    status = "201 Created" if location.partition("/")[0] in received.created else "200 OK"
    version = location.rpartition("/")[2]
    return {"status": status, "location": location, "etag": f'W/"{version}"', "lastModified": stamp}


def _key(request: FhirRequest, message: str) -> str:
    return f"{request.caller.id}|{message}"


async def _stored_answer(session: Session, request: FhirRequest, message: str | None) -> FhirResponse | None:
    """The same ``X-Request-ID`` again: the stored answer, nothing done (sas.md 17.7)."""
    if not message:
        return None
    before = await inbox.recall(session, SOURCE, _key(request, message))
    return FhirResponse(status=200, body=before, headers={"Content-Type": JSON}) if before else None
