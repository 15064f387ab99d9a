"""The usual GP of a patient: whom somebody named, until the link is confirmed; then of the circle, masked notes included.

The word of an issuer alone opens nothing (workflow.md 4.3). An operator confirms after asking the patient; so does the act of the
named professional who accepts a request for that patient.
"""

from __future__ import annotations

from typing import Any

from hub import clock
from hub.domain.identifiers import Rpps
from hub.domain.people import Capacity, Viewer, usual_gp_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4.shapes import patient as shape
from hub.r4.shapes import usual_gp as links
from hub.r4.shapes.usual_gp import Confirmation
from hub.storage import audit, grants, resources, situations
from hub.storage.session import Session
from hub.workflows import circle

Resource = dict[str, Any]


async def confirm(session: Session, viewer: Viewer, patient: str, number: str) -> str:
    """An operator writes that the patient was asked. ``number``: RPPS, 11 or 12 digits; the national identifier comes back.

    Raises ``bad-identifier``, ``not-allowed``, ``not-found``. Another one confirmed before loses what the link gave.
    """
    await _require_operator(session, viewer, patient)
    national_id = str(Rpps.parse(number).national)
    said = Confirmation(national_id=national_id, at=clock.now(), by=viewer.name)
    await _keep(session, viewer, patient, said)
    return national_id


async def withdraw(session: Session, viewer: Viewer, patient: str) -> None:
    """An operator writes that the link is no longer: the professional stays named, and reads no more than others."""
    await _require_operator(session, viewer, patient)
    known = await resources.lock(session, "Patient", patient)
    await _undo(session, viewer, known)


async def accepted(session: Session, viewer: Viewer, request: str, patient: str) -> None:
    """Somebody accepted a request: when it is the usual GP that the patient's record names, the link is confirmed by that act."""
    known = await resources.peek(session, "Patient", patient)
    named = shape.usual_gp(known) if known else None
    if known is None or named is None or usual_gp_key(named) not in viewer.keys or links.confirmed(known) is not None:
        return
    said = Confirmation(national_id=named, at=clock.now(), by=viewer.name, request=request)
    await _keep(session, viewer, patient, said)


async def released(session: Session, viewer: Viewer, request: str, patient: str) -> None:
    """The act that had confirmed the link is taken back: so is the link."""
    known = await resources.lock(session, "Patient", patient)
    said = links.confirmed(known)
    if said is not None and said.request == request:
        await _undo(session, viewer, known)


async def _require_operator(session: Session, viewer: Viewer, patient: str) -> None:
    seen = await resources.read(session, viewer, "Patient", patient)
    if seen is None or seen.deleted or seen.level is not Level.FULL:
        raise Refusal("not-found")
    if viewer.capacity is not Capacity.OPERATOR:
        raise Refusal("not-allowed")


async def _keep(session: Session, viewer: Viewer, patient: str, said: Confirmation) -> None:
    known = await resources.lock(session, "Patient", patient)
    before = links.confirmed(known)
    if before is not None and before.national_id == said.national_id:
        return
    if before is not None:
        await _undo(session, viewer, known)
        known = await resources.lock(session, "Patient", patient)
    await resources.save(session, viewer, links.confirm(known, said))
    await grants.give(session, audience=usual_gp_key(said.national_id), level=Level.FULL, patient=patient)
    role = await situations.role_of_person(session, said.national_id)
    await circle.welcome(session, patient, links.member(said.national_id, role))
    await audit.record(
        session, viewer=viewer, event="usual-gp.confirmed", patient=patient,
        details={"how": "acceptance" if said.request else "operator"},
    )  # fmt: skip


async def _undo(session: Session, viewer: Viewer, known: Resource) -> None:
    said = links.confirmed(known)
    if said is None:
        return
    await resources.save(session, viewer, links.confirm(known, None))
    await grants.withdraw(session, audience=usual_gp_key(said.national_id), patient=known["id"])
    await circle.dismiss_usual_gp(session, known["id"])
    await audit.record(session, viewer=viewer, event="usual-gp.withdrawn", patient=known["id"])
