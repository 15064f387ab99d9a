"""What people do with a care request: accept, decline, release, cancel, hand back, issue again (workflow.md 4.4)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub import clock, log
from hub.domain import care_request as rules
from hub.domain import rights
from hub.domain.care_request import CareRequest, Event, State
from hub.domain.notebook import MEMBERSHIP
from hub.domain.people import Viewer, role_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.r4.shapes import care_request as shape
from hub.r4.shapes import handoff as bundles
from hub.storage import audit, grants, outbox, resources
from hub.storage.session import Session
from hub.workflows import announce, appointments, board, circle, dispatch, invitations, record, usual_gp
from hub.workflows.topics import FormLate

Resource = dict[str, Any]

FORM_DELAY = timedelta(minutes=30)  # (Choice) after which operators hear that no appointment was proposed


async def opened(session: Session, viewer: Viewer, request_id: str) -> None:
    """Note that a person asked has looked at the request."""
    if viewer.role is None or await grants.level_of(session, viewer, request_id) is Level.NOTHING:
        return
    found = await record.lock(session, request_id)
    await invitations.opened(session, viewer, found.request)
    await audit.record(
        session, viewer=viewer, event="request.opened", request=request_id, patient=found.request.patient
    )


async def accept(session: Session, viewer: Viewer, request_id: str) -> CareRequest:
    """First come, exactly one wins. Raises ``already-taken``, ``not-allowed``, ``not-a-move``."""
    found = await record.lock(session, request_id)
    tasks = await invitations.of_request(session, found.request)
    mine = invitations.latest(tasks, viewer.role)
    if mine is not None and found.request.performer == viewer.role and found.request.state in rules.TAKEN:
        return found.request  # the same person pressed twice: already theirs, nothing is done again
    is_asked = mine is not None and invitations.is_open(mine)
    if mine is not None and not is_asked:
        raise _too_late(found.request, mine, "accept")
    rights.require(viewer, Event.ACCEPT, found.request, is_asked=is_asked)
    assert mine is not None and viewer.role is not None
    request = rules.accept(found.request, viewer.role)
    await invitations.end(session, mine, "accepted")
    await invitations.close(session, request, "taken-by-other")
    audience = role_key(viewer.role)
    until = clock.now() + MEMBERSHIP
    await grants.give(
        session, audience=audience, level=Level.FULL, request=request.id, patient=request.patient, until=until
    )
    await circle.join(session, request.patient, viewer.role)
    await usual_gp.accepted(session, viewer, request.id, request.patient)
    await record.keep(session, viewer, found, request)
    late = FormLate(request=request.id, attempt=request.attempt, performer=viewer.role)
    await outbox.put(session, late, due_at=clock.now() + FORM_DELAY)
    await audit.record(session, viewer=viewer, event="request.accepted", request=request.id, patient=request.patient)
    log.event("request.accepted", request=request.id, wave=request.wave)
    return request


def _too_late(request: CareRequest, invitation: Resource, event: str) -> Refusal:
    """What somebody reads whose invitation was closed before the answer came."""
    business = elements.code(invitation.get("businessStatus"), names.system("handoff-business-status"))
    if invitations.owner(invitation) == request.performer or business == "withdrawn":
        return Refusal("not-a-move", state=request.state, event=event)
    if request.performer is not None or business == "taken-by-other":
        return Refusal("already-taken")
    if business == "wave-over":
        is_over = request.state in {State.HANDED_BACK, State.UNANSWERED}
        return Refusal("response-delay-over" if is_over else "invitation-over")
    return Refusal("not-allowed")


async def decline(session: Session, viewer: Viewer, request_id: str, reason: str) -> None:
    """The person asked says no: the request leaves their list. ``reason``: a code of CodeSystem decline-reason."""
    found = await record.lock(session, request_id)
    tasks = await invitations.of_request(session, found.request)
    mine = invitations.latest(tasks, viewer.role)
    if mine is None:
        raise Refusal("not-allowed")
    if not invitations.is_open(mine):
        raise _too_late(found.request, mine, "decline")
    await invitations.end(session, mine, "declined", reason=reason)
    await grants.withdraw(session, audience=role_key(viewer.role or ""), request=request_id, level=Level.OUTLINE)
    await audit.record(
        session, viewer=viewer, event="request.declined", request=request_id, patient=found.request.patient
    )
    if found.request.state is State.SEARCHING:
        await dispatch.all_declined(session, found)


async def release(session: Session, viewer: Viewer, request_id: str, reason: str) -> CareRequest:
    """The acceptor gives it back: searching again with the time that is left, else as at the deadline."""
    found = await record.lock(session, request_id)
    event = Event.WITHDRAW if found.request.state is State.PROPOSED else Event.RELEASE
    rights.require(viewer, event, found.request)
    return await back_to_search(session, viewer, found, event, reason=reason)


async def patient_refuses(session: Session, viewer: Viewer, request_id: str) -> CareRequest:
    """The patient does not want the appointment: searching again with the time that is left, else as at the deadline."""
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.PATIENT_REFUSES, found.request)
    performer = found.request.performer
    request = await back_to_search(session, viewer, found, Event.PATIENT_REFUSES, reason="patient-refused")
    if performer is not None:
        await announce.performer(session, "proposal-refused", request, performer)
    return request


async def back_to_search(
    session: Session, viewer: Viewer, found: record.Record, event: Event, *, reason: str
) -> CareRequest:
    """Free the request from its performer, and either search on or end it when the deadline is past."""
    before = found.request
    request = rules.back_to_search(before, event, clock.now())
    why = "pat" if event is Event.PATIENT_REFUSES else "released"
    await appointments.drop(session, viewer, before, reason=why)
    for task in await invitations.of_request(session, before):
        if invitations.owner(task) == before.performer and task["status"] in {"accepted", "in-progress"}:
            await invitations.end(session, task, "released", reason=reason)
    await grants.withdraw(session, audience=role_key(before.performer or ""), request=before.id)
    await circle.leave_unless_written(session, before.patient, before.performer or "")
    if event in (Event.RELEASE, Event.WITHDRAW):
        await usual_gp.released(session, viewer, before.id, before.patient)
    await record.keep(session, viewer, found, request)
    await audit.record(session, viewer=viewer, event="request.released", request=request.id, patient=request.patient)
    if request.state is State.SEARCHING:
        again = await record.lock(session, request.id)
        await dispatch.open_next(
            session, replace(again, request=replace(again.request, wave=max(0, again.request.wave - 1)))
        )
    elif request.state is State.UNANSWERED:
        await announce.operators(session, "unanswered", request)
    return request


async def cancel(session: Session, viewer: Viewer, request_id: str, reason: str) -> CareRequest:
    """Withdrawn by its issuer, the SAS or an operator; after a confirmation too (sas.md 17.5). The performer is told at once."""
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.CANCEL, found.request)
    if found.request.state in {State.CANCELLED, State.DONE, State.NO_SHOW}:
        return found.request  # a withdrawal that comes after the visit changes nothing, and is no error (sas.md 17.5)
    request = rules.cancel(found.request, reason)
    await _end(session, viewer, found, request, how="withdrawn")
    await audit.record(session, viewer=viewer, event="request.cancelled", request=request.id, patient=request.patient)
    return request


# What new information about an open request may change (fhir.md 9.1): never who it is about, who asks, nor its category.
CHANGEABLE = ("note", "reasonCode", "orderDetail", "supportingInfo", "patientInstruction", "locationCode")


async def inform(session: Session, viewer: Viewer, request_id: str, after: Resource) -> CareRequest:
    """New information from the issuer on an open request: a new version; the acceptor and the operators are told.

    Raises ``not-a-move`` when the request has ended, or when something that may not change was changed.
    """
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.CANCEL, found.request)
    if not found.request.is_open:
        raise Refusal("not-a-move", state=found.request.state, event="inform")
    before = found.service_request
    fixed = [
        name for name in ("subject", "requester", "category", "code", "intent") if after.get(name) != before.get(name)
    ]
    if fixed:
        raise Refusal("not-a-move", expression=f"ServiceRequest.{fixed[0]}", state=found.request.state, event="inform")
    if viewer.client is not None and "note" in after:
        after = {**after, "note": bundles.unmarked(after["note"])}
    changed = {name: after[name] for name in CHANGEABLE if name in after and after[name] != before.get(name)}
    if changed:
        before.update(changed)
        await resources.save(session, viewer, before)
        await board.refresh(session, found.request, before)
        await audit.record(
            session, viewer=viewer, event="request.changed", request=request_id, patient=found.request.patient
        )
        if found.request.performer is not None:
            await announce.performer(session, "changed", found.request, found.request.performer)
        await announce.operators(session, "changed", found.request)
    return found.request


async def hand_back(session: Session, viewer: Viewer, request_id: str, reason: str) -> CareRequest:
    """An operator gives a handoff back to the SAS before the deadline. ``reason``: a code of handoff-failure; ``worsening`` says
    that the patient was sent to the 15, and the performer may say it too.
    """
    found = await record.lock(session, request_id)
    event = Event.WORSEN if reason == "worsening" else Event.HAND_BACK
    rights.require(viewer, event, found.request)
    if event is Event.HAND_BACK and not found.request.is_handoff:
        raise Refusal("not-a-move", state=found.request.state, event=event)  # nobody to hand it back to
    business = "redirected-amu" if event is Event.WORSEN else None
    request = replace(rules.move(found.request, event), failure=reason, business=business)
    await _end(session, viewer, found, request, how="withdrawn")
    await audit.record(session, viewer=viewer, event="request.handed-back", request=request.id, patient=request.patient)
    return request


async def _end(session: Session, viewer: Viewer, found: record.Record, request: CareRequest, *, how: str) -> None:
    """Common to every ending by a person: appointment dropped, invitations closed, performer told."""
    await appointments.drop(session, viewer, found.request, reason="withdrawn")
    await invitations.close(session, found.request, how)
    if found.request.performer is not None:
        for task in await invitations.of_request(session, found.request):
            if task["status"] in {"accepted", "in-progress"}:
                await invitations.end(session, task, how)
    await record.keep(session, viewer, found, request)
    if found.request.performer is not None:
        await announce.performer(session, "withdrawn", request, found.request.performer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """What a second handoff of the same file says of its request: the new coordinating Task, where care is wanted, by when."""

    task: Resource
    network: str
    commune: str
    response_due: datetime


async def reissue(session: Session, viewer: Viewer, request_id: str, anew: Anew | None = None) -> CareRequest:
    """A new coordinating Task on the same ServiceRequest, made active again; the delay is the one of the first issue, unless the
    SAS hands over ``anew``: then its Task, its territory and its delay count.
    """
    found = await record.lock(session, request_id)
    rights.require(viewer, Event.REISSUE, found.request)
    now = clock.now()
    before = found.request
    request = replace(
        rules.move(before, Event.REISSUE),
        network=anew.network if anew else before.network,
        commune=anew.commune if anew else before.commune,
        task=anew.task["id"] if anew else str(uuid.uuid4()),
        attempt=before.attempt + 1,
        issued_at=now,
        response_due=anew.response_due if anew else now + (before.response_due - before.issued_at),
        wave=0,
        performer=None,
        appointment=None,
        failure=None,
        confirmed_once=False,
    )
    task = anew.task if anew else _next_task(found.task, request)
    shape.write(request, found.service_request, task, modified=elements.written(now))
    await resources.create(session, viewer, task, id=request.task)
    await resources.save(session, viewer, found.service_request)
    if request.network != before.network:
        await announce.move_territory(session, before, request)
    await dispatch.watch_delay(session, request)
    await audit.record(session, viewer=viewer, event="request.reissued", request=request.id, patient=request.patient)
    again = await record.lock(session, request.id)
    await announce.outcome(session, again.request, version=1)
    await dispatch.open_next(session, again)
    return again.request


KEPT_ON_REISSUE = (
    "identifier", "groupIdentifier", "intent", "priority", "code", "focus", "for", "basedOn", "requester", "reasonCode", "input",
)  # fmt: skip


def _next_task(previous: Resource, request: CareRequest) -> Resource:
    kept: Resource = {name: previous[name] for name in KEPT_ON_REISSUE if name in previous}
    issued = elements.written(request.issued_at)
    return {"resourceType": "Task", "id": request.task, "status": "accepted", **kept, "authoredOn": issued}


async def form_late(session: Session, message: FormLate) -> None:
    """Accepted half an hour ago and still no appointment: the operators are told. Nothing else changes."""
    found = await record.lock(session, message.request)
    request = found.request
    if request.state is State.ACCEPTED and (request.attempt, request.performer) == (message.attempt, message.performer):
        await announce.operators(session, "form-late", request)
