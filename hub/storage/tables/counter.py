"""Counters of the numbers people say on the phone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from hub.storage.tables import metadata

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
