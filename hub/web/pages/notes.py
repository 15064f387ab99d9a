"""/patients/{id}/notes: write, read, correct, ask for the filing in the DMP again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from hub import codes
from hub.domain.notebook import FilingState
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import elements
from hub.storage import resources
from hub.storage.session import Session
from hub.web import forms
from hub.web.call import KEPT, Call, faults_of
from hub.web.forms import CorrectionForm, NoteForm, Wrong
from hub.web.pages import patients
from hub.web.reads import patients as reads
from hub.web.reads.patients import Entry
from hub.workflows import filing, notebook

# Refusals that belong to a field; the typed text comes back with them.
FIELDS = {
    "note-empty": "texte",
    "note-too-long": "texte",
    "dmp-not-informed": "dmp",
    "dmp-objection": "dmp",
    "ins-not-qualified": "dmp",
    "dmp-mask-unknown": "masque",
    "patient-incomplete": "dmp",
}


async def write(call: Call) -> Response:
    """Publish a note; with « Déposer au DMP », its filing is promised in the same transaction."""
    found = await patients.read_record(call)
    try:
        note = forms.read(NoteForm, call.form)
        if not codes.table("JDV_J23").has(note.type):
            raise Wrong(forms.Fault(field="type", text="Choisissez un type dans la liste."))
        async with call.transaction() as session:
            await notebook.add(
                session,
                call.viewer,
                call.path("id"),
                request=await _episode(session, call, note.demande),
                kind=note.type,
                text=note.texte,
                title=note.titre,
                is_urgent=note.urgent,
                mask=note.masque,
                to_dmp=note.dmp,
            )
    except Wrong as wrong:
        return await patients.page(call, found, typed=call.form, faults=wrong.faults)
    except Refusal as refusal:
        if refusal.http not in KEPT:
            raise
        return await patients.page(call, found, typed=call.form, faults=faults_of(refusal, FIELDS))
    return call.see(f"/patients/{call.path('id')}", "note-filed" if note.dmp else "note-written")


AGAIN = (forms.Fault(field="texte", text="Votre séance avait changé. Relisez, puis publiez : rien n'est perdu."),)


async def redraw(call: Call) -> Response:
    """The patient's page, with the note as it was typed."""
    return await patients.page(call, await patients.read_record(call), typed=call.form, faults=AGAIN)


async def redraw_correction(call: Call) -> Response:
    """The note's page, with the correction as it was typed."""
    return await _page(call, await _entry(call), typed=call.form, faults=AGAIN)


async def _episode(session: Session, call: Call, request: str | None) -> str | None:
    """The care request a note is written for, when it is one of this patient that the viewer sees whole."""
    stored = await resources.read(session, call.viewer, "ServiceRequest", request) if request else None
    if stored is None or stored.deleted or stored.level is not Level.FULL:
        return None
    subject = elements.reference_id(stored.json().get("subject"), "Patient")
    return stored.id if subject == call.path("id") else None


async def _entry(call: Call) -> Entry:
    async with call.reading() as session:
        entry = await reads.entry(session, call.viewer, call.path("note"))
    if entry is None or entry.note.patient != call.path("id"):
        raise Refusal("not-found")
    return entry


async def show(call: Call) -> Response:
    """One note, its versions, its filing, and the form to correct it for its author."""
    entry = await _entry(call)
    return await _page(call, entry, typed={"titre": entry.note.title, "texte": entry.note.text})


async def _page(
    call: Call, entry: Entry, *, typed: Mapping[str, Any], faults: tuple[forms.Fault, ...] = ()
) -> Response:
    async with call.reading() as session:
        versions = await reads.versions(session, call.viewer, entry.note.id)
    return await call.page(
        "patients/note.html",
        status=422 if faults else 200,
        title="Note du cahier de liaison",
        entry=entry,
        versions=versions,
        typed=typed,
        summary=faults or None,
        is_in_dmp=entry.filing is not None and entry.filing.state in (FilingState.WAITING, FilingState.FILED),
        back={"href": f"/patients/{entry.note.patient}", "label": "Cahier de liaison"},
    )


async def correct(call: Call) -> Response:
    """A new version by its author; a filed note is replaced in the DMP."""
    entry = await _entry(call)
    note = forms.read(CorrectionForm, call.form)
    try:
        async with call.transaction() as session:
            await notebook.correct(session, call.viewer, entry.note.id, text=note.texte, title=note.titre)
    except Refusal as refusal:
        if refusal.http not in KEPT:
            raise
        return await _page(call, entry, typed=call.form, faults=faults_of(refusal, {**FIELDS, "dmp-not-informed": ""}))
    return call.see(f"/patients/{call.path('id')}", "note-corrected")


async def file(call: Call) -> Response:
    """Ask for the filing, or ask again after a refusal."""
    entry = await _entry(call)
    async with call.transaction() as session:
        await filing.ask(session, call.viewer, entry.note.id)
    return call.see(f"/patients/{call.path('id')}", "filing-asked")
