"""/demandes/{id}/rendez-vous and the call to the patient: propose, confirm, another time, refused, not reached, seen or absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from hub.domain.care_request import State
from hub.domain.refusal import Refusal
from hub.storage import accounts, situations
from hub.storage.session import Session
from hub.web import forms
from hub.web.call import KEPT, Call, faults_of
from hub.web.forms import AppointmentForm, ConfirmForm, Wrong
from hub.web.pages.requests import whole
from hub.web.reads.requests import Whole
from hub.workflows import appointments, requests

# Refusals of the rules that belong to a field of the form.
FIELDS = {"appointment-in-the-past": "jour", "appointment-range": "a", "appointment-without-time": "texte"}
KIND_TO_MODE = {"visite": "visite", "consultation": "cabinet", "teleconsultation": "visio", "telesoin": "visio"}


async def _phone(session: Session, role: str | None) -> str:
    """The number the patient may be told: the one its owner shows to colleagues."""
    situation = await situations.situation_of(session, role) if role else None
    account = await accounts.by_id(session, situation.account) if situation else None
    return account.contact_phone if account else ""


def _typed(found: Whole) -> dict[str, Any]:
    """What the form holds when it opens: as the former proposal, else as the request asks."""
    plan = found.appointment
    kind = plan.mode.value if plan else found.request.kind
    is_told = {
        "nom": "1" if plan is None or plan.tells_name else "",
        "tel": "1" if plan is None or plan.phone_told else "",
    }
    return {"mode": KIND_TO_MODE.get(kind, "visite"), "quand": "heure", **is_told}


async def _form(
    call: Call,
    found: Whole,
    *,
    phone: str,
    typed: Mapping[str, Any],
    faults: tuple[forms.Fault, ...] = (),
    is_counter: bool = False,
) -> Response:
    back = {
        "href": f"/demandes/{found.id}" if is_counter else "/demandes",
        "label": "Demande" if is_counter else "Demandes",
    }
    return await call.page(
        "requests/appointment.html",
        status=422 if faults else 200,
        title="Une autre heure" if is_counter else "Proposer un rendez-vous",
        deciding=True,
        one=found,
        back=back,
        typed=typed,
        summary=faults or None,
        own_phone=phone,
        is_counter=is_counter,
        today=found.today.isoformat(),
    )


async def show(call: Call) -> Response:
    """The acceptor's form."""
    async with call.reading() as session:
        found = await whole(call, session)
        phone = await _phone(session, call.viewer.role)
    if not found.is_mine or found.request.state not in (State.ACCEPTED, State.PROPOSED):
        return call.see(f"/demandes/{found.id}")
    return await _form(call, found, phone=phone, typed=_typed(found))


async def counter_page(call: Call) -> Response:
    """The same form for whoever calls, when the patient wants another time."""
    async with call.reading() as session:
        found = await whole(call, session)
        phone = await _phone(session, found.request.performer)
    if found.request.state is not State.PROPOSED:
        return call.see(f"/demandes/{found.id}")
    return await _form(call, found, phone=phone, typed=_typed(found), is_counter=True)


AGAIN = (forms.Fault(field="", text="Votre séance avait changé. Relisez, puis recommencez : rien n'est perdu."),)


async def redraw(call: Call) -> Response:
    """The acceptor's form with what was typed."""
    return await _redrawn(call, is_counter=False)


async def redraw_counter(call: Call) -> Response:
    """The caller's form with what was typed."""
    return await _redrawn(call, is_counter=True)


async def _redrawn(call: Call, *, is_counter: bool) -> Response:
    async with call.reading() as session:
        found = await whole(call, session)
        phone = await _phone(session, found.request.performer)
    return await _form(call, found, phone=phone, typed=call.form, faults=AGAIN, is_counter=is_counter)


async def propose(call: Call) -> Response:
    """The acceptor proposes."""
    return await _propose(call, is_counter=False)


async def counter(call: Call) -> Response:
    """Whoever called proposes what the patient said."""
    return await _propose(call, is_counter=True)


async def _propose(call: Call, *, is_counter: bool) -> Response:
    async with call.reading() as session:
        found = await whole(call, session)
        phone = await _phone(session, found.request.performer)
    workflow = appointments.counter if is_counter else appointments.propose
    try:
        proposal = forms.read(AppointmentForm, call.form).proposal(found.zone, phone=phone)
        async with call.transaction() as session:
            await workflow(session, call.viewer, found.id, proposal)
    except Wrong as wrong:
        return await _form(call, found, phone=phone, typed=call.form, faults=wrong.faults, is_counter=is_counter)
    except Refusal as refusal:
        if refusal.http not in KEPT:
            raise
        faults = faults_of(refusal, FIELDS)
        return await _form(call, found, phone=phone, typed=call.form, faults=faults, is_counter=is_counter)
    if is_counter:
        return call.see(f"/demandes/{found.id}", "countered")
    return call.see("/demandes", "proposed")


# -------------------------------------------------------------------------------- the call to the patient

ANSWERS = {
    "injoignable": (appointments.not_reached, "not-reached"),
    "joint": (appointments.reached, "reached"),
    "refus": (requests.patient_refuses, "patient-refused"),
}


async def answer(call: Call) -> Response:
    """What the patient answered. Another time, or an hour to note, leads to a form of its own."""
    id, said = call.path("id"), call.form.get("reponse", "")
    then = "/supervision" if call.viewer.role is None else f"/demandes/{id}"
    if said == "autre":
        return call.see(f"/demandes/{id}/autre-heure")
    if said == "heure":
        return call.see(f"/demandes/{id}/confirmer")
    if said == "oui":
        return await confirm(call)
    if said not in ANSWERS:
        raise Refusal("reason-required")
    workflow, flash = ANSWERS[said]
    async with call.transaction() as session:
        await workflow(session, call.viewer, id)
    return call.see(then, flash)


async def confirm_page(call: Call) -> Response:
    """The hour agreed on the phone, when the proposal was a range or words."""
    async with call.reading() as session:
        found = await whole(call, session)
    if found.request.state not in (State.PROPOSED, State.UNREACHABLE):
        return call.see(f"/demandes/{found.id}")
    return await _confirm_form(call, found, typed=_proposed(found))


def _proposed(found: Whole) -> dict[str, str]:
    """The hour of the proposal, to be changed or not; nothing when it was made in words."""
    plan = found.appointment
    start = (plan.start or plan.range_start) if plan else None
    end = (plan.end or plan.range_end) if plan else None
    if start is None or end is None:
        return {}
    begins, ends = start.astimezone(found.zone), end.astimezone(found.zone)
    return {"jour": begins.date().isoformat(), "de": f"{begins:%H:%M}", "a": f"{ends:%H:%M}"}


async def _confirm_form(
    call: Call, found: Whole, *, typed: Mapping[str, Any], faults: tuple[forms.Fault, ...] = ()
) -> Response:
    return await call.page(
        "requests/confirm.html",
        status=422 if faults else 200,
        title="Confirmer le rendez-vous",
        deciding=True,
        one=found,
        typed=typed,
        summary=faults or None,
        today=found.today.isoformat(),
        back={"href": f"/demandes/{found.id}", "label": "Demande"},
    )


async def confirm(call: Call) -> Response:
    """The patient agreed."""
    async with call.reading() as session:
        found = await whole(call, session)
    try:
        start, end = forms.read(ConfirmForm, call.form).times(found.zone)
        async with call.transaction() as session:
            await appointments.confirm(session, call.viewer, found.id, start=start, end=end)
    except Wrong as wrong:
        return await _confirm_form(call, found, typed=call.form, faults=wrong.faults)
    except Refusal as refusal:
        if refusal.http not in KEPT:
            raise
        return await _confirm_form(
            call, found, typed=call.form, faults=faults_of(refusal, {**FIELDS, "appointment-without-time": "jour"})
        )
    return call.see("/supervision" if call.viewer.role is None else f"/demandes/{found.id}", "confirmed")


async def outcome_page(call: Call) -> Response:
    """How it went."""
    async with call.reading() as session:
        found = await whole(call, session)
    if found.request.state is not State.CONFIRMED:
        return call.see(f"/demandes/{found.id}")
    back = {"href": f"/demandes/{found.id}", "label": "Demande"}
    return await call.page("requests/outcome.html", title="Après le rendez-vous", deciding=True, one=found, back=back)


async def outcome(call: Call) -> Response:
    """After the hour: seen, or absent."""
    was_seen = {"seen": True, "missed": False}.get(call.form.get("suite", ""))
    if was_seen is None:
        raise Refusal("reason-required")
    async with call.transaction() as session:
        done = await appointments.finish(session, call.viewer, call.path("id"), was_seen=was_seen)
    if was_seen and call.viewer.role is not None:
        return call.see(f"/patients/{done.patient}", "done")
    return call.see(f"/demandes/{done.id}", "done" if was_seen else "missed")


# -------------------------------------------------------------------------------- for a calendar


async def calendar(call: Call) -> Response:
    """The appointment for a calendar (RFC 5545), without the reason nor the name of anybody."""
    async with call.reading() as session:
        found = await whole(call, session)
    appointment = found.appointment
    if appointment is None or appointment.start is None or appointment.end is None:
        raise Refusal("not-found")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Colibri//Portail//FR",
        "BEGIN:VEVENT",
        f"UID:{appointment.id}@colibri",
        f"DTSTAMP:{_stamp(call.now)}",
        f"DTSTART:{_stamp(appointment.start)}",
        f"DTEND:{_stamp(appointment.end)}",
        f"SUMMARY:Rendez-vous Colibri {found.request.number}",
        f"URL:{call.house.context.public_url}/demandes/{found.id}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    headers = {"content-disposition": f'attachment; filename="rendez-vous-{found.request.number}.ics"'}
    return Response("\r\n".join(lines) + "\r\n", media_type="text/calendar; charset=utf-8", headers=headers)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
