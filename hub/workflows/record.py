"""The two resources of a care request, locked together and kept together: whoever changes one changes the board and tells
the issuer in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub import clock
from hub.domain.care_request import CareRequest
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4 import elements
from hub.r4.shapes import care_request as shape
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import announce, board, circle

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A request with its uncut resources, both locked until the end of the transaction."""

    request: CareRequest
    service_request: Resource
    task: Resource


async def lock(session: Session, request_id: str) -> Record:
    """Lock a request: ServiceRequest first, then its latest coordinating Task, always in that order.

    Raises ``Refusal("not-found")``.
    """
    service_request = await resources.lock(session, "ServiceRequest", request_id)
    tasks = await resources.of_request(session, "Task", request_id, lock=True)
    coordinating = [task for task in tasks if not task.get("partOf")]
    if not coordinating:
        raise Refusal("not-found")
    task = max(coordinating, key=lambda one: shape.read(service_request, one).attempt)
    return Record(request=shape.read(service_request, task), service_request=service_request, task=task)


async def keep(session: Session, viewer: Viewer, record: Record, request: CareRequest) -> CareRequest:
    """Save a decided request: resources, board row, and the word to whoever handed it over. What its performer does is an act
    for the patient, and keeps them in the circle.
    """
    shape.write(request, record.service_request, record.task, modified=elements.written(clock.now()))
    await resources.save(session, viewer, record.service_request)
    task = await resources.save(session, viewer, record.task)
    await board.refresh(session, request, record.service_request)
    await announce.outcome(session, request, version=int(task["meta"]["versionId"]))
    if viewer.role is not None and viewer.role == request.performer:
        await circle.acted(session, request.patient, viewer.role)
    return request
