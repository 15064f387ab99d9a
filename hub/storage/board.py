"""The supervision list: one wide row per open request, an index and not a second truth (workflow.md 4.6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from hub.domain.people import Viewer
from hub.domain.visibility import Level
from hub.storage import sight, swift
from hub.storage.session import Database, Session
from hub.storage.tables.records import board
from hub.storage.values import fold

Position = tuple[datetime, str]  # response_due, request
HIDDEN_AT_OUTLINE = ("requester_name", "patient_name", "patient_phone", "performer_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """What an operator sees of one open request. Ids, codes and labels; instants aware."""

    request: str
    number: str
    network: str
    state: str
    origin: str
    patient: str
    issued_at: datetime
    response_due: datetime
    changed_at: datetime
    priority: str = "routine"
    care_type: str = ""
    kind: str = ""
    profession: str = ""
    commune: str = ""
    requester_name: str = ""
    patient_name: str = ""
    patient_phone: str = ""
    reason: str = ""
    performer: str | None = None
    performer_name: str = ""
    assignee: str | None = None
    wave: int = 0
    attempt: int = 1
    appointment_at: datetime | None = None

    @property
    def position(self) -> Position:
        """Where the row stands in the list, to ask for what follows."""
        return self.response_due, self.request


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to keep of the list; an empty filter keeps everything. ``words``: each somewhere in number, names, reason, phone."""

    states: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    care_types: tuple[str, ...] = ()
    professions: tuple[str, ...] = ()
    assignee: str | None = None
    due_before: datetime | None = None
    words: str = ""


NAMES = tuple(one.name for one in fields(BoardRow))
COLUMNS = tuple(board.c[name] for name in NAMES)
ALL = Filters()
_kept = insert(board).values({name: bindparam(f"new_{name}") for name in (*NAMES, "words")})
CHANNEL = "board"


def _told(change: Any) -> swift.Order:
    """A change of the list and its word on the channel, in one trip: the CPTS whose list changed, nothing else."""
    changed = change.returning(board.c.network).cte("changed")
    return swift.order(select(func.pg_notify(CHANNEL, changed.c.network)))


# Who follows a request is the operators' business, not the workflow's: it survives a refresh.
WRITE = _told(
    _kept.on_conflict_do_update(
        index_elements=["request"],
        set_={name: _kept.excluded[name] for name in (*NAMES, "words") if name not in ("request", "assignee")},
    )
)
REMOVE = _told(delete(board).where(board.c.request == bindparam("of")))
ASSIGN = _told(update(board).where(board.c.request == bindparam("of")).values(assignee=bindparam("to")))


def changes(database: Database) -> AsyncGenerator[str]:
    """The CPTS whose list changed, as it is committed; an empty text first, and after a cut line: any list may have."""
    return database.listen(CHANNEL)


async def write(session: Session, row: BoardRow) -> None:
    """Put the row of a request, in the transaction that changes the request."""
    await swift.later(
        session, WRITE, {**{f"new_{name}": getattr(row, name) for name in NAMES}, "new_words": _words(row)}
    )


async def remove(session: Session, request: str) -> None:
    """Take a request off the list: it has ended."""
    await swift.later(session, REMOVE, {"of": request})


async def assign(session: Session, request: str, account: str | None) -> bool:
    """Say which operator follows a request; ``None``: nobody. ``False`` when it is not on the list."""
    return bool(await swift.values(session, ASSIGN, {"of": request, "to": account}))


def _conditions(filters: Filters) -> Iterable[ColumnElement[bool]]:
    among = {
        "state": filters.states,
        "origin": filters.origins,
        "commune": filters.communes,
        "care_type": filters.care_types,
        "profession": filters.professions,
    }
    for name, values in among.items():
        if values:
            yield board.c[name].in_(values)
    if filters.assignee is not None:
        yield board.c.assignee == filters.assignee
    if filters.due_before is not None:
        yield board.c.response_due < filters.due_before
    for word in fold(filters.words).split():
        yield board.c.words.like(f"%{word}%")


def _words(row: BoardRow) -> str:
    shown = (row.number, row.patient_name, row.requester_name, row.performer_name, row.reason, row.patient_phone)
    return fold(" ".join(shown))


def _matches(row: BoardRow, words: list[str]) -> bool:
    """Again on what is shown: words found in what is cut for this viewer do not count."""
    shown = _words(row)
    return all(word in shown for word in words)


async def rows(
    session: Session, viewer: Viewer, *, filters: Filters = ALL, count: int = 50, after: Position | None = None
) -> list[BoardRow]:
    """Open requests the viewer may see, the most pressing first. ``after``: :attr:`BoardRow.position` of the last one shown.

    At level outline the names and the phone are left out.
    """
    words = fold(filters.words).split()
    found: list[BoardRow] = []
    while len(found) < count:
        page = await _page(session, viewer, filters, count=count, after=after)
        found += [row for row in page if _matches(row, words)]
        if not words or len(page) < count:
            break
        after = page[-1].position
    return found[:count]


async def _page(
    session: Session, viewer: Viewer, filters: Filters, *, count: int, after: Position | None
) -> list[BoardRow]:
    level = sight.beside(board, sight.level_of_request(board, viewer.sees_all), "seen")
    query = (
        select(*COLUMNS, level.c.level)
        .join_from(board, level, true())
        .where(level.c.level > int(Level.NOTHING), *_conditions(filters))
        .order_by(board.c.response_due, board.c.request)
        .limit(count)
    )
    if after is not None:
        query = query.where(tuple_(board.c.response_due, board.c.request) > tuple_(*after))
    result = await session.execute(query, sight.words(viewer))
    return [_shown(dict(row)) for row in result.mappings()]


def _shown(values: dict[str, Any]) -> BoardRow:
    level = Level(values.pop("level"))
    return BoardRow(**(values if level is Level.FULL else {**values, **dict.fromkeys(HIDDEN_AT_OUTLINE, "")}))


async def counts(session: Session, network: str | None = None) -> dict[str, int]:
    """How many open requests are in each state, for one CPTS or for all."""
    query = select(board.c.state, func.count()).group_by(board.c.state)
    if network is not None:
        query = query.where(board.c.network == network)
    return {state: number for state, number in await session.execute(query)}


REQUESTS = select(board.c.request).order_by(board.c.request)


async def rebuild(
    session: Session, wanted: Iterable[str], row_of: Callable[[Session, str], Awaitable[BoardRow | None]]
) -> list[str]:
    """Compare the list with what ``row_of`` says of each request (``wanted``: every open one) and put it right.

    Returns the requests whose row was missing, different or too many: none, when every write did its part.
    """
    known = set((await session.execute(REQUESTS)).scalars())
    differing: list[str] = []
    for request in sorted(known | set(wanted)):
        expected = await row_of(session, request)
        present = (await session.execute(ONE, {"request": request})).mappings().one_or_none()
        found = BoardRow(**present) if present else None
        if _same(expected, found):
            continue
        differing.append(request)
        await (remove(session, request) if expected is None else write(session, expected))
    return differing


ONE = select(*COLUMNS).where(board.c.request == bindparam("request"))


def _same(expected: BoardRow | None, found: BoardRow | None) -> bool:
    if expected is None or found is None:
        return expected is found
    return replace(expected, changed_at=found.changed_at, assignee=found.assignee) == found
