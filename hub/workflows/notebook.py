"""The liaison notebook: write, correct, and what the patient was told about the DMP (workflow.md 7)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from hub import clock
from hub.domain import notebook as rules
from hub.domain.notebook import Agreement, Mask, Note
from hub.domain.people import Capacity, Viewer
from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.r4.shapes import note as shape
from hub.storage import audit, grants, resources
from hub.storage.session import Session
from hub.workflows import circle, filing

Resource = dict[str, Any]


async def _require_member(session: Session, viewer: Viewer, patient: str) -> str:
    if viewer.role is None or not await grants.covers_patient(session, viewer, patient):
        raise Refusal("not-in-circle")
    return viewer.role


async def add(
    session: Session,
    viewer: Viewer,
    patient: str,
    *,
    kind: str,
    text: str,
    title: str = "",
    is_urgent: bool = False,
    mask: Mask | None = None,
    replies_to: str | None = None,
    request: str | None = None,
    to_dmp: bool = False,
) -> Note:
    """Write a note as a member of the circle; with ``to_dmp``, ask for its filing in the same transaction.

    Raises ``not-in-circle``, ``note-empty``, ``note-too-long``, and the refusals of :func:`hub.workflows.filing.ask`.
    """
    role = await _require_member(session, viewer, patient)
    note = rules.written(
        Note(
            id=str(uuid.uuid4()),
            patient=patient,
            author=role,
            kind=kind,
            title=title.strip(),
            text=text,
            written_at=clock.now(),
            is_urgent=is_urgent,
            mask=mask,
            replies_to=replies_to,
        )
    )
    await resources.create(session, viewer, shape.write(note, request=request), id=note.id)
    await circle.join(session, patient, role)  # an act for the patient: membership starts a new year
    await audit.record(
        session, viewer=viewer, event="note.written", patient=patient, resource=f"DocumentReference/{note.id}"
    )
    if to_dmp:
        await filing.ask(session, viewer, note.id)
    return note


async def correct(session: Session, viewer: Viewer, note_id: str, *, text: str, title: str = "") -> Note:
    """A new version by its author; the old one stays in the history, and a filed note is replaced in the DMP."""
    resource = await resources.lock(session, "DocumentReference", note_id)
    before = shape.read(resource)
    if viewer.role != before.author:
        raise Refusal("not-author")
    note = rules.written(replace(before, text=text, title=title.strip() or before.title, written_at=clock.now()))
    if (note.text, note.title) == (before.text, before.title):
        return (
            before  # nothing changed: no version, and nothing for the DMP, which refuses such a document (EX_GEN-1060)
        )
    saved = await resources.save(session, viewer, shape.write(note, resource))
    await audit.record(
        session, viewer=viewer, event="note.corrected", patient=note.patient, resource=f"DocumentReference/{note_id}"
    )
    await circle.acted(session, note.patient, note.author)
    await filing.after_correction(session, viewer, note_id)
    return replace(note, version=int(saved["meta"]["versionId"]))


async def record_agreement(session: Session, viewer: Viewer, patient: str, agreement: Agreement) -> None:
    """What the patient was told about feeding the DMP, dated, with who recorded it: a Consent (fhir.md 9.3)."""
    if viewer.capacity is not Capacity.OPERATOR:
        await _require_member(session, viewer, patient)
    if agreement is Agreement.NEVER_ASKED:
        raise Refusal("not-a-move", state="dmp-feeding", event=agreement)
    objects = agreement is Agreement.OBJECTS
    consent: Resource = {
        "resourceType": "Consent",
        "status": "active",
        "scope": elements.concept(names.CONSENT_SCOPE, "patient-privacy"),
        "category": [elements.concept(names.system("consent-category"), "dmp-feeding")],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": elements.written(clock.now()),
        "performer": [{"reference": f"PractitionerRole/{viewer.role}"}]
        if viewer.role
        else [{"reference": f"Organization/{viewer.organization}"}],
        "policyRule": elements.concept(names.ACT_CODE, "OPTOUT" if objects else "OPTIN"),
        "provision": {"type": "deny" if objects else "permit"},
    }
    await resources.create(session, viewer, consent)
    await audit.record(
        session, viewer=viewer, event="agreement.recorded", patient=patient, details={"agreement": agreement.value}
    )
