"""Back-channel logout: tell the services of a session that it is over (OpenID Connect Back-Channel Logout 1.0, PSC 11.3)."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.journal import Check
from sandbox.psc.clients import Client
from sandbox.psc.keys import Keyring
from sandbox.world import World

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFE_SECONDS = 120
TIMEOUT_SECONDS = 5.0
RETRIES = (1.0, 5.0, 15.0)  # seconds before each new try


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    sid: str
    subject: str
    person: str


class Notices:
    """`transport` and `pause` are those of the network and of the clock on the wall, unless a test gives its own."""

    def __init__(
        self,
        world: World,
        issuer: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._issuer = issuer
        self._transport = transport
        self._pause = pause
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, client: Client, ended: Ended, keyring: Keyring) -> None:
        """Start telling; the caller does not wait. Needs a running loop."""
        task = asyncio.create_task(self._insist(client, ended, keyring))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait until nothing is being told."""
        await asyncio.gather(*self._under_way)

    def cancel(self) -> None:
        for task in self._under_way:
            task.cancel()

    async def _insist(self, client: Client, ended: Ended, keyring: Keyring) -> None:
        """A service that refuses (400) is not asked again; one that does not answer, or answers 5xx, is."""
        for wait in (*RETRIES, None):
            status = await self._tell(client, ended, keyring)
            if wait is None or (status is not None and status < 500):
                return
            await self._pause(wait)

    async def _tell(self, client: Client, ended: Ended, keyring: Keyring) -> int | None:
        token = keyring.sign(self._claims(client, ended), typ="logout+jwt")
        started = time.perf_counter()
        trust = ssl.create_default_context(cafile=self._world.certificates.authority)
        async with httpx.AsyncClient(transport=self._transport, verify=trust, timeout=TIMEOUT_SECONDS) as http:
            try:
                answer = await http.post(client.backchannel_uri, data={"logout_token": token})
            except httpx.TransportError as trouble:
                status, said = None, type(trouble).__name__
            else:
                status, said = answer.status_code, str(answer.status_code)
        self._write(client, ended, said, milliseconds=(time.perf_counter() - started) * 1000)
        return status

    def _claims(self, client: Client, ended: Ended) -> dict[str, Any]:
        now = int(self._world.clock.now().timestamp())
        return {
            "iss": self._issuer,
            "aud": client.id,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "jti": str(uuid.uuid4()),
            "typ": "Logout",
            "sub": ended.subject,
            "sid": ended.sid,
            "events": {EVENT: {}},
        }

    def _write(self, client: Client, ended: Ended, said: str, *, milliseconds: float) -> None:
        accepted = said == "200"
        self._world.journal.add(
            twin="psc",
            direction="out",
            title="Fin de session annoncée",
            verdict="acceptée" if accepted else f"sans effet\u00a0: {said}",
            accepted=accepted,
            subject=ended.person,
            request=f"POST {client.backchannel_uri}\nlogout_token=…",
            answer=said,
            checks=(Check(what="réponse 200", passed=accepted, where="PSC 11.3", detail=said),),
            milliseconds=milliseconds,
            facts={"path": client.backchannel_uri, "status": said, "sid": ended.sid, "client_id": client.id},
        )
