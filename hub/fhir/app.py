"""The FHIR face as an ASGI application: headers, content negotiation, tokens; the router does the rest.

Mounted by the composition floor at ``/fhir`` and, for the token endpoint, at ``/oauth``.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hub import clock, log
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.fhir import answers, router
from hub.fhir.message import FhirRequest, FhirResponse
from hub.fhir.rules import RULES
from hub.fhir.smart import backend
from hub.fhir.smart.backend import OauthError
from hub.fhir.smart.callers import Callers
from hub.fhir.smart.tokens import TokenKeys
from hub.storage.session import Database

LARGEST_BODY = 5 * 1024 * 1024  # bytes; attachments travel as Binary
WILD = frozenset({"*/*", "application/*"})
JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json", "application/json+fhir"}) | WILD
USUAL = frozenset({None, "*/*", "application/fhir+json", "application/json"})
PATCH_TYPES = frozenset({"application/json-patch+json"})
FORM = "application/x-www-form-urlencoded"
PREFIX = "/fhir"  # where the application is mounted
ZERO = re.compile(r"^q=0(\.0*)?$")
SAFE_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirContext:
    """``base``: public address of the FHIR server; ``token_endpoint``: audience of client assertions."""

    database: Database
    keys: TokenKeys
    base: str
    token_endpoint: str


def _certificate(scope: Scope) -> bytes | None:
    found = scope.get("state", {}).get("client_certificate")
    return found if isinstance(found, bytes) else None


def _acceptable(request: Request) -> bool:
    if request.headers.get("accept") in USUAL and b"_format" not in request.scope["query_string"]:
        return True
    wished = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    if wished == "json":
        return True
    for part in wished.replace(" ", "+", 1).split(",") if "_format" in request.query_params else wished.split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        versions = [word.partition("=")[2] for word in parameters if word.startswith("fhirVersion")]
        is_refused = any(ZERO.match(word) for word in parameters)
        if media.lower() in JSON_TYPES and not is_refused and all(version == "4.0" for version in versions):
            return True
    return False


def _readable(request: Request) -> bool:
    if request.method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return True
    media, *parameters = (word.strip().lower() for word in request.headers.get("content-type", "").split(";"))
    if any(word.startswith("charset=") and word[8:].strip('"') != "utf-8" for word in parameters):
        return False
    if request.method == "PATCH":
        return media in PATCH_TYPES
    if request.url.path.endswith("/_search"):
        return media == FORM
    return media in JSON_TYPES - WILD


class FhirApp:
    """ASGI application of the REST interface. Pure ASGI: no middleware, no route inspection on the hot path."""

    def __init__(self, context: FhirContext) -> None:
        self.context = context
        self.callers = Callers(context.database, context.keys, context.base)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        started = time.perf_counter()
        given = request.headers.get("x-request-id", "")
        correlation = given if SAFE_ID.match(given) else str(uuid.uuid4())
        answer = await self._answer(request)
        headers = {**answer.headers, "X-Request-Id": correlation}
        if "x-correlation-id" in request.headers and SAFE_ID.match(request.headers["x-correlation-id"]):
            headers["X-Correlation-Id"] = request.headers["x-correlation-id"]
        if request.method == "HEAD" or answer.status not in (204, 304):
            headers["Content-Length"] = str(len(answer.body))
        body = b"" if request.method == "HEAD" else answer.body
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": body})
        first = request.scope["path"].removeprefix(PREFIX).strip("/").split("/")[0]
        log.event(
            "fhir.request",
            method=request.method,
            route=first if first in RULES else "",  # what somebody typed may name somebody
            status=answer.status,
            correlation=correlation,
            seconds=round(time.perf_counter() - started, 4),
        )

    async def _answer(self, request: Request) -> FhirResponse:
        try:
            if not _acceptable(request):
                raise Refusal("not-acceptable")
            if not _readable(request):
                raise Refusal("unsupported-media-type")
            viewer = await self._viewer(request)
            return await router.answer(self._message(request, viewer, await _body(request)))
        except Refusal as refusal:
            return answers.of_refusal(refusal)
        except OperationalError as trouble:  # acknowledged is committed: without the database, nothing is acknowledged
            log.trouble("fhir.database", error=type(trouble.orig).__name__)
            return answers.of_refusal(Refusal("service-unavailable", retry_after=5, service="Colibri"))
        except Exception:  # outermost loop of this face: a bug of ours, told by its reference and logged with its trace
            mark = uuid.uuid4().hex[:8]
            log.trouble("fhir.bug", with_trace=True, reference=mark, method=request.method)
            return answers.of_refusal(Refusal("unexpected", reference=mark))

    def _message(self, request: Request, viewer: Viewer | None, body: bytes) -> FhirRequest:
        path = request.scope["path"].removeprefix(PREFIX)
        return FhirRequest(
            method=request.method,
            segments=tuple(part for part in path.split("/") if part),
            query=tuple(parse_qsl(request.scope["query_string"].decode("ascii", "replace"), keep_blank_values=True)),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]},
            body=body,
            base=self.context.base,
            database=self.context.database,
            viewer=viewer,
        )

    async def _viewer(self, request: Request) -> Viewer | None:
        """Who the bearer token speaks for; ``None`` without one. Raises the refusals of a bad or late token."""
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            return None
        return await self.callers.viewer(text.strip(), _certificate(request.scope))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refusal("too-large", limit=f"{LARGEST_BODY // 1024 // 1024} Mo")
    return bytes(body)


async def _token_form(request: Request) -> dict[str, str]:
    """The parameters of a token request, each at most once (RFC 6749, 3.2)."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media != FORM:
            raise OauthError("invalid_request", f"the body must be {FORM}")
        pairs = parse_qsl((await _body(request)).decode("ascii"), keep_blank_values=True, max_num_fields=50)
    except (Refusal, ValueError) as trouble:
        raise OauthError("invalid_request", "the body cannot be read") from trouble
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OauthError("invalid_request", "a parameter comes twice")
    return form


class TokenEndpoint:
    """``POST /oauth/token`` (RFC 6749, RFC 7523, RFC 8705)."""

    def __init__(self, context: FhirContext) -> None:
        self.context = context

    async def __call__(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        try:
            form = await _token_form(request)
            async with self.context.database.transaction() as session:
                granted = await backend.grant(
                    session,
                    form,
                    certificate=_certificate(request.scope),
                    keys=self.context.keys,
                    endpoint=self.context.token_endpoint,
                    audience=self.context.base,
                    now=clock.now(),
                )
        except OauthError as error:
            log.event("oauth.refused", code=error.code)
            told = {"error": error.code, "error_description": error.description}
            return JSONResponse(told, status_code=error.status, headers=headers)
        body: dict[str, Any] = {
            "access_token": granted.token,
            "token_type": "bearer",
            "expires_in": granted.seconds,
            "scope": " ".join(granted.scopes),
        }
        return JSONResponse(body, headers=headers)


def smart_configuration(context: FhirContext) -> dict[str, Any]:
    """``[base]/.well-known/smart-configuration``: only what works (fhir.md 6.1)."""
    return {
        "token_endpoint": context.token_endpoint,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
        "token_endpoint_auth_signing_alg_values_supported": backend.ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": True,
        "scopes_supported": ["system/*.rs", "system/Task.u", "system/Subscription.cruds", "system/DocumentReference.c"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2", "permission-v1"],
    }
