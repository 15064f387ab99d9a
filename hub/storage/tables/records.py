"""The record of care: resources, their history, the indexes that search reads, the grants, and the board of open requests."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from hub.storage.tables import metadata

resource = Table(
    "resource",
    metadata,
    Column("key", BigInteger, Identity(always=True), primary_key=True, comment="stands for type and id in the indexes"),
    Column("type", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("content", LargeBinary, nullable=False, comment="UTF-8 JSON as served; the last one before a deletion"),
    Column("patient", Text, comment="Patient id that decides who sees it"),
    Column("request", Text, comment="ServiceRequest id that decides who sees it"),
    Column("owner", Text, comment="when set, only this audience sees it, and the operators of the request"),
    Column(
        "outline", Boolean, nullable=False, server_default="false", comment="something of it is seen at level outline"
    ),
    Column("deleted", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("type", "id"),
    Index("resource_by_type", "type", "key"),
    Index("resource_by_update", "type", "updated_at", "key"),
    Index("resource_by_patient", "patient", "type"),
    Index("resource_by_request", "request", "type"),
)

resource_history = Table(
    "resource_history",
    metadata,
    Column("key", BigInteger, ForeignKey("resource.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("content", LargeBinary, comment="empty for a deletion"),
    PrimaryKeyConstraint("key", "version"),
    Index("resource_history_by_update", "updated_at", "key", "version"),
)


def _index(name: str, *columns: Column[object]) -> Table:
    """Columns common to the five indexes. ``at_outline``: the same row comes out of the resource cut to level outline."""
    return Table(
        f"index_{name}",
        metadata,
        Column("key", BigInteger, ForeignKey("resource.key"), nullable=False),
        Column("type", Text, nullable=False),
        Column("parameter", Text, nullable=False),
        Column("at_outline", Boolean, nullable=False),
        *columns,
        Index(f"index_{name}_by_key", "key", "parameter"),
    )


index_token = _index(
    "token",
    Column("system", Text, nullable=False, comment="empty when the element has none"),
    Column("code", Text, nullable=False, comment="lower case for identifiers and contact points"),
)
Index(
    "index_token_by_value", index_token.c.type, index_token.c.parameter, index_token.c.code, index_token.c.system
)  # fmt: skip
Index("index_token_by_system", index_token.c.type, index_token.c.parameter, index_token.c.system)

index_text = _index(
    "text",
    Column("folded", Text, nullable=False, comment="without case, accents, punctuation"),
    Column("exact", Text, nullable=False),
)
Index(
    "index_text_by_value",
    index_text.c.type,
    index_text.c.parameter,
    index_text.c.folded,
    postgresql_ops={"folded": "text_pattern_ops"},
)

index_date = _index(
    "date",
    Column("start_at", BigInteger, nullable=False, comment="microseconds since 1970, UTC, first instant"),
    Column("end_at", BigInteger, nullable=False, comment="the first instant after"),
)
Index("index_date_by_start", index_date.c.type, index_date.c.parameter, index_date.c.start_at)
Index("index_date_by_end", index_date.c.type, index_date.c.parameter, index_date.c.end_at)

index_reference = _index(
    "reference",
    Column("target_type", Text, nullable=False, comment="empty for an absolute address"),
    Column("target_id", Text, nullable=False, comment="an id, or the absolute address without its version"),
    Column("target_version", Text, nullable=False, comment="of a canonical; empty without one"),
)
Index(
    "index_reference_by_target",
    index_reference.c.type,
    index_reference.c.parameter,
    index_reference.c.target_id,
    index_reference.c.target_type,
)

index_quantity = _index(
    "quantity",
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Column("system", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("unit", Text, nullable=False),
)
Index("index_quantity_by_low", index_quantity.c.type, index_quantity.c.parameter, index_quantity.c.low)

grant = Table(
    "grant",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("audience", Text, nullable=False, comment="role/…, account/…, client/…, operators/…, coordinators/…"),
    Column("request", Text, comment="ServiceRequest id; empty for a grant on the patient's notebook"),
    Column("patient", Text),
    Column("level", SmallInteger, nullable=False, comment="1 outline, 2 full"),
    Column("until", DateTime(timezone=True), comment="empty: no end"),
    UniqueConstraint("audience", "request", "patient", postgresql_nulls_not_distinct=True),
    Index("grant_by_request", "request", "audience"),
    Index("grant_by_patient", "patient", "audience"),
)

board = Table(
    "board",
    metadata,
    Column("request", Text, primary_key=True, comment="ServiceRequest id"),
    Column("number", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("priority", Text, nullable=False, server_default="routine"),
    Column("care_type", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default=""),
    Column("profession", Text, nullable=False, server_default=""),
    Column("commune", Text, nullable=False, server_default=""),
    Column("requester_name", Text, nullable=False, server_default=""),
    Column("patient", Text, nullable=False),
    Column("patient_name", Text, nullable=False, server_default=""),
    Column("patient_phone", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("performer", Text),
    Column("performer_name", Text, nullable=False, server_default=""),
    Column("assignee", Text, comment="account of the operator who follows it"),
    Column("wave", Integer, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("response_due", DateTime(timezone=True), nullable=False),
    Column("appointment_at", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("words", Text, nullable=False, server_default="", comment="what a search by words looks in, folded"),
    Index("board_by_due", "response_due", "request"),
    Index("board_by_state", "state", "response_due", "request"),
)

possible_duplicate = Table(
    "possible_duplicate",
    metadata,
    Column("request", Text, primary_key=True, comment="ServiceRequest id, the one that came last"),
    Column("other", Text, primary_key=True, comment="ServiceRequest id of the same person, less than a day before"),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Index("possible_duplicate_by_other", "other"),
)
