"""Migrations, driven by alembic and configured here: no ini file. Forward only, one head, one start at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import ops
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Sequence, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateSequence

from hub.storage.session import psycopg_url
from hub.storage.tables import everything, sequences

HERE = Path(__file__).parent
VERSIONS = HERE / "versions"
LOCK = 7_041_995  # advisory lock: two starts at once do not fight
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "4s", "30s"  # a migration that needs more says so at its top
# Tables that the loader of the directory makes and swaps by itself are not the business of a migration.
STAGING = ("directory_stage", "staging_")


def _config(versions: Path) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(versions))
    return config


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A connection that holds the lock, outside any transaction: each migration opens its own."""
    engine = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as line:
            line.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            yield line
            line.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
    finally:
        engine.dispose()


def upgrade(url: str, *, versions: Path = VERSIONS) -> None:
    """Bring a database to the latest version; does nothing when it is there. Safe to call from several processes at once."""
    with _alone(url):
        config = _config(versions)
        config.attributes["url"] = url
        command.upgrade(config, "head")


def head(versions: Path = VERSIONS) -> str | None:
    """The latest version this program knows."""
    return ScriptDirectory.from_config(_config(versions)).get_current_head()


def current(url: str) -> str | None:
    """The version a database is at; ``None`` for an empty one."""
    engine = create_engine(psycopg_url(url))
    try:
        with engine.connect() as line:
            return MigrationContext.configure(line).get_current_revision()
    finally:
        engine.dispose()


def is_ours(_object: Any, name: str | None, kind: str, reflected: bool, _compared: Any) -> bool:
    """What is compared: everything but what the directory loader makes for itself."""
    return not (kind == "table" and reflected and name is not None and name.startswith(STAGING))


def check(url: str, *, versions: Path = VERSIONS) -> list[str]:
    """What differs between a database and the tables this program wants, one sentence each; empty when nothing does."""
    engine = create_engine(psycopg_url(url))
    try:
        with engine.connect() as line:
            options = {"compare_type": True, "compare_server_default": True, "include_object": is_ours}
            context = MigrationContext.configure(line, opts=options)
            found = (
                []
                if context.get_current_revision() == head(versions)
                else ["the database is not at the latest version"]
            )
            found += [f"add_sequence {one.name}" for one in _missing_sequences(line)]
            return found + [_sentence(one) for one in compare_metadata(context, everything())]
    finally:
        engine.dispose()


def _sentence(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_sentence(one) for one in difference)
    return " ".join(str(part) for part in difference if part is not None)


def revision(url: str, message: str, *, versions: Path = VERSIONS) -> str:
    """Write the next migration from the difference between the tables and a database at the latest version.

    Returns the path of the file, to be read and completed by hand. Raises ``ValueError`` when nothing differs.
    """
    config = _config(versions)
    config.attributes["url"] = url
    script = command.revision(
        config,
        message,
        autogenerate=True,
        rev_id=f"{len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1:04d}",
        process_revision_directives=with_all,
    )
    if script is None or isinstance(script, list):
        raise ValueError("nothing differs")
    return str(script.path)


def _missing_sequences(line: Connection) -> list[Sequence]:
    """Those of ``tables/sequences.py`` that the database has not: alembic does not look at sequences."""
    present = set(inspect(line).get_sequence_names())
    wanted = [one for one in vars(sequences).values() if isinstance(one, Sequence)]
    return [one for one in wanted if one.name not in present]


def with_all(context: Any, _revision: Any, directives: list[Any]) -> None:
    """Add to a migration the sequences, and what a table needs beside itself (``with_sql``); drop it when it is empty."""
    before = [
        ops.ExecuteSQLOp(str(CreateSequence(one).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
        for one in _missing_sequences(context.connection)
    ]
    for script in directives:
        steps = script.upgrade_ops.ops
        tables = everything().tables
        extra = [
            ops.ExecuteSQLOp(statement)
            for step in steps
            if isinstance(step, ops.CreateTableOp)
            for statement in tables[step.table_name].info.get("sql", ())
        ]
        script.upgrade_ops.ops = [*before, *steps, *extra]
        script.downgrade_ops.ops = []
    directives[:] = [script for script in directives if script.upgrade_ops.ops]
