"""Where each note stands on its way to the DMP: one row a note and submission."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, Table, Text

from hub.storage.tables import metadata

filing = Table(
    "filing",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("note", Text, nullable=False, comment="DocumentReference id"),
    Column("version", Integer, nullable=False),
    Column("patient", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("unique_id", Text, nullable=False, unique=True, comment="XDS uniqueId and CDA id root"),
    Column("set_id", Text, nullable=False, comment="CDA setId: the same for all versions of a note"),
    Column("submission_id", Text, nullable=False),
    Column("entry_uuid", Text, comment="given by the registry"),
    Column("code", Text, comment="national code of the refusal"),
    Column("french", Text),
    Column("remedy", Text),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index("filing_by_note", "note", "id"),
    Index("filing_by_patient", "patient", "id"),
)
