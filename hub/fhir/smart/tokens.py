"""Access tokens of the hub: short JWTs that only the hub reads, bound to the client's certificate when there is one (RFC 8705)."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LIFE = timedelta(seconds=300)  # SMART Backend Services: at most 300 s
ALGORITHM = "HS256"  # issuer and audience are one: the hub


class BadToken(Exception):
    """The token is not ours, is over, or belongs to another certificate. ``expired`` tells the second case."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "not a token of this server")
        self.expired = expired


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token says. ``thumbprint``: SHA-256 of the certificate it is bound to, base64url."""

    client: str
    scopes: tuple[str, ...]
    expires_at: datetime
    thumbprint: str | None = None

    def require(self, now: datetime, certificate: bytes | None) -> None:
        """Raise :class:`BadToken` when the token is over, or is bound to another certificate."""
        if self.expires_at <= now:
            raise BadToken(expired=True)
        if self.thumbprint is not None and (certificate is None or thumbprint(certificate) != self.thumbprint):
            raise BadToken


def thumbprint(certificate: bytes) -> str:
    """``x5t#S256`` of a certificate in DER (RFC 8705, 3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode("ascii")


class TokenKeys:
    """Keys of our tokens, derived from the encryption keys: the first signs, all verify, so that keys can be changed."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [
            OctKey.import_key(hashlib.sha256(b"access-token:" + secret.encode()).digest()) for secret in secrets
        ]

    def issue(self, token: AccessToken, *, audience: str, now: datetime) -> str:
        """The token as a string."""
        claims: dict[str, object] = {
            "iss": audience,
            "aud": audience,
            "sub": token.client,
            "client_id": token.client,
            "scope": " ".join(token.scopes),
            "iat": int(now.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "jti": str(uuid.uuid4()),
        }
        if token.thumbprint is not None:
            claims["cnf"] = {"x5t#S256": token.thumbprint}
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt"}, claims, self._keys[0])

    def read(self, text: str, *, audience: str, now: datetime, certificate: bytes | None) -> AccessToken:
        """The token, checked: signature, audience, expiry, certificate. Raises :class:`BadToken`."""
        claims = self._claims(text)
        if claims.get("aud") != audience:
            raise BadToken
        token = AccessToken(
            client=str(claims["client_id"]),
            scopes=tuple(str(claims["scope"]).split()),
            expires_at=datetime.fromtimestamp(int(claims["exp"]), tz=now.tzinfo),
            thumbprint=claims.get("cnf", {}).get("x5t#S256"),
        )
        token.require(now, certificate)
        return token

    def _claims(self, text: str) -> dict[str, Any]:
        for key in self._keys:
            try:
                return dict(jwt.decode(text, key, algorithms=[ALGORITHM]).claims)
            except (JoseError, ValueError):
                continue
        raise BadToken
