"""The hot path inside a session: its connection and its transaction, without the engine between (:mod:`hub.storage.lines`)."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.storage.lines import Asked, Line, Rows

LINE = "line"  # where a connection keeps its own


def away(trouble: psycopg.OperationalError) -> OperationalError:
    """The same trouble as an engine tells it."""
    return OperationalError(None, None, trouble, hide_parameters=True)


async def ask(session: AsyncConnection, *asked: Asked) -> list[Rows]:
    """What statements find, in the transaction of a session and in one trip. Raises ``psycopg.Error``, and
    ``sqlalchemy.exc.OperationalError`` as a session does when the database does not answer."""
    return await _asked(session, await _line(session), *asked)


async def later(session: AsyncConnection, asked: Asked) -> None:
    """Put off a statement whose answer nobody needs: it goes with the next one of the session, or with the commit, which fails
    when it does. In AUTOCOMMIT it goes at once."""
    line = await _line(session)
    if line.driver.autocommit:
        await _asked(session, line, asked)
    else:
        line.later(asked)


def catch_up(connection: Connection, *_: Any) -> None:
    """Before a statement of the engine, what was put off: an event of SQLAlchemy, which tells its errors as those of that one."""
    line: Line | None = connection.info.get(LINE)
    if line is not None and line.is_behind:
        lent: Any = connection.connection.dbapi_connection
        lent.run_async(lambda _: line.run())


async def end(session: AsyncConnection, order: bytes) -> None:
    """``COMMIT``, with what was put off, or ``ROLLBACK``, without; nothing when no transaction was begun."""
    line: Line | None = session.info.get(LINE)
    if line is None:
        return
    if order == b"ROLLBACK":
        line.forget()
    if line.is_behind or not line.is_idle:
        await _asked(session, line, (order, {}))


async def _line(session: AsyncConnection) -> Line:
    line: Line | None = session.info.get(LINE)
    if line is None:
        driver: Any = (await session.get_raw_connection()).driver_connection
        line = session.info[LINE] = Line(driver)
    return line


async def _asked(session: AsyncConnection, line: Line, *asked: Asked) -> list[Rows]:
    try:
        return await line.run(*asked)
    except psycopg.OperationalError as trouble:
        raise away(trouble) from trouble
    finally:
        if line.is_broken:
            await session.invalidate()
