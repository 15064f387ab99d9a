"""The register of the loads of the national directory, and the ways in: one by COPY into new tables, the other into staging tables.

All of a load is one transaction of the caller: readers see the old directory or the new one, and a load that dies leaves nothing.
What differs between two days is found and applied in :mod:`hub.storage.directory_compare`.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import MetaData, Table, delete, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import AddConstraint, CreateIndex, SetTableComment

from hub.storage import rows
from hub.storage.session import Session
from hub.storage.tables import directory as tables
from hub.storage.tables import metadata
from hub.storage.tables.directory import load as register

STAGE = "directory_stage"  # a schema that never outlives its transaction
FRESH = "fresh_"  # before the name of a temporary table of new rows
LOCK = 7_041_996
PATIENCE = "300ms"  # under deadlock_timeout: the loader lets go before a reader is made to
TRIES, PAUSE = 200, 0.3  # a minute and more of readers that never stop
SORTING = {"maintenance_work_mem": "256MB", "max_parallel_maintenance_workers": "2"}
CHUNK = 1 << 16  # lines in one row of directory_line: a mebibyte


class ReadersBusy(Exception):
    """The served directory was read without a pause for so long that it could not be replaced."""


class NotStorable(Exception):
    """The database refused a value: too long to be indexed, or no text at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One line of the register. ``list``: directory, skills, diplomas, mailboxes or increments; ``result``: served, refused or
    reverted; ``reason``: code of the refusal; ``accepted_by``: who answered for a file that a guard had refused; ``loaded_at``: hub
    clock; ``seconds``: how long it took; ``exercises`` to ``skills``: all that were then served; ``added`` to ``gone``: persons;
    ``new_rows``, ``lost_rows``: of all lists.
    """

    stamp: str
    source: str
    digest: str
    result: str
    loaded_at: datetime
    seconds: float
    id: int = 0
    list: str = "directory"
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
    added: int = 0
    changed: int = 0
    missing: int = 0
    returned: int = 0
    gone: int = 0
    new_rows: int = 0
    lost_rows: int = 0
    report: dict[str, Any] = field(default_factory=dict)


async def alone(session: Session) -> bool:
    """Hold the right to load until the end of the transaction; ``False`` when another load is running."""
    held = await session.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK})
    return bool(held.scalar_one())


async def served(session: Session, name: str = "directory", *, below: int | None = None) -> Load | None:
    """The load that readers see of a list, ``None`` before the first. ``below``: the last one before that number instead."""
    query = select(register).where(register.c.result == "served", register.c.list == name)
    if below is not None:
        query = query.where(register.c.id < below)
    return await rows.one(session, Load, query.order_by(register.c.id.desc()).limit(1))


async def history(session: Session, limit: int = 20) -> list[Load]:
    """The last loads, refused ones too, newest first."""
    return await rows.every(session, Load, select(register).order_by(register.c.id.desc()).limit(limit))


COUNTED = ("exercises", "situations", "structures", "skills")


async def totals(session: Session) -> dict[str, int]:
    """How many exercises, situations, structures and skills are served."""
    each = (f"(SELECT count(*) FROM directory_{name.removesuffix('s')})" for name in COUNTED)  # noqa: S608 - names above
    found = (await session.execute(text("SELECT " + ", ".join(each)))).one()
    return dict(zip(COUNTED, found, strict=True))


async def has_reverted(session: Session, digest: str) -> bool:
    """Whether somebody has taken back a load of this very file."""
    query = select(register.c.id).where(register.c.result == "reverted", register.c.digest == digest)
    return (await session.execute(query.limit(1))).first() is not None


async def reserve(session: Session) -> int:
    """The number of a load that begins."""
    query = text("SELECT nextval(pg_get_serial_sequence('directory_load', 'id'))")
    return int((await session.execute(query)).scalar_one())


async def note(session: Session, load: Load) -> None:
    """Add a line to the register; without a number it gets one."""
    values = {name: value for name, value in asdict(load).items() if name != "id" or value}
    await session.execute(insert(register).values(values))


def _raw(connection: Any) -> psycopg.AsyncConnection[Any]:
    raw = connection.driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    return raw


async def is_empty(session: Session, table: str) -> bool:
    """Whether a table of the directory has no row yet."""
    order = select(metadata.tables[table].c[0]).limit(1)
    return (await session.execute(order)).first() is None


async def numbers(session: Session, table: str) -> set[int]:
    """The numbers of all rows of a table."""
    order = sql.SQL("SELECT string_agg(int8send(id), ''::bytea) FROM {}").format(sql.Identifier(table))
    raw = _raw(await session.get_raw_connection())
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(order)
        row = await cursor.fetchone()
    found = array("q", (row and row[0]) or b"")
    if sys.byteorder == "little":
        found.byteswap()
    return set(found)


async def lines(session: Session, name: str) -> tuple[array[int], array[int]]:
    """The digest of each line of the load served, and the number of its row, side by side."""
    query = select(tables.line.c.pairs).where(tables.line.c.list == name).order_by(tables.line.c.chunk)
    digests, rows = array("Q"), array("q")
    for (content,) in await session.execute(query):
        half = len(content) // 2
        digests.frombytes(content[:half])
        rows.frombytes(content[half:])
    return _little(digests), _little(rows)


def _little(numbers: array[int]) -> array[int]:
    """The same numbers, as every machine writes and reads them in directory_line."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


async def keep_lines(session: Session, name: str, digests: array[int], numbers: array[int]) -> None:
    """Remember the lines of this load for the next one: their digests, and the numbers of their rows."""
    await session.execute(delete(tables.line).where(tables.line.c.list == name))
    for chunk, start in enumerate(range(0, len(digests), CHUNK)):
        digest, row = (_little(one[start : start + CHUNK]).tobytes() for one in (digests, numbers))
        await session.execute(insert(tables.line), {"list": name, "chunk": chunk, "pairs": digest + row})


async def begin(session: Session, names: Iterable[str]) -> None:
    """Make empty tables beside the served ones, without any index yet."""
    await session.execute(text(f"CREATE SCHEMA {STAGE}"))
    for name in names:
        like = "INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING STORAGE"
        await session.execute(text(f"CREATE TABLE {STAGE}.{name} (LIKE {name} {like})"))
        if metadata.tables[name].comment:  # the one comment that LIKE leaves behind
            await session.execute(SetTableComment(_staged(metadata.tables[name])))


async def stage(session: Session, names: Iterable[str]) -> None:
    """Make empty temporary tables for the rows that are new."""
    for name in names:
        await session.execute(text(f"CREATE TEMP TABLE {FRESH}{name} (LIKE {name} INCLUDING DEFAULTS) ON COMMIT DROP"))


async def copy(
    session: Session, content: Mapping[str, str], columns: Mapping[str, Sequence[str]], new: Collection[str]
) -> None:
    """Add lines, by table, in the text form of COPY with ``|`` between ``columns``: to the tables made beside the served ones for
    those named in ``new``, to the staging ones for the others. Raises :class:`NotStorable`. New tables are written frozen: no
    snapshot ever finds the new directory empty.
    """
    raw = _raw(await session.get_raw_connection())
    for name, written in content.items():
        freeze = sql.SQL(", FREEZE" if name in new else "")
        table = sql.Identifier(STAGE, name) if name in new else sql.Identifier(f"{FRESH}{name}")
        names = sql.SQL(", ").join(map(sql.Identifier, columns[name]))
        order = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT text, DELIMITER '|'{})").format(table, names, freeze)
        try:
            async with raw.cursor() as cursor, cursor.copy(order) as stream:
                await stream.write(written)
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as trouble:
            raise NotStorable(str(trouble)) from trouble


async def wake(session: Session, exercises: Sequence[int]) -> None:
    """Exercises of the new tables that were written as idle, before a line of work was met."""
    order = text(f"UPDATE {STAGE}.directory_exercise SET is_idle = false WHERE id = ANY(:numbers)")  # noqa: S608
    await session.execute(order, {"numbers": list(exercises)})


async def finish(session: Session, names: Iterable[str]) -> None:
    """Build keys and indexes of the new tables, and the statistics by which they are read. Raises :class:`NotStorable`."""
    for name, value in SORTING.items():
        await session.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
    for name in names:
        staged = _staged(metadata.tables[name])
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
        await session.execute(text(f"ANALYZE {STAGE}.{name} ({', '.join(asked)})"))


def _staged(table: Table) -> Table:
    """The same table, keys and indexes of the same names, in the schema of the new ones."""
    return table.to_metadata(MetaData(), schema=STAGE)


async def swap(session: Session, names: Sequence[str]) -> None:
    """Put the new tables in the place of the served ones. Readers wait for the few milliseconds until the commit, and the loader
    never makes one of them wait longer than ``PATIENCE``. Raises :class:`ReadersBusy`.
    """
    home = (await session.execute(text("SELECT quote_ident(current_schema())"))).scalar_one()
    await _hold(session, ", ".join(f"{home}.{name}" for name in names))
    for name in names:
        await session.execute(text(f"DROP TABLE {home}.{name}"))
        await session.execute(text(f"ALTER TABLE {STAGE}.{name} SET SCHEMA {home}"))
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
