"""Registered services and their authentication at the back channel (PSC specification 2.5, RFC 6749 2.3, RFC 8705 2.1)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sandbox.psc.refusals import Refusal

UNKNOWN = "Invalid client or Invalid client credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A service. It has a secret, or a subject DN (RFC 4514) when it authenticates by certificate; addresses are exact."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    secret: str = ""
    subject_dn: str = ""
    backchannel_uri: str = ""

    @property
    def by_certificate(self) -> bool:
        return bool(self.subject_dn)


def registered(hub_url: str) -> dict[str, Client]:
    """The hub twice: with a secret, and with its organisation certificate ORG AUTH_CLI."""
    redirects, logouts = (f"{hub_url}/connexion/psc/retour",), (f"{hub_url}/connexion",)
    told = f"{hub_url}/oidc/backchannel-logout"
    clients = (
        Client(
            id="colibri-sandbox",
            name="Colibri, bac à sable",
            redirect_uris=redirects,
            logout_uris=logouts,
            secret="secret-invente-colibri",
            backchannel_uri=told,
        ),
        Client(
            id="colibri-sandbox-mtls",
            name="Colibri, bac à sable (certificat)",
            redirect_uris=redirects,
            logout_uris=logouts,
            subject_dn="CN=HUB COLIBRI SANDBOX AUTH,OU=10B0123456,O=CPTS DES BOUCLES DE L'OISE,C=FR",
            backchannel_uri=told,
        ),
    )
    return {client.id: client for client in clients}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a caller shows of itself: form members, Authorization header, DER of its TLS certificate."""

    form: Mapping[str, str]
    authorization: str
    certificate: bytes | None


def authenticate(shown: Credentials, clients: Mapping[str, Client]) -> tuple[Client, str]:
    """The client and the method it used. Raises Refusal 401 invalid_client, 400 invalid_request when two methods are mixed."""
    identifier, secret, method = _claimed(shown)
    client = clients.get(identifier)
    if client is None:
        raise _unknown()
    if client.by_certificate:
        if secret or shown.certificate is None or not presents(shown.certificate, client.subject_dn):
            raise _unknown()
        return client, "tls_client_auth"
    if not secret or not hmac.compare_digest(secret.encode(), client.secret.encode()):
        raise _unknown()
    return client, method


def presents(certificate: bytes, subject_dn: str) -> bool:
    """True when the certificate bears this subject and may authenticate a client; the order of the parts does not count."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        usages = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    expected = x509.Name.from_rfc4514_string(subject_dn)
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages and _parts(parsed.subject) == _parts(expected)


def _claimed(shown: Credentials) -> tuple[str, str, str]:
    identifier, secret = shown.form.get("client_id", ""), shown.form.get("client_secret", "")
    scheme, _, value = shown.authorization.partition(" ")
    if scheme.lower() != "basic":
        return identifier, secret, "client_secret_post"
    named, shared = _basic(value)
    if secret or identifier not in ("", named):
        raise Refusal("invalid_request", "Only one client authentication method may be used")
    return named, shared, "client_secret_basic"


def _basic(value: str) -> tuple[str, str]:
    """Both halves are form-encoded before they are joined (RFC 6749, 2.3.1)."""
    try:
        identifier, colon, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise _unknown() from problem
    if not colon:
        raise _unknown()
    return unquote_plus(identifier), unquote_plus(secret)


def _parts(name: x509.Name) -> list[tuple[str, str]]:
    return sorted((part.oid.dotted_string, str(part.value)) for part in name)


def _unknown() -> Refusal:
    return Refusal("invalid_client", UNKNOWN, status=401)
