"""A client's change to a Task or a ServiceRequest, read as a workflow call (fhir.md 9.1).

State machines have one door: what is not a move of the tables below is refused with 422 ``not-a-move``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub import codes
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import is_child_task
from hub.r4 import elements, names
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import appointments, handoffs, record, requests
from hub.workflows.handoffs import Received

Resource = dict[str, Any]
Move = Callable[[Session, Viewer, str, Resource], Awaitable[object]]

# What a write that moves a Task may say. Anything else that differs is refused: it would be lost, not stored.
OF_A_MOVE = frozenset({"status", "statusReason", "businessStatus", "lastModified", "meta"})
# The businessStatus that goes with a status a client may set (sas.md 17.5, fhir.md 9.1).
SAID = frozenset({"statusReason", "businessStatus"})
BUSINESS = {"failed": frozenset({"released", "handed-back", "redirected-amu"}), "cancelled": frozenset({"withdrawn"})}


def _reason(task: Resource, system: str, default: str) -> str:
    """The code of that system in statusReason. Raises ``Refusal("bad-code")`` when the reason has codes but none we know."""
    reason = task.get("statusReason", {})
    code = elements.code(reason, names.system(system))
    if code is None and not reason.get("coding"):
        return default
    if code is None or not codes.table(f"hub-{system}").has(code):
        given = code or reason["coding"][0].get("code", "")
        raise Refusal("bad-code", expression="Task.statusReason.coding[0]", value=given, table=system)
    return code


async def _accept(session: Session, viewer: Viewer, request: str, _task: Resource) -> object:
    return await requests.accept(session, viewer, request)


async def _open(session: Session, viewer: Viewer, request: str, _task: Resource) -> None:
    await requests.opened(session, viewer, request)


async def _decline(session: Session, viewer: Viewer, request: str, task: Resource) -> None:
    await requests.decline(session, viewer, request, _reason(task, "decline-reason", "other"))


async def _release(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    return await requests.release(session, viewer, request, _reason(task, "decline-reason", "other"))


async def _finish(session: Session, viewer: Viewer, request: str, _task: Resource) -> object:
    return await appointments.finish(session, viewer, request, was_seen=True)


async def _cancel(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    return await requests.cancel(session, viewer, request, _reason(task, "cancel-reason", "withdrawn-by-issuer"))


async def _hand_back(session: Session, viewer: Viewer, request: str, task: Resource) -> object:
    business = elements.code(task.get("businessStatus"), names.system("handoff-business-status"))
    default = "worsening" if business == "redirected-amu" else "out-of-scope"
    return await requests.hand_back(session, viewer, request, _reason(task, "handoff-failure", default))


CHILD_MOVES: Mapping[tuple[str, str], Move] = {
    ("requested", "received"): _open,
    ("requested", "accepted"): _accept,
    ("received", "accepted"): _accept,
    ("requested", "rejected"): _decline,
    ("received", "rejected"): _decline,
    ("accepted", "failed"): _release,
    ("in-progress", "failed"): _release,
    ("in-progress", "completed"): _finish,
}
# A child Task closed because somebody was faster: the client that still asks for it lost a race (409), it did not err (422).
LATE = frozenset({("cancelled", "accepted"), ("cancelled", "received"), ("cancelled", "rejected")})
COORDINATING_MOVES: Mapping[str, Move] = {"cancelled": _cancel, "failed": _hand_back}


def _require_only_a_move(before: Resource, after: Resource) -> None:
    different = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    moved = before["status"] != after.get("status")
    changed = [name for name in different if name not in (OF_A_MOVE if moved else OF_A_MOVE - SAID)]
    business = elements.code(after.get("businessStatus"), names.system("handoff-business-status"))
    if "businessStatus" in different and business not in {None, *BUSINESS.get(after.get("status", ""), ())}:
        changed.append("businessStatus")
    if changed:
        raise Refusal("not-a-move", expression=f"Task.{changed[0]}", state=before["status"], event=after.get("status"))


async def task(session: Session, viewer: Viewer, before: Resource, after: Resource) -> None:
    """Carry out the move between the Task as it was and as the client wants it. Same status: nothing to do."""
    _require_only_a_move(before, after)
    if after.get("status") == before["status"]:
        return
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
