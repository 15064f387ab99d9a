"""The record: read and history for a viewer, always cut to what they may see; lock, create and save for workflows, uncut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, true, tuple_

from hub.domain.facets import facet
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level, cut
from hub.r4 import json
from hub.storage import sight, swift
from hub.storage.resource_writes import create, delete, save
from hub.storage.session import Database, Session
from hub.storage.tables.records import index_token, resource, resource_history

__all__ = [
    "Position", "Resource", "Stored", "create", "current", "delete", "find", "history", "lock", "of_patient", "of_request", "peek",
    "read", "save", "stored", "vread",
]  # fmt: skip

Resource = dict[str, Any]
Position = tuple[datetime, int, int]  # of a history entry: updated_at, key, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One version of a resource as the viewer may see it. ``content`` is UTF-8 JSON, empty for a deletion; ``key`` stands for
    type and id inside the database."""

    key: int
    type: str
    id: str
    version: int
    updated_at: datetime
    content: bytes
    level: Level
    deleted: bool

    def json(self) -> Resource:
        """The parsed resource."""
        return json.loads(self.content)

    @property
    def position(self) -> Position:
        """Where this version stands in a history, to ask for what came before."""
        return self.updated_at, self.key, self.version


def stored(row: Mapping[Any, Any], viewer: Viewer) -> Stored | None:
    """A row with the columns of :class:`Stored`, cut to its level and to what its viewer may know of a patient others know too;
    ``None`` when it does not exist there.
    """
    level = Level(row["level"])
    deleted = bool(row["deleted"])
    content = b"" if deleted else bytes(row["content"])
    if level is Level.NOTHING:
        return None
    if level is Level.OUTLINE and not deleted:
        kept = cut(json.loads(content), level)
        if kept is None:
            return None
        content = json.dumps(kept)
    elif viewer.sender is not None and row["type"] == "Patient" and not deleted:
        content = _of_sender(content, viewer.sender)
    return Stored(
        key=row["key"],
        type=row["type"],
        id=row["id"],
        version=row["version"],
        updated_at=row["updated_at"],
        content=content,
        level=level,
        deleted=deleted,
    )


def _of_sender(content: bytes, sender: str) -> bytes:
    whole = json.loads(content)
    seen = facet(whole, sender)
    return content if seen is whole else json.dumps(seen)


COLUMNS = (resource.c.key, resource.c.type, resource.c.id)


@cache
def _read(type_name: str, sees_all: bool) -> Select[Any]:
    current = resource.c
    level = sight.level(resource, sees_all, [type_name])
    return select(
        *COLUMNS, current.version, current.updated_at, current.content, current.deleted, level.label("level")
    ).where(current.type == bindparam("type"), current.id == bindparam("id"))


@cache
def _current(type_name: str, sees_all: bool) -> swift.Order:
    return swift.order(_read(type_name, sees_all))


@cache
def _past(type_name: str | None, sees_all: bool) -> Select[Any]:
    level = sight.level(resource, sees_all, None if type_name is None else [type_name])
    seen = sight.beside(resource, level, "seen")
    past = resource_history.c
    return (
        select(
            *COLUMNS, past.version, past.updated_at, past.content, past.content.is_(None).label("deleted"), seen.c.level
        )
        .join_from(resource_history, resource, resource.c.key == past.key)
        .join(seen, true())
        .where(sight.seen(resource, seen.c.level))
    )


@cache
def _one_version(type_name: str, sees_all: bool) -> Select[Any]:
    return _past(type_name, sees_all).where(
        resource.c.type == bindparam("type"),
        resource.c.id == bindparam("id"),
        resource_history.c.version == bindparam("version"),
    )


async def read(session: Session, viewer: Viewer, type: str, id: str) -> Stored | None:
    """The current version, cut to the viewer's level. ``None``: unknown, or not for this viewer; nobody can tell which.

    A deleted resource comes with ``deleted`` and no content.
    """
    words = {**sight.words(viewer), "type": type, "id": id}
    found = await swift.within(session, _current(type, viewer.sees_all), words)
    return stored(found[0], viewer) if found else None


async def current(database: Database, viewer: Viewer, type: str, id: str) -> Stored | None:
    """What :func:`read` gives, outside a transaction and in one round trip."""
    words = {**sight.words(viewer), "type": type, "id": id}
    found = await swift.rows(database, _current(type, viewer.sees_all), words)
    return stored(found[0], viewer) if found else None


async def vread(session: Session, viewer: Viewer, type: str, id: str, version: int) -> Stored | None:
    """One version, seen at the level of the viewer now. ``deleted`` when that version is a deletion."""
    words = {**sight.words(viewer), "type": type, "id": id, "version": version}
    row = (await session.execute(_one_version(type, viewer.sees_all), words)).mappings().one_or_none()
    return None if row is None else stored(row, viewer)


async def history(
    session: Session,
    viewer: Viewer,
    type: str | None = None,
    id: str | None = None,
    *,
    count: int = 50,
    before: Position | None = None,
    since: datetime | None = None,
) -> list[Stored]:
    """Versions newest first: of one resource, of a type, or of everything. ``before``: :attr:`Stored.position` of the last one
    already given; ``since``: none older."""
    past = resource_history.c
    query = _past(type, viewer.sees_all)
    if type is not None:
        query = query.where(resource.c.type == type)
    if id is not None:
        query = query.where(resource.c.id == id)
    if since is not None:
        query = query.where(past.updated_at >= since)
    order = (past.updated_at, past.key, past.version)
    if before is not None:
        query = query.where(tuple_(*order) < tuple_(*before))
    query = query.order_by(*(column.desc() for column in order)).limit(count)
    rows = (await session.execute(query, sight.words(viewer))).mappings()
    return [one for one in (stored(row, viewer) for row in rows) if one is not None]


_uncut = select(resource.c.content).where(
    resource.c.type == bindparam("type"), resource.c.id == bindparam("id"), ~resource.c.deleted
)
PEEK, LOCK = swift.order(_uncut), swift.order(_uncut.with_for_update())


async def lock(session: Session, type: str, id: str) -> Resource:
    """The uncut resource, held until the end of the transaction: for workflows only. Raises ``Refusal("not-found")``."""
    found = await swift.values(session, LOCK, {"type": type, "id": id})
    if not found:
        raise Refusal("not-found")
    return json.loads(found[0])


async def peek(session: Session, type: str, id: str) -> Resource | None:
    """The uncut resource without holding it: for workflows and the ``prepare`` of connectors only."""
    found = await swift.values(session, PEEK, {"type": type, "id": id})
    return json.loads(found[0]) if found else None


def _linked(column: Any) -> tuple[swift.Order, swift.Order]:
    """As it is, and held."""
    linked = (
        select(resource.c.content)
        .where(resource.c.type == bindparam("type"), column == bindparam("id"), ~resource.c.deleted)
        .order_by(resource.c.key)
    )
    return swift.order(linked), swift.order(linked.with_for_update())


OF_REQUEST, OF_PATIENT = _linked(resource.c.request), _linked(resource.c.patient)


async def of_request(session: Session, type: str, request: str, *, lock: bool = False) -> list[Resource]:
    """Every resource of a type that belongs to a request, uncut, oldest first; with ``lock`` held, in that order. Workflows."""
    found = await swift.values(session, OF_REQUEST[lock], {"type": type, "id": request})
    return [json.loads(content) for content in found]


async def of_patient(session: Session, type: str, patient: str, *, lock: bool = False) -> list[Resource]:
    """Every resource of a type that concerns a patient, uncut, oldest first; with ``lock`` held, in that order. Workflows."""
    found = await swift.values(session, OF_PATIENT[lock], {"type": type, "id": patient})
    return [json.loads(content) for content in found]


HOLD = swift.order(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("text"), 0))))
_found = (
    select(resource.c.id)
    .join(index_token, index_token.c.key == resource.c.key)
    .where(
        index_token.c.type == bindparam("type"),
        index_token.c.parameter == "identifier",
        index_token.c.system == bindparam("system"),
        index_token.c.code == bindparam("value"),
    )
    .order_by(resource.c.key)
    .distinct()
)
FIND = swift.order(select(_found.with_only_columns(resource.c.id, resource.c.key).subquery("found").c.id))


async def find(session: Session, type: str, system: str, value: str) -> list[str]:
    """Ids of the resources that carry this identifier, oldest first, uncut: for workflows only.

    In a transaction it also holds the identifier itself: whoever else looks for the same one waits until this transaction
    ends, so that finding nothing and then creating is safe.
    """
    code = value.lower()
    await swift.later(session, HOLD, {"text": f"identifier\x1f{type}\x1f{system}\x1f{code}"})
    return await swift.values(session, FIND, {"type": type, "system": system, "value": code})


IDS = select(resource.c.id).where(resource.c.type == bindparam("type"), ~resource.c.deleted).order_by(resource.c.key)


async def ids(session: Session, type: str) -> list[str]:
    """The id of every resource of a type: for comparisons of the whole record (``hub doctor``)."""
    return list((await session.execute(IDS, {"type": type})).scalars())
