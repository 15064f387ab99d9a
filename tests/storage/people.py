"""Viewers of every capacity, and the resources of one care request, for the tests of storage."""

from __future__ import annotations

from typing import Any

from hub.domain.people import Capacity, Viewer, client_key, coordinators_key, operators_key, role_key
from hub.domain.visibility import Level
from hub.storage import grants, resources
from hub.storage.session import Session

Resource = dict[str, Any]
HUB = Viewer.hub()
NETWORK = "cpts-one"

OPERATOR = Viewer(
    id="operator",
    capacity=Capacity.OPERATOR,
    name="Opérateur",
    keys=frozenset({operators_key(NETWORK)}),
    organization=NETWORK,
)
COORDINATOR = Viewer(
    id="coordinator",
    capacity=Capacity.COORDINATOR,
    name="Coordinatrice",
    keys=frozenset({coordinators_key(NETWORK)}),
    organization=NETWORK,
)
SAS = Viewer(id="sas", capacity=Capacity.SAS, name="SAS", keys=frozenset({client_key("sas")}), client="sas")
OTHER_SAS = Viewer(
    id="sas-2", capacity=Capacity.SAS, name="SAS 2", keys=frozenset({client_key("sas-2")}), client="sas-2"
)
STRANGER = Viewer(id="stranger", capacity=Capacity.PROFESSIONAL, name="Dr X", keys=frozenset({role_key("stranger")}))


def professional(role: str) -> Viewer:
    return Viewer(
        id=role, capacity=Capacity.PROFESSIONAL, name=f"Dr {role}", keys=frozenset({role_key(role)}), role=role
    )


ASKED, WINNER, OTHER_ASKED = professional("asked"), professional("winner"), professional("other-asked")


def patient(id: str, family: str = "CANARI", **more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "279035121518989"}],
        "active": True,
        "name": [{"family": family, "given": ["DOMINIQUE"]}],
        "telecom": [{"system": "phone", "value": "0199000001"}],
        "gender": "female",
        "birthDate": "1979-03-28",
        "address": [{"use": "home", "line": ["1 rue du Test"], "city": "Cergy", "postalCode": "95000"}],
        **more,
    }


def service_request(id: str, patient: str, **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "identifier": [{"system": "https://sas.example.org/dossier", "value": f"DRM-{id}"}],
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "subject": {"reference": f"Patient/{patient}", "display": "CANARI"},
        "authoredOn": "2026-11-16T08:00:00Z",
        "requester": {"reference": "Organization/sas"},
        **more,
    }


def task(id: str, request: str, patient: str, **more: Any) -> Resource:
    return {
        "resourceType": "Task",
        "id": id,
        "basedOn": [{"reference": f"ServiceRequest/{request}"}],
        "focus": {"reference": f"ServiceRequest/{request}"},
        "for": {"reference": f"Patient/{patient}"},
        "status": "requested",
        "intent": "order",
        **more,
    }


def child_task(id: str, request: str, patient: str, role: str) -> Resource:
    return task(
        id,
        request,
        patient,
        partOf=[{"reference": f"Task/{request}-task"}],
        owner={"reference": f"PractitionerRole/{role}"},
    )


def appointment(id: str, request: str, patient: str) -> Resource:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "basedOn": [{"reference": f"ServiceRequest/{request}"}],
        "start": "2026-11-16T14:00:00Z",
        "end": "2026-11-16T14:15:00Z",
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }


def note(id: str, patient: str, text: str = "RAS") -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "description": text,
        "content": [{"attachment": {"contentType": "text/plain"}}],
    }


async def keep(session: Session, *given: Resource) -> None:
    for one in given:
        await resources.create(session, HUB, one, id=one["id"])


async def story(session: Session) -> None:
    """One request of ``patient`` handed over by ``sas``: two asked at outline, one who accepted, operators, coordinators."""
    await keep(
        session,
        patient("patient"),
        service_request("request", "patient"),
        task("request-task", "request", "patient", owner={"reference": f"Organization/{NETWORK}"}),
        child_task("child-asked", "request", "patient", "asked"),
        child_task("child-other", "request", "patient", "other-asked"),
        child_task("child-winner", "request", "patient", "winner"),
        appointment("appointment", "request", "patient"),
        note("note", "patient"),
        patient("elsewhere", "AUTRE"),
        service_request("other-request", "elsewhere"),
        {"resourceType": "Organization", "id": NETWORK, "name": "CPTS"},
    )
    about = {"request": "request", "patient": "patient"}
    for audience, level in (
        (operators_key(NETWORK), Level.FULL),
        (coordinators_key(NETWORK), Level.OUTLINE),
        (client_key("sas"), Level.FULL),
        (role_key("asked"), Level.OUTLINE),
        (role_key("other-asked"), Level.OUTLINE),
        (role_key("winner"), Level.FULL),
    ):
        await grants.give(session, audience=audience, level=level, **about)
    await grants.give(session, audience=role_key("winner"), level=Level.FULL, patient="patient")
