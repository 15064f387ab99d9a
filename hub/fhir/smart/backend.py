"""Client credentials: SMART Backend Services (private_key_jwt) and mutual TLS (RFC 8705) at one token endpoint (fhir.md 6.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from hub.domain.people import Capacity, Viewer, client_key, role_key, usual_gp_key
from hub.fhir.smart import scopes
from hub.fhir.smart.tokens import LIFE, AccessToken, TokenKeys, thumbprint
from hub.storage import clients
from hub.storage.clients import Client
from hub.storage.session import Session

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS384", "ES384"]
KEY_TYPES = {"RS384": "RSA", "ES384": "EC"}
SHORTEST_RSA = 2048  # bits
NAME = re.compile(r"^[^\x00\ud800-\udfff]{1,200}$")  # what the database can hold of a client id or a jti
SKEW = timedelta(seconds=30)
LONGEST = timedelta(minutes=5)


class OauthError(Exception):
    """An error of RFC 6749, 5.2: ``code`` for machines, ``description`` for whoever debugs, ``status`` 400 or 401."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A token and what it allows."""

    token: str
    scopes: tuple[str, ...]
    seconds: int


def _bad_client(why: str) -> OauthError:
    return OauthError("invalid_client", why, status=401)


async def grant(
    session: Session,
    form: Mapping[str, str],
    *,
    certificate: bytes | None,
    keys: TokenKeys,
    endpoint: str,
    audience: str,
    now: datetime,
) -> Granted:
    """Answer a token request. ``certificate``: the peer's, in DER; ``endpoint``: address of the token endpoint, the audience of
    assertions; ``audience``: the FHIR base. Raises :class:`OauthError`.
    """
    if "grant_type" not in form:
        raise OauthError("invalid_request", "grant_type is required")
    if form["grant_type"] != "client_credentials":
        raise OauthError("unsupported_grant_type", "only client_credentials")
    if "client_assertion" in form:
        client = await _by_assertion(session, form, endpoint=endpoint, now=now)
        bound = None
    else:
        client = await _by_certificate(session, form, certificate)
        bound = thumbprint(certificate) if certificate else None
    allowed = scopes.granted(form.get("scope", ""), client.scopes)
    if not allowed:
        raise OauthError("invalid_scope", "none of these scopes is registered for this client")
    token = AccessToken(client=client.id, scopes=allowed, expires_at=now + LIFE, thumbprint=bound)
    return Granted(
        token=keys.issue(token, audience=audience, now=now), scopes=allowed, seconds=int(LIFE.total_seconds())
    )


async def _by_certificate(session: Session, form: Mapping[str, str], certificate: bytes | None) -> Client:
    """tls_client_auth: the subject of the certificate is the one registered (RFC 8705, 2.1.2)."""
    client = await _known(session, form.get("client_id", ""))
    if client is None or not client.active or not client.certificate_subject:
        raise _bad_client("unknown client")
    if certificate is None:
        raise _bad_client("no client certificate")
    if x509.load_der_x509_certificate(certificate).subject.rfc4514_string() != client.certificate_subject:
        raise _bad_client("the certificate is not the one of this client")
    return client


async def _by_assertion(session: Session, form: Mapping[str, str], *, endpoint: str, now: datetime) -> Client:
    """private_key_jwt (SMART Backend Services): signature, audience, times, and a ``jti`` used once."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OauthError("invalid_request", "client_assertion_type")
    text = form["client_assertion"]
    try:
        header = jws.extract_compact(text.encode()).headers()
    except (JoseError, ValueError) as trouble:
        raise _bad_client("unreadable assertion") from trouble
    if header.get("alg") not in ALGORITHMS or header.get("typ", "JWT") != "JWT":
        raise _bad_client("alg must be RS384 or ES384")
    client = await _known(session, _unverified_issuer(text))
    if client is None or not client.active or client.jwks is None:
        raise _bad_client("unknown client")
    if form.get("client_id", client.id) != client.id:
        raise _bad_client("client_id is not the one of the assertion")
    if header.get("jku", client.jwks_uri) != client.jwks_uri:
        raise _bad_client("jku is not the registered one")
    claims = _verified(text, client.jwks, header)
    expires = _require_claims(claims, client.id, endpoint=endpoint, now=now)
    if not await clients.use_once(session, client.id, str(claims["jti"]), expires):
        raise _bad_client("this assertion was used before")
    return client


async def _known(session: Session, id: str) -> Client | None:
    return await clients.by_id(session, id) if NAME.match(id) else None


def _unverified_issuer(text: str) -> str:
    try:
        return str(json.loads(jws.extract_compact(text.encode()).payload)["iss"])
    except (JoseError, ValueError, KeyError, TypeError) as trouble:
        raise _bad_client("unreadable assertion") from trouble


def _verified(text: str, keys: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, Any]:
    """The claims, by the one key whose ``kid`` and type fit; a key meant for encryption, or too short, is none."""
    matching = [key for key in keys.get("keys", []) if key.get("kid") == header.get("kid") and _fits(key, header)]
    if len(matching) != 1:
        raise _bad_client("no key of that kid")
    try:
        return dict(jwt.decode(text, jwk.import_key(matching[0]), algorithms=ALGORITHMS).claims)
    except (JoseError, ValueError) as trouble:
        raise _bad_client("bad signature") from trouble


def _fits(key: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    may_verify = key.get("use", "sig") == "sig" and "verify" in key.get("key_ops", ["verify"])
    is_long = key.get("kty") != "RSA" or len(str(key.get("n", ""))) * 6 >= SHORTEST_RSA  # base64url: 6 bits a letter
    return may_verify and is_long and key.get("kty") == KEY_TYPES[header["alg"]]


def _require_claims(claims: Mapping[str, Any], client: str, *, endpoint: str, now: datetime) -> datetime:
    if claims.get("iss") != client or claims.get("sub") != client:
        raise _bad_client("iss and sub must be the client")
    audiences = claims.get("aud")
    if endpoint not in (audiences if isinstance(audiences, list) else [audiences]):
        raise _bad_client("aud must be the token endpoint")
    if not NAME.match(str(claims.get("jti", ""))) or not isinstance(claims.get("exp"), int):
        raise _bad_client("jti and exp are required")
    try:
        expires = datetime.fromtimestamp(claims["exp"], tz=now.tzinfo)
    except (ValueError, OverflowError, OSError) as trouble:
        raise _bad_client("exp is not a time") from trouble
    if expires + SKEW < now or expires > now + LONGEST + SKEW:
        raise _bad_client("exp must be at most five minutes ahead")
    return expires


CAPACITIES = {"sas": Capacity.SAS, "software": Capacity.SOFTWARE}


def viewer(client: Client, token: AccessToken) -> Viewer:
    """Who looks through a token: the client itself, and the situation it acts for when it is registered for one."""
    keys = {client_key(client.id)} | ({role_key(client.role)} if client.role else set())
    keys |= {usual_gp_key(client.national_id)} if client.national_id else set()
    return Viewer(
        id=client.id,
        capacity=CAPACITIES[client.kind],
        name=client.name,
        keys=frozenset(keys),
        role=client.role,
        organization=client.organization,
        client=client.id,
        scopes=token.scopes,
    )
