"""Appointments: propose, confirm, counter, not reached, done, missed (workflow.md 4.5, fhir.md 9.2)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub import clock
from hub.domain import appointment as plans
from hub.domain import care_request as rules
from hub.domain import rights
from hub.domain.appointment import Appointment, Mode, Standing
from hub.domain.care_request import CareRequest, Event, State
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4.shapes import appointment as shape
from hub.storage import audit, outbox, resources
from hub.storage.session import Session
from hub.workflows import announce, invitations, record
from hub.workflows.topics import UnreachableOver

Resource = dict[str, Any]


GIVE_UP_BEFORE = timedelta(minutes=30)  # (Choice) of the appointment of a patient nobody reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the acceptor's form says; exactly one of ``start``, the range, or ``words`` (workflow.md 4.5)."""

    mode: Mode
    start: datetime | None = None
    end: datetime | None = None
    range_start: datetime | None = None
    range_end: datetime | None = None
    words: str = ""
    place: str | None = None
    tells_name: bool = True
    phone_told: str | None = None
    comment: str = ""


async def propose(session: Session, viewer: Viewer, request_id: str, proposal: Proposal) -> Appointment:
    """The acceptor fills the form; a second proposal replaces the first. Raises ``not-allowed``, ``appointment-…`` refusals."""
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.PROPOSE, found.request)
    return await _propose(session, viewer, found, proposal, Event.PROPOSE)


async def counter(session: Session, viewer: Viewer, request_id: str, proposal: Proposal) -> Appointment:
    """The patient wants another time: the old appointment ends, a new one is proposed, the state stays."""
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.COUNTER, found.request)
    return await _propose(session, viewer, found, proposal, Event.COUNTER)


async def _propose(
    session: Session, viewer: Viewer, found: record.Record, proposal: Proposal, event: Event
) -> Appointment:
    now = clock.now()
    before = found.request
    if before.performer is None:
        raise Refusal("not-a-move", state=before.state, event=event)
    planned = plans.proposed(
        Appointment(
            id=str(uuid.uuid4()),
            request=before.id,
            patient=before.patient,
            performer=before.performer,
            standing=Standing.PROPOSED,
            created_at=now,
            **{name: getattr(proposal, name) for name in Proposal.__dataclass_fields__},
        ),
        now,
    )
    await drop(session, viewer, before, reason="replaced")
    request = replace(rules.move(before, event), appointment=planned.id)
    made = await resources.create(session, viewer, shape.write(planned), id=planned.id)
    await announce.appointment(session, request, made)
    await _move_invitation(session, request, "in-progress")
    await record.keep(session, viewer, found, request)
    await announce.operators(session, "to-call-back", request)
    await audit.record(
        session, viewer=viewer, event="appointment.proposed", request=request.id, patient=request.patient
    )
    return planned


async def _move_invitation(session: Session, request: CareRequest, how: str) -> None:
    for task in await invitations.of_request(session, request):
        if invitations.owner(task) == request.performer and task["status"] in {"accepted", "in-progress"}:
            await invitations.end(session, task, how)


async def _load(session: Session, appointment_id: str) -> tuple[Appointment, Resource]:
    resource = await resources.lock(session, "Appointment", appointment_id)
    return shape.read(resource), resource


async def confirm(
    session: Session,
    viewer: Viewer,
    request_id: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> CareRequest:
    """Whoever called the patient records the agreement. ``start`` and ``end`` are needed when the proposal was in words."""
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.CONFIRM, found.request)
    if found.request.state is State.UNREACHABLE:  # on-hold never leads straight to completed (sas.md 17.5)
        await reached(session, viewer, request_id)
        found = await record.lock(session, request_id)
    request = rules.move(found.request, Event.CONFIRM)
    if request.appointment is None:
        raise Refusal("not-a-move", state=found.request.state, event=Event.CONFIRM)
    appointment, resource = await _load(session, request.appointment)
    request = replace(request, confirmed_once=True)
    await _keep(session, viewer, request, plans.confirmed(appointment, start, end), resource)
    await record.keep(session, viewer, found, request)
    await announce.performer(session, "confirmed", request, request.performer or "")
    await audit.record(
        session, viewer=viewer, event="appointment.confirmed", request=request.id, patient=request.patient
    )
    return request


async def not_reached(session: Session, viewer: Viewer, request_id: str) -> CareRequest:
    """The calls had no answer: patient unreachable, until somebody reaches the patient or the request ends."""
    request = await _only_move(session, viewer, request_id, Event.NOT_REACHED, "patient-unreachable")
    appointment, _ = await _load(session, request.appointment or "")
    begins = appointment.start or appointment.range_start
    if begins is not None:  # an appointment in words has no hour: the operators end it themselves
        over = UnreachableOver(request=request.id, appointment=appointment.id)
        await outbox.put(session, over, due_at=begins - GIVE_UP_BEFORE)
    return request


async def unreachable_over(session: Session, message: UnreachableOver) -> None:
    """The appointment is near and the patient was never reached: handed back to the SAS, or left to the operators."""
    found = await record.lock(session, message.request)
    if (found.request.state, found.request.appointment) != (State.UNREACHABLE, message.appointment):
        return
    request = replace(rules.run_out(found.request, reason="patient-unreachable"), appointment=None)
    await drop(session, Viewer.hub(), found.request, reason="patient-unreachable")
    await _move_invitation(session, found.request, "withdrawn")
    await record.keep(session, Viewer.hub(), found, request)
    await announce.performer(session, "withdrawn", request, found.request.performer or "")
    if request.state is State.UNANSWERED:
        await announce.operators(session, "unanswered", request)
    await audit.record(
        session, viewer=Viewer.hub(), event="request.run-out", request=request.id, patient=request.patient
    )


async def reached(session: Session, viewer: Viewer, request_id: str) -> CareRequest:
    """The patient was reached after all: the proposal stands again."""
    return await _only_move(session, viewer, request_id, Event.REACHED, None)


async def _only_move(
    session: Session, viewer: Viewer, request_id: str, event: Event, failure: str | None
) -> CareRequest:
    found = await record.lock(session, request_id)
    rights.require(viewer, event, found.request)
    request = replace(rules.move(found.request, event), failure=failure)
    await record.keep(session, viewer, found, request)
    await audit.record(session, viewer=viewer, event=f"request.{event}", request=request.id, patient=request.patient)
    return request


async def finish(session: Session, viewer: Viewer, request_id: str, *, was_seen: bool) -> CareRequest:
    """After the hour: seen, or the patient did not come."""
    event = Event.FINISH if was_seen else Event.MISS
    found = await record.lock(session, request_id)
    rights.require(viewer, event, found.request)
    request = rules.move(found.request, event)
    if request.appointment is not None:
        appointment, resource = await _load(session, request.appointment)
        standing = Standing.FULFILLED if was_seen else Standing.NO_SHOW
        await _keep(session, viewer, request, plans.ended(appointment, standing), resource)
    await _move_invitation(session, request, "completed")
    await record.keep(session, viewer, found, request)
    await audit.record(session, viewer=viewer, event=f"request.{event}", request=request.id, patient=request.patient)
    return request


async def drop(session: Session, viewer: Viewer, request: CareRequest, *, reason: str) -> None:
    """Cancel the appointment of a request, if it stands; one that has ended stays as it is."""
    if request.appointment is None:
        return
    appointment, resource = await _load(session, request.appointment)
    if appointment.standing in plans.ENDINGS[Standing.CANCELLED]:
        await _keep(session, viewer, request, plans.ended(appointment, Standing.CANCELLED, reason), resource)


async def _keep(
    session: Session, viewer: Viewer, request: CareRequest, appointment: Appointment, resource: Resource
) -> None:
    """Save what became of an appointment, and promise the word to the platform of the SAS."""
    kept = await resources.save(session, viewer, shape.write(appointment, resource))
    await announce.appointment(session, request, kept)


async def current(session: Session, request: CareRequest) -> Appointment | None:
    """The appointment a request stands on; for workflows and connectors that prepare a message."""
    if request.appointment is None or request.state not in {
        State.PROPOSED,
        State.UNREACHABLE,
        State.CONFIRMED,
        State.DONE,
    }:
        return None
    resource = await resources.peek(session, "Appointment", request.appointment)
    return shape.read(resource) if resource else None
