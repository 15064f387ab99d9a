"""Keeps other sites out of the home port: names, origins, and the policy of its pages. Pure ASGI.

The sandbox has no accounts, so a page elsewhere must not be able to press its buttons: a browser says where a call
comes from (Fetch metadata, or Origin), and other callers, such as a test or curl, say nothing.
"""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})  # "none": typed by the visitor, or a bookmark
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; worker-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def guarded(app: ASGIApp) -> ASGIApp:
    """The same application, refusing other sites (403) and other names (421), with the headers of section 5."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = _refusal(scope)
        await (refusal or app)(scope, receive, send_with_headers)

    return door


def _refusal(scope: Scope) -> ASGIApp | None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in LOCAL_NAMES and host not in LOCAL_NAMES:
        return PlainTextResponse("Ce bac à sable ne répond qu’au nom de localhost.", status_code=421)
    if scope["method"] not in SAFE_METHODS and not _from_here(headers, f"{scope['scheme']}://{host}"):
        return PlainTextResponse("Cette demande vient d’un autre site.", status_code=403)
    return None


def _from_here(headers: Mapping[str, str], origin: str) -> bool:
    """Fetch metadata decides when there is any: under `no-referrer` a browser sends the origin of our own forms as null."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN_SITES
    return headers.get("origin") in (None, origin)
