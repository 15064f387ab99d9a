"""The discovery document, and a memory of what was fetched that survives a failing refresh (psc.md 2.3, 4.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import httpx

from hub import clock
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc.tokens import Key

SERVICE = "psc"
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The endpoints we call (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    introspection_endpoint: str | None = None
    revocation_endpoint: str | None = None


REQUIRED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
OPTIONAL = ("end_session_endpoint", "introspection_endpoint", "revocation_endpoint")


def garbled(code: str, raw: bytes = b"") -> ConnectorFailure:
    """An answer that breaks the specification, or a token that must not be believed."""
    return ConnectorFailure(SERVICE, Kind.GARBLED, code, raw=raw[:100_000])


@overload
def read_json(answer: httpx.Response, kind: type[dict[str, Any]]) -> dict[str, Any]: ...
@overload
def read_json(answer: httpx.Response, kind: type[list[Any]]) -> list[Any]: ...
def read_json(answer: httpx.Response, kind: type[dict[str, Any]] | type[list[Any]]) -> dict[str, Any] | list[Any]:
    """The JSON body when it is of that kind, else ``garbled``."""
    try:
        data = answer.json()
    except ValueError as trouble:
        raise garbled("json", answer.content) from trouble
    if not isinstance(data, kind):
        raise garbled("json", answer.content)
    return data


def read_document(data: Mapping[str, Any], *, issuer: str, endpoints: Mapping[str, str]) -> Document:
    """The document when its ``issuer`` is exactly ours. ``endpoints`` replaces members. The authorization endpoint may be on
    another host than the issuer.
    """
    if data.get("issuer") != issuer:
        raise garbled("discovery.issuer")
    members = {**data, **endpoints}
    for name in REQUIRED:
        if not isinstance(members.get(name), str):
            raise garbled(f"discovery.{name}")
    values = {name: members[name] for name in (*REQUIRED, *OPTIONAL) if isinstance(members.get(name), str)}
    return Document(issuer=issuer, **values)


class Cached(Generic[Value]):
    """The last good copy of something fetched. Ages in seconds of the hub's clock; a try that failed is not repeated before
    ``pause``, so that a silent peer does not slow every page down.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._value: Value | None = None
        self._at = self._tried_at = float("-inf")

    async def get(self, fetch: Callable[[], Awaitable[Value]], *, age: float) -> Value:
        """The copy when it is younger than ``age``, else a new one; when fetching fails, the last good copy if there is one."""
        now = clock.now().timestamp()
        if self._value is not None and (0 <= now - self._at < age or 0 <= now - self._tried_at < self._pause):
            return self._value
        self._tried_at = now
        try:
            self._value = await fetch()
        except ConnectorFailure:
            if self._value is None:
                raise
            return self._value
        self._at = now
        return self._value


class KeyMemory:
    """Signature keys by ``kid``; one that has left the document is kept for one more cache period (psc.md 4.4)."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Key, float]] = {}

    def hold(self, published: Mapping[str, Key], period: float) -> dict[str, Key]:
        """The published keys and those seen in the document less than ``period`` seconds ago."""
        now = clock.now().timestamp()
        self._seen.update({kid: (key, now) for kid, key in published.items()})
        self._seen = {kid: (key, at) for kid, (key, at) in self._seen.items() if now - at <= period}
        return {kid: key for kid, (key, _) in self._seen.items()}
