"""A world without sockets, and a caller that may show a certificate of the sandbox."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import authority
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.servers import bind
from sandbox.settings import Settings
from sandbox.world import World
from tests import ports

ClientFor = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority for the whole run: making keys takes a second."""
    return authority.create(tmp_path_factory.mktemp("sandbox") / "certificates")


@pytest.fixture
def world(tmp_path: Path, certificates: Certificates) -> World:
    """Steady, with its own clock and journal."""
    settings = Settings(run_dir=tmp_path, clock_file=tmp_path / "clock", moody=False)
    clock = Clock(settings.clock_file)
    return World(settings=settings, clock=clock, certificates=certificates, journal=Journal(clock))


@pytest.fixture
def base_port() -> int:
    """Eight ports in a row that nobody listens to."""
    for base in ports.rows(8):
        try:
            doors = [bind("127.0.0.1", base + step) for step in range(8)]
        except OSError:
            continue
        for door in doors:
            door.close()
        return base
    raise AssertionError("no eight free ports")


@pytest.fixture
def open_world(world: World, base_port: int, tmp_path: Path) -> World:
    """A world whose doors may really be opened."""
    return World(
        settings=Settings(run_dir=tmp_path, base_port=base_port),
        clock=world.clock,
        certificates=world.certificates,
        journal=world.journal,
    )


def _cut() -> None:
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")


@pytest.fixture
def client_for(certificates: Certificates) -> ClientFor:
    """`client_for(app, certificate="hub-auth-cli", base_url=..., **options of httpx.AsyncClient)`.

    `certificate` is a name of the sandbox, DER bytes, or None; the application sees it as the real server shows it.
    """

    def build(app: ASGIApp, certificate: str | bytes | None = None, **options: Any) -> httpx.AsyncClient:
        der = certificate
        if isinstance(certificate, str):
            first = certificates.path(certificate).read_text().split("-----END CERTIFICATE-----")[0]
            der = ssl.PEM_cert_to_DER_cert(first + "-----END CERTIFICATE-----\n")

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            state = {**scope.get("state", {}), "client_certificate": der, "cut": _cut}
            await app({**scope, "state": state}, receive, send)

        options = {"base_url": "https://localhost", **options}
        return httpx.AsyncClient(transport=httpx.ASGITransport(door), **options)

    return build
