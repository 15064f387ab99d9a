"""A throw-away certificate authority, named SANDBOX, made anew at each start (X.509, RFC 5280).

Its key is never written: nothing it did not sign at start can be added later.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_NAME = "SANDBOX COLIBRI AUTORITE FICTIVE"
STRUCTURE = {"C": "FR", "O": "CPTS DES BOUCLES DE L'OISE", "OU": "10B0123456"}
LIFE = timedelta(days=397)
EARLIER = timedelta(days=1)  # so that a clock a little late still finds the certificate valid

NAME_TYPES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate of the sandbox is for; `usages` empty = no extended key usage (a seal)."""

    subject: dict[str, str]
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    local: bool = False  # names localhost and 127.0.0.1
    seal: bool = False  # nonRepudiation beside digitalSignature
    expired: bool = False  # its time is over already


PROFILES: dict[str, Profile] = {
    "server": Profile(subject={"C": "FR", "O": "SANDBOX COLIBRI", "CN": "localhost"}, usages=(SERVER,), local=True),
    "server-expired": Profile(
        subject={"C": "FR", "O": "SANDBOX COLIBRI", "CN": "localhost"}, usages=(SERVER,), local=True, expired=True
    ),
    "hub-server": Profile(subject={**STRUCTURE, "CN": "localhost"}, usages=(SERVER,), local=True),
    "hub-auth-cli": Profile(subject={**STRUCTURE, "CN": "HUB COLIBRI SANDBOX AUTH"}, usages=(CLIENT,)),
    "hub-sign": Profile(subject={**STRUCTURE, "CN": "HUB COLIBRI SANDBOX CACHET"}, seal=True),
    "sas-client": Profile(
        subject={"C": "FR", "O": "SAMU-SAS 95", "OU": "1950999995", "CN": "fr.health.samu950"}, usages=(CLIENT,)
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the certificates of this start lie, in PEM."""

    dir: Path

    def path(self, name: str) -> Path:
        """The certificate `name` (a key of PROFILES), then its chain."""
        return self.dir / f"{name}.pem"

    def key(self, name: str) -> Path:
        """The private key of `name`: PKCS #8, not encrypted, readable by its owner only."""
        return self.dir / f"{name}.key"

    @property
    def authority(self) -> Path:
        return self.dir / "authority.pem"


def create(directory: Path) -> Certificates:
    """Make a new authority and every certificate of PROFILES in `directory`, over those of an earlier start."""
    directory.mkdir(parents=True, exist_ok=True)
    certificates = Certificates(dir=directory)
    root_key = _new_key()
    root = _root(root_key)
    certificates.authority.write_bytes(_pem(root))
    for name, profile in PROFILES.items():
        key = _new_key()
        issued = _issue(profile, key.public_key(), issuer=root, issuer_key=root_key)
        certificates.path(name).write_bytes(_pem(issued) + _pem(root))
        _write_key(certificates.key(name), key)
    return certificates


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(parts: dict[str, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(NAME_TYPES[kind], value) for kind, value in parts.items()])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC) - (LIFE + EARLIER if expired else timedelta())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _root(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = _name({"C": "FR", "O": "SANDBOX COLIBRI", "CN": ROOT_NAME})
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage({"key_cert_sign", "crl_sign"}), critical=True)
    return builder.sign(key, hashes.SHA256())


def _issue(
    profile: Profile, key: rsa.RSAPublicKey, *, issuer: x509.Certificate, issuer_key: rsa.RSAPrivateKey
) -> x509.Certificate:
    builder = _builder(_name(profile.subject), issuer.subject, key, expired=profile.expired)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(authority, critical=False)
    usages = {"digital_signature", "content_commitment"} if profile.seal else {"digital_signature", "key_encipherment"}
    builder = builder.add_extension(_key_usage(usages), critical=True)
    if profile.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(profile.usages), critical=False)
    if profile.local:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(usages: Iterable[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in USAGES})


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
