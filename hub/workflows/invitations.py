"""The persons asked about a request: one child Task each, its statuses, and the grant that goes with it (fhir.md 9.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hub import clock
from hub.domain.care_request import CareRequest
from hub.domain.people import Viewer, role_key
from hub.domain.visibility import Level
from hub.domain.waves import Candidate
from hub.r4 import elements, names
from hub.storage import grants, resources
from hub.storage.session import Session

Resource = dict[str, Any]

OPEN = frozenset({"requested", "received"})
# What happens to an invitation: Task.status and businessStatus (fhir.md 9.1).
ENDINGS: Mapping[str, tuple[str, str | None]] = {
    "accepted": ("accepted", None),
    "in-progress": ("in-progress", None),
    "completed": ("completed", None),
    "declined": ("rejected", None),
    "taken-by-other": ("cancelled", "taken-by-other"),
    "wave-over": ("cancelled", "wave-over"),
    "withdrawn": ("cancelled", "withdrawn"),
    "released": ("failed", "released"),
}


async def of_request(session: Session, request: CareRequest) -> list[Resource]:
    """Every child Task of the current attempt, locked, oldest first."""
    tasks = await resources.of_request(session, "Task", request.id, lock=True)
    parent = f"Task/{request.task}"
    return [task for task in tasks if any(part.get("reference") == parent for part in task.get("partOf", []))]


def owner(task: Resource) -> str:
    """PractitionerRole id of the person asked."""
    return elements.reference_id(task.get("owner"), "PractitionerRole") or ""


def is_open(task: Resource) -> bool:
    """Asked, and neither answered nor closed."""
    return task["status"] in OPEN


def latest(tasks: Iterable[Resource], role: str | None) -> Resource | None:
    """The last invitation of a person: somebody asked anew has several."""
    mine = [task for task in tasks if owner(task) == role]
    return mine[-1] if mine else None


async def is_asked(session: Session, viewer: Viewer, request: CareRequest) -> bool:
    """Whether the viewer holds an open invitation to this request."""
    if viewer.role is None:
        return False
    task = latest(await of_request(session, request), viewer.role)
    return task is not None and is_open(task)


async def ask(
    session: Session, request: CareRequest, people: Iterable[Candidate], *, wave: int, until: datetime
) -> list[Candidate]:
    """Invite these people until the end of the wave; those already asked stay asked, without a second notice.

    Returns those who are asked for the first time in this attempt.
    """
    present = {owner(task): task for task in await of_request(session, request)}
    fresh: list[Candidate] = []
    for person in people:
        task = present.get(person.role)
        if task is None or task["status"] == "cancelled":  # lost it to somebody who gave it back: asked anew
            await resources.create(session, Viewer.hub(), _task(request, person, wave=wave, until=until))
            await grants.give(
                session,
                audience=role_key(person.role),
                level=Level.OUTLINE,
                request=request.id,
                patient=request.patient,
            )
            fresh.append(person)
        elif is_open(task):
            task["restriction"]["period"]["end"] = elements.written(until)
            await resources.save(session, Viewer.hub(), task)
    return fresh


def _task(request: CareRequest, person: Candidate, *, wave: int, until: datetime) -> Resource:
    now = elements.written(clock.now())

    def given(name: str, value: Resource) -> Resource:
        return {"type": elements.concept(names.system("task-input"), name), **value}

    inputs = [given("wave", {"valuePositiveInt": wave})]
    if person.kilometres is not None:
        inputs.append(given("distance-km", {"valueInteger": person.kilometres}))
        inputs.append(given("distance-precision", {"valueCode": person.precision.value}))
    return {
        "resourceType": "Task",
        "partOf": [{"reference": f"Task/{request.task}"}],
        "focus": {"reference": f"ServiceRequest/{request.id}"},
        "for": {"reference": f"Patient/{request.patient}"},
        "status": "requested",
        "intent": "order",
        "code": elements.concept(names.TASK_CODE, "fulfill"),
        "authoredOn": now,
        "lastModified": now,
        "requester": {"reference": f"Organization/{request.network}"},
        "owner": {"reference": f"PractitionerRole/{person.role}"},
        "restriction": {"period": {"start": now, "end": elements.written(until)}},
        "input": inputs,
    }


async def end(session: Session, task: Resource, how: str, *, reason: str | None = None) -> None:
    """Close or move one invitation. ``how`` is a key of ``ENDINGS``; ``reason`` a code of CodeSystem decline-reason."""
    status, business = ENDINGS[how]
    task["status"] = status
    task["lastModified"] = elements.written(clock.now())
    elements.set_coding(task, "businessStatus", names.system("handoff-business-status"), business)
    if reason is not None:
        task["statusReason"] = elements.concept(names.system("decline-reason"), reason)
    await resources.save(session, Viewer.hub(), task)


async def close(session: Session, request: CareRequest, how: str, *, keep: frozenset[str] = frozenset()) -> None:
    """Close every open invitation but those of the roles kept, and take the outline back from those who lose it."""
    for task in await of_request(session, request):
        if is_open(task) and owner(task) not in keep:
            await end(session, task, how)
            audience = role_key(owner(task))
            await grants.withdraw(session, audience=audience, request=request.id, level=Level.OUTLINE)


async def opened(session: Session, viewer: Viewer, request: CareRequest) -> None:
    """The person looked at the request for the first time: requested becomes received."""
    for task in await of_request(session, request):
        if owner(task) == viewer.role and task["status"] == "requested":
            task["status"] = "received"
            task["lastModified"] = elements.written(clock.now())
            await resources.save(session, Viewer.hub(), task)
