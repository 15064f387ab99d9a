"""``_include`` and ``_revinclude``: what a page refers to, or what refers to it, as the viewer sees it (fhir.md 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from hub.domain.people import Viewer
from hub.domain.visibility import Level, is_cut
from hub.storage import sight
from hub.storage.resources import Stored, stored
from hub.storage.search.query import Include
from hub.storage.session import Session
from hub.storage.tables.records import index_reference, resource

ROUNDS = 5
MOST = 1000  # included resources of one page


async def around(session: Session, viewer: Viewer, rules: Sequence[Include], matches: Sequence[Stored]) -> list[Stored]:
    """Every resource that the rules add to these matches, once each, matches left out."""
    known = {one.key for one in matches}
    found: list[Stored] = []
    current, active = list(matches), list(rules)
    for _ in range(ROUNDS):
        fresh: dict[int, Stored] = {}
        for query in _queries(viewer, active, current):
            for row in (await session.execute(query, sight.words(viewer))).mappings():
                one = stored(row, viewer)
                if one is not None and one.key not in known:
                    fresh[one.key] = one
        known |= set(fresh)
        found += fresh.values()
        current, active = list(fresh.values()), [rule for rule in rules if rule.iterate]
        if not current or not active or len(found) >= MOST:
            break
    return found[:MOST]


def _queries(viewer: Viewer, rules: Sequence[Include], current: Sequence[Stored]) -> list[Select[Any]]:
    types = {one.type for one in current}
    forward = [rule for rule in rules if not rule.reverse and rule.source in types]
    backward = [rule for rule in rules if rule.reverse]
    queries = [_referred(viewer, forward, current)] if forward else []
    return queries + ([_referring(viewer, backward, current)] if backward and current else [])


@cache
def _selected(sees_all: bool) -> tuple[Any, Any, Select[Any]]:
    level = sight.beside(resource, sight.level(resource, sees_all), "seen")
    columns = [resource.c[name] for name in ("key", "type", "id", "version", "updated_at", "content", "deleted")]
    query = (
        select(*columns, level.c.level)
        .select_from(index_reference)
        .ext(distinct_on(resource.c.key))
        .order_by(resource.c.key)
        .limit(MOST)
    )
    return level, and_(~resource.c.deleted, sight.seen(resource, level.c.level)), query


def _is_facet(viewer: Viewer, one: Stored) -> bool:
    """A patient of whom a sender sees a part: no reference of another's leads anywhere."""
    return viewer.sender is not None and one.type == "Patient" and is_cut(one.json())


def _rule(rule: Include) -> ColumnElement[bool]:
    index = index_reference.c
    wanted = [index.type == rule.source]
    if rule.parameter:
        wanted.append(index.parameter == rule.parameter)
    if rule.target:
        wanted.append(index.target_type == rule.target)
    return and_(*wanted)


def _referred(viewer: Viewer, rules: Sequence[Include], current: Sequence[Stored]) -> Select[Any]:
    """What ``current`` refers to; of those seen at outline, only by the references that the outline keeps."""
    index = index_reference.c
    whole = [one.key for one in current if one.level is Level.FULL and not _is_facet(viewer, one)]
    outlined = [one.key for one in current if one.key not in whole]
    level, is_seen, query = _selected(viewer.sees_all)
    target = and_(resource.c.type == index.target_type, resource.c.id == index.target_id)
    return (
        query.join(resource, target)
        .join(level, true())
        .where(
            or_(index.key.in_(whole), and_(index.key.in_(outlined), index.at_outline)),
            or_(*(_rule(rule) for rule in rules)),
            is_seen,
        )
    )


def _referring(viewer: Viewer, rules: Sequence[Include], current: Sequence[Stored]) -> Select[Any]:
    """What refers to ``current``; of what is seen at outline, only by the references that the outline keeps."""
    index = index_reference.c
    level, is_seen, query = _selected(viewer.sees_all)
    return (
        query.join(resource, resource.c.key == index.key)
        .join(level, true())
        .where(
            tuple_(index.target_type, index.target_id).in_([(one.type, one.id) for one in current]),
            or_(*(_rule(rule) for rule in rules)),
            or_(level.c.level == sight.FULL, index.at_outline),
            true() if viewer.sender is None else sight.of_sender(resource),
            is_seen,
        )
    )
