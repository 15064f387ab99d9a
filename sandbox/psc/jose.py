"""JSON Web Signature in compact form (RFC 7515) and RSA public keys as JWK (RFC 7517, RFC 7518), on `cryptography`.

The twin's own code: what the hub verifies must not be what the hub's library signed.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


class Unreadable(ValueError):
    """The text is not a JWS in compact form whose payload is a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def b64(data: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def sign_rs256(claims: Mapping[str, Any], key: RSAPrivateKey, *, kid: str, typ: str = "JWT") -> str:
    signed = _signing_input({"typ": typ, "alg": "RS256", "kid": kid}, claims)
    return f"{signed}.{b64(key.sign(signed.encode('ascii'), padding.PKCS1v15(), hashes.SHA256()))}"


def sign_hs512(claims: Mapping[str, Any], secret: bytes, *, kid: str) -> str:
    signed = _signing_input({"alg": "HS512", "typ": "JWT", "kid": kid}, claims)
    return f"{signed}.{b64(hmac.digest(secret, signed.encode('ascii'), 'sha512'))}"


def read(token: str) -> Jws:
    """Take the text apart without verifying anything. Raises Unreadable."""
    try:
        head, body, signature = token.encode("ascii").decode("ascii").split(".")
        header, claims = json.loads(unb64(head)), json.loads(unb64(body))
        raw = unb64(signature)
    except (ValueError, binascii.Error) as problem:
        raise Unreadable("not a compact JWS") from problem
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unreadable("header and payload must be JSON objects")
    return Jws(header=header, claims=claims, signed=f"{head}.{body}".encode("ascii"), signature=raw)


def verified_rs256(jws: Jws, key: RSAPublicKey) -> bool:
    if jws.header.get("alg") != "RS256":
        return False
    try:
        key.verify(jws.signature, jws.signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def verified_hs512(jws: Jws, secret: bytes) -> bool:
    expected = hmac.digest(secret, jws.signed, "sha512")
    return jws.header.get("alg") == "HS512" and hmac.compare_digest(expected, jws.signature)


def jwk(key: RSAPublicKey, *, kid: str, use: str = "sig", alg: str = "RS256") -> dict[str, str]:
    """The public key as RFC 7518, section 6.3.1 has it."""
    numbers = key.public_numbers()
    return {"kid": kid, "kty": "RSA", "alg": alg, "use": use, "n": _integer(numbers.n), "e": _integer(numbers.e)}


def left_half(text: str) -> str:
    """`at_hash` of an RS256 id_token: left half of the SHA-256 of the access token (OpenID Connect Core, 3.1.3.6)."""
    return b64(hashlib.sha256(text.encode("ascii")).digest()[:16])


def _integer(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _signing_input(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return ".".join(
        b64(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode("utf-8")) for part in (header, claims)
    )
