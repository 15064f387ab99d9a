"""What goes to the DMP, when, and how it ended (workflow.md 7, dmp.md 4.4, 4.10).

The identifiers by which the DMP recognises a repeat are chosen here, when the message is put; whether it is a first
submission or a replacement is decided by the connector when its turn comes.
"""

from __future__ import annotations

import uuid
from typing import Any

from hub import clock, log
from hub.domain import notebook as rules
from hub.domain.notebook import Agreement, FilingState
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4.shapes import note as shape
from hub.storage import audit, filings, outbox, resources
from hub.storage.filings import Filing
from hub.storage.session import Session
from hub.workflows import patients
from hub.workflows.topics import DmpSubmission

Resource = dict[str, Any]

UUID_ARC = "2.25"  # ITU-T X.667: an OID made of a UUID, at most 44 characters, no leading zero


def new_oid() -> str:
    """A new OID for a document, a set or a submission."""
    return f"{UUID_ARC}.{uuid.uuid4().int}"


async def ask(session: Session, viewer: Viewer, note_id: str) -> Filing:
    """Promise to file the current version of a note. Raises the refusal of the rule that keeps it back
    (``dmp-not-informed``, ``dmp-objection``, ``ins-not-qualified``, ``dmp-mask-unknown``, ``already-filed``).
    """
    note = shape.read(await resources.lock(session, "DocumentReference", note_id))
    patient = await patients.of_request(session, note.patient)
    rules.require_fileable(note, await patients.agreement(session, note.patient), patient)
    before = await filings.of_note(session, note_id)
    if any(one.version == note.version and one.state in {FilingState.WAITING, FilingState.FILED} for one in before):
        raise Refusal("already-filed")
    asked = Filing(
        note=note_id,
        version=note.version,
        patient=note.patient,
        state=FilingState.WAITING,
        unique_id=new_oid(),
        set_id=before[0].set_id if before else new_oid(),
        submission_id=new_oid(),
        asked_by=viewer.name,
        asked_at=clock.now(),
    )
    await filings.ask(session, asked)
    message = DmpSubmission(
        note=note_id,
        version=note.version,
        unique_id=asked.unique_id,
        set_id=asked.set_id,
        submission_id=asked.submission_id,
        asked_by=viewer.id,
    )
    await outbox.put(session, message, lane=f"note/{note_id}")
    await audit.record(
        session, viewer=viewer, event="dmp.asked", patient=note.patient, resource=f"DocumentReference/{note_id}"
    )
    return asked


async def after_correction(session: Session, viewer: Viewer, note_id: str) -> None:
    """A corrected note is replaced in the DMP when it is filed there, or on its way."""
    before = await filings.of_note(session, note_id)
    if not any(one.state in {FilingState.WAITING, FilingState.FILED} for one in before):
        return
    try:
        await ask(session, viewer, note_id)
    except Refusal as rule:  # the author corrects in any case; the DMP keeps the former version, and the page says why
        await _hold(session, viewer, note_id, before[0].set_id, rule)


async def _hold(session: Session, viewer: Viewer, note_id: str, set_id: str, rule: Refusal) -> None:
    note, now = shape.read(await resources.lock(session, "DocumentReference", note_id)), clock.now()
    held = Filing(
        note=note_id,
        version=note.version,
        patient=note.patient,
        state=FilingState.HELD,
        unique_id=new_oid(),
        set_id=set_id,
        submission_id=new_oid(),
        asked_by=viewer.name,
        asked_at=now,
        code=rule.code,
        french=rule.text,
        remedy=rule.remedy,
        ended_at=now,
    )
    await filings.ask(session, held)
    await audit.record(
        session,
        viewer=viewer,
        event="dmp.held",
        patient=note.patient,
        resource=f"DocumentReference/{note_id}",
        details={"code": rule.code},
    )


async def require_agreement(session: Session, message: DmpSubmission) -> None:
    """Raises ``dmp-objection`` when the patient objected since the filing was asked, also between two tries (workflow.md 4.3)."""
    note = shape.read(await resources.lock(session, "DocumentReference", message.note))
    if await patients.agreement(session, note.patient) is Agreement.OBJECTS:
        raise Refusal("dmp-objection")


async def held(session: Session, message: DmpSubmission, code: str) -> None:
    """A rule of ours stopped it on its way: nothing more leaves, and the note says why. ``code`` is that of a refusal."""
    rule = Refusal(code)
    await refused(session, message, code=code, french=rule.text, remedy=rule.remedy, state=FilingState.HELD)


async def filed(session: Session, message: DmpSubmission, *, entry_uuid: str | None) -> None:
    """The DMP has it."""
    await filings.settle(session, message.unique_id, FilingState.FILED, at=clock.now(), entry_uuid=entry_uuid)
    await audit.record(session, viewer=Viewer.hub(), event="dmp.filed", resource=f"DocumentReference/{message.note}")
    log.event("dmp.filed", note=message.note, version=message.version)


async def refused(
    session: Session,
    message: DmpSubmission,
    *,
    code: str,
    french: str,
    remedy: str,
    state: FilingState = FilingState.REFUSED,
) -> None:
    """The DMP said no, or answered what nobody can read (``state`` REVIEW): the national code, our sentence and what to do."""
    await filings.settle(session, message.unique_id, state, at=clock.now(), code=code, french=french, remedy=remedy)
    await audit.record(
        session,
        viewer=Viewer.hub(),
        event="dmp.refused",
        resource=f"DocumentReference/{message.note}",
        details={"code": code},
    )
    log.event("dmp.refused", note=message.note, code=code)


async def replaced_unique_id(session: Session, message: DmpSubmission) -> str | None:
    """The uniqueId of the version now in the DMP, that this submission must replace; ``None`` for a first submission."""
    done = [one for one in await filings.of_note(session, message.note) if one.state is FilingState.FILED]
    return done[-1].unique_id if done else None


async def version_number(session: Session, message: DmpSubmission) -> int:
    """``versionNumber`` of the CDA: one more than the versions of this note already filed."""
    done = [one for one in await filings.of_note(session, message.note) if one.state is FilingState.FILED]
    return len(done) + 1
