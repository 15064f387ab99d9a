"""The ASGI application of ``hub serve``: pages, FHIR, tokens, health and metrics. Wires, decides nothing."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import composition, observe
from hub.composition import Clients
from hub.fhir.app import FhirApp, FhirContext, TokenEndpoint, smart_configuration
from hub.fhir.smart.tokens import TokenKeys
from hub.settings import Settings
from hub.storage.session import Database
from hub.web.router import WebContext
from hub.web.router import build as build_web

SMART = "/fhir/.well-known/smart-configuration"


class Doors(FastAPI):
    """The routes of the hub; what is asked of the FHIR interface meets none of them on its way, nor their middleware."""

    def __init__(self, interface: FhirApp) -> None:
        super().__init__(openapi_url=None, docs_url=None, redoc_url=None)
        self.interface = interface

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_fhir = scope["type"] == "http" and (path.startswith("/fhir/") or path == "/fhir") and path != SMART
        await (self.interface if is_fhir else super().__call__)(scope, receive, send)


def build(settings: Settings, database: Database, clients: Clients) -> FastAPI:
    """The application. FHIR comes first: its reads are the hot path."""
    machine = settings.serve.machine_url.rstrip("/")
    fhir = FhirContext(
        database=database,
        keys=TokenKeys(composition.encryption_keys(settings)),
        base=f"{machine}/fhir",
        token_endpoint=f"{machine}/oauth/token",
    )
    token = TokenEndpoint(fhir)

    async def smart(_request: Request) -> Response:
        return JSONResponse(smart_configuration(fhir))

    async def health(_request: Request) -> Response:
        return await observe.health(database)

    async def metrics(_request: Request) -> Response:
        return await observe.metrics(database)

    interface = FhirApp(fhir)
    app = Doors(interface)
    app.router.routes[:] = [
        Route("/health", health, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route(SMART, smart, methods=["GET"]),
        Route("/oauth/token", token.__call__, methods=["POST"]),
        Route("/fhir", interface),  # a transaction is posted to the base itself
        Mount("/fhir", app=interface),
        Mount("/", app=_pages(settings, database, clients)),
    ]
    return app


def _pages(settings: Settings, database: Database, clients: Clients) -> ASGIApp:
    return build_web(
        WebContext(
            database=database,
            psc=clients.psc,
            psc_settings=settings.psc,
            public_url=settings.serve.public_url.rstrip("/"),
            banner=settings.banner,
            phone=settings.phone,
            secure_cookies=settings.serve.secure_cookies,
            stream_life=settings.serve.stream_life,
        )
    )
