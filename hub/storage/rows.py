"""From a row of a query to the frozen dataclass whose fields its columns bear."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Executable

from hub.storage.session import Session

Record = TypeVar("Record")


def record(kind: type[Record], row: Any) -> Record:
    """The dataclass ``kind`` filled with the columns of the same names."""
    return kind(**{one.name: getattr(row, one.name) for one in fields(kind)})  # type: ignore[arg-type]


async def one(session: Session, kind: type[Record], query: Executable) -> Record | None:
    """The only row of a query, ``None`` when there is none."""
    row = (await session.execute(query)).one_or_none()
    return record(kind, row) if row else None


async def every(session: Session, kind: type[Record], query: Executable) -> list[Record]:
    """All rows of a query."""
    return [record(kind, row) for row in await session.execute(query)]
