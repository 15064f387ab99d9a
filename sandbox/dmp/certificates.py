"""Certificates of structures (IGC-Santé, elementary range): ORG AUTH_CLI opens the line, ORG SIGN seals. Here both come
from the sandbox authority."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from sandbox.dmp import dom


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a certificate speaks for. `subject`: RFC 4514. `structure`: Struct_IdNat, from OU."""

    subject: str
    structure: str
    organization: str
    authenticates: bool
    seals: bool
    key: RSAPublicKey
    certificate: x509.Certificate


def read(der: bytes) -> Identity:
    """Raises ValueError on anything but an X.509 certificate with an RSA key."""
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("clé d'un autre type que RSA")
    return Identity(
        subject=certificate.subject.rfc4514_string(),
        structure=_name(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME),
        organization=_name(certificate, NameOID.ORGANIZATION_NAME),
        authenticates=_authenticates(certificate),
        seals=_seals(certificate),
        key=key,
        certificate=certificate,
    )


def _name(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _authenticates(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _seals(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage.digital_signature or usage.content_commitment


def in_key_info(signature: etree._Element) -> list[bytes]:
    """DER of each certificate of ds:KeyInfo, the signer's first. Raises ValueError on bad base64."""
    try:
        return [
            base64.b64decode("".join((one.text or "").split()), validate=True)
            for one in dom.find(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
        ]
    except binascii.Error as error:
        raise ValueError("certificat illisible") from error


def trusted(identity: Identity, others: list[bytes], authority_pem: bytes, now: datetime) -> bool:
    """A chain of valid certificates leads to one of the authorities, through `others` at need."""
    authorities = x509.load_pem_x509_certificates(authority_pem)
    try:
        between = [x509.load_der_x509_certificate(one) for one in others]
    except ValueError:
        return False
    current, steps = identity.certificate, 0
    while steps <= len(between):
        if not current.not_valid_before_utc <= now <= current.not_valid_after_utc:
            return False
        if any(_issued(current, one) for one in authorities):
            return True
        parent = next((one for one in between if one != current and _issued(current, one)), None)
        if parent is None or not _is_authority(parent):
            return False
        current, steps = parent, steps + 1
    return False


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
