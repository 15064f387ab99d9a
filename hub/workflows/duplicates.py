"""The warning of a possible duplicate: the same person under another file number within a day (sas.md 17.7)."""

from __future__ import annotations

from datetime import timedelta

from hub import clock, log
from hub.domain.care_request import CareRequest
from hub.storage import duplicates, resources
from hub.storage.session import Session

WITHIN = timedelta(hours=24)  # the national rule: a new call for the same reason is the same file


async def look(session: Session, request: CareRequest) -> None:
    """Compare a request just stored with those of the last day: both stay, and the operators of both are warned on their pages."""
    patient = await resources.peek(session, "Patient", request.patient)
    if patient is None:
        return
    now = clock.now()
    others = await duplicates.alike(session, request.id, patient, since=now - WITHIN)
    await duplicates.note(session, request.id, others, at=now)
    if others:
        log.event("request.possible-duplicate", request=request.id, count=len(others))
