"""FHIR search as a viewer sees the record: tokens, texts, dates, references, quantities, chains, includes (fhir.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage import sight, swift
from hub.storage.resources import Stored, stored
from hub.storage.search import conditions, includes, paging, polling, query
from hub.storage.search.conditions import Frame
from hub.storage.search.query import Query
from hub.storage.session import Database, Session

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
    page = _paged(viewer, wanted, size, rows, compartment=compartment)
    total = page.total if cursor is None else None
    if total is None and wanted.total != "none":
        total = await _total(session, viewer, made)
    around = await includes.around(session, viewer, wanted.includes, page.matches) if wanted.includes else []
    return replace(page, total=total, includes=around)


async def again(database: Database, viewer: Viewer, type: str, params: Params) -> Page | None:
    """The first page of a search that this viewer has asked before, in one round trip; ``None`` when it is not such a one."""
    name = polling.key(viewer, type, params)
    if name is None or not polling.is_again(name):
        return None
    ready = polling.known(name)
    if ready is None:
        try:
            wanted = query.read(type, params)
        except Refusal:
            return None  # said by :func:`search`
        if wanted.includes or wanted.only_total or wanted.total != "none":
            return None
        size = min(MOST, max(1, wanted.count or USUAL))
        made = swift.order(_page(_selection(viewer, wanted, None), wanted, size, None))
        words = {word: value for word, value in sight.words(viewer).items() if word != "now"}
        ready = polling.Ready(wanted=wanted, size=size, order=swift.written_out(made, words))
        polling.keep(name, ready)
    return _paged(viewer, ready.wanted, ready.size, await polling.rows(database, viewer, ready))


def _paged(
    viewer: Viewer, wanted: Query, size: int, rows: Sequence[Mapping[Any, Any]], *, compartment: str | None = None
) -> Page:
    """A page of the rows found, one more than its size when there are others; ``total`` as if it were the first."""
    has_more = len(rows) > size
    matches = [one for one in (stored(row, viewer) for row in rows[:size]) if one is not None]
    params = [list(pair) for pair in wanted.params]
    place = {"type": wanted.type, "compartment": compartment, "params": params, "count": size}
    return Page(
        matches=matches,
        includes=[],
        total=None if has_more else len(matches),
        next={**place, "after": paging.place(rows[size - 1], wanted.sort)} if has_more else None,
        params=wanted.params,
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


__all__ = ["Page", "Params", "Place", "again", "search"]
