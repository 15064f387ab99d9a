"""Composes the sandbox: every twin, its doors, and the home port where visitors look at all of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sandbox import directory_page, pages, side, world
from sandbox.dmp import DmpTwin
from sandbox.guard import guarded
from sandbox.house import House, listen_to_faults
from sandbox.mail import MailTwin
from sandbox.psc import PscTwin
from sandbox.rpps import RppsTwin
from sandbox.sas import SasTwin
from sandbox.scenes import SCENES
from sandbox.scenes.scene import Scene, hub_of
from sandbox.servers import Listener, listening
from sandbox.settings import Settings
from sandbox.sms import SmsTwin
from sandbox.stage import Stage
from sandbox.twin import Twin
from sandbox.world import World

STATIC = Path(__file__).parent / "static"
SENTENCES = {
    404: "Rien ici : ce jumeau, cette scène ou ce message n’existe pas, ou a quitté le journal.",
    405: "Cette adresse ne se demande pas ainsi.",
    409: "Une scène se joue déjà. Attendez sa fin, puis recommencez.",
    422: "Il manque une réponse à ce formulaire.",
}


def compose(world: World, scenes: Mapping[str, Scene] = SCENES) -> House:
    """Every twin of this world, doors still closed."""
    psc, mail, sms, rpps = PscTwin(world), MailTwin(world), SmsTwin(world), RppsTwin(world)
    twins: tuple[Twin, ...] = (psc, SasTwin(world), DmpTwin(world), rpps, mail, sms)
    for twin in twins:
        listen_to_faults(twin, world)
    stage = Stage(world, hub_of(world.settings, world.certificates), scenes)
    named = {twin.name: twin for twin in twins}
    return House(world=world, twins=named, psc=psc, mail=mail, sms=sms, rpps=rpps, stage=stage)


def home(house: House) -> ASGIApp:
    """The application of the home port: pages, side doors, scenes."""
    app = FastAPI(title="Bac à sable Colibri", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(side.routes(house))
    app.include_router(pages.routes(house))
    app.include_router(directory_page.routes(house))
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, trouble: HTTPException) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": trouble.detail}, status_code=trouble.status_code, headers=trouble.headers)
        sentence = SENTENCES.get(trouble.status_code, str(trouble.detail))
        return pages.page(house, "refus.html", status=trouble.status_code, sentence=sentence)

    return guarded(app)


@asynccontextmanager
async def open_doors(settings: Settings, scenes: Mapping[str, Scene] = SCENES) -> AsyncIterator[House]:
    """The whole sandbox, for as long as the block lasts. Raises OSError when a port is taken."""
    house = compose(await asyncio.to_thread(world.create, settings), scenes)
    doors = [Listener(name="home", app=home(house), tls=False)]
    doors += [listener for twin in house.twins.values() for listener in twin.listeners()]
    async with AsyncExitStack() as stack:
        for twin in house.twins.values():
            await twin.start()
            stack.push_async_callback(twin.stop)
        await stack.enter_async_context(listening(doors, house.world))
        stack.push_async_callback(house.stage.close)
        yield house
