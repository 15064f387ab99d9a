"""Who did or saw what: rows that nothing changes nor removes (a trigger refuses), chained one to the next after the fact.

The chain is made by :func:`seal`, apart from the transactions that record, so that those never wait for one another: each link
is the SHA-256 of the link before and of the row. :func:`verify` finds a sealed row that was altered or removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.engine import RowMapping

from hub import clock
from hub.domain.people import Viewer
from hub.storage import swift
from hub.storage.session import Session
from hub.storage.tables.machinery import audit, audit_chain

BATCH = 5000
COLUMNS = tuple(column for column in audit.c)
_digest = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One row: ``viewer`` (account, client or ``hub``) in a ``capacity``, under the ``name`` histories show."""

    id: int
    at: datetime
    event: str
    outcome: str
    viewer: str
    capacity: str
    name: str
    role: str | None
    organization: str | None
    account: str | None
    client: str | None
    on_behalf_of: str | None
    request: str | None
    patient: str | None
    resource: str | None
    details: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What :func:`verify` found. ``broken_at``: id of the first row that is not as it was sealed; ``pending``: not sealed yet."""

    sealed: int
    pending: int
    broken_at: int | None

    @property
    def is_sound(self) -> bool:
        """Nothing was altered."""
        return self.broken_at is None


RECORD = swift.order(
    insert(audit).inline().values({one.name: bindparam(one.name) for one in COLUMNS if one.name != "id"})
)
NOTHING: Mapping[str, str] = {}


async def record(
    session: Session,
    *,
    viewer: Viewer,
    event: str,
    outcome: str = "ok",
    request: str | None = None,
    patient: str | None = None,
    resource: str | None = None,
    details: Mapping[str, str] = NOTHING,
) -> None:
    """Write a trace, in the transaction of what it tells. ``resource``: ``Type/id``; ``details``: no name, no clinical content."""
    values = {
        "at": clock.now(),
        "event": event,
        "outcome": outcome,
        "viewer": viewer.id,
        "capacity": viewer.capacity.value,
        "name": viewer.name,
        "role": viewer.role,
        "organization": viewer.organization,
        "account": viewer.account,
        "client": viewer.client,
        "on_behalf_of": viewer.on_behalf_of,
        "request": request,
        "patient": patient,
        "resource": resource,
        "details": dict(details),
    }
    await swift.later(session, RECORD, values)


async def traces(
    session: Session,
    *,
    request: str | None = None,
    patient: str | None = None,
    viewer: str | None = None,
    event: str | None = None,
    before: int | None = None,
    count: int = 100,
) -> list[Trace]:
    """Rows newest first; ``before``: the id of the last one already given. Whoever asks must be allowed to: the caller checks."""
    query = select(*COLUMNS).order_by(audit.c.id.desc()).limit(count)
    for column, value in (("request", request), ("patient", patient), ("viewer", viewer), ("event", event)):
        if value is not None:
            query = query.where(audit.c[column] == value)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Trace(**row) for row in (await session.execute(query)).mappings()]


def _link(before: bytes, row: RowMapping) -> bytes:
    values: dict[str, Any] = {**row, "at": row["at"].astimezone(UTC).isoformat()}
    return hashlib.sha256(before + _digest.encode(values)).digest()


LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended("audit.chain", 0)))
LAST = select(audit_chain.c.position, audit_chain.c.digest).order_by(audit_chain.c.position.desc()).limit(1)
UNSEALED = (
    select(*COLUMNS)
    .join(audit_chain, audit_chain.c.audit == audit.c.id, isouter=True)
    .where(audit_chain.c.position.is_(None))
    .order_by(audit.c.id)
    .limit(bindparam("n"))
)


async def seal(session: Session) -> int:
    """Chain the rows committed since the last time, at most a few thousand; returns how many. Several workers may call it."""
    await session.execute(LOCK)
    last = (await session.execute(LAST)).one_or_none()
    position, digest = (last.position, bytes(last.digest)) if last else (0, b"")
    links = []
    for row in (await session.execute(UNSEALED, {"n": BATCH})).mappings():
        position, digest = position + 1, _link(digest, row)
        links.append({"position": position, "audit": row["id"], "digest": digest})
    if links:
        await session.execute(insert(audit_chain), links)
    return len(links)


CHAIN = (
    select(audit_chain.c.position, audit_chain.c.audit, audit_chain.c.digest, *COLUMNS)
    .join(audit, audit.c.id == audit_chain.c.audit, isouter=True)
    .where(audit_chain.c.position > bindparam("after"))
    .order_by(audit_chain.c.position)
    .limit(bindparam("n"))
)
PENDING = (
    select(func.count())
    .select_from(audit)
    .join(audit_chain, audit_chain.c.audit == audit.c.id, isouter=True)
    .where(audit_chain.c.position.is_(None))
)


async def verify(session: Session) -> Verdict:
    """Compute the whole chain again and compare."""
    position, digest = 0, b""
    while rows := (await session.execute(CHAIN, {"after": position, "n": BATCH})).mappings().all():
        for row in rows:
            values = {column.name: row[column] for column in COLUMNS}
            digest_now = _link(digest, values) if values["id"] is not None else b""  # type: ignore[arg-type]
            if row[audit_chain.c.position] != position + 1 or digest_now != bytes(row[audit_chain.c.digest]):
                return Verdict(sealed=position, pending=0, broken_at=row[audit_chain.c.audit])
            position, digest = position + 1, digest_now
    pending = (await session.execute(PENDING)).scalar_one()
    return Verdict(sealed=position, pending=pending, broken_at=None)
