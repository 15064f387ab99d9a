from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import ProgrammingError, UndefinedTable, UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.storage.hot import ask, later
from hub.storage.session import LINES, Database, embedded, libpq_url, psycopg_url, stop_embedded

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgres://a:b@h:1/d", "postgresql+psycopg://a:b@h:1/d"),
        ("postgresql://a:b@h:1/d", "postgresql+psycopg://a:b@h:1/d"),
        ("postgresql+psycopg://a:b@h:1/d", "postgresql+psycopg://a:b@h:1/d"),
        ("postgresql://u@/d?host=/run/x", "postgresql+psycopg://u@/d?host=%2Frun%2Fx"),
    ],
)
def test_any_address_is_read_on_psycopg(given: str, wanted: str) -> None:
    assert psycopg_url(given).render_as_string(hide_password=False) == wanted


async def test_transaction_commits_or_rolls_back(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (n int)"))
        await session.execute(text("INSERT INTO kept VALUES (1)"))
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO kept VALUES (2)"))
            raise RuntimeError("change of mind")
    async with database.reading() as session:
        assert list((await session.execute(text("SELECT n FROM kept"))).scalars()) == [1]


async def test_reading_holds_no_transaction(database: Database) -> None:
    async with database.reading() as session:
        first = (await session.execute(text("SELECT clock_timestamp(), now()"))).one()
        second = (await session.execute(text("SELECT now()"))).scalar_one()
        assert second > first[1]
        assert (await session.execute(text("SHOW timezone"))).scalar_one() == "UTC"


async def test_a_pooled_connection_leaves_autocommit_behind(database: Database) -> None:
    for _ in range(3):
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))
        async with database.transaction() as session:
            one = (await session.execute(text("SELECT now()"))).scalar_one()
            assert (await session.execute(text("SELECT now()"))).scalar_one() == one


async def test_listen_hears_what_is_committed_and_nothing_else(database: Database) -> None:
    heard = database.listen("bell")
    assert await anext(heard) == ""
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_notify('bell', 'never')"))
            raise RuntimeError("rolled back")
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_notify('bell', 'ding')"))
    assert await asyncio.wait_for(anext(heard), 10) == "ding"
    await heard.aclose()


async def test_listen_comes_back_after_the_line_is_cut(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.storage.session.RECONNECT_AFTER", 0.01)
    heard = database.listen("bell")
    assert await anext(heard) == ""
    async with database.transaction() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
        )
    assert await asyncio.wait_for(anext(heard), 10) == ""
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_notify('bell', 'again')"))
    assert await asyncio.wait_for(anext(heard), 10) == "again"
    await heard.aclose()


ATTACH = """
import sys, psycopg
from pathlib import Path
from hub.storage.session import embedded, libpq_url
url = embedded(Path(sys.argv[1]))
with psycopg.connect(libpq_url(url)) as line:
    print(line.execute("SELECT pg_postmaster_start_time()::text || ' ' || current_setting('fsync')").fetchone()[0])
"""


def test_several_processes_share_one_embedded_server() -> None:
    with tempfile.TemporaryDirectory(prefix="hub-embedded-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder) / "deeper" / "data"
        url = embedded(directory)
        with psycopg.connect(libpq_url(url)) as line:
            row = line.execute("SELECT pg_postmaster_start_time()::text || ' ' || current_setting('fsync')").fetchone()
        assert row is not None and row[0].endswith(" on")
        done = subprocess.run(
            [sys.executable, "-c", ATTACH, str(directory)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == row[0]
        with psycopg.connect(libpq_url(url)) as line:  # the other process ended: the server stays for us
            line.execute("SELECT 1")
        stop_embedded(directory)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(libpq_url(url))


def test_a_server_that_was_killed_recovers() -> None:
    with tempfile.TemporaryDirectory(prefix="hub-embedded-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder) / "data"
        url = embedded(directory)
        with psycopg.connect(libpq_url(url), autocommit=True) as line:
            line.execute("CREATE TABLE kept AS SELECT 1 AS n")
        postmaster = int((directory / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        while Path(f"/proc/{postmaster}").exists() and " Z " not in Path(f"/proc/{postmaster}/stat").read_text():
            time.sleep(0.02)
        with psycopg.connect(libpq_url(embedded(directory))) as line:
            assert line.execute("SELECT n FROM kept").fetchone() == (1,)
        stop_embedded(directory)


async def test_a_reading_of_the_hot_path_starts_again_after_its_line_was_cut(database: Database) -> None:
    assert await database.fetch(b"SELECT 1", {}) == [(1,)]
    ((pid,),) = await database.fetch(b"SELECT pg_backend_pid()", {})
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(OperationalError):
        await database.fetch(b"SELECT 1", {})
    assert await database.fetch(b"SELECT %(n)s::int", {"n": 2}) == [(2,)]


async def test_readings_of_the_hot_path_share_a_few_lines(database: Database) -> None:
    found = await asyncio.gather(*(database.fetch(b"SELECT pg_backend_pid(), pg_sleep(0.001)", {}) for _ in range(20)))
    assert len({rows[0][0] for rows in found}) <= LINES
    with pytest.raises(ProgrammingError):
        await database.fetch(b"SELECT nothing", {})
    assert await database.fetch(b"SELECT 3", {}) == [(3,)]


async def test_the_hot_path_shares_the_transaction_of_its_session(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (n int)"))
        await ask(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 1}), (b"INSERT INTO kept VALUES (2)", {}))
        assert (await session.execute(text("SELECT sum(n) FROM kept"))).scalar_one() == 3
    for trouble in (RuntimeError, IntegrityError):
        with pytest.raises(trouble):
            async with database.transaction() as session:
                await ask(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 3}))
                raise RuntimeError if trouble is RuntimeError else IntegrityError("", {}, Exception())
    async with database.transaction() as session:  # on a connection where all that was prepared could be gone
        assert await ask(session, (b"SELECT n FROM kept ORDER BY n", {})) == [[(1,), (2,)]]
    async with database.reading() as session:
        await ask(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 4}))
        assert (await session.execute(text("SELECT max(n) FROM kept"))).scalar_one() == 4


async def test_a_transaction_that_failed_on_the_hot_path_is_never_committed(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (n int)"))
    async with database.transaction() as session:
        await ask(session, (b"INSERT INTO kept VALUES (1)", {}))
        with pytest.raises(UndefinedTable):
            await ask(session, (b"INSERT INTO nothing VALUES (1)", {}))
    assert await database.fetch(b"SELECT n FROM kept", {}) == []


async def test_a_transaction_of_the_hot_path_that_was_cut_is_told_and_the_next_one_goes_on(database: Database) -> None:
    with pytest.raises(OperationalError):
        async with database.transaction() as session:
            [[(pid,)]] = await ask(session, (b"SELECT pg_backend_pid()", {}))
            await database.fetch(b"SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})
            await ask(session, (b"SELECT 1", {}))
    async with database.transaction() as session:
        assert await ask(session, (b"SELECT 1", {})) == [[(1,)]]


async def test_a_transaction_that_was_left_in_the_middle_of_an_answer_is_undone(database: Database) -> None:
    async def slow() -> None:
        async with database.transaction() as session:
            await ask(session, (b"SELECT pg_sleep(30)", {}))

    leaving = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with database.transaction() as session:
        assert await ask(session, (b"SELECT 1", {})) == [[(1,)]]


async def test_what_is_put_off_is_there_for_whatever_comes_next(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (n int UNIQUE)"))
        await later(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 1}))
        assert (await session.execute(text("SELECT n FROM kept"))).scalar_one() == 1
        await later(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 2}))
        assert await ask(session, (b"SELECT max(n) FROM kept", {})) == [[(2,)]]
        await later(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 3}))
    assert await database.fetch(b"SELECT count(*) FROM kept", {}) == [(3,)]
    async with database.transaction() as session:  # the only thing said
        await later(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 4}))
    assert await database.fetch(b"SELECT count(*) FROM kept", {}) == [(4,)]
    async with database.reading() as session:
        await later(session, (b"INSERT INTO kept VALUES (%(n)s)", {"n": 5}))
        assert await database.fetch(b"SELECT count(*) FROM kept", {}) == [(5,)]


async def test_what_is_put_off_falls_with_its_transaction_and_takes_it_down_when_it_fails(database: Database) -> None:
    insert = b"INSERT INTO kept VALUES (%(n)s)"
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (n int UNIQUE)"))
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await later(session, (insert, {"n": 1}))
            raise RuntimeError("change of mind")
    with pytest.raises(UniqueViolation):
        async with database.transaction() as session:
            await later(session, (insert, {"n": 2}))
            await later(session, (insert, {"n": 2}))
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            await later(session, (insert, {"n": 3}))
            await later(session, (insert, {"n": 3}))
            await session.execute(text("SELECT 1"))
    async with database.transaction() as session:
        assert await ask(session, (b"SELECT n FROM kept", {})) == [[]]


async def test_a_connection_is_given_to_the_next_one_who_waits(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = await Database.open(server_url, pool=2)
    async with few.transaction(), few.transaction(), few.transaction():  # half as many again
        assert few.writing.in_use == 3
        monkeypatch.setattr("hub.storage.session.PATIENCE", 0.05)
        with pytest.raises(PoolTimeout):
            async with few.transaction():
                pass
    async with few.transaction() as session:
        assert few.writing.in_use == 1
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    await few.close()
