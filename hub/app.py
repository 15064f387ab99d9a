"""The ASGI application of ``hub serve``: pages, FHIR, tokens, health and metrics. Wires, decides nothing."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from hub import composition, observe
from hub.composition import Clients
from hub.fhir.app import FhirApp, FhirContext, TokenEndpoint, smart_configuration
from hub.fhir.smart.tokens import TokenKeys
from hub.settings import Settings
from hub.storage.session import Database
from hub.web.router import WebContext
from hub.web.router import build as build_web


def build(settings: Settings, database: Database, clients: Clients) -> FastAPI:
    """The application. FHIR comes first: its reads are the hot path and meet no middleware of the pages."""
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

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes[:] = [
        Route("/health", health, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/fhir/.well-known/smart-configuration", smart, methods=["GET"]),
        Route("/oauth/token", token.__call__, methods=["POST"]),
        Route("/fhir", FhirApp(fhir)),  # a transaction is posted to the base itself
        Mount("/fhir", app=FhirApp(fhir)),
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
