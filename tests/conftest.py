"""Fixtures shared by all tests: a real PostgreSQL, a frozen clock, the conformance material, and no network but loopback."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine

import hub.clock
from hub.storage.session import Database, Session, embedded, libpq_url, psycopg_url, stop_embedded
from hub.storage.tables import everything

ROOT = Path(__file__).resolve().parents[1]
NOTHING_SKIPPED = os.environ.get("HUB_TEST_REQUIRE") == "all"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Under ``HUB_TEST_REQUIRE=all`` a skipped test has failed."""
    report: Any = yield
    if NOTHING_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No test speaks to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of published examples and test cases, which is not part of the project: beside it, or named by
    ``HUB_TEST_CONFORMANCE``."""
    folder = Path(os.environ.get("HUB_TEST_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
    if not folder.is_dir():
        pytest.skip(f"no conformance material in {folder}: set HUB_TEST_CONFORMANCE to where it lies")
    return folder


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server: the one of ``HUB_DATABASE_URL``, else the embedded one in a folder of its own."""
    given = os.environ.get("HUB_DATABASE_URL")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="hub-test-"))
    yield embedded(folder / "data", durable=False)
    stop_embedded(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)


def administer(server_url: str, order: str, **names: str) -> None:
    composed = sql.SQL(order).format(**{key: sql.Identifier(name) for key, name in names.items()})
    with psycopg.connect(libpq_url(server_url), autocommit=True) as line:
        line.execute(composed)


def named(server_url: str, name: str) -> str:
    return psycopg_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a database with all tables and no row."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    administer(server_url, "CREATE DATABASE {name}", name=name)
    engine = create_engine(named(server_url, name))
    everything().create_all(engine)
    engine.dispose()
    yield name
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """The address of a database without any table: for migrations."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    administer(server_url, "CREATE DATABASE {name}", name=name)
    yield named(server_url, name)
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture
async def database(server_url: str, template: str) -> AsyncIterator[Database]:
    """A database of the test's own, with all tables, for tests that commit."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    administer(server_url, "CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    opened = await Database.open(named(server_url, name), pool=10)
    yield opened
    await opened.close()
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture(scope="session")
async def shared_database(server_url: str, template: str) -> AsyncIterator[Database]:
    """One database for all tests that roll back."""
    name = f"shared_{uuid.uuid4().hex[:12]}"
    administer(server_url, "CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    opened = await Database.open(named(server_url, name), pool=5)
    yield opened
    await opened.close()
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture
async def session(shared_database: Database) -> AsyncIterator[Session]:
    """A transaction that is rolled back at the end of the test."""
    async with shared_database.engine.connect() as connection:
        transaction = await connection.begin()
        yield connection
        await transaction.rollback()


class FrozenClock:
    """What ``hub.clock`` says during a test. ``advance`` lets time pass."""

    def __init__(self, start: datetime) -> None:
        self.instant = start

    def now(self, zone: tzinfo | None = None) -> datetime:
        return self.instant.astimezone(zone or UTC)

    def advance(self, by: timedelta) -> datetime:
        self.instant += by
        return self.instant

    def move_to(self, instant: datetime) -> datetime:
        self.instant = instant
        return self.instant


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """The hub's clock stands still on Monday 16 November 2026, 09:00 in Paris."""
    frozen = FrozenClock(datetime(2026, 11, 16, 8, 0, tzinfo=UTC))
    monkeypatch.setattr(hub.clock, "datetime", frozen)
    return frozen


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the distribution's browser."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on this machine")
    return found
