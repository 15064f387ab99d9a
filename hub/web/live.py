"""Server-sent events for the board (HTML, 9.2 Server-sent events): « something changed », never what.

The browser then reads the page again as its own viewer, so the stream carries no datum at all. One listener on the database
for the whole process, opened with the first stream and closed with the last; no stream holds a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.storage import board
from hub.storage.session import Database

MOST = 300  # streams of one process (Choice); beyond, pages go on asking by themselves
BEAT = 20.0  # seconds between two looks at the session, and two signs of life for what stands between
QUIET = 1.0  # seconds between two words: a burst is one change
CHANGED = b"event: changed\nid: 1\ndata:\n\n"
AWAY = (OperationalError, InterfaceError, PoolTimeout)

Still = Callable[[], Awaitable[bool]]


@dataclass(slots=True, kw_only=True, eq=False)
class _Ear:
    """One stream: the CPTS it looks at (``None``: any), and whether its list has changed since the last word."""

    network: str | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """The streams of this process. ``life``: seconds after which a stream ends and the browser comes back by itself."""

    def __init__(self, database: Database, *, life: float = 900.0, beat: float = BEAT, most: int = MOST) -> None:
        self.database = database
        self.life, self.beat, self.most = life, beat, most
        self.ears: set[_Ear] = set()
        self.listener: asyncio.Task[None] | None = None

    async def words(self, network: str | None, still: Still, *, is_back: bool) -> AsyncGenerator[bytes]:
        """What one stream says until ``still`` says no. ``is_back``: the browser was here before, and may have missed something."""
        ear, end = _Ear(network=network), asyncio.get_running_loop().time() + self.life
        if is_back:
            ear.changed.set()
        self._join(ear)
        try:
            yield b"id: 1\n\n"  # what the browser sends when it comes back
            while (left := end - asyncio.get_running_loop().time()) > 0:
                word = await self._next(ear, min(left, self.beat))
                if not await still():
                    yield CHANGED  # the page reads again, and is led to the sign-in
                    return
                yield word
        except AWAY:
            return  # the browser comes back when the database does
        finally:
            self._leave(ear)

    async def _next(self, ear: _Ear, seconds: float) -> bytes:
        try:
            await asyncio.wait_for(ear.changed.wait(), seconds)
        except TimeoutError:
            return b": \n\n"
        await asyncio.sleep(min(QUIET, seconds))
        ear.changed.clear()
        return CHANGED

    def _join(self, ear: _Ear) -> None:
        self.ears.add(ear)
        if self.listener is None or self.listener.done():
            self.listener = asyncio.create_task(self._listen())

    def _leave(self, ear: _Ear) -> None:
        self.ears.discard(ear)
        if not self.ears and self.listener is not None:
            self.listener.cancel()
            self.listener = None

    async def _listen(self) -> None:
        async with aclosing(board.changes(self.database)) as changes:
            async for network in changes:
                for ear in self.ears:
                    if not network or ear.network in (None, network):
                        ear.changed.set()

    @property
    def is_full(self) -> bool:
        """Whether no stream more may open."""
        return len(self.ears) >= self.most
