"""A load generator: wrk where it is installed, else connections of our own that always have one request under way."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
HEAD_END = b"\r\n\r\n"
WRK = shutil.which("wrk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to knock; ``tls`` when the door is a machine's."""

    port: int
    tls: ssl.SSLContext | None = None
    host: str = "localhost"


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request, ready to send."""
    given = {"Host": "localhost", **headers, **({"Content-Length": str(len(body))} if body else {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


class Hose(asyncio.Protocol):
    """One connection that sends the next request as soon as an answer is whole; counts the answers by status."""

    def __init__(self, give: Callable[[], bytes | None]) -> None:
        self.give = give
        self.statuses: dict[int, int] = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self.held = self.held + data if self.held else data
        end = self.held.find(HEAD_END)
        if end < 0:
            return
        length = LENGTH.search(self.held, 0, end + 2)
        if len(self.held) < end + len(HEAD_END) + (int(length[1]) if length else 0):
            return
        status = int(self.held[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.held = b""
        self._next()

    def _next(self) -> None:
        following = self.give()
        if following is None:
            self.transport.close()
        else:
            self.transport.write(following)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc) if exc else self.over.set_result(None)


async def flood(door: Door, make: Callable[[], bytes], *, clients: int, seconds: float) -> float:
    """Answers a second to ``clients`` connections during ``seconds``. Raises ``RuntimeError`` when one was no success."""
    limit = time.perf_counter() + seconds

    def give() -> bytes | None:
        return make() if time.perf_counter() < limit else None

    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    hoses = [
        (await loop.create_connection(lambda: Hose(give), door.host, door.port, ssl=door.tls))[1]
        for _ in range(clients)
    ]
    await asyncio.gather(*(hose.over for hose in hoses))
    spent = time.perf_counter() - started
    statuses: dict[int, int] = {}
    for hose in hoses:
        for status, count in hose.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    failed = {status: count for status, count in statuses.items() if not 200 <= status < 300}
    if failed or not statuses:
        raise RuntimeError(f"answers that are no success: {failed or 'none came'}")
    return sum(statuses.values()) / spent


async def gets(door: Door, path: str, headers: Mapping[str, str], *, clients: int, seconds: float) -> float:
    """GETs a second of one address: by wrk (one thread) when there is one, else by our own connections."""
    if WRK is None or door.tls is not None:
        whole = request("GET", path, headers)
        return await flood(door, lambda: whole, clients=clients, seconds=seconds)
    said = [f"-H{name}: {value}" for name, value in headers.items()]
    order = [WRK, "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", *said, f"http://{door.host}:{door.port}{path}"]
    process = await asyncio.create_subprocess_exec(*order, stdout=asyncio.subprocess.PIPE)
    told = (await process.communicate())[0].decode()
    rate = re.search(r"Requests/sec: *([\d.]+)", told)
    if process.returncode or rate is None or "Non-2xx" in told:
        raise RuntimeError(f"wrk: {told}")
    return float(rate[1])


class Line:
    """One connection kept open, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, door: Door) -> Line:
        return cls(*await asyncio.open_connection(door.host, door.port, ssl=door.tls))

    async def ask(self, whole: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.writer.write(whole)
        head = await self.reader.readuntil(HEAD_END)
        length = LENGTH.search(head)
        return int(head[9:12]), await self.reader.readexactly(int(length[1])) if length else b""

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()
