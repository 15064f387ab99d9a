from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.errors import DivisionByZero, UndefinedTable

from hub.storage import lines
from hub.storage.lines import Line, Lines
from hub.storage.session import Database, libpq_url


async def _line(database: Database, *, autocommit: bool) -> Line:
    return Line(await psycopg.AsyncConnection.connect(libpq_url(database.url), autocommit=autocommit))


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    """In AUTOCOMMIT."""
    made = await _line(database, autocommit=True)
    yield made
    await made.driver.close()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "l’été {\"a\\b\"} 100 %"),
        ("text", None),
        ("int", -12),
        ("boolean", True),
        ("float8", 2.5),
        ("numeric", Decimal("1.10")),
        ("date", date(2026, 11, 28)),
        ("timestamptz", datetime(2026, 11, 28, 15, 4, 5, 123456, UTC)),
        ("bytea", b"\x00\\x41\xff"),
        ("jsonb", {"a": ["b", None, 1]}),
        ("text[]", ["", "a,b", 'say "so"', "back\\slash", "NULL", None, "{}"]),
        ("bigint[]", [1, -2]),
        ("boolean[]", [True, False]),
        ("numeric[]", [Decimal("Infinity"), Decimal("0.50")]),
        ("text[]", []),
    ],
)  # fmt: skip
async def test_a_value_comes_back_as_it_went(line: Line, kind: str, value: Any) -> None:
    (rows,) = await line.run((f"SELECT CAST(%(value)s AS {kind})".encode(), {"value": value}))
    assert rows == [(value,)]


async def test_one_trip_carries_out_statements_in_their_order(line: Line) -> None:
    await line.run((b"CREATE TEMPORARY TABLE kept (n int)", {}))
    put, seen = await line.run(
        (b"INSERT INTO kept VALUES (%(n)s), (%(n)s + 1)", {"n": 4, "more": "is left aside"}),
        (b"SELECT n, n %% 2 FROM kept ORDER BY n", {}),
    )
    assert (put, seen) == ([], [(4, 0), (5, 1)])


async def test_the_first_failure_is_told_and_the_line_goes_on(line: Line) -> None:
    good, bad = (b"SELECT 1", {}), (b"SELECT 1 / %(n)s::int", {"n": 0})
    for _ in range(2):
        with pytest.raises(DivisionByZero):
            await line.run(good, bad, good)
        with pytest.raises(UndefinedTable):
            await line.run(good, (b"SELECT * FROM nothing", {}), bad)
    assert await line.run(good) == [[(1,)]]


async def test_a_transaction_begins_with_the_first_statement(database: Database) -> None:
    line, other = await _line(database, autocommit=False), await _line(database, autocommit=True)
    await other.run((b"CREATE TABLE kept (n int)", {}))
    assert line.is_idle
    await line.run((b"INSERT INTO kept VALUES (1)", {}))
    assert not line.is_idle and await other.run((b"SELECT n FROM kept", {})) == [[]]
    await line.driver.commit()
    assert await other.run((b"SELECT n FROM kept", {})) == [[(1,)]]
    with pytest.raises(DivisionByZero):
        await line.run((b"INSERT INTO kept VALUES (2)", {}), (b"SELECT 1 / 0", {}))
    assert not line.is_idle
    await line.driver.rollback()
    assert await other.run((b"SELECT n FROM kept", {})) == [[(1,)]]
    await line.driver.close()
    await other.driver.close()


async def test_only_so_many_statements_stay_prepared(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_PREPARED", 3)
    for n in [*range(8), *range(8), 5, 5]:
        assert await line.run((f"SELECT {n}".encode(), {}), (b"SELECT 'always'", {})) == [[(n,)], [("always",)]]
    (((count,),),) = await line.run((b"SELECT count(*) FROM pg_prepared_statements", {}))
    assert count <= 4  # the one that counts comes after the oldest has gone


async def test_what_is_large_goes_and_comes_whole(line: Line) -> None:
    large = b"\x00\x01" * 4_000_000
    echo = (b"SELECT CAST(%(value)s AS bytea)", {"value": large})
    assert await line.run(echo, echo) == [[(large,)], [(large,)]]


async def test_a_line_left_in_the_middle_of_an_answer_is_closed(database: Database) -> None:
    pool = Lines(libpq_url(database.url), most=1, settings={})
    waiting = asyncio.create_task(pool.fetch(b"SELECT pg_sleep(30)", {}))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await pool.fetch(b"SELECT 1", {}) == [(1,)]
    await pool.close()


async def test_a_value_without_a_place_in_a_statement_harms_nobody(line: Line) -> None:
    with pytest.raises(TypeError):
        await line.run((b"SELECT %(value)s", {"value": object()}))
    assert await line.run((b"SELECT 1", {})) == [[(1,)]]
