"""The two signatures of the DMP: the VIHF, and the submission set (XML-DSig, XAdES 1.1.1, IHE DSG).

``signxml`` signs the VIHF. It cannot write the signature of a submission set: it knows XAdES 1.3.2 and later only, puts its
own references in ``SignedInfo``, and has no way to sign an IHE manifest whose first digest is a constant. That one is joined
from text here, canonicalised by ``lxml`` (libxml2) and signed by ``cryptography``. Nothing is verified here: verification
belongs to the peer, and in the tests to another library.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from hub.connectors.dmp.xmltext import element

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.1.1#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
PURPOSE = "1.2.840.10065.1.12.1.14"  # source (ASTM E1762)


@dataclass(frozen=True, slots=True)
class Algorithms:
    """The algorithms of one choice of digest."""

    digest_uri: str
    signature_uri: str
    hash: hashes.HashAlgorithm
    name: str


ALGORITHMS = {
    "sha1": Algorithms(f"{DS}sha1", f"{DS}rsa-sha1", hashes.SHA1(), "sha1"),  # noqa: S303
    "sha256": Algorithms(
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        hashes.SHA256(),
        "sha256",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The seal of the structure (ORG SIGN): its certificate, then the chain above it, and its key."""

    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey

    @property
    def issuer(self) -> str:
        """The subject of the seal as the VIHF writes it: RFC 4514, CN first."""
        return self.chain[0].subject.rfc4514_string()


def read_keys(certificate: Path, key: Path) -> Keys:
    """The seal from two PEM files. Raises ``ValueError`` when the key is not RSA or not the key of the certificate."""
    chain = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
    private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the seal of the structure is not an RSA key")
    if chain[0].public_key() != private.public_key():
        raise ValueError("the key is not the one of the certificate")
    return Keys(chain=chain, key=private)


def sign_assertion(assertion: str, keys: Keys) -> str:
    """The assertion with an enveloped signature in the place left for it: exclusive canonicalisation, RSA SHA-256."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signed = signer.sign(
        etree.fromstring(assertion), key=keys.key, cert=[keys.chain[0]]
    )  # refers to the ID of the root
    return etree.tostring(signed, encoding="unicode")


def _canonical(fragment: bytes | str) -> bytes:
    return etree.tostring(
        etree.fromstring(fragment, etree.XMLParser(resolve_entities=False, huge_tree=True)),
        method="c14n",
        with_comments=True,
    )


def _digest(content: bytes, algorithms: Algorithms) -> str:
    return b64encode(hashlib.new(algorithms.name, content, usedforsecurity=False).digest()).decode()


def _reference(uri: str, digest: str, algorithms: Algorithms, kind: str = "") -> str:
    typed = f' Type="{kind}"' if kind else ""
    return (
        f'<ds:Reference URI="{uri}"{typed}><ds:Transforms><ds:Transform Algorithm="{C14N}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{algorithms.digest_uri}"/><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>'
    )


def _manifest(submission_id: str, documents: Iterable[tuple[str, bytes]], algorithms: Algorithms) -> str:
    references = "".join(
        _reference(f"urn:oid:{unique_id}", _digest(_canonical(content), algorithms), algorithms)
        for unique_id, content in documents
    )
    # The registry changes the submission set, so no digest of it can hold: the samples give the constant AA==.
    package = _reference(f"urn:oid:{submission_id}", "AA==", algorithms)
    return f'<ds:Manifest xmlns:ds="{DS}" Id="IHEManifest">{package}{references}</ds:Manifest>'


def _certificate(one: x509.Certificate, algorithms: Algorithms) -> str:
    digest = _digest(one.public_bytes(serialization.Encoding.DER), algorithms)
    return (
        f'<xad:Cert><xad:CertDigest><xad:DigestMethod Algorithm="{algorithms.digest_uri}"/>'
        f"<xad:DigestValue>{digest}</xad:DigestValue></xad:CertDigest><xad:IssuerSerial>"
        f"<ds:X509IssuerName>{element(one.issuer.rfc4514_string())}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{one.serial_number}</ds:X509SerialNumber></xad:IssuerSerial></xad:Cert>"
    )


def _properties(signed_at: datetime, keys: Keys, algorithms: Algorithms) -> str:
    certificates = "".join(_certificate(one, algorithms) for one in keys.chain)
    return (
        f'<xad:SignedProperties xmlns:ds="{DS}" xmlns:xad="{XADES}" Id="S0-SignedProperties">'
        f"<xad:SignedSignatureProperties><xad:SigningTime>{signed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</xad:SigningTime>"
        f"<xad:SigningCertificate>{certificates}</xad:SigningCertificate>"
        "<xad:SignaturePolicyIdentifier><xad:SignaturePolicyImplied/></xad:SignaturePolicyIdentifier>"
        "</xad:SignedSignatureProperties></xad:SignedProperties>"
    )


def _signed_info(manifest: str, properties: str, algorithms: Algorithms) -> str:
    # Each signed part is written with every namespace in scope at its place: canonicalised alone, it gives the same octets.
    first = _reference("#IHEManifest", _digest(_canonical(manifest), algorithms), algorithms, f"{DS}Manifest")
    second = _reference(
        "#S0-SignedProperties", _digest(_canonical(properties), algorithms), algorithms, f"{XADES}SignedProperties"
    )
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{algorithms.signature_uri}"/>{first}{second}</ds:SignedInfo>'
    )


def sign_submission(
    submission_id: str, documents: Iterable[tuple[str, bytes]], *, keys: Keys, signed_at: datetime, digest: str = "sha1"
) -> bytes:
    """The detached signature of a submission set, as the XML document that joins it (IHE DSG).

    ``documents``: (uniqueId, bytes) of every other document of the set. Equal input gives equal bytes.
    """
    algorithms = ALGORITHMS[digest]
    manifest = _manifest(submission_id, documents, algorithms)
    properties = _properties(signed_at, keys, algorithms)
    signed_info = _signed_info(manifest, properties, algorithms)
    value = b64encode(keys.key.sign(_canonical(signed_info), padding.PKCS1v15(), algorithms.hash)).decode()
    certificates = "".join(
        f"<ds:X509Certificate>{b64encode(one.public_bytes(serialization.Encoding.DER)).decode()}</ds:X509Certificate>"
        for one in keys.chain
    )
    purpose = f'<ds:SignatureProperty Id="purposeOfSignature" Target="#S0">{PURPOSE}</ds:SignatureProperty>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ds:Signature xmlns:ds="{DS}" Id="S0">{signed_info}'
        f"<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo><ds:Object>{manifest}"
        f'<ds:SignatureProperties Id="S0-SignatureProperties">{purpose}</ds:SignatureProperties>'
        f'<xad:QualifyingProperties xmlns:xad="{XADES}" Target="#S0">{properties}</xad:QualifyingProperties>'
        "</ds:Object></ds:Signature>\n"
    ).encode()
