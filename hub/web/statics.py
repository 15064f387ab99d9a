"""Styles, script and drawings: compressed, and kept by browsers for a year when asked for by the mark of their content."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.web.render import STATIC

FOREVER = b"public, max-age=31536000, immutable"
SHORT = b"public, max-age=300"


def app() -> ASGIApp:
    """The application mounted at ``/static``."""
    files = GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=500)

    async def kept(scope: Scope, receive: Receive, send: Send) -> None:
        is_marked = scope.get("query_string", b"").startswith(b"v=")

        async def with_age(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message = {
                    **message,
                    "headers": [*message["headers"], (b"cache-control", FOREVER if is_marked else SHORT)],
                }
            await send(message)

        await files(scope, receive, with_age)

    return kept
