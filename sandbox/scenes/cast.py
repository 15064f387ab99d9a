"""Who plays: the invented persons, how each signs in, and the twins' side doors a scene may use."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.scenes.browser import Browser, Lost
from sandbox.scenes.scene import Hub
from sandbox.world import World

VASSEUR = "899700999909"
LEBRUN = "899700999917"
OPERATOR = "10001"
PASSPHRASE = "colibri bat des ailes en avril"  # printed by the hub when it seeds its demonstration
PAUSE = 0.2  # seconds between two looks
WITHIN = 20.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stagehand:
    """The side doors of the twins, on the home port."""

    world: World
    line: httpx.AsyncClient

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = await self.line.post(path, json=body or {})
        answer.raise_for_status()
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.line.get(path)
        answer.raise_for_status()
        return answer.json()

    async def delete(self, path: str) -> None:
        (await self.line.delete(path)).raise_for_status()

    def entries(self, twin: str, since: int = 0) -> list[Any]:
        """What a twin received after that entry of the journal."""
        return self.world.journal.entries(twin, since)

    def last(self) -> int:
        """Number of the last entry of the journal."""
        entries = self.world.journal.entries()
        return max((entry.id for entry in entries), default=0)


@asynccontextmanager
async def stagehand(world: World) -> AsyncIterator[Stagehand]:
    async with httpx.AsyncClient(base_url=world.settings.url("home"), timeout=30, trust_env=False) as line:
        yield Stagehand(world=world, line=line)


async def until(look: Callable[[], Awaitable[Any]], what: str, within: float = WITHIN) -> Any:
    """Look until there is something to see. Raises Lost with `what` in it."""
    steps = int(within / PAUSE)
    for _ in range(steps):
        seen = await look()
        if seen:
            return seen
        await asyncio.sleep(PAUSE)
    raise Lost(f"still waiting after {within:.0f} s: {what}")


@asynccontextmanager
async def person(hub: Hub) -> AsyncIterator[Browser]:
    """A browser with nobody signed in."""
    async with hub.browser() as line:
        yield Browser(line)


async def sign_in_by_ecps(browser: Browser, hand: Stagehand, national_id: str) -> str:
    """Through Pro Santé Connect: the number typed, the phone approved; the number shown by the page."""
    await browser.open("/connexion")
    await browser.click("/connexion/psc")
    shown = ""
    if browser.has_form("/ecps"):
        await browser.submit("/ecps", {"identifiant": national_id})
        found = re.search(r"\b(\d{2})\b", browser.words)
        shown = found[1] if found else ""
        waiting = browser.url
        await hand.post("/twins/psc/approve", {"identifier": national_id})
        wallet = hand.world.settings.url("wallet")
        await until(lambda: _is_back(browser, waiting, wallet), "the return from Pro Santé Connect")
    if browser.status >= 400:
        raise Lost(f"sign-in ended on {browser.status}: {browser.words[:200]}")
    return shown


async def _is_back(browser: Browser, waiting: str, wallet: str) -> bool:
    await browser.open(waiting)
    return not browser.url.startswith(wallet)


async def sign_in_locally(browser: Browser, hand: Stagehand, identifier: str) -> None:
    """Identifier and passphrase, then the code received by text message."""
    since = hand.last()
    await browser.open("/connexion")
    await browser.submit("/connexion", {"identifiant": identifier, "secret": PASSPHRASE})

    async def code() -> str:
        for entry in hand.entries("sms", since):
            found = re.search(r"code est (\d{4})", entry.request)
            if found:
                return found[1]
        return ""

    received = await until(code, "the code by text message")
    await browser.submit("/connexion/code", {"code": received})
    if browser.status >= 400:
        raise Lost(f"sign-in ended on {browser.status}: {browser.words[:200]}")
