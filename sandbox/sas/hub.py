"""How the SAS calls the hub: mutual TLS, a token bound to the certificate, 7 seconds of patience (SAS 2, 17.11)."""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from sandbox.journal import Check
from sandbox.sas import names
from sandbox.world import World

PATIENCE = 7.0  # seconds; the platform gives up after that
KEPT_OPEN = 2.0  # seconds an idle line is kept: less than the hub keeps it, or a call would leave on a closed one
ACCEPTED = "application/json+fhir"  # the old form, which the platform still sends
EARLY = 30.0  # seconds before its end, a token is asked again
LOST = "jeton-perdu"
SCOPES = (
    *("system/Patient.c", "system/Organization.c", "system/Practitioner.c", "system/Location.c"),
    *("system/ServiceRequest.crus", "system/Task.crus", "system/Appointment.rs", "system/Subscription.cruds"),
)


class Unreachable(Exception):
    """The hub did not answer; the text says what happened on the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One answer of the hub. `body` is the parsed JSON, None when there is none."""

    status: int
    headers: httpx.Headers
    body: Any
    text: str
    milliseconds: float
    request: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    path: str
    body: bytes = b""
    content_type: str = names.FHIR_JSON


class HubLine:
    """The line to one hub; holds the token. `transport` replaces the network for tests without sockets."""

    def __init__(self, world: World, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._world = world
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._token = ""
        self._until = 0.0

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
        self._client, self._token = None, ""

    def lose_token(self) -> None:
        """The next call goes with a token that nobody has given."""
        self._token, self._until = LOST, time.monotonic() + 2 * EARLY

    async def fhir(self, call: Call) -> Exchange:
        """One FHIR call with the token, asked anew if the hub knows it no more. Raises Unreachable."""
        token = await self._valid_token()
        exchange = await self._with_token(call, token)
        if exchange.status != 401:
            return exchange
        self._token = ""
        return exchange if token == LOST else await self._with_token(call, await self._valid_token())

    async def _with_token(self, call: Call, token: str) -> Exchange:
        headers = {"Accept": ACCEPTED, "X-Request-ID": str(uuid4()), "Authorization": f"Bearer {token}"}
        if call.body:
            headers["Content-Type"] = call.content_type
        return await self._send(call.method, f"/fhir{call.path}", headers=headers, content=call.body)

    async def token(self, scopes: tuple[str, ...] = SCOPES) -> Exchange:
        """Ask for a new token (RFC 6749 4.4, RFC 8705 tls_client_auth) and write the answer down. Raises Unreachable."""
        form = {"grant_type": "client_credentials", "client_id": names.CLIENT, "scope": " ".join(scopes)}
        headers = {"Accept": "application/json", "X-Request-ID": str(uuid4())}
        exchange = await self._send("POST", "/oauth/token", headers=headers, data=form)
        checks = token_checks(exchange, scopes)
        granted = exchange.body if isinstance(exchange.body, dict) else {}
        self._token = str(granted.get("access_token", ""))
        self._until = time.monotonic() + float(granted.get("expires_in", 0))
        self._world.journal.add(
            twin="sas",
            direction="out",
            title="POST /oauth/token",
            verdict=f"{exchange.status}, jeton {'reçu' if self._token else 'refusé'}",
            accepted=exchange.status == 200,
            request=exchange.request,
            answer=shown_answer(exchange).replace(self._token or "\0", "***"),
            checks=tuple(checks),
            milliseconds=exchange.milliseconds,
            facts={"kind": "token", "status": str(exchange.status), "scope": str(granted.get("scope", ""))},
        )
        return exchange

    async def _valid_token(self) -> str:
        if not self._token or time.monotonic() > self._until - EARLY:
            await self.token()
        return self._token

    async def _send(self, method: str, path: str, *, headers: Mapping[str, str], **content: Any) -> Exchange:
        started = time.perf_counter()
        request = self._http().build_request(method, path, headers=dict(headers), **content)
        try:
            answer = await self._http().send(request)
        except httpx.HTTPError as trouble:
            raise Unreachable(f"{method} {path}: {type(trouble).__name__} {trouble}".strip()) from trouble
        return Exchange(
            status=answer.status_code,
            headers=answer.headers,
            body=_parsed(answer),
            text=answer.text,
            milliseconds=(time.perf_counter() - started) * 1000,
            request=_shown_request(request),
            request_id=headers["X-Request-ID"],
        )

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            network: dict[str, Any] = {"transport": self._transport} if self._transport else {"verify": self._tls()}
            base = self._world.settings.hub_machine_url
            limits = httpx.Limits(keepalive_expiry=KEPT_OPEN)
            self._client = httpx.AsyncClient(base_url=base, timeout=PATIENCE, trust_env=False, limits=limits, **network)
        return self._client

    def _tls(self) -> ssl.SSLContext:
        certificates = self._world.certificates
        context = ssl.create_default_context(cafile=str(certificates.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificates.path(names.CERTIFICATE), certificates.key(names.CERTIFICATE))
        return context


def token_checks(exchange: Exchange, scopes: tuple[str, ...] = SCOPES) -> list[Check]:
    body = exchange.body if isinstance(exchange.body, dict) else {}
    seconds = body.get("expires_in")
    missing = sorted(set(scopes) - set(str(body.get("scope", "")).split()))
    lasting = isinstance(seconds, int) and 0 < seconds <= 300
    return [
        Check(what="Réponse 200", passed=exchange.status == 200, where="RFC 6749, 5.1", detail=str(exchange.status)),
        Check(what="Jeton présent", passed=bool(body.get("access_token")), where="RFC 6749, 5.1"),
        Check(
            what="Type de jeton « bearer »",
            passed=str(body.get("token_type", "")).lower() == "bearer",
            where="RFC 6749, 7.1",
            detail=str(body.get("token_type", "")),
        ),
        Check(what="Durée de 300 s au plus", passed=lasting, where="SMART Backend Services", detail=str(seconds)),
        Check(
            what="Toutes les portées demandées sont accordées",
            passed=not missing,
            where="SAS 17.11",
            detail=" ".join(missing),
        ),
        Check(
            what="Réponse à ne pas garder en mémoire",
            passed="no-store" in exchange.headers.get("cache-control", ""),
            where="RFC 6749, 5.1",
        ),
    ]


def shown_answer(exchange: Exchange) -> str:
    lines = [f"{name}: {value}" for name, value in exchange.headers.items()]
    return "\n".join([f"HTTP {exchange.status}", *lines, "", _pretty(exchange.text)])


def _shown_request(request: httpx.Request) -> str:
    """As it left, the token hidden."""
    hidden = {"authorization": "Bearer ***"}
    lines = [f"{name}: {hidden.get(name, value)}" for name, value in request.headers.items()]
    return "\n".join(
        [f"{request.method} {request.url}", *lines, "", _pretty(request.content.decode("utf-8", "replace"))]
    )


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _parsed(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
