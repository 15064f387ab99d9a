"""One call of a browser: who is there, what the form says, and the ways to answer. Every page is a function of a call.

``page`` and ``act`` make the two kinds of endpoints: a page shows, an act carries out one workflow and redirects. Both ask for a
session and a capacity; ``open_page`` asks for nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub import clock
from hub.domain import hours
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage.session import Database, Session
from hub.web import flashes, nav, refusals
from hub.web.context import House
from hub.web.flashes import Flash
from hub.web.forms import Fault
from hub.web.render import render
from hub.web.standing import Standing, Visit

PARIS = ZoneInfo(hours.MAINLAND)  # for instants that belong to no territory
FORM_LIMIT = 200_000  # characters of one field: a note is at most 20 000
KEPT = frozenset({409, 422})  # refusals after which a form is shown again, with what was typed
TYPED = ("texte", "titre", "mot")  # fields that hold words, not choices
SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with who makes it. ``visit`` is ``None`` without a session; ``form`` holds the posted fields."""

    request: Request
    house: House
    visit: Visit | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """Who looks. Raises ``Refusal("capacity-required")`` until a capacity is chosen, ``session-over`` without a session."""
        if self.visit is None:
            raise Refusal("session-over")
        return self.visit.require_viewer()

    @property
    def now(self) -> datetime:
        """The hub's clock."""
        return clock.now()

    @property
    def is_polling(self) -> bool:
        """A refresh that the page asks by itself: it does not count as an act of the person."""
        headers = self.request.headers
        is_ours = headers.get("hx-request") == "true" or "text/event-stream" in headers.get("accept", "")
        return is_ours and self.request.method in SAFE_METHODS

    @property
    def typed(self) -> bool:
        """Whether the form brings words that somebody wrote."""
        return any(self.form.get(name, "").strip() for name in TYPED)

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """A filter of the address, empty when absent."""
        return self.request.query_params.get(name, "").strip()

    @property
    def database(self) -> Database:
        """For what reads by its own connections."""
        return self.house.context.database

    def reading(self) -> AbstractAsyncContextManager[Session]:
        """For what a page shows."""
        return self.house.context.database.reading()

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """For one workflow."""
        return self.house.context.database.transaction()

    async def page(self, template: str, *, status: int = 200, flash: Flash | None = None, **values: Any) -> Response:
        """The page of a template, with what every page shows; a flash left by the last act is shown once."""
        left = self.request.cookies.get(flashes.COOKIE)
        shown = flash or flashes.AFTER.get(left or "")
        body = render(template, {**await self._common(values.get("title", "")), **values, "flash": shown})
        answer = HTMLResponse(body, status_code=status)
        if left is not None:
            answer.delete_cookie(flashes.COOKIE, path="/")
        return answer

    async def _common(self, title: str) -> dict[str, Any]:
        context = self.house.context
        viewer = self.visit.viewer if self.visit else None
        bar = await nav.bar(self, viewer) if viewer is not None else ()
        return {
            "title": title,
            "banner": context.banner,
            "phone": context.phone,
            "who": await nav.who(self, self.visit) if self.visit else None,
            "home": nav.home(viewer) if viewer else "/",
            "places": bar,
            "csrf": self.visit.csrf if self.visit else "",
            "notice": self._notice(),
            "visit": self.visit,
            "now": self.now,
            "zone": PARIS,
            "deciding": False,
            "back": None,
            "summary": None,
            "whole_sprite": False,
        }

    def _notice(self) -> Flash | None:
        """The discreet word when the national service does not answer."""
        if self.visit is None or not self.visit.is_unconfirmed:
            return None
        until = hours.clock_time(self.visit.until, PARIS)
        text = f"Vous restez connecté jusqu'à {until}."
        return Flash(title="Pro Santé Connect ne répond pas.", text=text, kind="info")

    def see(self, address: str, flash: str = "") -> Response:
        """After an act: the browser goes and looks (303). ``flash``: a name of :data:`flashes.AFTER`."""
        answer = RedirectResponse(address, status_code=303)
        if flash:
            answer.set_cookie(
                flashes.COOKIE,
                flash,
                max_age=flashes.LIFE,
                path="/",
                httponly=True,
                samesite="lax",
                secure=self.is_secure,
            )
        return answer

    @property
    def is_secure(self) -> bool:
        """Whether cookies are kept for https (and localhost)."""
        return self.house.sessions.policy.secure

    async def sign_in_first(self, why: Standing | None = None) -> Response:
        """To the sign-in page, and back here afterwards. What was typed is asked again by the page one comes back to."""
        here = self.request.url.path
        if self.request.method in SAFE_METHODS and self.request.url.query:
            here = f"{here}?{self.request.url.query}"
        address = f"/connexion?{urlencode({'suite': here}, safe='/', quote_via=quote)}"
        if self.request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={"HX-Redirect": address})
        return self.see(address, "session-over" if why in (Standing.IDLE, Standing.OVER, Standing.ENDED) else "")


Handler = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


async def _form(request: Request) -> dict[str, str]:
    if request.method in SAFE_METHODS:
        return {}
    posted: FormData = await request.form(max_files=0, max_fields=100, max_part_size=FORM_LIMIT)
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def open_page(house: House, handler: Handler) -> Endpoint:
    """A page for everybody; whoever is signed in is known all the same."""

    async def endpoint(request: Request) -> Response:
        call = Call(request=request, house=house, form=await _form(request))
        found = await house.sessions.visit(request.cookies.get(house.sessions.policy.cookie), is_act=False)
        call = replace(call, visit=found if isinstance(found, Visit) else None)
        return await _guarded(call, handler, is_ours=True)

    return endpoint


def signed(house: House, handler: Handler, *, needs_capacity: bool = True, redraw: Handler | None = None) -> Endpoint:
    """A page or an act for somebody signed in: session, capacity, and on a POST the mark of our own forms.

    ``redraw`` shows the form again with what was typed: a session that ended, then began again, loses no text.
    """

    async def endpoint(request: Request) -> Response:
        call = Call(request=request, house=house, form=await _form(request))
        token = request.cookies.get(house.sessions.policy.cookie)
        found = await house.sessions.visit(token, is_act=not call.is_polling)
        if not isinstance(found, Visit):
            if redraw is not None and call.typed:
                return await call.page(
                    "expired.html", status=401, title="Séance fermée", typed=call.form, here=request.url.path
                )
            return await call.sign_in_first(found if token else None)
        call = replace(call, visit=found)
        if needs_capacity and found.viewer is None:
            return call.see(f"/situation?{urlencode({'suite': request.url.path}, safe='/')}")
        return await _guarded(call, handler, redraw=redraw)

    return endpoint


async def _guarded(call: Call, handler: Handler, *, is_ours: bool = False, redraw: Handler | None = None) -> Response:
    """The handler, its refusals shown as pages. ``is_ours``: the handler itself checks where a form comes from."""
    try:
        if call.visit is not None and call.request.method not in SAFE_METHODS and not is_ours:
            call.visit.require_form(call.form.get("csrf"))
        return await handler(call)
    except Refusal as refusal:
        if refusal.code != "form-too-old" or redraw is None or not call.typed:
            return await refusals.show(call, refusal)
    return await _guarded(call, redraw, is_ours=True)


def faults_of(refusal: Refusal, fields: Mapping[str, str]) -> tuple[Fault, ...]:
    """A refusal and those found with it, each beside its field. ``fields``: code -> field."""
    return tuple(
        Fault(field=fields.get(one.code, ""), text=f"{one.text} {one.remedy}".strip())
        for one in (refusal, *refusal.more)
    )
