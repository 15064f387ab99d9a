"""Codes and tokens that were issued, so that each can be used once, revoked and recognised (RFC 6749, RFC 7009, RFC 7662)."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

SWEEP_ABOVE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one authorization request obtained; every token of it falls with it."""

    id: str
    sid: str
    client_id: str
    scope: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    challenge_method: str
    expires: float
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    grant: str
    expires: float


class Ledger:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._issued: dict[str, Issued] = {}

    def write_code(self, code: Code) -> str:
        """The code's text: three identifiers joined by points, as a Keycloak writes them."""
        text = f"{uuid.uuid4()}.{code.grant.sid}.{secrets.token_urlsafe(16)}"
        self._codes[text] = code
        return text

    def take_code(self, text: str) -> Code | None:
        """The code as it was before this use; whoever comes next finds it used."""
        code = self._codes.get(text)
        if code:
            self._codes[text] = replace(code, used=True)
        return code

    def open(self, grant: Grant) -> None:
        self._grants[grant.id] = grant

    def close(self, grant_id: str) -> None:
        self._grants.pop(grant_id, None)

    def clients_of(self, sid: str) -> set[str]:
        """Services that obtained tokens in this session."""
        return {grant.client_id for grant in self._grants.values() if grant.sid == sid}

    def register(self, jti: str, *, grant: Grant, expires: float) -> None:
        self._issued[jti] = Issued(grant=grant.id, expires=expires)
        if len(self._issued) + len(self._codes) > SWEEP_ABOVE:
            self._sweep()

    def grant_of(self, jti: str) -> Grant | None:
        """The grant of a token that is neither expired, revoked nor replaced."""
        issued = self._issued.get(jti)
        if issued is None or issued.expires <= self._now():
            return None
        return self._grants.get(issued.grant)

    def forget(self, jti: str) -> None:
        self._issued.pop(jti, None)

    def _sweep(self) -> None:
        now = self._now()
        self._issued = {jti: issued for jti, issued in self._issued.items() if issued.expires > now}
        # A used code is remembered for a while after its end: its second use must close what the first obtained.
        self._codes = {text: code for text, code in self._codes.items() if code.expires > now - 3600}
        alive = {issued.grant for issued in self._issued.values()}
        self._grants = {key: grant for key, grant in self._grants.items() if key in alive}
