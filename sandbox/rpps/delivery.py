"""How a file leaves: whole, in part (RFC 9110, 14), drop by drop, or with the line cut in the middle."""

import asyncio
import hashlib
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.faults import Fault, cut_line

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
DROPS, SLOW = 20, 5.0  # pieces, seconds in all
FLUSHED = 0.3  # seconds left to the first half to leave before the line is cut


class Delivery(Response):
    """Sends the body in `pieces`, `pause` seconds apart; with `cut`, only half of it before the line drops."""

    def __init__(
        self, content: bytes, *, pieces: int = 1, pause: float = 0.0, cut: bool = False, **options: object
    ) -> None:
        super().__init__(content, **options)  # type: ignore[arg-type]
        self._pieces, self._pause, self._cut = pieces, pause, cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pieces == 1 and not self._cut:
            return await super().__call__(scope, receive, send)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        whole = bytes(self.body)
        body = whole[: len(whole) // 2] if self._cut else whole
        size = max(1, -(-len(body) // self._pieces))
        for begin in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[begin : begin + size], "more_body": True})
            await asyncio.sleep(self._pause)
        if self._cut:
            await asyncio.sleep(FLUSHED)
            return await cut_line(scope, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def deliver(request: Request, content: bytes, name: str, faults: Mapping[str, Fault], *, ranges: bool) -> Response:
    """The answer to a GET or HEAD of the file `name`. `ranges`: whether a request for a part is honoured (206, or 416 beyond
    the end); when not, the whole file is sent, as a server that knows nothing of it does."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Content-Disposition": f"attachment; filename={name}", "Content-Length": str(len(content))}
    if request.method == "HEAD":
        headers |= {"Accept-Ranges": "bytes", "ETag": tag} if ranges else {}
        return Response(b"", media_type="application/zip", headers=headers)
    status, body = 200, content
    if ranges:
        status, body, more = _part(request, content, tag)
        headers |= {"Accept-Ranges": "bytes", "ETag": tag, "Content-Length": str(len(body)), **more}
    drip = faults.get("drip")
    return Delivery(
        body,
        status_code=status,
        media_type="application/zip",
        headers=headers,
        pieces=DROPS if drip else 1,
        pause=(drip.seconds or SLOW) / DROPS if drip else 0.0,
        cut="cut-midway" in faults,
    )


def _part(request: Request, content: bytes, tag: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers; one range only, counted from the start, and none when the file is another (If-Range)."""
    wanted = RANGE.match(request.headers.get("range", ""))
    if wanted is None or request.headers.get("if-range", tag) != tag:
        return 200, content, {}
    first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
    if first >= len(content) or last < first:
        return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
    last = min(last, len(content) - 1)
    return 206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
