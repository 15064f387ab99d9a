"""/patients and /patients/{id}: search, identity, circle, agreement about the DMP, notebook."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from starlette.responses import Response

from hub import codes
from hub.domain import hours
from hub.domain.notebook import DMP_MASKS, Mask
from hub.domain.people import Capacity
from hub.domain.refusal import Refusal
from hub.storage import audit
from hub.web import forms
from hub.web.call import PARIS, Call
from hub.web.forms import AgreementForm, PatientSearch, Wrong
from hub.web.reads import patients as reads
from hub.web.reads.patients import Entry, Record
from hub.workflows import notebook

MASKS = (
    (Mask.HIDDEN_FROM_PATIENT, "Cachée au patient"),
    (Mask.HIDDEN_FROM_REPRESENTATIVES, "Cachée aux représentants légaux"),
    (Mask.HIDDEN_FROM_PROFESSIONALS, "Cachée aux professionnels de santé"),
)


FIRST = {"type": "INTERV"}  # what the note form holds when it opens


async def search_page(call: Call) -> Response:
    """The latest ones; by name and birth date when they are asked, by a form that leaves no name in an address."""
    typed = {"nom": call.form.get("nom", "").strip(), "naissance": call.form.get("naissance", "").strip()}
    faults: tuple[forms.Fault, ...] = ()
    wanted = PatientSearch()
    try:
        wanted = forms.read(PatientSearch, typed)
    except Wrong as wrong:
        faults = wrong.faults
    today = call.now.astimezone(PARIS).date()
    async with call.reading() as session:
        found = await reads.find(session, call.viewer, name=wanted.nom, born=wanted.naissance, today=today)
    return await call.page(
        "patients/search.html",
        title="Patients",
        found=found,
        typed=typed,
        is_asked=bool(wanted.nom or wanted.naissance),
        summary=faults or None,
        status=422 if faults else 200,
    )


async def read_record(call: Call) -> Record:
    """The patient of the address. Raises ``not-found``."""
    today = call.now.astimezone(PARIS).date()
    async with call.reading() as session:
        found = await reads.record(session, call.viewer, call.path("id"), today)
    if found is None:
        raise Refusal("not-found")
    return found


async def show(call: Call) -> Response:
    """Everything about one patient; who looked is written down."""
    found = await read_record(call)
    async with call.transaction() as session:
        await audit.record(session, viewer=call.viewer, event="patient.viewed", patient=call.path("id"))
    return await page(
        call, found, typed={**FIRST, "dmp": "" if found.why_not_filed else "1", "demande": call.query("demande")}
    )


async def page(
    call: Call, found: Record, *, typed: Any, faults: tuple[forms.Fault, ...] = (), status: int = 200
) -> Response:
    """The page, with what was typed in the note form."""
    return await call.page(
        "patients/patient.html",
        status=422 if faults and status == 200 else status,
        title="Patient, cahier de liaison",
        one=found,
        days=_days(call, found.notebook or ()),
        typed=typed,
        summary=faults or None,
        kinds=[(row.code, row.display) for row in codes.table("JDV_J23")],
        masks=[(mask.value, label) for mask, label in MASKS if mask in DMP_MASKS],
        back={"href": "/patients", "label": "Patients"},
        may_write=found.notebook is not None and call.viewer.role is not None,
        is_operator=call.viewer.capacity is Capacity.OPERATOR,
    )


def _days(call: Call, entries: tuple[Entry, ...]) -> list[tuple[str, list[Entry]]]:
    """Notes under their days, newest first: « Aujourd'hui », « Lundi 16 novembre »."""

    def day_of(entry: Entry) -> Any:
        return entry.note.written_at.astimezone(PARIS).date()

    grouped = groupby(sorted(entries, key=lambda one: one.note.written_at, reverse=True), key=day_of)
    return [(hours.day(day, call.now, PARIS).capitalize(), list(ones)) for day, ones in grouped]


# -------------------------------------------------------------------------------- the agreement about the DMP


async def agreement_page(call: Call) -> Response:
    """One question, asked once, dated."""
    found = await read_record(call)
    return await _agreement(call, found)


async def _agreement(call: Call, found: Record, *, faults: tuple[forms.Fault, ...] = ()) -> Response:
    return await call.page(
        "patients/agreement.html",
        status=422 if faults else 200,
        title="Dépôt au DMP",
        one=found,
        summary=faults or None,
        deciding=True,
        back={"href": f"/patients/{found.patient.id}", "label": "Sa fiche"},
    )


async def record_agreement(call: Call) -> Response:
    """Keep the answer."""
    found = await read_record(call)
    try:
        answer = forms.read(AgreementForm, call.form)
    except Wrong:
        return await _agreement(call, found, faults=(forms.Fault(field="accord", text="Choisissez une réponse."),))
    async with call.transaction() as session:
        await notebook.record_agreement(session, call.viewer, found.patient.id, answer.agreement)
    return call.see(f"/patients/{found.patient.id}", "agreement")
