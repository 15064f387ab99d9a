"""Baseline A: a bare ASGI application that returns the bytes of a file, on the server and the loop of the hub.

python -m bench.bare PORT FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send


def main() -> None:
    body = Path(sys.argv[2]).read_bytes()
    headers = [
        (b"content-type", b"application/fhir+json;charset=utf-8"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), http="httptools", loop="uvloop", ws="none", lifespan="off",
        log_config=None, access_log=False, server_header=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
