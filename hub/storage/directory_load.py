"""Replacing the national directory as a whole: tables made beside the served ones, filled by COPY, indexed, put in their place.

All of it in one transaction of the caller: readers see the old directory or the new one, and a load that dies leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import MetaData, Table, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import AddConstraint, CreateIndex

from hub.storage import rows
from hub.storage.session import Session
from hub.storage.tables.directory import REPLACED
from hub.storage.tables.directory import load as register

STAGE = "directory_stage"  # a schema that never outlives its transaction
LOCK = 7_041_996
PATIENCE = "300ms"  # under deadlock_timeout: the loader lets go before a reader is made to
TRIES, PAUSE = 200, 0.3  # a minute and more of readers that never stop
SORTING = {"maintenance_work_mem": "512MB", "max_parallel_maintenance_workers": "2"}


class ReadersBusy(Exception):
    """The served directory was read without a pause for so long that it could not be replaced."""


class NotStorable(Exception):
    """The database refused a value: too long to be indexed, or no text at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One line of the register. ``result``: served or refused; ``reason``: code of the refusal; ``accepted_by``: who answered for a
    file that a guard had refused; ``loaded_at``: hub clock; ``seconds``: how long it took.
    """

    stamp: str
    source: str
    digest: str
    result: str
    loaded_at: datetime
    seconds: float
    reason: str = ""
    accepted_by: str = ""
    rows: int = 0
    rejected: int = 0
    duplicates: int = 0
    persons: int = 0
    exercises: int = 0
    situations: int = 0
    structures: int = 0
    skills: int = 0
    report: dict[str, Any] = field(default_factory=dict)


async def alone(session: Session) -> bool:
    """Hold the right to load until the end of the transaction; ``False`` when another load is running."""
    held = await session.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK})
    return bool(held.scalar_one())


async def served(session: Session) -> Load | None:
    """The load that readers see, ``None`` before the first."""
    query = select(register).where(register.c.result == "served").order_by(register.c.id.desc()).limit(1)
    return await rows.one(session, Load, query)


async def history(session: Session, limit: int = 20) -> list[Load]:
    """The last loads, refused ones too, newest first."""
    return await rows.every(session, Load, select(register).order_by(register.c.id.desc()).limit(limit))


async def note(session: Session, load: Load) -> None:
    """Add a line to the register."""
    await session.execute(insert(register).values(asdict(load)))


async def begin(session: Session) -> None:
    """Make the empty tables beside the served ones, without any index yet."""
    await session.execute(text(f"CREATE SCHEMA {STAGE}"))
    for table in REPLACED:
        like = "INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING STORAGE"
        await session.execute(text(f"CREATE TABLE {STAGE}.{table.name} (LIKE {table.name} {like})"))


async def copy(session: Session, lines: Mapping[str, str]) -> None:
    """Add lines to the new tables: by table, in the text form of COPY with ``|`` between columns, in the table's own order.

    Raises :class:`NotStorable`. Rows are written frozen: no snapshot ever finds the new directory empty.
    """
    raw = (await session.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    for name, content in lines.items():
        order = sql.SQL("COPY {} FROM STDIN WITH (FORMAT text, DELIMITER '|', FREEZE)").format(
            sql.Identifier(STAGE, name)
        )
        try:
            async with raw.cursor() as cursor, cursor.copy(order) as stream:
                await stream.write(content)
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as trouble:
            raise NotStorable(str(trouble)) from trouble


async def finish(session: Session) -> None:
    """Build keys and indexes of the new tables, and the statistics by which they are read. Raises :class:`NotStorable`."""
    for name, value in SORTING.items():
        await session.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    for table in REPLACED:
        staged = _staged(table)
        try:
            if staged.primary_key.columns:
                await session.execute(AddConstraint(staged.primary_key))
            for index in sorted(staged.indexes, key=lambda one: str(one.name)):
                await session.execute(CreateIndex(index))
        except OperationalError as trouble:
            if isinstance(trouble.orig, psycopg.errors.ProgramLimitExceeded):
                raise NotStorable(str(trouble.orig)) from trouble
            raise
        indexed = [*staged.primary_key.columns, *(column for index in staged.indexes for column in index.columns)]
        asked = dict.fromkeys(column.name for column in indexed)
        await session.execute(text(f"ANALYZE {STAGE}.{table.name} ({', '.join(asked)})"))


def _staged(table: Table) -> Table:
    """The same table, keys and indexes of the same names, in the schema of the new ones."""
    return table.to_metadata(MetaData(), schema=STAGE)


async def swap(session: Session) -> None:
    """Put the new tables in the place of the served ones. Readers wait for the few milliseconds until the commit, and the loader
    never makes one of them wait longer than ``PATIENCE``. Raises :class:`ReadersBusy`.
    """
    home = (await session.execute(text("SELECT quote_ident(current_schema())"))).scalar_one()
    await _hold(session, ", ".join(f"{home}.{table.name}" for table in REPLACED))
    for table in REPLACED:
        await session.execute(text(f"DROP TABLE {home}.{table.name}"))
        await session.execute(text(f"ALTER TABLE {STAGE}.{table.name} SET SCHEMA {home}"))
    await session.execute(text(f"DROP SCHEMA {STAGE}"))


async def _hold(session: Session, names: str) -> None:
    """Shut readers out of the served tables, letting go between two tries."""
    await session.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": PATIENCE})
    await session.execute(text("SAVEPOINT before_readers"))
    for _ in range(TRIES):
        try:
            await session.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
            return
        except OperationalError as trouble:
            if not isinstance(trouble.orig, psycopg.errors.LockNotAvailable):
                raise
            await session.execute(text("ROLLBACK TO SAVEPOINT before_readers"))
            await asyncio.sleep(PAUSE)
    raise ReadersBusy
