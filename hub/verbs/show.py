"""What the command line prints: tables, and one message in full."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.storage.outbox import Row

console = Console()


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as a table; one sentence when there is none."""
    if not rows:
        console.print("Nothing to show.")
        return
    drawn = Table(*columns, show_edge=False, pad_edge=False)
    for row in rows:
        drawn.add_row(*(str(row[name]) for name in columns))
    console.print(drawn)


def rows_of_outbox(rows: Sequence[Row]) -> None:
    """Messages, one a line."""
    table(
        ("id", "topic", "lane", "state", "tries", "due", "error"),
        [
            {
                "id": row.id,
                "topic": row.topic,
                "lane": row.lane or "",
                "state": row.state,
                "tries": row.attempts,
                "due": f"{row.due_at:%Y-%m-%d %H:%M:%S}",
                "error": (row.last_error or {}).get("code", ""),
            }
            for row in rows
        ],
    )


def row_of_outbox(row: Row) -> None:
    """One message in full; what was prepared stays sealed."""
    console.print_json(
        json.dumps(
            {
                "id": row.id,
                "topic": row.topic,
                "lane": row.lane,
                "state": row.state,
                "attempts": row.attempts,
                "due_at": row.due_at.isoformat(),
                "payload": row.payload,
                "prepared_bytes": len(row.prepared or b""),
                "last_error": row.last_error,
            }
        )
    )
