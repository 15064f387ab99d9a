"""The CDA verdicts of the DMP twin: our cases, the published examples, forms of the body."""

import base64
import csv
import hashlib
from pathlib import Path

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from lxml import etree

from sandbox.dmp import cda, dom, ins, signatures
from sandbox.dmp.findings import refusals
from tests.sandbox.dmp_messages import Note
from tests.sandbox.dmp_messages import cda as written


def verdict(content: bytes, official: Path | None = None) -> list[str]:
    _, findings = cda.check(content, official=official)
    return [one.what for one in refusals(findings)]


def test_every_case_gets_its_verdict(conformance: Path) -> None:
    folder = conformance / "cda" / "cases"
    rows = list(csv.DictReader((folder / "cases.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) > 30
    wrong = [
        (row["file"], row["expected_verdict"])
        for row in rows
        if bool(verdict((folder / row["file"]).read_bytes())) == (row["expected_verdict"] in ("accept", "warn-dmp"))
    ]
    assert wrong == []


# What the published examples do that the text of the standard, read strictly, does not allow.
DEVIATIONS = {
    "DOC_NON_STRUCTURE_CDA-R2-N1.xml": {
        "Le responsable est identifié : code, nom et structure.",
        "Dans l'en-tête, toute heure porte son décalage.",
        "Le PDF est un PDF/A-1.",
    },
    "LDL-SES_2022.01.xml": {
        "Le responsable est identifié : code, nom et structure.",
        "Les valeurs nulles de l'en-tête sont UNK, NASK, ASKU, NAV ou MSK.",
        "Les structures sont désignées par leur identifiant national préfixé.",
    },
    "TLM-DA_2022.01_TCG.xml": {
        "Une version 2 ou suivante désigne la version qu'elle remplace, la première non.",
        "L'auteur professionnel est identifié : code, nom et structure.",
        "Les professionnels sont désignés par leur identifiant national préfixé.",
    },
}


def test_the_published_examples_pass_the_grammar(conformance: Path) -> None:
    official = conformance / "cda" / "xsd" / "CDA_extended.xsd"
    examples = sorted((conformance / "cda" / "examples").glob("*.xml"))
    assert examples
    for example in examples:
        assert set(verdict(example.read_bytes(), official)) == DEVIATIONS.get(example.name, set()), example.name


def test_a_note_of_our_own_passes(conformance: Path) -> None:
    assert verdict(written(Note(number=1)), conformance / "cda" / "xsd" / "CDA_extended.xsd") == []


CHANGES = {
    "title too long": ("Cahier de liaison - note 1", "x" * 129),
    "oid too long": (f'id root="{Note(number=1).unique_id}"', f'id root="1.2.{"3" * 62}"'),
    "unprefixed professional": ("899700000017", "99700000017"),
    "structure without prefix": ('extension="10B0123456"', 'extension="95B0123456"'),
    "code without label": ('displayName="Infirmier" ', ""),
    "unknown authority": ("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.12"),
    "production authority, wrong key": ('.10" extension="279035121518989', '.8" extension="279035121518988'),
    "event to the day": ("202611051800+0100", "20261105"),
    "second version alone": ('versionNumber value="1"', 'versionNumber value="2"'),
    "restricted": ('confidentialityCode code="N"', 'confidentialityCode code="R"'),
    "elements out of order": (
        '<setId root="1.2.250.1.999.1.1.4242.2.1"/><versionNumber value="1"/>',
        '<versionNumber value="1"/><setId root="1.2.250.1.999.1.1.4242.2.1"/>',
    ),
    "race": ("<birthplace>", '<raceCode code="X"/><birthplace>'),
    "media": ("text/plain", "text/html"),
    "empty body": (base64.b64encode(Note(number=1).words.encode()).decode(), base64.b64encode(b" \n").decode()),
    "facility newer than the DMP": ('code="SA63"', 'code="SA64"'),
    "type outside the DMP": ("11506-3", "34120-6"),
    "civility": ("<prefix>MME</prefix>", "<prefix>Mme</prefix>"),
    "telecom": ("</patientRole>", "</patientRole>".replace("<", '<telecom value="0600000000"/><', 1)),
    "pdf": ('mediaType="text/plain"', 'mediaType="application/pdf"'),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_schema_does_not_see(what: str) -> None:
    before, after = CHANGES[what]
    text = written(Note(number=1)).decode()
    assert before in text
    assert verdict(text.replace(before, after).encode())


def test_a_pdf_must_be_archival() -> None:
    text = written(Note(number=1)).decode().replace("text/plain", "application/pdf")
    encoded = base64.b64encode(Note(number=1).words.encode()).decode()
    archival = base64.b64encode(b"%PDF-1.4\n<pdfaid:part>1</pdfaid:part>").decode()
    assert verdict(text.replace(encoded, archival).encode()) == []
    plain = base64.b64encode(b"%PDF-1.7\n").decode()
    assert verdict(text.replace(encoded, plain).encode()) == ["Le PDF est un PDF/A-1."]


@pytest.mark.parametrize(
    ("matricule", "right"),
    [
        ("279035121518989", True),
        ("279035121518988", False),
        ("155069512700193", True),
        ("185012A00100110", True),
        ("1", False),
    ],
)
def test_keys(matricule: str, right: bool) -> None:
    assert ins.key_is_right(matricule) is right


def test_inclusive_form_takes_the_namespaces_of_the_ancestors() -> None:
    """Held against libxmlsec, which signs the same fragment in its place."""
    document = etree.fromstring(
        b'<a:root xmlns:a="urn:a" xmlns:unused="urn:u" xml:lang="fr"><a:part Id="x" b="2" a="1"><a:x/>t</a:part></a:root>'
    )
    template = xmlsec.template.create(document, xmlsec.constants.TransformInclC14N, xmlsec.constants.TransformRsaSha256)
    xmlsec.template.add_reference(template, xmlsec.constants.TransformSha1, uri="#x")
    document.append(template)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.generate(xmlsec.constants.KeyDataRsa, 2048, xmlsec.constants.KeyDataTypeSession)
    context.register_id(document[0], "Id")
    context.sign(template)
    digest = base64.b64encode(hashlib.sha1(dom.canonical(document[0], dom.C14N)).digest()).decode()
    assert digest == dom.value(document, ".//ds:DigestValue")


def test_sha1_is_still_verified_when_libxmlsec_may_not() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    value = key.sign(b"octets", PKCS1v15(), SHA1())
    assert signatures.value_holds(b"octets", value, signatures.RSA_SHA1, key.public_key())
    assert not signatures.value_holds(b"autres", value, signatures.RSA_SHA1, key.public_key())
    assert not signatures.value_holds(b"octets", value, signatures.RSA_SHA256, key.public_key())
