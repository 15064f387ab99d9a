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
CANCELLATION = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


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
    _set(made, "start", elements.written(appointment.start) if appointment.start else None)
    _set(made, "end", elements.written(appointment.end) if appointment.end else None)
    _set(made, "requestedPeriod", _range(appointment))
    _set(made, "comment", appointment.comment or appointment.words)  # no other place in R4 for words (fhir.md 9.2)
    elements.set_extension(
        made, names.structure("words"), {"valueString": appointment.words} if appointment.words else None
    )
    _set(made, "cancelationReason", _reason(appointment))
    made["participant"] = _participants(appointment, made)
    return made


def _set(resource: Resource, name: str, value: object) -> None:
    if value:
        resource[name] = value
    else:
        resource.pop(name, None)


def _range(appointment: Appointment) -> list[Resource] | None:
    if appointment.range_start is None or appointment.range_end is None:
        return None
    return [{"start": elements.written(appointment.range_start), "end": elements.written(appointment.range_end)}]


def _reason(appointment: Appointment) -> Resource | None:
    if appointment.cancel_reason is None:
        return None
    system = CANCELLATION if appointment.cancel_reason == "pat" else names.system("cancel-reason")
    return elements.concept(system, appointment.cancel_reason)


def _participants(appointment: Appointment, before: Resource) -> list[Resource]:
    """Ours with what others put on them, then those of others."""
    statuses = {"Patient": PATIENT_STATUS[appointment.standing], "PractitionerRole": "accepted", "Location": "accepted"}
    actors = {"Patient": appointment.patient, "PractitionerRole": appointment.performer, "Location": appointment.place}
    people = [
        {**_participant(before, kind), "actor": {"reference": f"{kind}/{id}"}, "status": statuses[kind]}
        for kind, id in actors.items()
        if id
    ]
    told = _disclosure(appointment)
    elements.set_extension(people[1], told["url"], {"extension": told["extension"]})
    others = [
        part
        for part in before.get("participant", [])
        if not any(elements.reference_id(part.get("actor"), kind) for kind in statuses)
    ]
    return people + others
