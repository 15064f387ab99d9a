"""The two doors of ``hub serve``: plain HTTP for browsers behind the operator's own TLS (or on the loopback), and TLS with client
certificates for machines. Both lead to the same application.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.settings import ServeSettings

GRACE = 5  # seconds left to running answers when the process stops


class CertificateProtocol(HttpToolsProtocol):
    """Hands the verified certificate of the peer (DER bytes, or ``None``) to the application, in ``scope["state"]``."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        certificate = secured.getpeercert(True) if secured is not None else None
        self.app_state: dict[str, Any] = {**self.app_state, "client_certificate": certificate}


def _config(app: ASGIApp, certificate: Path | None, key: Path | None, authority: Path | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=CertificateProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ca_certs=authority,
        ssl_cert_reqs=ssl.CERT_OPTIONAL if authority else ssl.CERT_NONE,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def _bind(host: str, port: int) -> socket.socket:
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
async def _open(config: uvicorn.Config, door: socket.socket) -> AsyncIterator[None]:
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


@contextlib.asynccontextmanager
async def opened(app: ASGIApp, settings: ServeSettings) -> AsyncIterator[None]:
    """Both doors, for as long as the block lasts; the machine door only when its certificate is set.

    Raises ``OSError`` with the address in it when a port is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        plain = _bind(settings.host, settings.port)
        stack.callback(plain.close)
        if settings.certificate is not None:
            secured = _bind(settings.host, settings.machine_port)
            stack.callback(secured.close)
            config = _config(app, settings.certificate, settings.key, settings.client_authority)
            await stack.enter_async_context(_open(config, secured))
        await stack.enter_async_context(_open(_config(app, None, None, None), plain))
        yield
