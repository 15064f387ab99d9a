"""What a log line may tell of a bug: where it happened, never with which values."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub import log
from hub.storage.session import Database

NAME = "CANARI-7F3A"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], dict[str, Any]]]:
    """The last line logged."""
    log.configure(strict=True)
    yield lambda: json.loads(capsys.readouterr().err.splitlines()[-1])
    structlog.reset_defaults()
    logging.getLogger().handlers = [one for one in logging.getLogger().handlers if one.name != log.LIBRARIES]


def read_patient(name: str) -> None:
    raise ValueError(f"no birth date for {name}")


def test_a_bug_is_told_by_its_kind_and_its_place_only(told: Callable[[], dict[str, Any]]) -> None:
    try:
        read_patient(NAME)
    except ValueError:
        log.trouble("page.bug", with_trace=True, reference="a1")
    line = told()
    assert NAME not in json.dumps(line)
    assert (line["event"], line["reference"]) == ("page.bug", "a1")
    assert line["exception"].startswith("ValueError\n")
    assert "tests/test_log.py" in line["exception"] and "read_patient" in line["exception"]


def test_what_caused_it_is_told_as_well(told: Callable[[], dict[str, Any]]) -> None:
    try:
        try:
            read_patient(NAME)
        except ValueError as trouble:
            raise KeyError(NAME) from trouble
    except KeyError:
        log.trouble("page.bug", with_trace=True)
    found = told()["exception"]
    assert found.index("KeyError") < found.index("caused by ValueError")
    assert NAME not in found


async def test_an_error_of_the_database_keeps_its_values_to_itself(
    database: Database, told: Callable[[], dict[str, Any]]
) -> None:
    orders = ("CREATE TABLE person (name text PRIMARY KEY)", "INSERT INTO person VALUES (:name)")
    async with database.transaction() as session:
        await session.execute(text(orders[0]))
        await session.execute(text(orders[1]), {"name": NAME})
    try:
        async with database.transaction() as session:
            await session.execute(text(orders[1]), {"name": NAME})
    except DBAPIError:
        log.trouble("outbox.bug", with_trace=True, row=1)
    found = told()["exception"]
    assert "IntegrityError" in found and "psycopg.errors.UniqueViolation" in found
    assert NAME not in found


def test_without_a_trace_nothing_of_it_is_told(told: Callable[[], dict[str, Any]]) -> None:
    try:
        read_patient(NAME)
    except ValueError:
        log.trouble("page.bug", reference="a1")
    assert set(told()) == {"event", "reference", "level", "timestamp"}


def test_a_library_is_heard_without_its_words(told: Callable[[], dict[str, Any]]) -> None:
    """The web server logs whatever an application lets escape, with its message."""
    try:
        read_patient(NAME)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application for %s", NAME)
    line = told()
    assert NAME not in json.dumps(line)
    assert (line["event"], line["level"]) == ("library.uvicorn.error", "error")
    assert line["file"].endswith("tests/test_log.py")
    assert line["exception"].startswith("ValueError\n") and "read_patient" in line["exception"]


def test_libraries_are_heard_once_however_often_logs_are_set_up(
    told: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure(strict=True)
    logging.getLogger("asyncio").warning("slow callback")
    assert len(written.getvalue().splitlines()) == 1
    assert json.loads(written.getvalue())["event"] == "library.asyncio"
    with pytest.raises(IndexError):
        told()


def test_a_standard_error_replaced_since_the_set_up_still_gets_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    log.configure()
    monkeypatch.setattr(sys, "stderr", second)
    first.close()
    log.event("worker.started")
    logging.getLogger("library").warning("anything")
    assert [json.loads(line)["event"] for line in second.getvalue().splitlines()] == [
        "worker.started",
        "library.library",
    ]
