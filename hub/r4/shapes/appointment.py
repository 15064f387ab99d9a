"""An appointment in FHIR (fhir.md 9.2)."""

from __future__ import annotations

from typing import Any

from hub.domain.appointment import Appointment, Mode, Standing
from hub.r4 import elements, names

Resource = dict[str, Any]

PATIENT_STATUS = {
    Standing.PROPOSED: "needs-action",
    Standing.PENDING: "needs-action",
    Standing.BOOKED: "accepted",
    Standing.FULFILLED: "accepted",
    Standing.NO_SHOW: "accepted",
    Standing.CANCELLED: "declined",
}


def _participant(resource: Resource, kind: str) -> Resource:
    for part in resource.get("participant", []):
        if elements.reference_id(part.get("actor"), kind):
            return dict(part)
    return {}


def read(resource: Resource) -> Appointment:
    """The appointment as we decide about it. Raises ``KeyError`` when it was not made by the hub."""
    performer = _participant(resource, "PractitionerRole")
    disclosure = elements.extension(performer, names.structure("disclosure")) or {}
    told = {part["url"]: part for part in disclosure.get("extension", [])}
    period = (resource.get("requestedPeriod") or [{}])[0]
    created = elements.instant(resource["created"])
    assert created is not None
    words = (elements.extension(resource, names.structure("words")) or {}).get("valueString", "")
    comment = resource.get("comment", "")
    return Appointment(
        id=resource["id"],
        request=elements.reference_id(resource["basedOn"][0], "ServiceRequest") or "",
        patient=elements.reference_id(_participant(resource, "Patient").get("actor"), "Patient") or "",
        performer=elements.reference_id(performer.get("actor"), "PractitionerRole") or "",
        mode=Mode(elements.code_among(resource.get("serviceType", []), names.system("kind-of-care")) or Mode.PRACTICE),
        standing=Standing(resource["status"]),
        created_at=created,
        start=elements.instant(resource.get("start")),
        end=elements.instant(resource.get("end")),
        range_start=elements.instant(period.get("start")),
        range_end=elements.instant(period.get("end")),
        words=words,
        place=elements.reference_id(_participant(resource, "Location").get("actor"), "Location"),
        tells_name=told.get("name", {}).get("valueBoolean", True),
        phone_told=told.get("phone", {}).get("valueString"),
        comment="" if comment == words else comment,
        cancel_reason=next(
            (part.get("code") for part in resource.get("cancelationReason", {}).get("coding", [])), None
        ),
    )


def _disclosure(appointment: Appointment) -> Resource:
    parts: list[Resource] = [{"url": "name", "valueBoolean": appointment.tells_name}]
    if appointment.phone_told:
        parts.append({"url": "phone", "valueString": appointment.phone_told})
    return {"url": names.structure("disclosure"), "extension": parts}


def write(appointment: Appointment, resource: Resource | None = None) -> Resource:
    """A new resource, or the given one edited: what the dataclass knows is set, the rest stays."""
    made: Resource = resource if resource is not None else {"resourceType": "Appointment"}
    made["status"] = appointment.standing.value
    made.setdefault("identifier", [{"system": names.ns("appointment"), "value": appointment.id}])
    made["basedOn"] = [{"reference": f"ServiceRequest/{appointment.request}"}]
    made["created"] = elements.written(appointment.created_at)
    made["serviceType"] = [elements.concept(names.system("kind-of-care"), appointment.mode.value)]
    for name, moment in (("start", appointment.start), ("end", appointment.end)):
        if moment is None:
            made.pop(name, None)
        else:
            made[name] = elements.written(moment)
    if appointment.range_start and appointment.range_end:
        start, end = elements.written(appointment.range_start), elements.written(appointment.range_end)
        made["requestedPeriod"] = [{"start": start, "end": end}]
    if appointment.comment or appointment.words:  # R4 has no other place for a time in words (fhir.md 9.2)
        made["comment"] = appointment.comment or appointment.words
    elements.set_extension(
        made, names.structure("words"), {"valueString": appointment.words} if appointment.words else None
    )
    if appointment.cancel_reason:
        system = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
        ours = names.system("cancel-reason")
        made["cancelationReason"] = elements.concept(
            system if appointment.cancel_reason == "pat" else ours, appointment.cancel_reason
        )
    made["participant"] = _participants(appointment)
    return made


def _participants(appointment: Appointment) -> list[Resource]:
    people: list[Resource] = [
        {"actor": {"reference": f"Patient/{appointment.patient}"}, "status": PATIENT_STATUS[appointment.standing]},
        {
            "extension": [_disclosure(appointment)],
            "actor": {"reference": f"PractitionerRole/{appointment.performer}"},
            "status": "accepted",
        },
    ]
    if appointment.place:
        people.append({"actor": {"reference": f"Location/{appointment.place}"}, "status": "accepted"})
    return people
