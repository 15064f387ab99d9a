"""A care request in FHIR: ServiceRequest and coordinating Task (sas.md 17.5, fhir.md 9.1).

``write`` edits what the dataclass knows and leaves every other element as it is.
"""

from __future__ import annotations

from typing import Any

from hub.domain.care_request import CareRequest, Origin, state_of, status_of
from hub.r4 import elements, names

Resource = dict[str, Any]

PERFORMER, WAVE, ATTEMPT, ORIGIN, CLIENT, NETWORK, CONFIRMED, COMMUNE = (
    "performer", "wave", "attempt", "origin", "client", "network", "confirmed-once", "commune",
)  # fmt: skip


def _own(task: Resource, name: str) -> Resource:
    return elements.extension(task, names.structure(name)) or {}


def read(service_request: Resource, task: Resource) -> CareRequest:
    """The request as we decide about it. Raises ``ValueError`` on statuses the hub never writes."""
    business = elements.code(task.get("businessStatus"), names.system("handoff-business-status"))
    output: Resource = next((part for part in task.get("output", []) if "valueReference" in part), {})
    state = state_of(task["status"], business, service_request["status"])
    performer_type = service_request.get("performerType")
    # From the receipt to the response deadline; authoredOn is the sender's own clock.
    period = task["restriction"]["period"]
    issued, due = elements.instant(period.get("start") or task["authoredOn"]), elements.instant(period["end"])
    if issued is None or due is None:
        raise ValueError("a coordinating Task has authoredOn and restriction.period.end")
    return CareRequest(
        id=service_request["id"],
        task=task["id"],
        number=elements.identifier(service_request, names.ns("request-number")) or "",
        state=state,
        business=business,
        patient=elements.reference_id(service_request["subject"], "Patient") or "",
        network=_own(task, NETWORK).get("valueId", ""),
        origin=Origin(_own(task, ORIGIN).get("valueCode", Origin.PROFESSIONAL)),
        issued_at=issued,
        response_due=due,
        commune=_own(task, COMMUNE).get("valueCode", ""),
        profession=elements.code(performer_type, names.PROFESSION) or "10",
        specialty=elements.code(performer_type, names.SPECIALTY),
        care_type=elements.code(service_request.get("code"), names.system("care-type")) or "",
        kind=elements.code_among(service_request.get("category", []), names.system("kind-of-care")) or "",
        reason=reason(service_request),
        client=_own(task, CLIENT).get("valueString"),
        requester=service_request.get("requester", {}).get("reference"),
        performer=elements.reference_id(_own(task, PERFORMER).get("valueReference"), "PractitionerRole"),
        appointment=elements.reference_id(output.get("valueReference"), "Appointment"),
        dossier=service_request.get("requisition", {}).get("value"),
        wave=_own(task, WAVE).get("valueUnsignedInt", 0),
        attempt=_own(task, ATTEMPT).get("valueUnsignedInt", 1),
        confirmed_once=_own(task, CONFIRMED).get("valueBoolean", False),
        failure=next((part.get("code") for part in task.get("statusReason", {}).get("coding", [])), None),
    )


def reason(service_request: Resource) -> str:
    """The reason in words: the text, else the displays of the codes."""
    words = []
    for concept in service_request.get("reasonCode", []):
        displays = [part["display"] for part in concept.get("coding", []) if part.get("display")]
        words.append(concept.get("text") or ", ".join(displays))
    return " ; ".join(word for word in words if word)


def _output(request: CareRequest) -> list[Resource]:
    if request.appointment is None:
        return []
    kind = elements.concept(names.system("task-output"), "appointment")
    return [{"type": kind, "valueReference": {"reference": f"Appointment/{request.appointment}"}}]


def write(request: CareRequest, service_request: Resource, task: Resource, *, modified: str) -> None:
    """Set what the dataclass knows. ``modified``: the instant for ``Task.lastModified``, as FHIR text."""
    status = status_of(request)
    service_request["status"] = status.request
    task["status"] = status.task
    task["lastModified"] = max(modified, task.get("authoredOn", modified))
    elements.set_coding(task, "businessStatus", names.system("handoff-business-status"), status.business)
    task["owner"] = {**task.get("owner", {}), "reference": f"Organization/{request.network}"}
    period = {"start": elements.written(request.issued_at), "end": elements.written(request.response_due)}
    task["restriction"] = {**task.get("restriction", {}), "period": period}
    reasons = names.system("cancel-reason" if status.business == "withdrawn" else "handoff-failure")
    if request.failure and status.task in {"failed", "rejected", "cancelled", "on-hold", "completed"}:
        task["statusReason"] = elements.concept(reasons, request.failure)
    else:
        task.pop("statusReason", None)
    others = [part for part in task.get("output", []) if "valueReference" not in part]
    outputs = others + _output(request)
    if outputs:
        task["output"] = outputs
    else:
        task.pop("output", None)
    _write_own(request, task)


def _write_own(request: CareRequest, task: Resource) -> None:
    role = {"valueReference": {"reference": f"PractitionerRole/{request.performer}"}} if request.performer else None
    own: dict[str, Resource | None] = {
        PERFORMER: role,
        WAVE: {"valueUnsignedInt": request.wave},
        ATTEMPT: {"valueUnsignedInt": request.attempt},
        ORIGIN: {"valueCode": request.origin.value},
        CLIENT: {"valueString": request.client} if request.client else None,
        NETWORK: {"valueId": request.network},
        CONFIRMED: {"valueBoolean": True} if request.confirmed_once else None,
        COMMUNE: {"valueCode": request.commune} if request.commune else None,
    }
    for name, value in own.items():
        elements.set_extension(task, names.structure(name), value)
