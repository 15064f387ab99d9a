"""/reglages: which requests a professional wants, a pause for today, the sessions open now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from hub import clock, codes
from hub.domain.preferences import WIDEST_RADIUS_KM
from hub.domain.refusal import Refusal
from hub.storage import accounts as store
from hub.storage import sign_ins, situations, territories
from hub.storage.situations import Preference
from hub.web import forms
from hub.web.call import PARIS, Call
from hub.web.forms import Fault, SettingsForm, Wrong
from hub.workflows import accounts

TABS = (
    ("/reglages/soins", "Demandes"),
    ("/reglages/alertes", "Alertes"),
    ("/reglages/seances", "Séances"),
    ("/situation", "Situation"),
)


def own_role(call: Call) -> str:
    """The situation whose settings are shown. Raises ``not-found`` for those who have none."""
    if call.viewer.role is None:
        raise Refusal("not-found")
    return call.viewer.role


async def _wish(call: Call, role: str) -> Preference:
    async with call.reading() as session:
        found = await situations.preference_of(session, role)
    if found is None:
        raise Refusal("not-found")
    return found


def _typed(wish: Preference) -> dict[str, Any]:
    ticked = {f"prise_{kind}": "1" for kind in wish.kinds}
    is_volunteer = wish.network is not None and wish.network in wish.sas_networks
    return {
        "reseau": wish.network or "",
        "sas": "1" if is_volunteer else "",
        "rayon": str(wish.radius_km),
        "maximum": str(wish.max_open or ""),
        **ticked,
    }


async def care_page(call: Call) -> Response:
    """CPTS, volunteering for the SAS, radius, kinds of care."""
    wish = await _wish(call, own_role(call))
    return await _care(call, wish, typed=_typed(wish))


async def _care(call: Call, wish: Preference, *, typed: Mapping[str, Any], faults: tuple[Fault, ...] = ()) -> Response:
    async with call.reading() as session:
        networks = await territories.all_networks(session)
        account = await store.by_id(session, call.viewer.account or "")
    today = clock.now().astimezone(PARIS).date().isoformat()
    return await call.page(
        "settings/care.html",
        status=422 if faults else 200,
        title="Réglages",
        tabs=TABS,
        here="/reglages/soins",
        networks=networks,
        kinds=[(row.code, row.display) for row in codes.table("hub-kind-of-care")],
        typed=typed,
        phone_told=typed.get("telephone", account.contact_phone if account else ""),
        widest=WIDEST_RADIUS_KM,
        is_paused=any(begin <= today <= end for begin, end in wish.absences),
        summary=faults or None,
    )


async def save_care(call: Call) -> Response:
    """Keep them; the row by which the person is found follows."""
    role = own_role(call)
    wish = await _wish(call, role)
    try:
        asked = forms.read(SettingsForm, call.form)
        kinds = [row.code for row in codes.table("hub-kind-of-care") if call.form.get(f"prise_{row.code}")]
        async with call.transaction() as session:
            network = await territories.by_id(session, asked.reseau) if asked.reseau else None
            others = [
                one for one in wish.sas_networks if one != wish.network and (network is None or one != network.id)
            ]
            changes = {
                "network": network.id if network else None,
                "sas_networks": [*others, network.id] if network and asked.sas else others,
                "radius_km": asked.rayon,
                "max_open": asked.maximum,
                "kinds": kinds,
            }
            await accounts.set_preferences(session, call.viewer, role, **changes)
            if asked.telephone is not None:
                await accounts.set_contact_phone(session, call.viewer, asked.telephone)
    except Wrong as wrong:
        return await _care(call, wish, typed=call.form, faults=wrong.faults)
    except Refusal as refusal:
        if refusal.http != 422:
            raise
        fault = Fault(field="rayon", text=f"{refusal.text} {refusal.remedy}")
        return await _care(call, wish, typed=call.form, faults=(fault,))
    return call.see("/reglages/soins", "saved")


async def pause(call: Call) -> Response:
    """Nothing more today; the second touch takes it back."""
    role = own_role(call)
    wish = await _wish(call, role)
    today = clock.now().astimezone(PARIS).date().isoformat()
    is_paused = [today, today] in wish.absences
    absences = [one for one in wish.absences if one != [today, today]]
    async with call.transaction() as session:
        await accounts.set_preferences(
            session, call.viewer, role, absences=absences if is_paused else [*absences, [today, today]]
        )
    return call.see("/reglages/soins", "resumed" if is_paused else "paused")


# -------------------------------------------------------------------------------- sessions open now


async def sessions_page(call: Call) -> Response:
    """Where one is signed in."""
    assert call.visit is not None
    async with call.reading() as session:
        opened = await sign_ins.sessions_of(session, call.visit.account.id)
    means = {"psc": "Pro Santé Connect", "local": "Compte Colibri"}
    return await call.page(
        "settings/sessions.html",
        title="Séances",
        tabs=TABS,
        here="/reglages/seances",
        opened=[
            {
                **{name: asdict(one)[name] for name in ("created_at", "active_at")},
                "means": means[one.means],
                "is_this": one.id == call.visit.session.id,
            }
            for one in opened
        ],
    )


async def close_sessions(call: Call) -> Response:
    """End every session but this one."""
    assert call.visit is not None
    async with call.transaction() as session:
        await sign_ins.end_account_sessions(
            session, call.visit.account.id, at=call.now, why="closed-by-owner", but=call.visit.session.id
        )
    return call.see("/reglages/seances", "sessions-closed")
