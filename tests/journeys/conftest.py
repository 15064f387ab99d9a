"""One installation for all journeys: real processes on ports of their own, a database of their own, twins that fail only when
asked to. It is filled by the same commands as any demonstration.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.storage.session import embedded, stop_embedded
from hub.verbs.stack import Ports, Stack, taken
from tests import ports
from tests.conftest import administer, named
from tests.connectors.dmp.conftest import schema, schematron
from tests.journeys.house import House

__all__ = ["schema", "schematron"]  # fixtures: the official validation of documents

LEASE = "10"  # seconds: a dead worker's messages are taken over soon enough for a test
APART = 20


def free_ports() -> Ports:
    """Ports nobody listens on, far from those of an installation."""
    for first in ports.rows(APART):
        found = Ports(web=first, machine=first + 1, sandbox=first + 2)
        if not taken(found):
            return found
    pytest.fail(f"no free ports ({socket.gethostname()})")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A database of their own: on the server of ``HUB_DATABASE_URL`` when there is one, else embedded."""
    given = os.environ.get("HUB_DATABASE_URL")
    if given:
        name = f"journeys_{uuid.uuid4().hex[:12]}"
        administer(given, "CREATE DATABASE {name}", name=name)
        yield named(given, name)
        administer(given, "DROP DATABASE {name} WITH (FORCE)", name=name)
        return
    folder = Path(
        tempfile.mkdtemp(prefix="hub-journeys-")
    )  # not among pytest's own, which its server's user may not enter
    yield embedded(folder / "postgresql", durable=False)
    stop_embedded(folder / "postgresql")
    shutil.rmtree(folder, ignore_errors=True)


def fill(house: House) -> None:
    """What ``hub dev`` does between the twins and the hub: tables, directory, demonstration."""
    certificates = str(house.directory / "certificates")
    house.command("hub", "db", "upgrade")
    house.command("hub", "rpps", "load")
    house.command("hub", "seed", "demo", "--certificates", certificates)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[House]:
    """The installation, started, filled, serving and working."""
    directory: Path = tmp_path_factory.mktemp("journeys")
    more = {
        "HUB_DATABASE_URL": database_url,
        "HUB_OUTBOX__LEASE": LEASE,
        "HUB_FHIR__HANDOFFS_PER_MINUTE": "10000",
    }
    stack = Stack(directory=directory, ports=free_ports(), more=more)
    house = House(stack=stack, database_url=database_url)
    try:
        stack.start_sandbox()
        fill(house)
        stack.start_serve()
        stack.start_work()
        yield house
    finally:
        stack.stop()
