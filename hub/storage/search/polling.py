"""The search that a piece of software asks again and again, kept ready: written out for its values and its viewer, so that the
database plans it for them, once. Any other search is made anew, by :func:`hub.storage.search.search`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from hub.domain.people import Viewer
from hub.storage import sight, swift
from hub.storage.search.query import Query
from hub.storage.session import Database

MOST = 500  # searches kept ready or seen once


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """``wanted``: the search as it was read; ``size``: of its page, of which one row more is fetched."""

    wanted: Query
    size: int
    order: swift.Order


_known: dict[Hashable, Ready | None] = {}


def key(viewer: Viewer, type_name: str, params: Sequence[tuple[str, str]]) -> Hashable | None:
    """What makes two searches the same; ``None`` for one that changes with the hour: a date that is approximate."""
    if any(value.startswith("ap") or ",ap" in value for _, value in params):
        return None
    return (viewer.keys, viewer.sees_all, viewer.sender, type_name, *params)


def known(name: Hashable) -> Ready | None:
    """The search, when it is ready."""
    return _known.get(name)


def is_again(name: Hashable) -> bool:
    """Whether this search was asked before: the first time costs nothing more."""
    if name in _known:
        return True
    if len(_known) >= MOST:
        _known.clear()
    _known[name] = None
    return False


def keep(name: Hashable, ready: Ready) -> None:
    """Have it ready for the next time."""
    _known[name] = ready


async def rows(database: Database, viewer: Viewer, ready: Ready) -> list[swift.Row]:
    """What it finds now."""
    return await swift.rows(database, ready.order, sight.words(viewer))
