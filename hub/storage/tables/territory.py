"""Territories: the CPTS that the hub serves, the communes each covers, and how each wants its requests treated."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from hub.storage.tables import metadata

network = Table(
    "network",
    metadata,
    Column("id", Text, primary_key=True, comment="id of the Organization"),
    Column("name", Text, nullable=False),
    Column("structure_id", Text, nullable=False, comment="national identifier of the structure, with its prefix"),
    Column("phone", Text, nullable=False, server_default=""),
    Column("zone", Text, nullable=False, server_default="Europe/Paris"),
    Column(
        "rules",
        JSONB,
        nullable=False,
        server_default="{}",
        comment="opening hours, delays, waves: what differs from the defaults",
    ),
    Column("is_paused", Boolean, nullable=False, server_default="false"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("commune", Text, nullable=False, comment="INSEE code"),
    Column("network", Text, ForeignKey("network.id"), nullable=False),
    Column(
        "rank", Integer, nullable=False, server_default="1", comment="which network first, when several cover a commune"
    ),
    Column("valid_from", Date),
    Column("valid_until", Date),
    UniqueConstraint("commune", "network"),
    Index("coverage_by_commune", "commune", "rank"),
)

agreement = Table(
    "agreement",
    metadata,
    Column("network", Text, ForeignKey("network.id"), primary_key=True),
    Column("neighbour", Text, ForeignKey("network.id"), primary_key=True, comment="may be asked in the last wave"),
)
