"""What Pro Santé Connect answers, read: tokens, the moment of sign-in, OAuth errors (psc.md 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from hub.connectors import http
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc import tokens
from hub.connectors.psc.discovery import garbled
from hub.domain.identity import Identity

SERVICE = "psc"
ERRORS = http.read_errors(Path(__file__).with_name("errors.csv"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An answer of the token endpoint. ``expires_at`` and ``refresh_expires_at`` by the hub's clock."""

    access: str
    expires_at: datetime
    id_token: str | None = None
    refresh: str | None = None
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person whose id_token and userinfo hold: who, how, when, and the tokens of the session."""

    identity: Identity
    tokens: Tokens
    sid: str | None
    auth_time: datetime
    acr: str | None
    auth_mode: str | None


def read_tokens(data: Mapping[str, Any], now: datetime) -> Tokens:
    """The answer of the token endpoint, received at ``now``; ``garbled`` when it is not one."""
    access, signed, refresh = data.get("access_token"), data.get("id_token"), data.get("refresh_token")
    if not isinstance(access, str) or str(data.get("token_type", "")).lower() != "bearer":
        raise garbled("token")
    return Tokens(
        access=access,
        expires_at=_after(now, data.get("expires_in")) or now,
        id_token=signed if isinstance(signed, str) else None,
        refresh=refresh if isinstance(refresh, str) else None,
        refresh_expires_at=_after(now, data.get("refresh_expires_in")),
    )


def failure_of(error: str, detail: str = "") -> ConnectorFailure:
    """The failure that an OAuth ``error`` means; one that is not in ``errors.csv`` is ``refused``."""
    row = ERRORS.get(error)
    return ConnectorFailure(SERVICE, row.kind if row else Kind.REFUSED, error[:60], detail[:200])


def _after(now: datetime, seconds: object) -> datetime | None:
    """That many seconds later; a figure that is not a reasonable number of seconds says nothing."""
    length = tokens.instant(seconds)
    return now + timedelta(seconds=length) if length is not None and 0 <= length < 10**8 else None


def auth_time(claims: Mapping[str, Any]) -> datetime:
    """When the person really signed in; the issue of the token when it is not said."""
    moment = tokens.instant(claims.get("auth_time", claims["iat"]))
    if moment is None or not 0 <= moment < 10**11:
        raise garbled("id_token.auth_time")
    return datetime.fromtimestamp(moment, UTC)


def oauth_failure(failure: ConnectorFailure) -> ConnectorFailure:
    """A 400 or 401 of the token endpoint says more in its ``error`` member."""
    if failure.code not in {"400", "401"}:
        return failure
    try:
        data = httpx.Response(int(failure.code), content=failure.raw).json()
    except ValueError:
        return failure
    error = data.get("error") if isinstance(data, dict) else None
    return failure_of(error, str(data.get("error_description", ""))) if isinstance(error, str) else failure
