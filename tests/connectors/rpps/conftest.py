from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from hub.connectors.rpps import api as speaking
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.client import RppsClient
from hub.connectors.rpps.settings import RppsSettings
from sandbox import authority
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.rpps import API_BASE, API_KEY, RppsTwin
from sandbox.settings import Settings
from sandbox.world import World

BASE = "https://annuaire.test/annuaire-sante-webservices/V300/services/extraction/"
API = f"https://annuaire.test{API_BASE}"


def api_settings(**changes: object) -> RppsSettings:
    return RppsSettings(**{"api_url": API, "api_key": API_KEY, "api_rate": 1000, **changes})  # type: ignore[arg-type]


def refused_line() -> None:
    raise httpx.ReadError("the line was cut")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.create(tmp_path_factory.mktemp("rpps") / "certificates")


@pytest.fixture
def twin(tmp_path: Path, certificates: Certificates) -> RppsTwin:
    settings = Settings(run_dir=tmp_path, clock_file=tmp_path / "clock", moody=False)
    clock = Clock(settings.clock_file)
    return RppsTwin(World(settings=settings, clock=clock, certificates=certificates, journal=Journal(clock)))


@pytest.fixture
def unhurried(twin: RppsTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin's second is over between two calls, and nobody waits long."""
    moment = twin.world.clock.now()

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=0.07)
        return moment

    monkeypatch.setattr(twin.world.clock, "now", now)
    monkeypatch.setattr(speaking, "PAUSE", 0.001)


@pytest.fixture
async def line(twin: RppsTwin) -> AsyncIterator[httpx.AsyncClient]:
    """A line to the twin, which may be cut."""

    async def door(scope: object, receive: object, send: object) -> None:
        await twin.app({**scope, "state": {"cut": refused_line}}, receive, send)  # type: ignore[dict-item,arg-type]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=door)) as http:
        yield http


@pytest.fixture
def client(line: httpx.AsyncClient) -> RppsClient:
    return RppsClient(line, RppsSettings(base_url=BASE))


@pytest.fixture
def api(line: httpx.AsyncClient) -> DirectoryApi:
    """The FHIR API of the same twin, as the hub asks it."""
    return DirectoryApi(line, api_settings())


@pytest.fixture
async def fhir(twin: RppsTwin) -> AsyncIterator[httpx.AsyncClient]:
    """A line to the FHIR API of the same twin, its key in hand: `await fhir.get("Practitioner", params=...)`."""
    address = f"https://annuaire.test{API_BASE}/"
    headers = {"ESANTE-API-KEY": API_KEY}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=twin.app), base_url=address, headers=headers
    ) as http:
        yield http
