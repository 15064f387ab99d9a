"""Signing keys of the realm and their rotation (PSC specification 13, point 3).

Three signing keys may be published: those that have served, the one in use, and the one that will serve next, so that a
client which caches the key set knows a key before it signs. A brutal rotation breaks that courtesy on purpose.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.psc import jose

OLD_KEYS_KEPT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    kid: str
    private: rsa.RSAPrivateKey


def new_key() -> Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(kid=jose.b64(hashlib.sha256(der).digest()), private=private)


@cache
def _encryption_key() -> Key:
    """Published beside the others with `use` = enc, as a Keycloak does: a client must not verify with it."""
    return new_key()


class Keyring:
    def __init__(self) -> None:
        self._old: list[Key] = []
        self._current = new_key()
        self._next = new_key()
        self._secret = secrets.token_bytes(64)
        self._secret_kid = secrets.token_hex(16)

    @property
    def kid(self) -> str:
        return self._current.kid

    def rotate(self, *, brutal: bool = False) -> str:
        """Change the key in use and return its kid. Brutal: former keys vanish and the new one was never announced."""
        if brutal:
            self._old, self._current = [], new_key()
        else:
            self._old = [self._current, *self._old][:OLD_KEYS_KEPT]
            self._current = self._next
        self._next = new_key()
        return self.kid

    def published(self) -> list[dict[str, str]]:
        spare = _encryption_key()
        signing = [jose.jwk(key.private.public_key(), kid=key.kid) for key in self._signing()]
        return [jose.jwk(spare.private.public_key(), kid=spare.kid, use="enc", alg="RSA-OAEP"), *signing]

    def sign(self, claims: Mapping[str, Any], *, stranger: bool = False, typ: str = "JWT") -> str:
        """RS256. A stranger's signature is valid, but its key is published nowhere."""
        key = new_key() if stranger else self._current
        return jose.sign_rs256(claims, key.private, kid=key.kid, typ=typ)

    def seal(self, claims: Mapping[str, Any]) -> str:
        """HS512 with a secret nobody else holds: refresh tokens are opaque to clients."""
        return jose.sign_hs512(claims, self._secret, kid=self._secret_kid)

    def verified(self, token: str) -> dict[str, Any] | None:
        """Claims of a token this realm signed or sealed, dates unchecked; None for any other text."""
        try:
            jws = jose.read(token)
        except jose.Unreadable:
            return None
        if jws.header.get("kid") == self._secret_kid:
            return jws.claims if jose.verified_hs512(jws, self._secret) else None
        for key in self._signing():
            if key.kid == jws.header.get("kid"):
                return jws.claims if jose.verified_rs256(jws, key.private.public_key()) else None
        return None

    def _signing(self) -> list[Key]:
        return [*self._old, self._current, self._next]
