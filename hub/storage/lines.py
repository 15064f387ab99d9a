"""The hot path: statements on libpq itself, prepared once a connection, several in one trip, and no cursor between them and what
they find. A tenth of the time of the same through an engine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result

Asked = tuple[bytes, Mapping[str, Any]]  # a statement with named places, and their values
Rows = list[tuple[Any, ...]]

PLACE = re.compile(r"%\((\w+)\)s")
MOST_PREPARED = 200  # statements a connection keeps
BEGIN = b"BEGIN"
FOUND = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def _listed(items: Sequence[Any]) -> bytes:
    """A list as PostgreSQL writes one."""
    return b"{" + b",".join([_item(item) for item in items]) + b"}"


def _item(item: Any) -> bytes:
    if type(item) is str:
        text = item.replace("\\", "\\\\").replace('"', '\\"') if "\\" in item or '"' in item else item
        return f'"{text}"'.encode()
    return b"NULL" if item is None else _text(item)


def _text(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, (float, Decimal)):
        return str(value).encode()
    if isinstance(value, (datetime, date)):
        return value.isoformat().encode()
    if isinstance(value, (list, tuple)):
        return _listed(value)
    if isinstance(value, Mapping):
        return msgspec.json.encode(value)
    raise TypeError(f"no place in a statement for a {type(value).__name__}")


def _sent(value: Any) -> bytes | None:
    """A value as it goes to the server: bytes as they are, anything else in the text that the type of its place reads."""
    if type(value) is str:
        return value.encode()
    return value if value is None or type(value) is bytes else _text(value)


@lru_cache(maxsize=1024)
def _numbered(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A statement with the places numbered as the server wants them, and their names in that order."""
    names: dict[str, int] = {}
    made = PLACE.sub(lambda place: f"${names.setdefault(place[1], len(names) + 1)}", text.decode())
    return made.replace("%%", "%").encode(), tuple(names)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement and its values as the server takes them."""

    text: bytes
    values: list[bytes | None]
    formats: list[int]


def _ready(asked: Asked) -> _Ready:
    text, words = asked
    numbered, names = _numbered(text)
    given = [words[name] for name in names]
    return _Ready(numbered, [_sent(value) for value in given], [int(type(value) is bytes) for value in given])


class Line:
    """A connection of the driver. Unless it is in AUTOCOMMIT, the first statement begins a transaction."""

    def __init__(self, driver: psycopg.AsyncConnection[Any]) -> None:
        self.driver = driver
        self._wire = driver.pgconn
        self._loop = asyncio.get_running_loop()
        self._reader = Transformer(driver)
        self._names: dict[bytes, bytes] = {}  # of what is prepared, by text, the one asked longest ago first
        self._prepared = 0  # ever
        self._late: list[Asked] = []

    def later(self, asked: Asked) -> None:
        """Have a statement carried out just before whatever is asked next: for one whose answer nobody needs."""
        self._late.append(asked)

    def forget(self) -> None:
        """Drop what was put off."""
        self._late.clear()

    @property
    def is_behind(self) -> bool:
        """Whether something is put off."""
        return bool(self._late)

    @property
    def is_broken(self) -> bool:
        """Whether nothing more can be asked of it."""
        return self._wire.status == pq.ConnStatus.BAD

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open, not even one that failed."""
        return self._wire.transaction_status == pq.TransactionStatus.IDLE

    async def run(self, *asked: Asked) -> list[Rows]:
        """What each of these statements finds, asked in one trip and carried out in order; the first that fails is the last.
        What was put off goes with them, and before them. What is new is prepared before any is carried out.

        Raises ``psycopg.Error``. A line that broke, or was left in the middle of an answer, is closed by then.
        """
        late, self._late = self._late, []
        ready = [_ready(one) for one in (*late, *asked)]
        fresh = [text for text in {one.text: None for one in ready} if text not in self._names]
        try:
            self._send(ready, fresh)
            results = await self._answers()
        except BaseException:
            self._wire.finish()
            raise
        for one in results:
            if one.status not in FOUND:
                trouble = error_from_result(one)
                forgotten = list(self._names) if isinstance(trouble, InvalidSqlStatementName) else fresh
                for text in forgotten:  # prepared or not, according to where it failed
                    self._names.pop(text, None)
                raise trouble
        return [self._rows(one) for one in results[len(results) - len(asked) :]]

    def _send(self, asked: Sequence[_Ready], fresh: Sequence[bytes]) -> None:
        """Put everything on the wire."""
        wire, names = self._wire, self._names
        begins = not self.driver.autocommit and wire.transaction_status == pq.TransactionStatus.IDLE
        wire.enter_pipeline_mode()
        for text in fresh:
            self._prepared += 1
            names[text] = b"hub_%d" % self._prepared
            wire.send_prepare(names[text], text)
        orders = [b"DEALLOCATE " + name for name in self._forgotten(asked)]
        for order in [*orders, BEGIN] if begins else orders:
            wire.send_query_params(order, None)
        for one in asked:
            wire.send_query_prepared(names[one.text], one.values, one.formats, pq.Format.BINARY)
        wire.pipeline_sync()

    def _forgotten(self, asked: Sequence[_Ready]) -> list[bytes]:
        """Names to give up, there being too many: those asked longest ago."""
        for one in asked:
            self._names[one.text] = self._names.pop(one.text)
        too_many = max(0, len(self._names) - MOST_PREPARED)
        return [self._names.pop(text) for text in list(self._names)[:too_many]] if too_many else []

    async def _answers(self) -> list[pq.abc.PGresult]:
        wire, results, is_sent = self._wire, [], False
        while True:
            is_sent = is_sent or wire.flush() == 0
            if not is_sent or wire.is_busy():
                await self._turn(writing=not is_sent)
                wire.consume_input()
                continue
            result = wire.get_result()
            if result is None:
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            results.append(result)
        wire.exit_pipeline_mode()
        return results

    async def _turn(self, *, writing: bool) -> None:
        """Wait until the server has said something, or, while ``writing``, hears again."""
        turn, socket = self._loop.create_future(), self._wire.socket

        def come() -> None:
            if not turn.done():
                turn.set_result(None)

        self._loop.add_reader(socket, come)
        if writing:
            self._loop.add_writer(socket, come)
        try:
            await turn
        finally:
            self._loop.remove_reader(socket)
            if writing:
                self._loop.remove_writer(socket)

    def _rows(self, result: pq.abc.PGresult) -> Rows:
        if not result.ntuples:
            return []
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)


class Lines:
    """Lines in AUTOCOMMIT for single readings, opened as they are needed, at most ``most`` at once; one that broke is dropped.

    Statements are planned once, for any values: those that come here find rows by a key, or hold their values.
    """

    def __init__(self, url: str, *, most: int, settings: Mapping[str, str]) -> None:
        self.url = url
        self.settings = settings
        self.free: list[Line] = []
        self.places = asyncio.Semaphore(most)

    async def fetch(self, text: bytes, words: Mapping[str, Any]) -> Rows:
        """What one statement finds. Raises ``psycopg.Error``."""
        async with self.places:
            line = self.free.pop() if self.free else await self._open()
            try:
                (rows,) = await line.run((text, words))
            finally:
                if line.is_broken:
                    await self.close()  # the others may have been cut with it
                else:
                    self.free.append(line)
            return rows

    async def _open(self) -> Line:
        more: dict[str, Any] = {**self.settings}
        return Line(await psycopg.AsyncConnection.connect(self.url, autocommit=True, **more))

    async def close(self) -> None:
        """Close those that are free."""
        while self.free:
            await self.free.pop().driver.close()
