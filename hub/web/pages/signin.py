"""/connexion: the way to Pro Santé Connect and back, the two steps of a local sign-in, signing out, and logout from the issuer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from hub import log
from hub.connectors.failure import ConnectorFailure
from hub.domain.refusal import Refusal
from hub.storage import sign_ins
from hub.web import marks, nav, sign_in
from hub.web.call import Call
from hub.web.flashes import Flash
from hub.web.sign_in import Entrance, safe_path
from hub.workflows import local_sign_in

CHANNELS = {
    "sms": "Un code à 4 chiffres vient de partir par SMS, au numéro qui finit par {hint}.",
    "email": "Un code à 4 chiffres vient de partir par courriel, à {hint}.",
    "totp": "Ouvrez votre application de codes et recopiez les 6 chiffres de Colibri.",
}


async def show(call: Call) -> Response:
    """The door. Somebody already signed in goes on."""
    suite = safe_path(call.query("suite"))
    if call.visit is not None:
        return call.see(
            suite if suite != sign_in.HOME else nav.home(call.visit.viewer) if call.visit.viewer else "/situation"
        )
    return await _door(call, suite)


async def _door(call: Call, suite: str, *, status: int = 200, flash: Flash | None = None, typed: str = "") -> Response:
    browser = marks.new_or_known(call)
    departure = "/connexion/psc/depart"
    if suite != sign_in.HOME:
        departure += f"?{urlencode({'suite': suite}, safe='/', quote_via=quote)}"
    answer = await call.page(
        "signin/door.html",
        status=status,
        flash=flash,
        title="S’identifier",
        suite=suite,
        departure=departure,
        mark=marks.of(browser),
        typed=typed,
    )
    return marks.keep(call, answer, browser)


def _said(refusal: Refusal) -> Flash:
    return Flash(title=refusal.text, text=refusal.remedy, kind="wait")


async def depart(call: Call) -> Response:
    """To Pro Santé Connect: a link, because a form may not lead to another origin."""
    suite = safe_path(call.query("suite"))
    try:
        departure = await sign_in.begin_sign_in(
            call.house.sessions, browser=marks.browser(call), return_to=suite, fresh=call.query("recente") == "1"
        )
    except Refusal as refusal:
        return await _door(call, suite, status=refusal.http, flash=_said(refusal))
    return marks.keep(call, RedirectResponse(departure.url, status_code=302), departure.cookie)


async def comeback(call: Call) -> Response:
    """Back from Pro Santé Connect."""
    sessions = call.house.sessions
    try:
        entrance = await sign_in.finish_sign_in(
            sessions,
            query=dict(call.request.query_params),
            browser=marks.browser(call),
            former=call.request.cookies.get(sessions.policy.cookie),
        )
    except Refusal as refusal:
        return await _door(call, sign_in.HOME, status=refusal.http, flash=_said(refusal))
    return _entered(call, entrance)


def _entered(call: Call, entrance: Entrance) -> Response:
    """Cookie in hand, to where the person was going, through the choice of a capacity when there is one to make."""
    to = entrance.return_to
    if entrance.must_choose:
        to = f"/situation?{urlencode({'suite': to}, safe='/', quote_via=quote)}"
    answer = call.see(to)
    policy = call.house.sessions.policy
    answer.set_cookie(policy.cookie, entrance.cookie, path="/", httponly=True, samesite="lax", secure=policy.secure)
    answer.delete_cookie(policy.departure_cookie, path="/", secure=policy.secure, httponly=True, samesite="lax")
    return answer


# -------------------------------------------------------------------------------- local accounts


async def first_factor(call: Call) -> Response:
    """Identifier and secret; then always a second factor."""
    suite, typed = safe_path(call.form.get("suite")), call.form.get("identifiant", "")
    try:
        browser = marks.require(call)
        asked = await local_sign_in.first_factor(
            call.house.context.database, typed, call.form.get("secret", ""), browser=browser
        )
    except Refusal as refusal:
        answer = await _door(call, suite, status=refusal.http, flash=_said(refusal), typed=typed)
        return _later(answer, refusal)
    return call.see(f"/connexion/code?{urlencode({'demande': asked.id, 'suite': suite}, safe='/', quote_via=quote)}")


def _later(answer: Response, refusal: Refusal) -> Response:
    if refusal.retry_after is not None:
        answer.headers["retry-after"] = str(refusal.retry_after)
    return answer


async def code_page(call: Call) -> Response:
    """The second factor."""
    return await _code(call, call.query("demande"), safe_path(call.query("suite")))


async def _code(call: Call, id: str, suite: str, *, refusal: Refusal | None = None) -> Response:
    browser = marks.browser(call)
    async with call.reading() as session:
        code = await sign_ins.code(session, id) if browser and id else None
    if code is None or browser is None or code.browser_hash != sign_ins.digest(browser):
        return call.see("/connexion")
    values: dict[str, Any] = {
        "title": "Vérifier le code",
        "sent": CHANNELS[code.channel].format(hint=local_sign_in.hint(code.address)),
        "demande": id,
        "suite": suite,
        "mark": marks.of(browser),
        "digits": 6 if code.channel == "totp" else 4,
    }
    if refusal is None:
        return await call.page("signin/code.html", **values)
    return _later(await call.page("signin/code.html", status=refusal.http, flash=_said(refusal), **values), refusal)


async def second_factor(call: Call) -> Response:
    """The code, given by the browser that gave the secret."""
    sessions, id, suite = call.house.sessions, call.form.get("demande", ""), safe_path(call.form.get("suite"))
    try:
        entrance = await sign_in.local_sign_in_done(
            sessions,
            code=id,
            given=call.form.get("code", ""),
            browser=marks.require(call),
            former=call.request.cookies.get(sessions.policy.cookie),
            return_to=suite,
        )
    except Refusal as refusal:
        return await _code(call, id, suite, refusal=refusal)
    return _entered(call, entrance)


# -------------------------------------------------------------------------------- the end


async def sign_out(call: Call) -> Response:
    """Ours ends; the national session is closed by a link, because a form may not lead to another origin."""
    policy = call.house.sessions.policy
    national = await call.house.sessions.sign_out(call.request.cookies.get(policy.cookie))
    if national is None:
        answer = call.see("/connexion", "signed-out-here")
    else:
        answer = await _left(call, national)
    answer.delete_cookie(policy.cookie, path="/", secure=policy.secure, httponly=True, samesite="lax")
    return answer


async def _left(call: Call, national: str) -> Response:
    return await replace(call, visit=None).page("signin/left.html", title="Déconnecté", national=national)


async def ended_by_issuer(call: Call) -> Response:
    """Back-channel logout (OpenID Connect Back-Channel Logout 1.0, 2.5): 200 when believed, 400 otherwise."""
    try:
        count = await call.house.sessions.ended_by_issuer(call.form.get("logout_token", ""))
    except ConnectorFailure as failure:
        log.event("session.logout-refused", service=failure.service, code=failure.code)
        return JSONResponse({"error": "invalid_request"}, status_code=400)
    log.event("session.ended-by-issuer", count=count)
    return Response(status_code=200)
