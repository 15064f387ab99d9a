"""The supervision list: one wide row per open request, written in the transaction that changes the request."""

from __future__ import annotations

from typing import Any

from hub import clock
from hub.domain.care_request import CareRequest
from hub.r4 import elements
from hub.r4.shapes import appointment as appointments
from hub.r4.shapes import care_request as shape
from hub.r4.shapes import patient as patients
from hub.storage import board, clients, resources, situations
from hub.storage.board import BoardRow
from hub.storage.session import Session
from hub.workflows.capacities import situation_name

Resource = dict[str, Any]


async def refresh(session: Session, request: CareRequest, service_request: Resource) -> None:
    """Write the row of a request, or take it off the list once the request has ended."""
    if request.is_open:
        await board.write(session, await _row(session, request, service_request))
    else:
        await board.remove(session, request.id)


async def rebuild(session: Session) -> list[str]:
    """Compare the whole list with the record and put it right; the requests that differed: none, in a sound house."""
    return await board.rebuild(session, await resources.ids(session, "ServiceRequest"), _row_of)


async def _row_of(session: Session, request_id: str) -> BoardRow | None:
    service_request = await resources.peek(session, "ServiceRequest", request_id)
    tasks = [task for task in await resources.of_request(session, "Task", request_id) if not task.get("partOf")]
    if service_request is None or not tasks:
        return None
    request = max((shape.read(service_request, task) for task in tasks), key=lambda one: one.attempt)
    return await _row(session, request, service_request) if request.is_open else None


async def _row(session: Session, request: CareRequest, service_request: Resource) -> BoardRow:
    patient = patients.read(await resources.peek(session, "Patient", request.patient) or {})
    performer = await situations.situation_of(session, request.performer) if request.performer else None
    return BoardRow(
        request=request.id,
        number=request.number,
        network=request.network,
        state=request.state.value,
        origin=request.origin.value,
        priority=service_request.get("priority", "routine"),
        care_type=request.care_type,
        kind=request.kind,
        profession=request.profession,
        commune=request.commune,
        requester_name=await _requester(session, request),
        patient=request.patient,
        patient_name=f"{patient.first_name} {patient.family}".strip(),
        patient_phone=patient.phone,
        reason=shape.reason(service_request),
        performer=request.performer,
        performer_name=situation_name(performer) if performer else "",
        wave=request.wave,
        attempt=request.attempt,
        issued_at=request.issued_at,
        response_due=request.response_due,
        appointment_at=await _appointment_at(session, request),
        changed_at=clock.now(),
    )


async def _appointment_at(session: Session, request: CareRequest) -> Any:
    if request.appointment is None:
        return None
    resource = await resources.peek(session, "Appointment", request.appointment)
    if resource is None:
        return None
    found = appointments.read(resource)
    return found.start or found.range_start


async def _requester(session: Session, request: CareRequest) -> str:
    if request.client is not None:
        client = await clients.by_id(session, request.client)
        return client.name if client else request.client
    role = elements.reference_id({"reference": request.requester or ""}, "PractitionerRole")
    situation = await situations.situation_of(session, role) if role else None
    return situation_name(situation) if situation else ""
