"""A process of its own for each command, and the directory's twin over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub import cli, clock, settings
from hub.storage.session import Database
from sandbox import authority
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.rpps import API_BASE, API_KEY, RppsTwin
from sandbox.servers import bind, listening
from sandbox.settings import Settings
from sandbox.world import World
from tests import ports

PREFIX = "/annuaire-sante-webservices/V300/services/extraction/"


@pytest.fixture
def installation(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The settings of a process of its own, on the test's database."""
    monkeypatch.setenv("HUB_DATABASE_URL", database.url)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("HUB_CLOCK_FILE", str(tmp_path / "clock"))
    monkeypatch.setenv("COLUMNS", "200")
    settings.load.cache_clear()
    yield monkeypatch
    settings.load.cache_clear()
    clock.set_file(None)


def typed(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.app, ["rpps", *words], input=given)


async def run(*words: str, given: bytes | None = None) -> Result:
    """The command in a thread of its own: it opens its own event loop."""
    return await asyncio.to_thread(typed, *words, given=given)


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[RppsTwin, str, Path]]:
    """The twin behind its own certificate, which no public root signs; its address and its root."""
    certificates = authority.create(tmp_path / "certificates")
    base = 0
    for base in ports.rows(8):
        with contextlib.suppress(OSError):
            bind("127.0.0.1", base + 5).close()
            break
    known = Settings(run_dir=tmp_path, clock_file=tmp_path / "clock", base_port=base, moody=False)
    clock = Clock(known.clock_file)
    world = World(settings=known, clock=clock, certificates=certificates, journal=Journal(clock))
    twin, ready, stop = RppsTwin(world), threading.Event(), threading.Event()

    async def serve() -> None:
        async with listening(twin.listeners(), world):
            ready.set()
            await asyncio.to_thread(stop.wait)

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    assert ready.wait(20)
    yield twin, f"{known.url('rpps')}{PREFIX}", certificates.authority
    stop.set()
    server.join()


@pytest.fixture
def configured(installation: pytest.MonkeyPatch, published: tuple[RppsTwin, str, Path]) -> RppsTwin:
    """The twin, published, in the settings of the installation: its extractions and its FHIR API."""
    twin, address, root = published
    for name, value in {
        "BASE_URL": address,
        "AUTHORITY": str(root),
        "API_URL": address.replace(PREFIX, API_BASE),
        "API_AUTHORITY": str(root),
        "API_KEY": API_KEY,
    }.items():
        installation.setenv(f"HUB_RPPS__{name}", value)
    settings.load.cache_clear()
    return twin
