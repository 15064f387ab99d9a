"""The addresses of the portal, in one table; :func:`build` makes the application that composition mounts at ``/``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from hub import log
from hub.web import refusals, statics
from hub.web.call import Call, Endpoint, Handler, open_page, signed
from hub.web.context import House, WebContext
from hub.web.headers import Headers
from hub.web.pages import (
    account,
    alerts,
    appointment,
    care_links,
    colleagues,
    directory_differences,
    notes,
    patients,
    public,
    requests,
    signin,
    situation,
    supervision,
)

__all__ = ["WebContext", "build"]


class Page(NamedTuple):
    """An address: what GET shows, what POST does. An act without a page of its own shows its parent (Back, reload).

    ``redraw`` shows the form with what was typed, when the session changed under it.
    """

    path: str
    show: Handler | None = None
    act: Handler | None = None
    redraw: Handler | None = None


REQUEST, PATIENT = "/demandes/{id}", "/patients/{id}"
SIGNED: Sequence[Page] = (
    Page("/", situation.home),
    Page("/demandes", requests.listing),
    Page(REQUEST, requests.show),
    Page(f"{REQUEST}/accepter", act=requests.accept),
    Page(f"{REQUEST}/decliner", act=requests.decline),
    Page(f"{REQUEST}/rendre", requests.RELEASE.page, requests.RELEASE.act),
    Page(f"{REQUEST}/annuler", requests.CANCEL.page, requests.CANCEL.act),
    Page(f"{REQUEST}/rendre-au-sas", requests.HAND_BACK.page, requests.HAND_BACK.act),
    Page(f"{REQUEST}/relancer", requests.reissue_page, requests.reissue),
    Page(f"{REQUEST}/rendez-vous", appointment.show, appointment.propose, appointment.redraw),
    Page(f"{REQUEST}/autre-heure", appointment.counter_page, appointment.counter, appointment.redraw_counter),
    Page(f"{REQUEST}/rappel", act=appointment.answer),
    Page(f"{REQUEST}/confirmer", appointment.confirm_page, appointment.confirm),
    Page(f"{REQUEST}/suite", appointment.outcome_page, appointment.outcome),
    Page(f"{REQUEST}/agenda.ics", appointment.calendar),
    Page("/d/{number}", requests.by_number),
    Page("/supervision", supervision.show),
    Page("/supervision/flux", supervision.stream),
    Page("/supervision/annuaire", directory_differences.show, directory_differences.seen),
    Page(f"{REQUEST}/attribuer", act=supervision.assign),
    Page("/annuaire", colleagues.show),
    Page("/annuaire/{national_id}", colleagues.detail),
    Page("/patients", patients.search_page, patients.search_page),
    Page(PATIENT, patients.show),
    Page(f"{PATIENT}/notes", act=notes.write, redraw=notes.redraw),
    Page(f"{PATIENT}/notes/{{note}}", notes.show, notes.correct, notes.redraw_correction),
    Page(f"{PATIENT}/notes/{{note}}/deposer", act=notes.file),
    Page(f"{PATIENT}/coordonnees", act=care_links.choose),
    Page(f"{PATIENT}/medecin-traitant", act=care_links.confirm),
    Page(f"{PATIENT}/accords", patients.agreement_page, patients.record_agreement),
    Page("/reglages/soins", account.care_page, account.save_care),
    Page("/reglages/pause", act=account.pause),
    Page("/reglages/alertes", alerts.show, alerts.save),
    Page("/reglages/alertes/courriel", act=alerts.ask_email),
    Page("/reglages/alertes/mobile", act=alerts.ask_mobile),
    Page("/reglages/alertes/code", alerts.code_page, alerts.confirm_mobile),
    Page("/reglages/seances", account.sessions_page, account.close_sessions),
)
WITHOUT_CAPACITY: Sequence[Page] = (
    Page("/situation", situation.show, situation.choose),
    Page("/deconnexion", act=signin.sign_out),
)
OPEN: Sequence[Page] = (
    Page("/connexion", signin.show, signin.first_factor),
    Page("/connexion/code", signin.code_page, signin.second_factor),
    Page("/connexion/psc/depart", signin.depart),
    Page("/connexion/psc/retour", signin.comeback),
    Page("/connexion/confirmer", act=alerts.confirm_email),
    Page("/connexion/confirmer/{token}", alerts.email_page),
    Page("/oidc/backchannel-logout", act=signin.ended_by_issuer),
    Page("/aide", public.HELP),
    Page("/donnees-personnelles", public.PRIVACY),
    Page("/accessibilite", public.ACCESSIBILITY),
    Page("/etat-des-services", public.services),
)


async def _to_parent(request: Request) -> Response:
    return RedirectResponse(request.url.path.rsplit("/", 1)[0] or "/", status_code=303)


def _routes(house: House) -> list[BaseRoute]:
    made: list[BaseRoute] = []
    tables: tuple[tuple[Sequence[Page], Callable[..., Endpoint]], ...] = (
        (SIGNED, partial(signed, house)),
        (WITHOUT_CAPACITY, partial(signed, house, needs_capacity=False)),
        (OPEN, partial(open_page, house)),
    )
    for pages, wrap in tables:
        for page in pages:
            made.append(Route(page.path, wrap(page.show) if page.show else _to_parent, methods=["GET"]))
            if page.act is not None:
                more = {"redraw": page.redraw} if page.redraw else {}
                made.append(Route(page.path, wrap(page.act, **more), methods=["POST"]))
    return made


def build(context: WebContext) -> ASGIApp:
    """The portal."""
    house = House.of(context)

    async def not_found(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status != 404:
            return Response(status_code=status, headers=getattr(error, "headers", None))
        return await open_page(house, refusals.not_found)(request)

    async def broken(request: Request, error: Exception) -> Response:
        mark = refusals.reference()
        log.trouble("page.bug", with_trace=True, reference=mark, method=request.method)
        return await refusals.broken(Call(request=request, house=house), mark)

    routes: list[BaseRoute] = [*_routes(house), Mount("/static", app=statics.app())]
    app = Starlette(routes=routes, exception_handlers={HTTPException: not_found, 500: broken})
    return Headers(app)
