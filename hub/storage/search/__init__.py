"""FHIR search as a viewer sees the record: tokens, texts, dates, references, quantities, chains, includes (fhir.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select

from hub.domain.people import Viewer
from hub.storage import sight
from hub.storage.resources import Stored, stored
from hub.storage.search import conditions, includes, paging, query
from hub.storage.search.conditions import Frame
from hub.storage.search.query import Query
from hub.storage.session import Session

USUAL = 20  # page size when nobody asks for another
MOST = 1000  # for pages of ours; clients get query.MOST at most

Params = Sequence[tuple[str, str]]
Place = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. ``total`` is given when asked for, or when this page holds everything. ``next`` is the place of the following
    page, made of what JSON can write, to be sealed before it leaves; ``params`` are those really used."""

    matches: list[Stored]
    includes: list[Stored]
    total: int | None
    next: Place | None
    params: Params


async def search(
    session: Session,
    viewer: Viewer,
    type: str,
    params: Params,
    *,
    count: int | None = None,
    cursor: Place | None = None,
    compartment: str | None = None,
) -> Page:
    """Search one type. ``count`` goes before ``_count``; ``cursor`` is :attr:`Page.next`, which brings its own parameters;
    ``compartment`` keeps what concerns one patient. Raises ``Refusal("bad-search")``.

    Without ``_sort`` the order is that of creation, so that a match is given exactly once whatever others write meanwhile.
    """
    if cursor is not None:
        type, compartment = cursor["type"], cursor["compartment"]
        params, count = [(name, value) for name, value in cursor["params"]], cursor["count"]
    wanted = query.read(type, params)
    size = min(MOST, max(1, count or wanted.count or USUAL))
    made = _selection(viewer, wanted, compartment)
    if wanted.only_total:
        return Page(matches=[], includes=[], total=await _total(session, viewer, made), next=None, params=params)
    rows = (await session.execute(_page(made, wanted, size, cursor), sight.words(viewer))).mappings().all()
    matches = [one for one in (stored(row, viewer) for row in rows[:size]) if one is not None]
    has_more = len(rows) > size
    total = len(matches) if cursor is None and not has_more else None
    if total is None and wanted.total != "none":
        total = await _total(session, viewer, made)
    after = paging.place(rows[size - 1], wanted.sort) if has_more else None
    place = {"type": type, "compartment": compartment, "params": [list(pair) for pair in params], "count": size}
    return Page(
        matches=matches,
        includes=await includes.around(session, viewer, wanted.includes, matches) if wanted.includes else [],
        total=total,
        next={**place, "after": after} if after is not None else None,
        params=params,
    )


def _selection(viewer: Viewer, wanted: Query, compartment: str | None) -> tuple[Frame, Select[Any]]:
    frame = conditions.frame(wanted.type, viewer)
    row = frame.row.c
    level = sight.level(frame.row, True) if frame.seen is None else frame.seen.c.level
    sorts = [paging.column(frame, key).label(f"sort_{number}") for number, key in enumerate(wanted.sort)]
    tests = conditions.everything(frame, wanted.conditions)
    if compartment is not None:
        tests.append(conditions.in_compartment(frame, compartment))
    columns = (row.key, row.type, row.id, row.version, row.updated_at, row.content, row.deleted)
    return frame, select(*columns, level.label("level"), *sorts).select_from(frame.source).where(*tests)


async def _total(session: Session, viewer: Viewer, made: tuple[Frame, Select[Any]]) -> int:
    frame, selection = made
    counted = select(func.count()).select_from(selection.with_only_columns(frame.row.c.key).subquery())
    total: int = (await session.execute(counted, sight.words(viewer))).scalar_one()
    return total


def _page(made: tuple[Frame, Select[Any]], wanted: Query, size: int, cursor: Place | None) -> Select[Any]:
    frame, selection = made
    limit: ColumnElement[int] = literal_column(
        str(size + 1)
    )  # written out: a plan made for any limit would read everything
    if not wanted.sort:
        if cursor is not None:
            selection = selection.where(frame.row.c.key > int(cursor["after"][-1]))
        return selection.order_by(frame.row.c.key).limit(limit)
    found = selection.subquery("found")
    columns = [found.c[f"sort_{number}"] for number in range(len(wanted.sort))]
    page = select(found).order_by(*paging.order(columns, wanted.sort, found.c.key)).limit(limit)
    if cursor is not None:
        page = page.where(paging.after(columns, wanted.sort, found.c.key, cursor["after"]))
    return page


__all__ = ["Page", "Params", "Place", "search"]
