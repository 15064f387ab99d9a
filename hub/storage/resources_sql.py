# ruff: noqa: S608 - what is put together here are names from this module; every value is a parameter
"""The statements that write a resource: one round trip each, with history, the five indexes and the bell of the board."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import text

from hub.storage import swift
from hub.storage.index import Entries

Tables = tuple[str, ...]

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
    """Index rows as the arrays that the statements below open."""
    words: dict[str, list[Any]] = {}
    for table, columns in COLUMNS.items():
        rows = getattr(entries, table)
        for position, (column, _) in enumerate(columns):
            words[f"{table}_{column}"] = [row[position] for row in rows]
    return words


def filled(entries: Entries) -> Tables:
    """The indexes that have rows: an empty list would cost as much as a full one."""
    return tuple(table for table in COLUMNS if getattr(entries, table))


def _insert(table: str) -> str:
    names = ", ".join(name for name, _ in COLUMNS[table])
    sent = ", ".join(f"unnest(CAST(:{table}_{name} AS {kind}[]))" for name, kind in COLUMNS[table])
    return (
        f"into_{table} AS (INSERT INTO index_{table} (key, type, {names}) SELECT kept.key, kept.type, {sent} FROM kept)"
    )


HISTORY = (
    "past AS (INSERT INTO resource_history (key, version, updated_at, content) "
    "SELECT kept.key, :version, :updated_at, :content FROM kept)"
)
RING = f"SELECT kept.key, CASE WHEN :request <> '' THEN pg_notify('{CHANNEL}', :request) END FROM kept"
FORGET = ", ".join(f"from_{table} AS (DELETE FROM index_{table} WHERE key = :key)" for table in COLUMNS)


@cache
def create(tables: Tables) -> swift.Order:
    """No row comes back when the type and id are in use."""
    kept = (
        "kept AS (INSERT INTO resource (type, id, version, updated_at, content, patient, request, owner, outline) "
        "VALUES (:type, :id, :version, :updated_at, :content, :patient, NULLIF(:request, ''), :owner, :outline) "
        "ON CONFLICT (type, id) DO NOTHING RETURNING key, type)"
    )
    return swift.order(text(f"WITH {', '.join([kept, HISTORY, *map(_insert, tables)])} {RING}"))


@cache
def update(tables: Tables) -> swift.Order:
    """The next version of the resource with that key, also of one that was deleted."""
    kept = (
        "kept AS (UPDATE resource SET version = :version, updated_at = :updated_at, content = :content, patient = :patient, "
        "request = NULLIF(:request, ''), owner = :owner, outline = :outline, deleted = false WHERE key = :key "
        "RETURNING key, type)"
    )
    return swift.order(text(f"WITH {', '.join([kept, FORGET, HISTORY, *map(_insert, tables)])} {RING}"))


DELETE = swift.order(
    text(
        "WITH kept AS (UPDATE resource SET version = :version, updated_at = :updated_at, deleted = true WHERE key = :key "
        f"RETURNING key, type), {FORGET}, "
        "past AS (INSERT INTO resource_history (key, version, updated_at) SELECT kept.key, :version, :updated_at FROM kept) "
        f"{RING}"
    )
)
