"""Refusals and accidents as pages: the sentence, the remedy, the way back (portal, Refusal and Always)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import Response

from hub.domain.refusal import Refusal
from hub.web import nav
from hub.web.flashes import Flash
from hub.web.reads import outlines

if TYPE_CHECKING:
    from hub.web.call import Call

# Somebody was faster, or the time has passed: the page shows what else waits.
LOST = frozenset({"already-taken", "invitation-over", "response-delay-over"})
TITLES = {
    403: "Ce geste ne vous est pas ouvert",
    404: "Page introuvable",
    409: "La demande a changé",
    422: "Ce geste n'est pas possible",
}


def reference() -> str:
    """A short reference to give on the phone: « 7KQ2-14 », without letters that sound alike."""
    letters = "23456789CFGHJKQRVWX"
    picked = "".join(secrets.choice(letters) for _ in range(6))
    return f"{picked[:4]}-{picked[4:]}"


async def show(call: Call, refusal: Refusal) -> Response:
    """The page of a refusal. A lost race names another request that waits."""
    if refusal.code == "fresh-sign-in":
        return call.see(f"/connexion/psc/depart?{urlencode({'suite': call.request.url.path, 'recente': '1'})}")
    if refusal.code == "session-over":
        return await call.sign_in_first()
    if refusal.http == 404:
        return await not_found(call)
    more: tuple[str, ...] = ()
    href = verb = ""
    if refusal.code in LOST and call.visit is not None and call.visit.viewer is not None:
        more, href, verb = await _others(call)
    flash = Flash(title=refusal.text, text=refusal.remedy, kind="wait", more=more, href=href, verb=verb)
    back = {
        "href": nav.home(call.visit.viewer) if call.visit and call.visit.viewer else "/connexion",
        "label": "Revenir",
    }
    headers = {"HX-Retarget": "#messages", "HX-Reselect": "#messages"} if call.request.headers.get("hx-request") else {}
    answer = await call.page(
        "refusal.html", status=refusal.http, flash=flash, back=back, title=TITLES.get(refusal.http, "Geste refusé")
    )
    answer.headers.update(headers)
    if refusal.retry_after is not None:
        answer.headers["retry-after"] = str(refusal.retry_after)
    return answer


async def _others(call: Call) -> tuple[tuple[str, ...], str, str]:
    async with call.reading() as session:
        waiting = await outlines.waiting(session, call.viewer)
    if not waiting:
        return ("Aucune autre demande ne vous attend.",), "/demandes", "Revenir à mes demandes"
    first = waiting[0]
    left = first.left(call.now)
    detail = f"Une autre attend encore : {first.title[:1].lower()}{first.title[1:]}"
    line = f"{detail}, {left.words[:1].lower()}{left.words[1:]}." if left else f"{detail}."
    return (line,), f"/demandes/{first.id}", "Voir l'autre demande"


async def not_found(call: Call) -> Response:
    """Unknown and not yours are the same page."""
    viewer = call.visit.viewer if call.visit else None
    back = {"href": nav.home(viewer) if viewer else "/connexion", "label": "Mes demandes" if viewer else "Se connecter"}
    return await call.page("not-found.html", status=404, title="Page introuvable", back=back)


async def broken(call: Call, mark: str) -> Response:
    """Something of ours broke: nothing is lost, and here is what to say on the phone."""
    return await call.page("broken.html", status=500, title="Panne de notre côté", mark=mark)
