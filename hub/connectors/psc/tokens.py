"""Checks on what Pro Santé Connect signs: id_token and userinfo (psc.md 4.4), logout token (psc.md 11.3). Pure.

Each kind of token is a table of claims; the first check that fails names itself in :class:`Rejected`. Keys are parsed once by
:func:`keys` and given; time is a parameter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES: Mapping[str, type[RSAKey] | type[ECKey]] = MappingProxyType({"RSA": RSAKey, "EC": ECKey})
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"  # OpenID Connect Back-Channel Logout 1.0, 2.4

Key = RSAKey | ECKey
Claims = Mapping[str, Any]


class Rejected(Exception):
    """A token that must not be believed; ``check`` names the rule it broke: ``alg``, ``kid``, ``signature``, ``nonce``…"""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token is compared with. ``leeway`` and ``max_age`` in seconds; ``nonce`` and ``access_token`` for an id_token."""

    issuer: str
    client_id: str
    now: datetime
    leeway: int = 60
    nonce: str | None = None
    access_token: str | None = None
    max_age: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Header and claims of a token whose signature holds."""

    header: Claims
    claims: Claims = field(default_factory=dict)


Check = tuple[str, Callable[[Token, Expected], bool]]


def keys(document: Claims) -> dict[str, Key]:
    """The public signature keys of a JWKS document by ``kid``; those for encryption and of other types are left out.

    Raises ``ValueError`` when the document is not a key set.
    """
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise ValueError("not a key set")
    found: dict[str, Key] = {}
    for one in listed:
        kind = KEY_TYPES.get(one.get("kty", "")) if isinstance(one, dict) else None
        if kind is None or one.get("use", "sig") != "sig" or not isinstance(one.get("kid"), str):
            continue
        try:
            found[one["kid"]] = kind.import_key({name: one[name] for name in one if name not in PRIVATE})
        except (JoseError, ValueError, KeyError, TypeError):
            continue  # a key we cannot read is a key we do not trust
    return found


PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "key_ops"})


def kid_of(text: str) -> str | None:
    """The ``kid`` a token says it is signed with; nothing is verified here."""
    kid = _header(text).get("kid")
    return kid if isinstance(kid, str) else None


def _header(text: str) -> dict[str, Any]:
    part = text.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as trouble:
        raise Rejected("format") from trouble
    if not isinstance(header, dict):
        raise Rejected("format")
    return header


def verified(text: str, known: Mapping[str, Key]) -> Token:
    """The token when it is signed by the known key of its ``kid`` with an asymmetric algorithm, else :class:`Rejected`."""
    header = _header(text)
    if header.get("alg") not in ALGORITHMS:
        raise Rejected("alg")
    kid = header.get("kid")
    key = known.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise Rejected("kid")
    try:
        token = jwt.decode(text, key, algorithms=[header["alg"]])
    except (JoseError, ValueError, TypeError) as trouble:
        raise Rejected("signature") from trouble
    return Token(header=token.header, claims=token.claims)


def instant(value: object) -> float | None:
    """A NumericDate or a number of seconds; ``None`` for anything that is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _before_end(token: Token, expected: Expected) -> bool:
    end = instant(token.claims.get("exp"))
    return end is not None and expected.now.timestamp() < end + expected.leeway


def _begun(token: Token, expected: Expected, claim: str) -> bool:
    start = instant(token.claims.get(claim))
    return start is not None and start <= expected.now.timestamp() + expected.leeway


def _audiences(claims: Claims) -> list[str]:
    audience = claims.get("aud")
    if isinstance(audience, str):
        return [audience]
    return [one for one in audience if isinstance(one, str)] if isinstance(audience, list) else []


def _for_us(token: Token, expected: Expected) -> bool:
    return expected.client_id in _audiences(token.claims)


def _presented_by_us(token: Token, expected: Expected) -> bool:
    if "azp" in token.claims:
        return bool(token.claims["azp"] == expected.client_id)
    return len(_audiences(token.claims)) == 1


def at_hash(access_token: str, algorithm: str) -> str:
    """Left half of the digest of the access token, base64url without padding (OpenID Connect Core 3.1.3.6)."""
    digest = hashlib.new(f"sha{algorithm[-3:]}", access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _binds_access_token(token: Token, expected: Expected) -> bool:
    if "at_hash" not in token.claims or expected.access_token is None:
        return "at_hash" not in token.claims
    return bool(token.claims["at_hash"] == at_hash(expected.access_token, token.header["alg"]))


def _absent_or(claim: str, value: str) -> Callable[[Token, Expected], bool]:
    return lambda token, _: claim not in token.claims or token.claims[claim] == value


def _logout_event(token: Token, _: Expected) -> bool:
    events = token.claims.get("events")
    return isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict)


def _text(token: Token, claim: str) -> bool:
    value = token.claims.get(claim)
    return isinstance(value, str) and value != ""


ISSUER: Check = ("iss", lambda token, expected: bool(token.claims.get("iss") == expected.issuer))
AUDIENCE: Check = ("aud", _for_us)
NOT_BEFORE: Check = ("nbf", lambda token, expected: "nbf" not in token.claims or _begun(token, expected, "nbf"))
ISSUED: Check = ("iat", lambda token, expected: _begun(token, expected, "iat"))
ENDS_IF_SAID: Check = ("exp", lambda token, expected: "exp" not in token.claims or _before_end(token, expected))

ID_TOKEN: tuple[Check, ...] = (
    ISSUER,
    AUDIENCE,
    ("azp", _presented_by_us),
    ("exp", _before_end),
    ISSUED,
    NOT_BEFORE,
    ("nonce", lambda token, expected: expected.nonce is None or token.claims.get("nonce") == expected.nonce),
    ("typ", _absent_or("typ", "ID")),
    ("at_hash", _binds_access_token),
    ("sub", lambda token, _: _text(token, "sub")),
)

USERINFO: tuple[Check, ...] = (
    ISSUER,
    AUDIENCE,
    ENDS_IF_SAID,
    ("iat", lambda token, expected: "iat" not in token.claims or _begun(token, expected, "iat")),
    NOT_BEFORE,
)

LOGOUT: tuple[Check, ...] = (
    ("typ", lambda token, _: str(token.header.get("typ", "logout+jwt")).lower() in {"logout+jwt", "jwt"}),
    ("typ", _absent_or("typ", "Logout")),
    ISSUER,
    AUDIENCE,
    ISSUED,
    (
        "age",
        lambda token, expected: (
            expected.now.timestamp() - float(token.claims["iat"]) <= expected.max_age + expected.leeway
        ),
    ),
    ENDS_IF_SAID,
    ("jti", lambda token, _: _text(token, "jti")),
    ("events", _logout_event),
    ("sid", lambda token, _: _text(token, "sid") or _text(token, "sub")),
    ("nonce", lambda token, _: "nonce" not in token.claims),
)


def check(text: str, known: Mapping[str, Key], table: tuple[Check, ...], expected: Expected) -> Claims:
    """The claims of a token that passes its signature and every line of ``table``, else :class:`Rejected`."""
    token = verified(text, known)
    for name, holds in table:
        if not holds(token, expected):
            raise Rejected(name)
    return token.claims


def acr_level(acr: object) -> int | None:
    """N of ``eidas<N>``; ``None`` when it says anything else (psc.md 5.5)."""
    text = acr if isinstance(acr, str) else ""
    number = text.removeprefix("eidas")
    return int(number) if number != text and number.isascii() and number.isdigit() and len(number) == 1 else None


def acr_is_enough(acr: object, *, asked: int, accept_missing: bool) -> bool:
    """Whether the level reached satisfies a route that asks for ``asked``; a missing one as the setting says."""
    if acr is None:
        return accept_missing
    level = acr_level(acr)
    return level is not None and level >= asked
