"""Several HTTP servers in one event loop, with the certificate of the caller handed to the application."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.authority import Certificates
from sandbox.world import World

Demand = Literal["none", "optional", "required"]
DEMANDS: dict[str, ssl.VerifyMode] = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One real door of a twin. `name` is a key of `settings.DOORS` and gives the port.

    `shown` names, at each handshake, the certificate of the sandbox that this door shows; a key of `authority.PROFILES`.
    The application finds in `scope["state"]["client_certificate"]` the verified certificate of its caller (DER bytes)
    or None.
    """

    name: str
    app: ASGIApp
    tls: bool = True
    client_certificate: Demand = "none"
    shown: Callable[[], str] | None = None


class CertificateProtocol(HttpToolsProtocol):
    """Tells the application who called (DER bytes or None) and lets it drop the line (`cut`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        certificate: bytes | None = secured.getpeercert(True) if secured is not None else None
        self.app_state: dict[str, Any] = {
            **self.app_state,
            "client_certificate": certificate,
            "cut": transport.abort,
        }


def _configuration(listener: Listener, world: World) -> uvicorn.Config:
    certificates = world.certificates
    config = uvicorn.Config(
        listener.app,
        http=CertificateProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificates.path("server") if listener.tls else None,
        ssl_keyfile=certificates.key("server") if listener.tls else None,
        ssl_ca_certs=certificates.authority if listener.tls else None,
        ssl_cert_reqs=DEMANDS[listener.client_certificate],
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        if listener.shown is not None:
            config.ssl.sni_callback = _choice(listener.shown, certificates)
    return config


def _choice(shown: Callable[[], str], certificates: Certificates) -> Callable[..., None]:
    """Called by the TLS library at each handshake, whether or not the caller names a server (RFC 6066, 3)."""

    def choose(line: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        name = shown()
        if name != "server":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.path(name), certificates.key(name))
            line.context = context

    return choose


def bind(host: str, port: int) -> socket.socket:
    """Raises OSError, with the address in it, when somebody listens there already."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as trouble:
        door.close()
        raise OSError(trouble.errno, f"{host}:{port}: {trouble.strerror}") from trouble
    door.setblocking(False)
    return door


@contextlib.asynccontextmanager
async def listening(listeners: Sequence[Listener], world: World) -> AsyncIterator[None]:
    """Open every door for as long as the block lasts. Raises OSError if one port is taken; then none is open."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        for listener in listeners:
            door = bind(world.settings.host, world.settings.port(listener.name))
            stack.callback(door.close)
            sockets.append(door)
        for listener, door in zip(listeners, sockets, strict=True):
            await stack.enter_async_context(_serving(listener, door, world))
        yield


@contextlib.asynccontextmanager
async def _serving(listener: Listener, door: socket.socket, world: World) -> AsyncIterator[None]:
    """One uvicorn server without its signal handlers: the process has one stop for all of them."""
    config = _configuration(listener, world)
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[door])
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown(sockets=[door])
