"""/reglages/alertes: the addresses where a person is told, proved by their owner, the channels and the hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from hub.domain.hours import DAYS, HOLIDAY
from hub.domain.refusal import Refusal
from hub.storage import sign_ins, situations
from hub.storage.situations import Preference
from hub.web import forms, marks
from hub.web.call import Call
from hub.web.forms import AlertsForm, Fault, Wrong
from hub.web.pages.account import TABS
from hub.workflows import accounts

DAY_WORDS = dict(zip(DAYS, ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"), strict=True)) | {
    HOLIDAY: "jours fériés"
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MIDNIGHT, LAST_MINUTE = "24:00", "23:59"  # a time field cannot hold the first
CODE_COOKIE = "colibri-code"  # id of the code just sent: says nothing without the code


async def show(call: Call) -> Response:
    """Addresses with their state, channels, hours."""
    return await _page(call, typed={})


async def _page(call: Call, *, typed: Mapping[str, Any], faults: tuple[Fault, ...] = ()) -> Response:
    assert call.visit is not None
    role = call.viewer.role
    async with call.reading() as session:
        wish = await situations.preference_of(session, role) if role else None
    return await call.page(
        "settings/alerts.html",
        status=422 if faults else 200,
        title="Alertes",
        tabs=TABS,
        here="/reglages/alertes",
        account=call.visit.account,
        wish=wish,
        days=DAY_WORDS,
        span=_span(wish),
        typed=typed,
        summary=faults or None,
    )


def _span(wish: Preference | None) -> tuple[str, str]:
    """The hours of the first day that has some: the form keeps one span for all days."""
    periods = next((found for found in (wish.hours if wish else {}).values() if found), ["08:00-20:00"])
    begin, end = str(periods[0]).split("-")
    return begin, LAST_MINUTE if end == MIDNIGHT else end


async def save(call: Call) -> Response:
    """Channels and hours."""
    role = call.viewer.role
    if role is None:
        raise Refusal("not-found")
    try:
        asked = forms.read(AlertsForm, call.form)
        end = f"{asked.a:%H:%M}"
        span = f"{asked.de:%H:%M}-{MIDNIGHT if end == LAST_MINUTE else end}"
        hours = {day: [span] for day in DAY_WORDS if call.form.get(f"jour_{day}")}
        async with call.transaction() as session:
            await accounts.set_preferences(
                session, call.viewer, role, by_email=asked.courriel, by_sms=asked.sms, hours=hours
            )
    except Wrong as wrong:
        return await _page(call, typed=call.form, faults=wrong.faults)
    except Refusal as refusal:
        if refusal.http != 422:
            raise
        return await _page(call, typed=call.form, faults=(Fault(field="de", text=f"{refusal.text} {refusal.remedy}"),))
    return call.see("/reglages/alertes", "saved")


# -------------------------------------------------------------------------------- e-mail, by a link


async def ask_email(call: Call) -> Response:
    """Send the link that proves the address."""
    assert call.visit is not None
    address = call.form.get("courriel", "").strip()
    if not EMAIL.fullmatch(address):
        fault = Fault(field="courriel", text="Cette adresse n'est pas complète : il faut un @ et un domaine.")
        return await _page(call, typed=call.form, faults=(fault,))
    async with call.transaction() as session:
        await accounts.ask_confirmation(session, call.visit.account.id, channel="email", address=address)
    return call.see("/reglages/alertes", "link-sent")


async def email_page(call: Call) -> Response:
    """The link opens a page with one button: a mail reader that follows links confirms nothing."""
    browser = marks.new_or_known(call)
    answer = await call.page(
        "settings/confirm-email.html", title="Confirmer l’adresse", token=call.path("token"), mark=marks.of(browser)
    )
    return marks.keep(call, answer, browser)


async def confirm_email(call: Call) -> Response:
    """The owner of the mailbox confirms."""
    marks.require(call)
    id, _, given = call.form.get("jeton", "").partition(".")
    await accounts.use_code(call.house.context.database, id, given, purpose="confirm")
    return call.see("/reglages/alertes" if call.visit else "/connexion", "confirmed-email")


# -------------------------------------------------------------------------------- mobile, by a code


def international(number: str) -> str | None:
    """« +33639981109 » from a French mobile number in any usual form, else ``None``."""
    digits = re.sub(r"[\s.\-()]", "", number)
    found = re.fullmatch(r"(?:\+33|0033|0)([67][0-9]{8})", digits)
    return f"+33{found[1]}" if found else None


async def ask_mobile(call: Call) -> Response:
    """Send the code that proves the number."""
    assert call.visit is not None
    number = international(call.form.get("mobile", ""))
    if number is None:
        fault = Fault(field="mobile", text="Ce numéro n'est pas un mobile français : 10 chiffres, en 06 ou 07.")
        return await _page(call, typed=call.form, faults=(fault,))
    async with call.transaction() as session:
        id = await accounts.ask_confirmation(session, call.visit.account.id, channel="sms", address=number)
    answer = call.see("/reglages/alertes/code", "code-sent")
    answer.set_cookie(
        CODE_COOKIE, id, max_age=600, path="/reglages", httponly=True, samesite="lax", secure=call.is_secure
    )
    return answer


async def code_page(call: Call) -> Response:
    """Four digits."""
    return await _code(call)


async def _code(call: Call, refusal: Refusal | None = None) -> Response:
    assert call.visit is not None
    id = call.request.cookies.get(CODE_COOKIE, "")
    async with call.reading() as session:
        code = await sign_ins.code(session, id) if id else None
    if code is None or code.account != call.visit.account.id:
        return call.see("/reglages/alertes")
    faults = (Fault(field="code", text=f"{refusal.text} {refusal.remedy}"),) if refusal else ()
    return await call.page(
        "settings/code.html",
        status=refusal.http if refusal else 200,
        title="Confirmer le mobile",
        address=code.address,
        summary=faults or None,
        back={"href": "/reglages/alertes", "label": "Alertes"},
    )


async def confirm_mobile(call: Call) -> Response:
    """The code received."""
    id = call.request.cookies.get(CODE_COOKIE, "")
    try:
        await accounts.use_code(call.house.context.database, id, call.form.get("code", ""), purpose="confirm")
    except Refusal as refusal:
        if refusal.code not in ("code-wrong", "code-expired"):
            raise
        return await _code(call, refusal)
    answer = call.see("/reglages/alertes", "confirmed-mobile")
    answer.delete_cookie(CODE_COOKIE, path="/reglages")
    return answer
