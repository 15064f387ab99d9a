"""/patients/{id}/coordonnees and /patients/{id}/medecin-traitant: what an operator chooses after asking the patient."""

from __future__ import annotations

from starlette.responses import Response

from hub.domain.refusal import Refusal
from hub.web import forms
from hub.web.call import KEPT, Call
from hub.web.pages import patients as pages
from hub.workflows import patients, usual_gp


async def choose(call: Call) -> Response:
    """This phone, or this address, comes first."""
    id = call.path("id")
    async with call.transaction() as session:
        await patients.choose(session, call.viewer, id, call.form.get("quoi", ""), call.form.get("cle", ""))
    return call.see(f"/patients/{id}", "contact-chosen")


async def confirm(call: Call) -> Response:
    """The patient was asked and named this usual GP; without a number: the link is taken back."""
    id = call.path("id")
    try:
        async with call.transaction() as session:
            if call.form.get("retirer"):
                await usual_gp.withdraw(session, call.viewer, id)
                return call.see(f"/patients/{id}", "usual-gp-withdrawn")
            await usual_gp.confirm(session, call.viewer, id, call.form.get("rpps", ""))
    except Refusal as refusal:
        if refusal.http not in KEPT:
            raise
        fault = forms.Fault(field="rpps", text=f"{refusal.text} {refusal.remedy}".strip())
        return await pages.page(call, await pages.read_record(call), typed=call.form, faults=(fault,))
    return call.see(f"/patients/{id}", "usual-gp-confirmed")
