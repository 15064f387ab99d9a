"""XML signatures, verified with libxmlsec: the enveloped one of the VIHF, the detached one of the submission set."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping

import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.findings import Finding, finding

RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
DIGESTS = {SHA1: "sha1", SHA256: "sha256"}
METHODS = {
    RSA_SHA1: (xmlsec.constants.TransformRsaSha1, hashes.SHA1()),  # noqa: S303 (the DMP's samples still use it)
    RSA_SHA256: (xmlsec.constants.TransformRsaSha256, hashes.SHA256()),
}
MANIFEST = "http://www.w3.org/2000/09/xmldsig#Manifest"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903/v1.1.1#SignedProperties"
PURPOSE = "1.2.840.10065.1.12.1.14"  # ASTM: source
OF_A_SET = "AA=="  # constant digest of the submission set in the manifest
PLACE = "IHE DSG, signature du lot"


def _xmlsec_key(key: RSAPublicKey) -> xmlsec.Key:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)


def enveloped_holds(signed: etree._Element, signature: etree._Element, key: RSAPublicKey) -> bool:
    """The signature of a SAML assertion; its references and transforms were looked at before."""
    context = xmlsec.SignatureContext()
    context.key = _xmlsec_key(key)
    context.register_id(signed, "ID")
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def value_holds(content: bytes, value: bytes, method: str, key: RSAPublicKey) -> bool:
    """RSA over octets. A policy of OpenSSL may close SHA-1 to libxmlsec; the samples of the DMP still use it, so a
    failure on SHA-1 is looked at once more with `cryptography`."""
    transform, digest = METHODS[method]
    context = xmlsec.SignatureContext()
    context.key = _xmlsec_key(key)
    try:
        context.verify_binary(content, transform, value)
    except xmlsec.Error:
        return method == RSA_SHA1 and _plainly_holds(content, value, key, digest)
    return True


def _plainly_holds(content: bytes, value: bytes, key: RSAPublicKey, digest: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(value, content, PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


def _digest(content: bytes, algorithm: str) -> str:
    if algorithm not in DIGESTS:
        return ""
    return base64.b64encode(hashlib.new(DIGESTS[algorithm], content).digest()).decode()


def _bytes(element: etree._Element, path: str) -> bytes:
    try:
        return base64.b64decode("".join(dom.value(element, path).split()), validate=True)
    except binascii.Error:
        return b""


def _given_digest(reference: etree._Element) -> str:
    return "".join(dom.value(reference, "ds:DigestValue").split())


def of_set(
    root: etree._Element, key: RSAPublicKey, *, set_id: str, documents: Mapping[str, bytes]
) -> Iterator[Finding]:
    """The signature entry's XML. `documents`: uniqueId to bytes, without the signature itself."""
    is_signature = root.tag == f"{{{dom.DSIG}}}Signature"
    yield _found(is_signature, "L'entrée de signature est une ds:Signature détachée.", root.tag)
    if not is_signature:
        return
    order = [dom.local(one) for one in dom.children(root)]
    lawful = order[:3] == ["SignedInfo", "SignatureValue", "KeyInfo"] and set(order[3:]) == {"Object"}
    yield _found(lawful, "La signature suit l'ordre de son schéma.", ", ".join(order))
    info = dom.first(root, "ds:SignedInfo")
    if info is None:
        yield _found(False, "La signature contient ds:SignedInfo.")
        return
    canonicalization = dom.value(info, "ds:CanonicalizationMethod/@Algorithm")
    method = dom.value(info, "ds:SignatureMethod/@Algorithm")
    known = canonicalization in dom.CANONICAL and method in METHODS
    yield _found(
        known,
        "La signature est en RSA-SHA1 ou RSA-SHA256, sur une forme canonique connue.",
        f"{canonicalization} {method}",
    )
    if known:
        signed = dom.canonical(info, canonicalization)
        holds = value_holds(signed, _bytes(root, "ds:SignatureValue"), method, key)
        yield _found(holds, "La valeur de la signature est juste.")
    yield from _of_references(root, info)
    yield from _of_manifest(root, set_id, documents)
    yield from _of_properties(root)


def _found(passed: object, what: str, detail: object = "") -> Finding:
    return finding(passed, what, PLACE, detail=detail, code="XDSRepositoryMetadataError")


def _of_references(root: etree._Element, info: etree._Element) -> Iterator[Finding]:
    references = dom.find(info, "ds:Reference")
    kinds = {one.get("Type"): one for one in references}
    yield _found(
        set(kinds) == {MANIFEST, SIGNED_PROPERTIES} and len(references) == 2,
        "La signature couvre le manifeste et les propriétés signées, rien d'autre.",
        ", ".join(map(str, kinds)),
    )
    expected = {
        MANIFEST: "ds:Object/ds:Manifest[@Id='IHEManifest']",
        SIGNED_PROPERTIES: "ds:Object/x:QualifyingProperties/x:SignedProperties",
    }
    for kind, path in expected.items():
        target, reference = dom.first(root, path), kinds.get(kind)
        if target is None or reference is None:
            yield _found(False, f"L'objet signé {path.rsplit(':', 1)[-1]} est présent et référencé.")
            continue
        same = reference.get("URI") == f"#{target.get('Id')}"
        alone = len(dom.find(root, f"//*[@Id='{target.get('Id')}']")) == 1
        yield _found(
            same and alone, f"La référence désigne {dom.local(target)}, seul de son identifiant.", reference.get("URI")
        )
        transforms = [one.get("Algorithm", "") for one in dom.find(reference, "ds:Transforms/ds:Transform")]
        algorithm = transforms[0] if transforms else dom.C14N
        lawful = len(transforms) <= 1 and algorithm in dom.CANONICAL
        digest = (
            _digest(dom.canonical(target, algorithm), dom.value(reference, "ds:DigestMethod/@Algorithm"))
            if lawful
            else ""
        )
        yield _found(digest and digest == _given_digest(reference), f"L'empreinte de {dom.local(target)} est juste.")


def _of_manifest(root: etree._Element, set_id: str, documents: Mapping[str, bytes]) -> Iterator[Finding]:
    references = dom.find(root, "ds:Object/ds:Manifest[@Id='IHEManifest']/ds:Reference")
    by_uri = {one.get("URI", ""): one for one in references}
    expected = {f"urn:oid:{set_id}", *(f"urn:oid:{one}" for one in documents)}
    yield _found(
        set(by_uri) == expected and len(references) == len(expected),
        "Le manifeste cite le lot et chacun de ses documents.",
        ", ".join(by_uri),
    )
    lot = by_uri.get(f"urn:oid:{set_id}")
    yield _found(lot is not None and _given_digest(lot) == OF_A_SET, "L'empreinte du lot est la constante AA==.")
    for unique_id, content in documents.items():
        reference = by_uri.get(f"urn:oid:{unique_id}")
        if reference is None:
            continue
        transforms = [one.get("Algorithm", "") for one in dom.find(reference, "ds:Transforms/ds:Transform")]
        lawful = len(transforms) == 1 and transforms[0] in dom.CANONICAL
        digest = ""
        if lawful:
            digest = _digest(
                dom.canonical_document(content, transforms[0]), dom.value(reference, "ds:DigestMethod/@Algorithm")
            )
        yield _found(
            digest and digest == _given_digest(reference), "L'empreinte du document au manifeste est juste.", unique_id
        )


def _of_properties(root: etree._Element) -> Iterator[Finding]:
    purpose = dom.find(root, "ds:Object/ds:SignatureProperties/ds:SignatureProperty")
    yield _found(
        any(PURPOSE in "".join(str(part) for part in one.itertext()) for one in purpose),
        f"Le but de la signature est {PURPOSE} (source).",
    )
    signed = "ds:Object/x:QualifyingProperties/x:SignedProperties/x:SignedSignatureProperties"
    yield _found(dom.value(root, f"{signed}/x:SigningTime"), "La date de signature est donnée.")
    yield _found(dom.holds(root, f"{signed}//x:SignaturePolicyImplied"), "La politique de signature est implicite.")
    yield _of_signing_certificate(root, f"{signed}/x:SigningCertificate/x:Cert")


def _of_signing_certificate(root: etree._Element, path: str) -> Finding:
    """XAdES 1.1.1 SigningCertificate: a digest, the issuer and the serial number of the signer's certificate."""
    ders = [
        base64.b64decode("".join((one.text or "").split()))
        for one in dom.find(root, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")[:1]
    ]
    matched = False
    for listed in dom.find(root, path):
        algorithm = dom.value(listed, "x:CertDigest/ds:DigestMethod/@Algorithm|x:CertDigest/x:DigestMethod/@Algorithm")
        digest = "".join(dom.value(listed, "x:CertDigest/ds:DigestValue|x:CertDigest/x:DigestValue").split())
        serial = dom.value(listed, "x:IssuerSerial/ds:X509SerialNumber")
        matched = matched or any(
            digest == _digest(der, algorithm) and serial == str(x509.load_der_x509_certificate(der).serial_number)
            for der in ders
        )
    return _found(
        matched, "Le certificat du signataire est celui des propriétés signées (empreinte et numéro de série)."
    )
