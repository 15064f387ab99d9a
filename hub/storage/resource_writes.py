"""Create, save and delete a resource: stamp it, index it, link it, keep its history. Reached through ``storage.resources``."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from hub import clock
from hub.domain.people import Viewer, account_key, client_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level, cut, is_cut, reach
from hub.r4 import elements, json
from hub.storage import index, resources_sql, swift
from hub.storage.session import Session
from hub.storage.tables.records import resource

Resource = dict[str, Any]


def _owner(viewer: Viewer, made: Resource) -> str | None:
    """What only its author sees belongs to the client, or else the account, that creates it."""
    if reach(made["resourceType"]) != "own":
        return index.links(made).owner
    return client_key(viewer.client) if viewer.client else account_key(viewer.account or viewer.id)


def _words(made: Resource, moment: datetime, version: int) -> tuple[resources_sql.Tables, dict[str, Any]]:
    """The indexes that have rows, and the values of the statement that writes them all."""
    links, entries = index.links(made), index.entries(made)
    return resources_sql.filled(entries), {
        **resources_sql.arrays(entries),
        "version": version,
        "updated_at": moment,
        "content": json.dumps(made),
        "patient": links.patient,
        "request": links.request or "",
        "owner": links.owner,
        "outline": cut(made, Level.OUTLINE) is not None,
    }


def _stamped(given: Resource, id: str, version: int, moment: datetime) -> Resource:
    meta = {key: value for key, value in given.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    rest = {key: value for key, value in given.items() if key not in ("resourceType", "id", "meta")}
    stamp = {"versionId": str(version), "lastUpdated": elements.written(moment)}
    return {"resourceType": given["resourceType"], "id": id, "meta": {**stamp, **meta}, **rest}


def _now() -> datetime:
    """The hub clock to the millisecond, which is what ``lastUpdated`` can say."""
    now = clock.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


HELD = swift.order(
    select(resource.c.key, resource.c.version, resource.c.content, resource.c.deleted, resource.c.owner)
    .where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
    .with_for_update()
)


async def _held(session: Session, type: str, id: str) -> swift.Row | None:
    found = await swift.within(session, HELD, {"type": type, "id": id})
    return found[0] if found else None


async def create(session: Session, viewer: Viewer, given: Resource, *, id: str | None = None) -> Resource:
    """Store a new resource, or bring a deleted one back under its ``id``; returns it with id, version and date.

    Raises ``Refusal("duplicate")`` when that id is in use, ``ValueError`` on a cut resource.
    """
    _refuse_cut(given)
    type, moment = given["resourceType"], _now()
    made = _stamped(given, id or str(uuid.uuid4()), 1, moment)
    tables, words = _words(made, moment, 1)
    words |= {"owner": _owner(viewer, made), "type": type, "id": made["id"]}
    if await swift.values(session, resources_sql.create(tables), words):
        return made
    before = await _held(session, type, made["id"])
    if before is None or not before["deleted"]:
        raise Refusal("duplicate")
    version = int(before["version"]) + 1  # the numbers go on (fhir.md 2.1)
    made = _stamped(given, made["id"], version, moment)
    tables, words = _words(made, moment, version)
    words |= {"owner": _owner(viewer, made), "key": before["key"]}
    await swift.values(session, resources_sql.update(tables), words)
    return made


async def save(session: Session, viewer: Viewer, given: Resource) -> Resource:
    """Store the next version of a resource that was locked; no new version when nothing changed.

    The ``meta`` of ``given`` follows, so that it can be changed and saved again in the same transaction. Raises
    ``Refusal("stale")`` when its ``versionId`` is not the current one, ``Refusal("not-found")``, ``ValueError`` on a cut
    resource.
    """
    _refuse_cut(given)
    before = await _held(session, given["resourceType"], given["id"])
    if before is None or before["deleted"]:
        raise Refusal("not-found")
    current = json.loads(before["content"])
    read_version = given.get("meta", {}).get("versionId")
    if read_version is not None and read_version != str(before["version"]):
        raise Refusal("stale")
    if _without_stamp(given) == _without_stamp(current):
        given["meta"] = current["meta"]
        return current
    moment, version = _now(), before["version"] + 1
    made = _stamped(given, given["id"], version, moment)
    tables, words = _words(made, moment, version)
    if reach(made["resourceType"]) == "own":
        words["owner"] = before["owner"]
    await swift.values(session, resources_sql.update(tables), {**words, "key": before["key"]})
    given["meta"] = made["meta"]
    return made


async def delete(session: Session, viewer: Viewer, type: str, id: str) -> int | None:
    """Delete: the history stays, search no longer finds it. Returns the version of the deletion, ``None`` when there was
    nothing to delete."""
    before = await _held(session, type, id)
    if before is None or before["deleted"]:
        return None
    version = int(before["version"]) + 1
    request = index.links(json.loads(before["content"])).request or ""
    words = {"key": before["key"], "version": version, "updated_at": _now(), "request": request}
    await swift.values(session, resources_sql.DELETE, words)
    return version


def _refuse_cut(given: Resource) -> None:
    if is_cut(given):
        raise ValueError("a cut copy is never written over the whole")


def _without_stamp(given: Resource) -> Resource:
    meta = {key: value for key, value in given.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    rest = {key: value for key, value in given.items() if key != "meta"}
    return {**rest, "meta": meta} if meta else rest
