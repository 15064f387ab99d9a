"""The gateway's twin in process, and people to write to."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import HttpUrl, SecretStr

from hub import composition
from hub.connectors.http import read_errors
from hub.connectors.sms.client import SmsClient
from hub.connectors.sms.settings import SmsSettings
from sandbox.sms import SmsTwin
from sandbox.world import World
from tests.sandbox.conftest import ClientFor, certificates, client_for, world
from tests.workflows.conftest import bundle, encryption_key, place

__all__ = ["bundle", "certificates", "client_for", "encryption_key", "place", "world"]

ERRORS: Path = composition.CONNECTORS / "sms" / "errors.csv"


@pytest.fixture
def settings() -> SmsSettings:
    return SmsSettings(url=HttpUrl("https://localhost/messages"), token=SecretStr("jeton-invente-sms"))


@pytest.fixture
def twin(world: World) -> SmsTwin:
    return SmsTwin(world)


@pytest.fixture
def http(twin: SmsTwin, client_for: ClientFor) -> httpx.AsyncClient:
    return client_for(twin.app)


@pytest.fixture
def client(http: httpx.AsyncClient, settings: SmsSettings) -> SmsClient:
    return SmsClient(http, settings, read_errors(ERRORS))
