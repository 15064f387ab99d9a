"""Wanted faults: what a visitor or a test asks a twin to get wrong, and for how many calls.

The generic ones happen to any HTTP door, before the twin reads anything; a twin declares its own by name and takes
them where they bite.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

GENERIC: dict[str, str] = {
    "status": "répond par un code HTTP",
    "slow": "lent",
    "silence": "ne répond pas",
    "cut": "coupe la ligne",
    "html": "répond en HTML",
}
NONE: Mapping[str, str] = {}
SLOW, SILENCE = 5.0, 120.0  # seconds, when the visitor gives none
MAINTENANCE = (
    "<!doctype html><html><head><title>Maintenance</title></head><body><h1>Service en maintenance</h1></body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`times` is the number of calls left (0 = until stopped); `value` of a `status` is the HTTP code."""

    kind: str
    times: int
    seconds: float = 0.0
    value: str = ""


# What a moody door may do on a whim: each is allowed by HTTP and by every national specification.
WHIMS: tuple[Fault, ...] = (
    Fault(kind="status", times=1, value="503"),
    Fault(kind="slow", times=1, seconds=1.0),
    Fault(kind="cut", times=1),
)


class Faults:
    """The faults in force at one twin. At most one of each kind; setting it again replaces it."""

    def __init__(self, named: Mapping[str, str] = NONE) -> None:
        self.labels: dict[str, str] = {**GENERIC, **named}
        self.told: Callable[[Fault, Scope], None] | None = None  # hears of each generic fault that was served
        self._active: dict[str, Fault] = {}

    def set(self, kind: str, times: int = 1, seconds: float = 0.0, value: str = "") -> None:
        """Raises ValueError for an unknown kind, a negative number, or a status that is no HTTP error code."""
        if kind not in self.labels:
            raise ValueError(f"unknown fault {kind!r}, known: {', '.join(self.labels)}")
        if times < 0 or seconds < 0:
            raise ValueError("times and seconds cannot be negative")
        if kind == "status" and not (value.isascii() and value.isdigit() and 400 <= int(value) <= 599):
            raise ValueError("value of a status fault: an HTTP code from 400 to 599")
        self._active[kind] = Fault(kind=kind, times=times, seconds=seconds, value=value)

    def take(self, kind: str) -> Fault | None:
        """The fault of this kind if one is in force; one call of it is then used up."""
        fault = self._active.get(kind)
        if fault is None:
            return None
        if fault.times == 1:
            del self._active[kind]
        elif fault.times > 1:
            self._active[kind] = replace(fault, times=fault.times - 1)
        return fault

    def stop(self, kind: str) -> None:
        """No more of this kind, whatever calls are left."""
        self._active.pop(kind, None)

    def active(self) -> list[Fault]:
        return list(self._active.values())

    def clear(self) -> None:
        self._active.clear()


def with_faults(app: ASGIApp, faults: Faults, moody: float = 0.0) -> ASGIApp:
    """The same door, with generic faults served before `app` sees the call; `moody` is the share of whims (0 to 1)."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        fault = _next(faults, moody) if scope["type"] == "http" else None
        if fault is None:
            return await app(scope, receive, send)
        if faults.told is not None:
            faults.told(fault, scope)
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds or SLOW)
                await app(scope, receive, send)
            case "status":
                headers = {"Retry-After": str(int(fault.seconds) or 1)} if fault.value in ("429", "503") else {}
                answer = PlainTextResponse("panne voulue", status_code=int(fault.value), headers=headers)
                await answer(scope, receive, send)
            case "html":
                await HTMLResponse(MAINTENANCE)(scope, receive, send)
            case "silence":
                await _hear(receive, fault.seconds or SILENCE)
                await cut_line(scope, receive)
            case _:
                await cut_line(scope, receive)

    return door


def _next(faults: Faults, moody: float) -> Fault | None:
    for kind in GENERIC:
        fault = faults.take(kind)
        if fault is not None:
            return fault
    if moody and random.random() < moody:
        return random.choice(WHIMS)
    return None


async def _hear(receive: Receive, seconds: float) -> None:
    """Read and say nothing, until the caller leaves or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue


async def cut_line(scope: Scope, receive: Receive) -> None:
    """Drop the connection without a byte; `cut` is put in the state by the server (or by a test without sockets)."""
    state: dict[str, Any] = scope.get("state", {})
    if "cut" not in state:
        raise ConnectionResetError("line cut by a wanted fault")
    state["cut"]()
    await _hear(receive, 1.0)
