"""The platform's twin in process, and a request it handed over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import composition
from hub.connectors.http import read_errors
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.settings import SasSettings
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import handoffs
from sandbox.sas import SasTwin
from sandbox.sas.bundle import build
from sandbox.sas.ledger import Case
from sandbox.sas.wish import Regulator, Wish
from sandbox.world import World
from tests.sandbox.conftest import ClientFor, certificates, client_for, world
from tests.workflows.conftest import Place, encryption_key, place

__all__ = ["certificates", "client_for", "encryption_key", "place", "world"]

ERRORS: Path = composition.CONNECTORS / "sas" / "errors.csv"
NUMBER = "DRFR159502621900417"
AT = datetime(2026, 11, 16, 7, 59, tzinfo=UTC)


@pytest.fixture
def settings() -> SasSettings:
    return SasSettings(allowed_hosts=["localhost"], platform_url="https://localhost/fhir", tells_pending=True)


@pytest.fixture
def twin(world: World) -> SasTwin:
    return SasTwin(world)


@pytest.fixture
def http(twin: SasTwin, client_for: ClientFor) -> httpx.AsyncClient:
    return client_for(twin.app, certificate="hub-auth-cli")


@pytest.fixture
def client(http: httpx.AsyncClient, settings: SasSettings) -> SasClient:
    return SasClient(http, settings, read_errors(ERRORS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A request handed over by the twin: ids of its ServiceRequest and coordinating Task."""

    request: str
    task: str


Follow = Callable[..., Awaitable[Followed]]


@pytest.fixture
def follow(session: Session, place: Place, twin: SasTwin) -> Follow:
    """Hands over the demonstration's case, and subscribes unless told otherwise."""

    async def handed(*, subscribed: bool = True) -> Followed:
        bundle: dict[str, Any] = build(Wish(dossier=NUMBER), Regulator(), AT)
        received = await handoffs.receive(session, place.sas, bundle)
        locations = {one.split("/")[0]: one for one in received.locations}
        case = Case(wish=Wish(dossier=NUMBER), bundle=bundle, sent_at=AT, status=200, locations=locations)
        twin.desk.ledger.keep(case)
        if subscribed:
            wanted = {**twin.desk.subscriber.resource(), "status": "active"}
            await resources.create(session, place.sas, wanted)
        return Followed(request=received.request, task=locations["Task"].split("/")[1])

    return handed
