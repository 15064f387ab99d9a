"""How we prove that we are the registered client, at the token endpoint (psc.md 2.5; RFC 6749 2.3.1, RFC 7523, RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from cryptography import x509
from joserfc import jwt
from joserfc.jwk import RSAKey

from hub.connectors.psc.settings import PscSettings

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = 60  # seconds


def _form_coded(text: str) -> str:
    """RFC 6749 2.3.1: both halves of the Basic credential are form-encoded first."""
    return urlencode({"": text})[1:]


def credentials(
    settings: PscSettings, form: Mapping[str, str], *, audience: str, now: datetime
) -> tuple[dict[str, str], httpx.BasicAuth | None]:
    """The form to post and the Basic credential, if any. With ``tls_client_auth`` the form carries ``client_id`` and no secret."""
    secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
    if settings.auth_method == "client_secret_basic":
        return dict(form), httpx.BasicAuth(_form_coded(settings.client_id), _form_coded(secret))
    words = {**form, "client_id": settings.client_id}
    if settings.auth_method == "client_secret_post":
        words["client_secret"] = secret
    if settings.auth_method == "private_key_jwt":
        words["client_assertion_type"] = ASSERTION_TYPE
        words["client_assertion"] = assertion(settings, audience=audience, now=now)
    return words, None


def assertion(settings: PscSettings, *, audience: str, now: datetime) -> str:
    """A client assertion signed with ``psc.signing_key``, valid one minute."""
    if settings.signing_key is None:
        raise ValueError("psc.signing_key is not set")
    key = RSAKey.import_key(settings.signing_key.read_bytes())
    start, client = int(now.timestamp()), settings.client_id
    claims = {
        "iss": client,
        "sub": client,
        "aud": audience,
        "jti": str(uuid4()),
        "iat": start,
        "exp": start + ASSERTION_LIFE,
    }
    header = {"alg": "RS256", **({"kid": settings.signing_key_id} if settings.signing_key_id else {})}
    return jwt.encode(header, claims, key)


def days_left(settings: PscSettings, now: datetime) -> int | None:
    """Days before our client certificate ends, for ``hub doctor``; ``None`` without certificate. Warn from 60 (psc.md 2.5)."""
    if settings.certificate is None:
        return None
    certificate = x509.load_pem_x509_certificate(settings.certificate.read_bytes())
    return (certificate.not_valid_after_utc - now).days
