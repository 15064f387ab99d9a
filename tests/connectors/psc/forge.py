"""Keys, claims and tokens of a provider invented for these tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from hub.connectors.psc import tokens

ISSUER = "https://psc.example.org/auth/realms/esante-wallet"
CLIENT = "colibri-essai"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NONCE = "n-0123456789abcdef"
ACCESS = "jeton.d.acces"
NUMBERS = itertools.count()


class Signer:
    """The provider's side: one RSA key, tokens of any shape."""

    def __init__(self, kid: str = "k1") -> None:
        self.kid = kid
        self.key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})

    def jwks(self) -> dict[str, Any]:
        return {"keys": [{**self.key.as_dict(private=False), "kid": self.kid}]}

    def keys(self) -> dict[str, tokens.Key]:
        return tokens.keys(self.jwks())

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        head = {"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}
        return jwt.encode(head, dict(claims), self.key, algorithms=[head["alg"]])

    def sign_bytes(self, payload: bytes, **header: Any) -> str:
        return jws.serialize_compact({"alg": "RS256", "kid": self.kid, **header}, payload, self.key)


def id_claims(**changes: Any) -> dict[str, Any]:
    """A good id_token payload; a change to ``None`` removes the claim."""
    now = int(NOW.timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": CLIENT,
        "azp": CLIENT,
        "exp": now + 120,
        "iat": now,
        "auth_time": now - 10,
        "nonce": NONCE,
        "typ": "ID",
        "sub": "f:550dc1c8-0000-4000-8000-8eb447000000:899700999909",
        "sid": "7b0b2f5e-1111-4222-8333-444455556666",
        "at_hash": tokens.at_hash(ACCESS, "RS256"),
        "acr": "eidas1",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def expected(**changes: Any) -> tokens.Expected:
    given = {"issuer": ISSUER, "client_id": CLIENT, "now": NOW, "nonce": NONCE, "access_token": ACCESS, **changes}
    return tokens.Expected(**given)


def logout_claims(**changes: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": now,
        "jti": f"j-{next(NUMBERS)}",
        "sid": "7b0b2f5e-1111-4222-8333-444455556666",
        "events": {tokens.LOGOUT_EVENT: {}},
        "typ": "Logout",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}
