"""The mail server's twin on a real socket, and people to write to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub import composition
from hub.connectors.http import read_errors
from hub.connectors.mail.client import MailClient
from hub.connectors.mail.settings import MailSettings
from sandbox.mail import MailTwin
from sandbox.world import World
from tests.sandbox.conftest import base_port, certificates, open_world, world
from tests.workflows.conftest import bundle, encryption_key, place

__all__ = ["base_port", "bundle", "certificates", "encryption_key", "open_world", "place", "world"]

ERRORS: Path = composition.CONNECTORS / "mail" / "errors.csv"


@pytest.fixture
async def twin(open_world: World) -> AsyncIterator[MailTwin]:
    twin = MailTwin(open_world)
    await twin.start()
    yield twin
    await twin.stop()


@pytest.fixture
def settings(open_world: World) -> MailSettings:
    return MailSettings(
        host="localhost",
        port=open_world.settings.port("smtp"),
        authority=open_world.certificates.authority,
        timeout=5,
    )


@pytest.fixture
def client(twin: MailTwin, settings: MailSettings) -> MailClient:
    del twin
    return MailClient(settings, read_errors(ERRORS))
