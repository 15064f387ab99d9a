"""Who calls: the viewer of a bearer token, remembered from one request to the next so that a read costs one round trip.

A token is verified once and its date and certificate looked at each time. Its client is read again after :data:`CLIENT_KEPT`
seconds: that is how long one that was revoked can still be answered.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from hub import clock
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.fhir.smart import backend
from hub.fhir.smart.tokens import AccessToken, BadToken, TokenKeys
from hub.storage import clients
from hub.storage.session import Database

CLIENT_KEPT = 2.0  # seconds
MOST = 1000  # tokens remembered


@dataclass(slots=True)
class _Caller:
    token: AccessToken
    viewer: Viewer | None = None
    until: float = 0.0  # monotonic
    change: int = -1  # of the register of clients, when it was read
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_fresh(self) -> bool:
        return self.change == clients.changes() and self.until > time.monotonic()


class Callers:
    """The callers of one process. ``audience``: the FHIR base that tokens must be meant for."""

    def __init__(self, database: Database, keys: TokenKeys, audience: str) -> None:
        self.database = database
        self.keys = keys
        self.audience = audience
        self._known: dict[str, _Caller] = {}

    async def viewer(self, text: str, certificate: bytes | None) -> Viewer:
        """Who a token speaks for. Raises ``Refusal`` ``token-expired`` or ``token-refused``, also for a client shut out."""
        try:
            caller = self._caller(text, certificate)
        except BadToken as trouble:
            raise Refusal("token-expired" if trouble.expired else "token-refused") from trouble
        if not caller.is_fresh():
            async with caller.reading:  # one request asks, those that came meanwhile wait for its answer
                if not caller.is_fresh():
                    await self._refresh(caller)
        if caller.viewer is None:
            raise Refusal("token-refused")
        return caller.viewer

    async def _refresh(self, caller: _Caller) -> None:
        caller.viewer, caller.change, until = None, clients.changes(), time.monotonic() + CLIENT_KEPT
        client = await clients.current(self.database, caller.token.client)
        if client is not None and client.active:
            caller.viewer = backend.viewer(client, caller.token)
        caller.until = until

    def _caller(self, text: str, certificate: bytes | None) -> _Caller:
        now = clock.now()
        known = self._known.get(text)
        if known is not None:
            known.token.require(now, certificate)
            return known
        token = self.keys.read(text, audience=self.audience, now=now, certificate=certificate)
        if len(self._known) >= MOST:
            self._known.clear()
        made = self._known[text] = _Caller(token)
        return made
