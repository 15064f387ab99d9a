"""Both signatures, verified by another library than the one that made them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xmlsec
from lxml import etree

from hub.connectors.dmp import mapping, signatures, vihf
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Actor
from tests.connectors.dmp.notes import PHYSICIAN, filing

NS = {
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "saml2": "urn:oasis:names:tc:SAML:2.0:assertion",
    "xad": "http://uri.etsi.org/01903/v1.1.1#",
    "h": "urn:hl7-org:v3",
}
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
DOCUMENT = "<a xmlns='urn:x'><!-- kept --><b z='1' y='é'>texte</b></a>".encode()
ISSUED = datetime(2026, 11, 5, 17, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys(seal: tuple[Path, Path]) -> signatures.Keys:
    return signatures.read_keys(*seal)


@pytest.fixture
def actor(settings: DmpSettings) -> Actor:
    return mapping.submission(filing(author=PHYSICIAN), settings).actor


@pytest.fixture
def assertion(actor: Actor, keys: signatures.Keys) -> vihf.Vihf:
    return vihf.Vihf(
        id="_6f2b7d0e-9c3a-4b1e-8a55-0d2c7f9e1a10",
        issued_at=ISSUED,
        issuer=keys.issuer,
        actor=actor,
        authentication_class="urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
        structure_id="10B0123456",
        sector="SA63",
        product=vihf.Product(id="1.2.250.1.999.1.1.4242", name="COLIBRI", version="0.1.0", homologation="H-1"),
        version="3.0",
        resource="279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH",
    )


def verify(root: etree._Element, identifier: str, certificate: Path) -> None:
    """Raise ``xmlsec.Error`` when the signature or one of its references is wrong."""
    xmlsec.tree.add_ids(root, [identifier])
    found = root if root.tag == f"{{{NS['ds']}}}Signature" else root.find("ds:Signature", NS)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(certificate), xmlsec.constants.KeyDataFormatCertPem)
    context.verify(found)


def signed(assertion: vihf.Vihf, keys: signatures.Keys) -> etree._Element:
    return etree.fromstring(signatures.sign_assertion(vihf.write(assertion), keys))


def test_assertion_verifies_and_stands_after_the_issuer(
    assertion: vihf.Vihf, keys: signatures.Keys, seal: tuple[Path, Path]
) -> None:
    root = signed(assertion, keys)
    assert [etree.QName(child).localname for child in root][:3] == ["Issuer", "Signature", "Subject"]
    assert root.findtext("saml2:Issuer", namespaces=NS) == (
        "CN=HUB COLIBRI TEST CACHET,OU=10B0123456,O=CPTS DES BOUCLES DE L'OISE,C=FR"
    )
    reference = root.find("ds:Signature/ds:SignedInfo/ds:Reference", NS)
    assert reference.get("URI") == "#_6f2b7d0e-9c3a-4b1e-8a55-0d2c7f9e1a10"
    transforms = [one.get("Algorithm") for one in reference.iterfind("ds:Transforms/ds:Transform", NS)]
    assert transforms == [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    ]
    assert root.find(".//ds:SignatureMethod", NS).get("Algorithm").endswith("rsa-sha256")
    assert len(root.findall(".//ds:X509Certificate", NS)) == 1
    verify(root, "ID", seal[0])


def test_assertion_verifies_inside_an_envelope(
    assertion: vihf.Vihf, keys: signatures.Keys, seal: tuple[Path, Path]
) -> None:
    text = signatures.sign_assertion(vihf.write(assertion), keys)
    around = etree.fromstring(f'<e:E xmlns:e="urn:e" xmlns:unused="urn:u"><e:H>{text}</e:H></e:E>')
    verify(around.find(".//saml2:Assertion", NS), "ID", seal[0])


def test_a_changed_assertion_does_not_verify(
    assertion: vihf.Vihf, keys: signatures.Keys, seal: tuple[Path, Path]
) -> None:
    root = signed(assertion, keys)
    root.find(".//saml2:NameID", NS).text = "899700999917"
    with pytest.raises(xmlsec.Error):
        verify(root, "ID", seal[0])


def test_assertion_says_who_for_whom_in_which_mode(assertion: vihf.Vihf, keys: signatures.Keys) -> None:
    root = signed(assertion, keys)
    said = {
        one.get("Name"): one.findtext("saml2:AttributeValue", namespaces=NS)
        for one in root.iterfind(".//saml2:Attribute", NS)
    }
    assert said["VIHF_Version"] == "3.0"
    assert said["Authentification_mode"] == "INDIRECTE"
    assert said["Identifiant_Structure"] == "10B0123456"
    assert said["Secteur_Activite"] == "SA63^1.2.250.1.71.4.2.4"
    assert said["urn:oasis:names:tc:xspa:1.0:subject:subject-id"] == "VASSEUR Hélène"
    assert said["urn:oasis:names:tc:xacml:2.0:resource:resource-id"] == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert said["Ressource_URN"] == "urn:dmp"
    assert said["LPS_ID_HOMOLOGATION_DMP"] == "H-1"
    roles = [(one.get("code"), one.get("codeSystem"), one.get(XSI_TYPE)) for one in root.iterfind(".//h:Role", NS)]
    assert roles == [("10", "1.2.250.1.71.1.2.7", "CE"), ("SM26", "1.2.250.1.71.4.2.5", "CE")]
    assert root.find(".//h:PurposeOfUse", NS).get("code") == "normal"
    assert root.get("IssueInstant") == "2026-11-05T17:30:00.123Z"
    assert root.find(".//saml2:AuthnStatement", NS).get("AuthnInstant") == "2026-11-05T17:02:11.000Z"
    assert root.find(".//saml2:AudienceRestriction", NS) is None


def test_assertion_about_no_patient_names_none(assertion: vihf.Vihf, keys: signatures.Keys) -> None:
    root = signed(replace(assertion, resource=None), keys)
    assert "resource-id" not in etree.tostring(root, encoding="unicode")


def outside_its_object(signature: bytes) -> etree._Element:
    """The signature with its manifest moved beside it: libxmlsec would otherwise fetch the ``urn:oid:`` of the documents.

    The moved element keeps its bytes and its namespaces, hence its digest.
    """
    around = etree.Element("around")
    root = etree.fromstring(signature)
    around.append(root)
    around.append(root.find("ds:Object/ds:Manifest", NS))
    return root


def submission(keys: signatures.Keys, digest: str = "sha1") -> bytes:
    return signatures.sign_submission(
        "1.2.250.1.999.3", [("1.2.250.1.999.17", DOCUMENT)], keys=keys, signed_at=ISSUED, digest=digest
    )


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_submission_set_signature_verifies(digest: str, keys: signatures.Keys, seal: tuple[Path, Path]) -> None:
    moved = outside_its_object(submission(keys, digest))
    xmlsec.tree.add_ids(moved.getparent(), ["Id"])
    verify(moved, "Id", seal[0])
    root = etree.fromstring(submission(keys, digest))
    canonical = etree.tostring(etree.fromstring(DOCUMENT), method="c14n", with_comments=True)
    expected = base64.b64encode(hashlib.new(digest, canonical).digest()).decode()
    manifest = root.find("ds:Object/ds:Manifest", NS)
    found = {one.get("URI"): one.findtext("ds:DigestValue", namespaces=NS) for one in manifest}
    assert found == {"urn:oid:1.2.250.1.999.3": "AA==", "urn:oid:1.2.250.1.999.17": expected}


@pytest.mark.parametrize("path", [".//xad:SigningTime", "../ds:Manifest/ds:Reference/ds:DigestValue"])
def test_a_changed_submission_set_signature_does_not_verify(
    path: str, keys: signatures.Keys, seal: tuple[Path, Path]
) -> None:
    root = outside_its_object(submission(keys))
    xmlsec.tree.add_ids(root.getparent(), ["Id"])
    root.xpath(path, namespaces=NS)[0].text = "AAAA"
    with pytest.raises(xmlsec.Error):
        verify(root, "Id", seal[0])


def test_submission_set_signature_names_the_whole_chain(keys: signatures.Keys) -> None:
    root = etree.fromstring(submission(keys))
    serials = [int(one.text) for one in root.iterfind(".//xad:Cert//ds:X509SerialNumber", NS)]
    assert serials == [one.serial_number for one in keys.chain]
    assert len(serials) == 2
    assert [one.get("Type") for one in root.iterfind("ds:SignedInfo/ds:Reference", NS)] == [
        "http://www.w3.org/2000/09/xmldsig#Manifest",
        "http://uri.etsi.org/01903/v1.1.1#SignedProperties",
    ]
    assert root.findtext(".//ds:SignatureProperty", namespaces=NS) == "1.2.840.10065.1.12.1.14"


def test_a_retry_signs_the_same_bytes(keys: signatures.Keys) -> None:
    assert submission(keys) == submission(keys)


def test_a_key_that_is_not_the_one_of_the_certificate_is_refused(
    keys: signatures.Keys, seal: tuple[Path, Path], tmp_path: Path
) -> None:
    chain = seal[0].read_bytes().split(b"-----END CERTIFICATE-----\n")
    other = tmp_path / "authority.pem"
    other.write_bytes(chain[1] + b"-----END CERTIFICATE-----\n")
    with pytest.raises(ValueError, match="not the one of the certificate"):
        signatures.read_keys(other, seal[1])
