"""What keeps the house running: outbox and inbox, audit, machine clients and their spent assertions, settings kept here."""

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
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.storage.tables import metadata, with_sql

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("lane", Text, comment="what must stay in order; empty: a lane of its own"),
    Column("payload", JSONB, nullable=False),
    Column("put_at", DateTime(timezone=True), nullable=False, comment="hub clock"),
    Column(
        "first_due_at", DateTime(timezone=True), nullable=False, comment="hub clock; give_up_after counts from here"
    ),
    Column("due_at", DateTime(timezone=True), nullable=False, comment="hub clock"),
    Column("state", Text, nullable=False, server_default="waiting", comment="waiting, done, stopped"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease", Integer, nullable=False, server_default="0", comment="fencing token: one more at each claim"),
    Column("held_until", DateTime(timezone=True), comment="clock of the database"),
    Column("prepared", LargeBinary, comment="encrypted"),
    Column("last_error", JSONB),
    Column("raw_answer", LargeBinary, comment="encrypted: an answer that nobody could read, for analysis"),
    Column("ended_at", DateTime(timezone=True), comment="hub clock"),
    Index("outbox_by_due", "due_at", "id", postgresql_where=text("state = 'waiting'")),
    Index("outbox_by_lane", "lane", "id", postgresql_where=text("state = 'waiting'")),
    Index("outbox_ended", "state", "ended_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("source", "message_id"),
)

REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed nor removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$body$
"""


def _append_only(table: Table) -> Table:
    return with_sql(
        table,
        REFUSE_CHANGE,
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    )


audit = _append_only(
    Table(
        "audit",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("event", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("viewer", Text, nullable=False),
        Column("capacity", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("role", Text),
        Column("organization", Text),
        Column("account", Text),
        Column("client", Text),
        Column("on_behalf_of", Text),
        Column("request", Text),
        Column("patient", Text),
        Column("resource", Text),
        Column("details", JSONB, nullable=False),
        Index("audit_by_request", "request", "id"),
        Index("audit_by_patient", "patient", "id"),
        Index("audit_by_viewer", "viewer", "id"),
        Index("audit_by_time", "at", "id"),
    )
)

audit_chain = _append_only(
    Table(
        "audit_chain",
        metadata,
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("audit", BigInteger, ForeignKey("audit.id"), nullable=False, unique=True),
        Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the digest before and of the row"),
    )
)

client = Table(
    "client",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="sas or software"),
    Column("organization", Text, comment="Organization id it speaks for"),
    Column("role", Text, comment="PractitionerRole id it acts for"),
    Column("certificate_subject", Text, comment="of its client certificate, RFC 4514"),
    Column("thumbprint", Text, comment="SHA-256 of its client certificate, lower-case hexadecimal"),
    Column("jwks", JSONB),
    Column("jwks_uri", Text),
    Column("scopes", ARRAY(Text), nullable=False, server_default="{}"),
    Column(
        "identity_trusted", Boolean, nullable=False, server_default="false", comment="its QUAL identities count as QUAL"
    ),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("client_by_thumbprint", "thumbprint"),
)

assertion = Table(
    "assertion",
    metadata,
    Column("client", Text, nullable=False),
    Column("jti", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("client", "jti"),
    Index("assertion_by_expiry", "expires_at"),
)

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)
