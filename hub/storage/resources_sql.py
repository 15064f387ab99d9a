# ruff: noqa: S608 - what is put together here are names from this module; every value is a parameter
"""The statements that write a resource: one round trip each, with history, the five indexes and the bell of the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import TextClause, text

from hub.storage.index import Entries

CHANNEL = "requests"  # payload: the id of a request of which something changed

# Columns of each index after key and type, with the type of the array each is sent as. ``at_outline`` comes last.
INDEXES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "token": (("parameter", "text"), ("system", "text"), ("code", "text")),
    "text": (("parameter", "text"), ("folded", "text"), ("exact", "text")),
    "date": (("parameter", "text"), ("start_at", "bigint"), ("end_at", "bigint")),
    "reference": (("parameter", "text"), ("target_type", "text"), ("target_id", "text"), ("target_version", "text")),
    "quantity": (
        ("parameter", "text"), ("low", "numeric"), ("high", "numeric"), ("system", "text"), ("code", "text"), ("unit", "text"),
    ),
}  # fmt: skip
COLUMNS = {name: (*columns, ("at_outline", "boolean")) for name, columns in INDEXES.items()}


def arrays(entries: Entries) -> dict[str, list[Any]]:
    """Index rows as the arrays that the statements below unnest."""
    words: dict[str, list[Any]] = {}
    for table, columns in COLUMNS.items():
        rows = getattr(entries, table)
        for position, (column, _) in enumerate(columns):
            words[f"{table}_{column}"] = [row[position] for row in rows]
    return words


def _insert(table: str) -> str:
    names = ", ".join(name for name, _ in COLUMNS[table])
    sent = ", ".join(f"CAST(:{table}_{name} AS {kind}[])" for name, kind in COLUMNS[table])
    listed = ", ".join(f"i.{name}" for name, _ in COLUMNS[table])
    return (
        f"into_{table} AS (INSERT INTO index_{table} (key, type, {names}) "
        f"SELECT kept.key, kept.type, {listed} FROM kept, unnest({sent}) AS i ({names}))"
    )


INSERTS = ", ".join(_insert(table) for table in COLUMNS)
HISTORY = (
    "past AS (INSERT INTO resource_history (key, version, updated_at, content) "
    "SELECT kept.key, :version, :updated_at, :content FROM kept)"
)
RING = f"SELECT kept.key, CASE WHEN :request <> '' THEN pg_notify('{CHANNEL}', :request) END FROM kept"
# No row comes back when the type and id are in use.
CREATE: TextClause = text(
    "WITH kept AS (INSERT INTO resource (type, id, version, updated_at, content, patient, request, owner, outline) "
    "VALUES (:type, :id, :version, :updated_at, :content, :patient, NULLIF(:request, ''), :owner, :outline) "
    f"ON CONFLICT (type, id) DO NOTHING RETURNING key, type), {HISTORY}, {INSERTS} {RING}"
)
FORGET = ", ".join(f"from_{table} AS (DELETE FROM index_{table} WHERE key = :key)" for table in COLUMNS)
UPDATE: TextClause = text(
    "WITH kept AS (UPDATE resource SET version = :version, updated_at = :updated_at, content = :content, patient = :patient, "
    "request = NULLIF(:request, ''), owner = :owner, outline = :outline, deleted = false WHERE key = :key "
    f"RETURNING key, type), {FORGET}, {HISTORY}, {INSERTS} {RING}"
)
DELETE: TextClause = text(
    "WITH kept AS (UPDATE resource SET version = :version, updated_at = :updated_at, deleted = true WHERE key = :key "
    f"RETURNING key, type), {FORGET}, "
    "past AS (INSERT INTO resource_history (key, version, updated_at) SELECT kept.key, :version, :updated_at FROM kept) "
    f"{RING}"
)
