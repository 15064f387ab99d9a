"""The national directory beside the record: Practitioner, PractitionerRole and Organization of both in one search (rpps.md 13).

What clients made comes first, in the order they asked for; the directory follows, in the order of its keys. A page may hold the end
of the one and the beginning of the other, and every match is given once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4.shapes import directory_ids
from hub.storage import directory_gone, directory_resources, directory_search, search
from hub.storage.directory_criteria import NotAsked
from hub.storage.resources import Stored
from hub.storage.search import query
from hub.storage.session import Session

Place = Mapping[str, Any]
FROM = "directory"  # in a cursor: the place in the directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of both. ``left_out``: why the directory was not asked, to be said in the answer."""

    page: search.Page
    left_out: list[Refusal] = field(default_factory=list)


TYPES = frozenset(directory_resources.TYPES)


def may_hold(type_name: str, id: str) -> bool:
    """Whether an id is one of the directory's: those of the record never are."""
    return type_name in TYPES and directory_ids.named(id) is not None


async def read(session: Session, type_name: str, id: str) -> Stored | None:
    """The resource of the directory under this id, ``None`` when it never held anything there. Raises
    ``Refusal("gone-from-directory")``.
    """
    stored = await directory_resources.read(session, type_name, id)
    if stored is None and await directory_gone.is_gone(session, type_name, id):
        raise Refusal("gone-from-directory")
    return stored


async def version(session: Session, type_name: str, id: str, number: int) -> Stored | None:
    """The version that the directory serves now; it keeps no other in this form. Raises ``Refusal("gone-from-directory")``."""
    stored = await read(session, type_name, id)
    return stored if stored is not None and stored.version == number else None


async def find(
    session: Session, viewer: Viewer, type_name: str, params: Sequence[tuple[str, str]], cursor: Place | None
) -> Found:
    """One page of a search. Raises ``Refusal("bad-search")``."""
    if type_name not in TYPES:
        return Found(page=await search.search(session, viewer, type_name, params, cursor=cursor))
    if cursor is not None:
        params = [(name, value) for name, value in cursor["params"]]
    wanted = query.read(type_name, params)
    if cursor is not None and FROM in cursor:
        size = cursor["count"]
        page = search.Page(matches=[], includes=[], total=cursor["total"], next=None, params=params)
    else:
        size = min(search.MOST, max(1, wanted.count or search.USUAL))
        page = await search.search(session, viewer, type_name, params, cursor=cursor)
    if page.next is not None:
        return Found(page=await _counted(session, type_name, wanted, page))
    try:
        return Found(page=await _continued(session, wanted, page, size, (cursor or {}).get(FROM)))
    except NotAsked as trouble:
        why = "l'annuaire national ne se cherche pas ainsi, et n'est pas dans cette réponse"
        return Found(page=page, left_out=[query.bad(trouble.name, why)])


async def _counted(session: Session, type_name: str, wanted: query.Query, page: search.Page) -> search.Page:
    """The total of both, when it was asked for."""
    if page.total is None or wanted.total == "none":
        return replace(page, total=None)
    try:
        return replace(page, total=page.total + await directory_search.count(session, type_name, wanted.conditions))
    except NotAsked:
        return page


async def _continued(
    session: Session, wanted: query.Query, page: search.Page, size: int, after: list[Any] | None
) -> search.Page:
    """The page filled up with the directory, from where the page before ended."""
    if wanted.only_total:
        more = await directory_search.count(session, wanted.type, wanted.conditions)
        return replace(page, total=(page.total or 0) + more)
    left = size - len(page.matches)
    part = await directory_search.page(session, wanted.type, wanted.conditions, size=left, after=after)
    includes = await directory_search.around(session, wanted.type, wanted.includes, part.rows)
    following = None
    if part.after is not None:
        place = {"type": wanted.type, "compartment": None, "params": [list(pair) for pair in page.params]}
        known_total = page.total if wanted.total != "none" else None
        following = {**place, "count": size, "total": known_total, FROM: part.after}
    total = None
    if wanted.total != "none":
        total = await directory_search.count(session, wanted.type, wanted.conditions) + (page.total or 0)
    elif page.total is not None and following is None:
        total = page.total + len(part.matches)
    known = {(one.type, one.id) for one in page.includes}
    return replace(
        page,
        matches=[*page.matches, *part.matches],
        includes=[*page.includes, *(one for one in includes if (one.type, one.id) not in known)],
        total=total,
        next=following,
    )
