"""A client's change to a Task or a ServiceRequest, read as a workflow call (fhir.md 9.1).

State machines have one door: what is not a move of the tables below is refused with 422 ``not-a-move``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import is_child_task
from hub.r4 import elements, names
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import handoffs, record, requests
from hub.workflows.handoffs import Received

Resource = dict[str, Any]
Move = Callable[[Session, Viewer, str, Resource], Awaitable[object]]

# What a client may never change by a write on a Task: who it is about and where it belongs.
FIXED = (
    "focus",
    "for",
    "basedOn",
    "partOf",
    "intent",
    "code",
    "owner",
    "requester",
    "authoredOn",
    "groupIdentifier",
    "identifier",
)


def _reason(task: Resource, system: str, default: str) -> str:
    return elements.code(task.get("statusReason"), names.system(system)) or default


async def _accept(session: Session, viewer: Viewer, request: str, _task: Resource) -> object:
    return await requests.accept(session, viewer, request)


async def _open(session: Session, viewer: Viewer, request: str, _task: Resource) -> None:
    await requests.opened(session, viewer, request)


async def _decline(session: Session, viewer: Viewer, request: str, task: Resource) -> None:
    await requests.decline(session, viewer, request, _reason(task, "decline-reason", "autre"))


async def _release(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    return await requests.release(session, viewer, request, _reason(task, "decline-reason", "autre"))


async def _cancel(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    return await requests.cancel(session, viewer, request, _reason(task, "cancel-reason", "autre"))


async def _hand_back(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    return await requests.hand_back(session, viewer, request, _reason(task, "handoff-failure", "out-of-scope"))


CHILD_MOVES: Mapping[tuple[str, str], Move] = {
    ("requested", "received"): _open,
    ("requested", "accepted"): _accept,
    ("received", "accepted"): _accept,
    ("requested", "rejected"): _decline,
    ("received", "rejected"): _decline,
    ("accepted", "failed"): _release,
    ("in-progress", "failed"): _release,
}
# A child Task closed because somebody was faster: the client that still asks for it lost a race (409), it did not err (422).
LATE = frozenset({("cancelled", "accepted"), ("cancelled", "received"), ("cancelled", "rejected")})
COORDINATING_MOVES: Mapping[str, Move] = {"cancelled": _cancel, "failed": _hand_back}


def _require_only_status(before: Resource, after: Resource) -> None:
    changed = [name for name in FIXED if before.get(name) != after.get(name)]
    if changed:
        raise Refusal("not-a-move", expression=f"Task.{changed[0]}", state=before["status"], event=after.get("status"))


async def task(session: Session, viewer: Viewer, before: Resource, after: Resource) -> None:
    """Carry out the move between the Task as it was and as the client wants it. Same status: nothing to do."""
    if after.get("status") == before["status"]:
        _require_only_status(before, after)
        return
    _require_only_status(before, after)
    request = elements.reference_id(before.get("focus"), "ServiceRequest") or ""
    step = (before["status"], after.get("status", ""))
    if is_child_task(before):
        if step in LATE and (await record.lock(session, request)).request.performer not in (None, viewer.role):
            raise Refusal("already-taken")
        move = CHILD_MOVES.get(step)
    else:
        move = COORDINATING_MOVES.get(after.get("status", ""))
    if move is None:
        raise Refusal("not-a-move", expression="Task.status", state=step[0], event=step[1])
    await move(session, viewer, request, after)


async def withdraw(session: Session, viewer: Viewer, task_id: str, after: Resource) -> None:
    """The SAS withdraws what it handed over, also after a confirmation (sas.md 17.5): answered 200 whatever the Task says."""
    before = await resources.peek(session, "Task", task_id)
    if before is None:
        raise Refusal("not-found")
    request = elements.reference_id(before.get("focus"), "ServiceRequest") or ""
    await _cancel(session, viewer, request, after)


async def handoff(session: Session, viewer: Viewer, bundle: Resource) -> Received:
    """A transaction that hands a patient over (sas.md 17.2)."""
    return await handoffs.receive(session, viewer, bundle)
