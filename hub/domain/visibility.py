"""What a viewer may see of a resource: the one policy, asked by storage on every read, search, history and subscription.

Levels in words: workflow.md 4.3. Element by element: fhir.md 9.4. Whatever the tables below do not name is removed at level
outline, and a type that is not named does not exist there. Resources are parsed FHIR JSON (dicts); nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Literal

Resource = dict[str, Any]


class Level(IntEnum):
    """How much of the care data of one request a viewer may see."""

    NOTHING = 0
    OUTLINE = 1
    FULL = 2


Reach = Literal["request", "either", "kin", "patient", "open", "own", "nobody"]

# By which grants a type is reached: through a grant on its request, through any grant that concerns its patient, through a
# grant on the patient alone (the notebook: a SAS or an acceptor's software never gets it from a request), or by everybody
# signed in (directory and definitions: no patient in them). Types that are not named are reached by nobody.
REACH: Mapping[str, Reach] = {
    "ServiceRequest": "request",
    "Task": "request",
    "Appointment": "request",
    "Flag": "request",
    "Communication": "request",
    "QuestionnaireResponse": "request",
    "Patient": "either",
    "Location": "request",  # the place of one request: who handed over another for the same patient does not see it
    "RelatedPerson": "kin",  # as either, but a SAS sees those of its own request alone
    "DocumentReference": "patient",
    "CareTeam": "patient",
    "Consent": "patient",
    "Subscription": "own",
    "Organization": "open",
    "Practitioner": "open",
    "PractitionerRole": "open",
    "HealthcareService": "open",
    "Questionnaire": "open",
    "PlanDefinition": "open",
}

REDACTED_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
REDACTED_CODE = "REDACTED"
REDACTED = {"system": REDACTED_SYSTEM, "code": REDACTED_CODE}
ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
MASKED = {"extension": [{"url": ABSENT_REASON, "valueCode": "masked"}]}

# Extensions and labels that matter to the policy, recognised by the end of their canonical: the base is a setting.
COMMUNE_EXTENSION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
SHAREABLE_NOTE = "/StructureDefinition/hub-pre-acceptance"
REQUEST_NUMBER = "/ns/request-number"
SHARED_RISKS = frozenset({"R33", "R35"})  # violence, contagion: shown before acceptance (sas.md 17.3)


def reach(type_name: str) -> Reach:
    """By which grants resources of this type are reached; ``nobody`` for the types the hub does not publish."""
    return REACH.get(type_name, "nobody")


def is_cut(resource: Resource) -> bool:
    """Whether this copy was cut, and must therefore never be written back."""
    labels = resource.get("meta", {}).get("security", [])
    return any(label.get("code") == REDACTED_CODE and label.get("system") == REDACTED_SYSTEM for label in labels)


def bare(reference: Resource) -> Resource:
    """A reference without ``display`` nor ``identifier``: both can name somebody."""
    return {"reference": reference["reference"]} if "reference" in reference else dict(MASKED)


NEVER_KEPT = frozenset({"id", "extension", "modifierExtension"})


def _plain(value: Any) -> Any:
    """A kept element without what the table does not name inside it: extensions, element ids, names in references."""
    if isinstance(value, list):
        return [part for part in map(_plain, value) if part not in ({}, [], None)]
    if not isinstance(value, dict):
        return value
    if "reference" in value:
        return bare(value)
    inner = {name: _plain(part) for name, part in value.items() if name not in NEVER_KEPT and not name.startswith("_")}
    return {name: part for name, part in inner.items() if part not in ({}, [], None)}


def _only(resource: Resource, *names: str) -> Resource:
    kept = {name: _plain(resource[name]) for name in names if name in resource}
    return {name: value for name, value in kept.items() if value not in ({}, [], None)}


def _address(address: Resource) -> Resource:
    kept = _only(address, "city", "postalCode")
    communes = [
        {"url": COMMUNE_EXTENSION, "valueCoding": _only(part.get("valueCoding", {}), "system", "code", "display")}
        for part in address.get("extension", [])
        if part.get("url") == COMMUNE_EXTENSION
    ]
    return {"extension": communes, **kept} if communes else kept


def _patient(patient: Resource) -> Resource:
    kept = _only(patient, "active", "gender")
    if "birthDate" in patient:
        kept["birthDate"] = patient["birthDate"][:4]
    homes = [_address(place) for place in patient.get("address", []) if place.get("use", "home") == "home"]
    homes = [place for place in homes if place]
    return {**kept, "address": homes} if homes else kept


def _shareable(note: Resource) -> bool:
    return any(
        part.get("url", "").endswith(SHAREABLE_NOTE) and part.get("valueBoolean") is True
        for part in note.get("extension", [])
    )


SERVICE_REQUEST_KEPT = (
    "status", "intent", "category", "code", "priority", "performerType", "occurrenceDateTime", "occurrencePeriod",
    "occurrenceTiming", "authoredOn", "locationCode", "reasonCode", "instantiatesCanonical",
)  # fmt: skip


def _service_request(request: Resource) -> Resource:
    kept = _only(request, *SERVICE_REQUEST_KEPT)
    numbers = [number for number in request.get("identifier", []) if number.get("system", "").endswith(REQUEST_NUMBER)]
    if numbers:
        kept["identifier"] = [{"system": number["system"], "value": number["value"]} for number in numbers]
    kept["subject"] = bare(request["subject"])
    if "locationReference" in request:
        kept["locationReference"] = [bare(place) for place in request["locationReference"]]
    notes = [{"text": note["text"]} for note in request.get("note", []) if _shareable(note)]
    if notes:
        kept["note"] = notes
    return kept


def _coordinating_task(task: Resource) -> Resource:
    kept = _only(task, "status", "businessStatus", "intent", "code", "authoredOn", "lastModified")
    for name in ("focus", "for", "owner"):
        if name in task:
            kept[name] = bare(task[name])
    if "restriction" in task:
        kept["restriction"] = _only(task["restriction"], "period")
    return {name: value for name, value in kept.items() if value}


def _location(place: Resource) -> Resource:
    kept = _only(place, "status", "mode")
    address = _address(place.get("address", {}))
    return {**kept, "address": address} if address else kept


def _flag(flag: Resource) -> Resource | None:
    codes = {coding.get("code") for coding in flag.get("code", {}).get("coding", [])}
    if not codes & SHARED_RISKS:
        return None
    kept = _only(flag, "status", "category", "code")
    return {**kept, "subject": bare(flag["subject"])}


CUTS: Mapping[str, Callable[[Resource], Resource | None]] = {
    "Patient": _patient,
    "ServiceRequest": _service_request,
    "Task": _coordinating_task,
    "Location": _location,
    "Flag": _flag,
}


def is_child_task(resource: Resource) -> bool:
    """A Task for one person asked: made without anything an outline hides, hence never cut (fhir.md 9.1)."""
    return resource.get("resourceType") == "Task" and bool(resource.get("partOf"))


def cut(resource: Resource, level: Level) -> Resource | None:
    """The resource as the level allows: itself when full, a new valid resource tagged REDACTED at outline, or ``None`` when
    it does not exist for that viewer.
    """
    kind = resource["resourceType"]
    if level is Level.FULL or reach(kind) == "open":
        return resource
    if level is Level.NOTHING:
        return None
    if is_child_task(resource):
        return resource
    cutter = CUTS.get(kind)
    kept = cutter(resource) if cutter else None
    if kept is None:
        return None
    meta = {name: value for name, value in resource.get("meta", {}).items() if name in ("versionId", "lastUpdated")}
    return {
        "resourceType": kind,
        **({"id": resource["id"]} if "id" in resource else {}),
        "meta": {**meta, "security": [dict(REDACTED)]},
        **kept,
    }
