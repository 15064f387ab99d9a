"""The French pages of the home port: GET shows, POST does one thing and redirects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox import sms, views
from sandbox.house import House
from sandbox.journal import Entry
from sandbox.mail import PASSWORD, USER
from sandbox.rpps import API_KEY
from sandbox.settings import DOORS
from sandbox.stage import Play
from sandbox.wishes import PUSHES, ROLES, WISHES, grant

HERE = Path(__file__).parent
VENDOR = HERE / "static" / "vendor" / "pico.min.css"
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"hour": views.hour, "duration": views.duration, "kind": views.kind, "linked": views.with_links}
TEMPLATES.globals |= {"plural": views.plural, "moment": views.moment}

FLASHES = {
    "panne": "La panne est en place.",
    "arret": "Plus aucune panne voulue chez ce jumeau.",
    "zero": "Tout est vide : journal, messages, pannes, séances. L’horloge n’a pas bougé.",
    "horloge": "L’horloge des jumeaux et du hub a avancé.",
}
RECENT = 12  # entries on the home page
AT_ONCE = 5.0  # seconds a browser waits for a scene before it reads the first steps
NDJSON = "application/x-ndjson"
Written = Annotated[str, Form()]
PageNumber = Annotated[int, Query(alias="page")]


def routes(house: House) -> APIRouter:
    router = APIRouter(default_response_class=HTMLResponse)
    _home(router, house)
    _journal(router, house)
    _others(router, house)
    _acts(router, house)
    _scenes(router, house)
    return router


def page(house: House, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page with what its frame needs: the hour, the hub, who waits on the phone."""
    now = house.world.clock.now()
    frame = {"now": now, "settings": house.world.settings, "waiting": house.waiting(), "pico": VENDOR.exists()}
    return HTMLResponse(TEMPLATES.get_template(template).render(**frame, **facts), status_code=status)


def _home(router: APIRouter, house: House) -> None:
    @router.get("/")
    async def home(fait: str = "") -> HTMLResponse:
        entries = house.world.journal.entries()
        lines = [(twin, [entry for entry in entries if entry.twin == twin.name]) for twin in house.twins.values()]
        return page(
            house,
            "accueil.html",
            flash=FLASHES.get(fait, ""),
            lines=lines,
            scenes=list(house.stage.scenes.values()),
            roles=ROLES,
            wishes=WISHES,
            pushes=PUSHES,
            offset=house.world.clock.offset,
            recent=entries[: -RECENT - 1 : -1],
            twins=house.twins,
        )


def _journal(router: APIRouter, house: House) -> None:
    @router.get("/journal")
    async def journal(jumeau: str = "", sujet: str = "", refuses: str = "", page_: PageNumber = 1) -> HTMLResponse:
        kept = [
            entry
            for entry in reversed(house.world.journal.entries(jumeau or None))
            if sujet in ("", entry.subject) and not (refuses and entry.accepted)
        ]
        paging = views.paging(len(kept), page_)
        return page(
            house,
            "journal.html",
            entries=kept[paging.window],
            paging=paging,
            twins=house.twins,
            jumeau=jumeau,
            sujet=sujet,
            refuses=refuses,
        )

    @router.get("/journal/{number}")
    async def entry(number: int) -> HTMLResponse:
        found = _found(house, number)
        world = house.world
        return page(
            house,
            "message.html",
            entry=found,
            twins=house.twins,
            curl=views.curl(found, world.settings, world.certificates),
        )

    @router.get("/journal/{number}/{part}")
    async def raw(number: int, part: str) -> PlainTextResponse:
        found = _found(house, number)
        texts = {"message": found.request, "reponse": found.answer, "corps": views.body_of(found)}
        if part not in texts:
            raise HTTPException(404)
        return PlainTextResponse(texts[part])


def _found(house: House, number: int) -> Entry:
    entry = house.world.journal.entry(number)
    if entry is None:
        raise HTTPException(404)
    return entry


def _others(router: APIRouter, house: House) -> None:
    world = house.world

    @router.get("/courrier")
    async def letters(a: str = "", page_: PageNumber = 1) -> HTMLResponse:
        kept = views.letters(house.mail, house.sms, a)
        paging = views.paging(len(kept), page_)
        return page(house, "courrier.html", letters=kept[paging.window], paging=paging, to=a)

    @router.get("/telephone")
    async def phone() -> RedirectResponse:
        return RedirectResponse(f"{world.settings.url('wallet')}/telephone", status_code=303)

    @router.get("/adresses")
    async def addresses() -> HTMLResponse:
        return page(
            house,
            "adresses.html",
            doors=[(name, world.settings.url(name)) for name in DOORS],
            certificates=world.certificates,
            secrets={"sms": sms.TOKEN, "user": USER, "password": PASSWORD, "directory": API_KEY},
        )

    @router.get("/adresses/authority.pem")
    async def authority() -> Response:
        text = world.certificates.authority.read_text()
        return PlainTextResponse(text, headers={"Content-Disposition": "attachment; filename=authority.pem"})


def _acts(router: APIRouter, house: House) -> None:
    @router.post("/pannes")
    async def set_fault(jumeau: Written, panne: Written, valeur: Written = "") -> RedirectResponse:
        if not grant(house.twins, jumeau, panne, valeur.strip()):
            raise HTTPException(404)
        return _see("/?fait=panne")

    @router.post("/pannes/{name}/arreter")
    async def stop_faults(name: str) -> RedirectResponse:
        if name not in house.twins:
            raise HTTPException(404)
        house.twins[name].faults.clear()
        return _see("/?fait=arret")

    @router.post("/remise-a-zero")
    async def reset() -> RedirectResponse:
        house.reset()
        return _see("/?fait=zero")

    @router.post("/horloge")
    async def advance(avance: Written) -> RedirectResponse:
        if avance not in PUSHES:
            raise HTTPException(404)
        house.world.clock.advance(PUSHES[avance][1])
        return _see("/?fait=horloge")


def _scenes(router: APIRouter, house: House) -> None:
    stage = house.stage

    @router.get("/scenes")
    async def scenes() -> Response:
        listed = [{"name": one.name, "title": one.title, "about": one.about} for one in stage.scenes.values()]
        return Response(orjson.dumps({"scenes": listed}), media_type="application/json")

    @router.get("/scenes/{name}")
    async def scene(name: str, partie: int = 0) -> HTMLResponse:
        if name not in stage.scenes:
            raise HTTPException(404)
        play = stage.plays.get(partie) if partie else stage.last(name)
        return page(house, "scene.html", scene=stage.scenes[name], play=play)

    @router.post("/scenes/{name}")
    async def play(name: str, request: Request) -> Response:
        if name not in stage.scenes:
            raise HTTPException(404)
        if stage.playing is not None:
            raise HTTPException(409)
        begun = stage.start(name)
        if NDJSON in request.headers.get("accept", ""):
            return StreamingResponse(_told(begun), media_type=NDJSON)
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.end(), AT_ONCE)
        return _see(f"/scenes/{name}?partie={begun.id}")


async def _told(play: Play) -> AsyncIterator[bytes]:
    """One line a step, then one that says how it ended: {"scene", "passed", "steps", "trouble"}."""
    async for step in play.follow():
        yield orjson.dumps(asdict(step)) + b"\n"
    end = {"scene": play.scene.name, "passed": play.passed, "steps": len(play.steps), "trouble": play.trouble}
    yield orjson.dumps(end) + b"\n"


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
