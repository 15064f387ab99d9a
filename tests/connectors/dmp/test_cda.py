"""The CDA document against the official material, and against what it does not check."""

from __future__ import annotations

import csv
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from lxml import etree

from hub.connectors.dmp import cda, mapping
from hub.connectors.dmp.settings import DmpSettings
from tests.connectors.dmp.notes import PDF, PHYSICIAN, filing

H = {"h": "urn:hl7-org:v3"}
REPLACED = {"unique_id": "1.2.250.1.999.1.1.4242.3.20261105.16", "number": 1}
NOTES = {
    "nurse-at-home": {},
    "physician-replaces": {"author": PHYSICIAN, "replaces": REPLACED, "is_urgent": True, "act__at_home": False},
    "pdf-body": {"pdf": PDF, "kind": "GEN", "patient__used_name": "USAGE"},
}


def built(settings: DmpSettings, **changes: object) -> bytes:
    return cda.build(mapping.document(filing(**changes), settings))


@pytest.mark.parametrize("name", NOTES)
def test_golden(name: str, settings: DmpSettings, golden_xml: Callable[[str, bytes], None]) -> None:
    golden_xml(f"dmp/{name}.xml", built(settings, **NOTES[name]))


@pytest.mark.parametrize("name", NOTES)
def test_official_schema_and_schematron_accept(
    name: str, settings: DmpSettings, schema: etree.XMLSchema, schematron: Callable[[bytes], list[str]]
) -> None:
    document = built(settings, **NOTES[name])
    schema.assertValid(etree.fromstring(document))
    assert schematron(document) == []
    assert cda.check(document) == []


def test_equal_input_gives_equal_bytes(settings: DmpSettings) -> None:
    assert built(settings) == built(settings)


def test_times_keep_the_local_offset_of_summer_and_winter(settings: DmpSettings) -> None:
    summer = datetime.fromisoformat("2026-07-01T10:00:00+00:00")
    root = etree.fromstring(built(settings, asked_at=summer, zone="Europe/Paris"))
    assert root.find("h:effectiveTime", H).get("value") == "20260701120000+0200"
    root = etree.fromstring(built(settings, asked_at=summer, zone="Indian/Reunion"))
    assert root.find("h:effectiveTime", H).get("value") == "20260701140000+0400"


def test_body_says_who_and_what(settings: DmpSettings) -> None:
    root = etree.fromstring(built(settings, is_urgent=True))
    text = b64decode(root.findtext(".//h:nonXMLBody/h:text", namespaces=H)).decode()
    assert text.startswith(
        "Note d'observation - 05/11/2026 à 18:20\nClaire MARTIN, Infirmier, CPTS des Boucles de l'Oise\n"
    )
    assert "URGENT" in text
    assert "Plaie propre, pas de fièvre." in text


def test_every_official_case_has_its_verdict(
    conformance: Path, schema: etree.XMLSchema, schematron: Callable[[bytes], list[str]]
) -> None:
    """Refused by our own rules alone; and the official validation gives the counts published with the cases."""
    folder = conformance / "cda" / "cases"
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 30
    for row in rows:
        content = (folder / row["file"]).read_bytes()
        is_accepted = row["expected_verdict"] in ("accept", "warn-dmp")
        assert (cda.check(content) == []) is is_accepted, row["file"]
        if row["xsd_result"] != "n/a":
            assert schema.validate(etree.fromstring(content)) is (row["xsd_result"] == "valid"), row["file"]
            assert len(schematron(content)) == int(row["strucmin_failed_asserts"]), row["file"]


BROKEN = {
    "title of 129 characters": (">Cahier de liaison - note d'observation du 05/11/2026<", f">{'x' * 129}<"),
    "OID of 65 characters": ('<id root="1.2.250.1.999.1.1.4242.3.20261105.17"/>', f'<id root="1.{"1" * 63}"/>'),
    "event start to the day": ('<low value="20261105180000+0100"/><high', '<low value="20261105"/><high'),
    "type CI-SIS takes and the DMP does not": ('code="11506-3"', 'code="34120-6"'),
    "identifier without its prefix": ('extension="899700000017"', 'extension="99700000017"'),
    "production authority, wrong key": (
        '1.2.250.1.213.1.4.10" extension="279035121518989"',
        '1.2.250.1.213.1.4.8" extension="279035121518900"',
    ),
    "first version that replaces": (
        "<componentOf>",
        '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/>'
        "</parentDocument></relatedDocument><componentOf>",
    ),
    "second version that replaces nothing": ('<versionNumber value="1"/>', '<versionNumber value="2"/>'),
    "body type": ('mediaType="text/plain"', 'mediaType="text/html"'),
    "PDF that is none": ('mediaType="text/plain"', 'mediaType="application/pdf"'),
}


@pytest.mark.parametrize("what", BROKEN)
def test_own_rules_see_what_the_official_ones_miss(what: str, settings: DmpSettings) -> None:
    before, after = BROKEN[what]
    document = built(settings).decode()
    assert before in document
    assert cda.check(document.encode()) == []
    assert cda.check(document.replace(before, after, 1).encode()) != []


def test_a_structure_is_demanded_of_the_legal_authenticator(settings: DmpSettings) -> None:
    root = etree.fromstring(built(settings))
    holder = root.find("h:legalAuthenticator/h:assignedEntity", H)
    holder.remove(holder.find("h:representedOrganization", H))
    assert cda.check(etree.tostring(root)) == [
        "assignedEntity: no Struct_IdNat with its prefix",
        "assignedEntity: h:representedOrganization/h:name absent or empty",
    ]


def test_test_identities_do_not_reach_production(settings: DmpSettings) -> None:
    assert cda.check(built(settings), production=True) == [
        "recordTarget: test authority 1.2.250.1.213.1.4.10 in production"
    ]


def test_a_large_body_is_read(settings: DmpSettings) -> None:
    assert cda.check(built(settings, pdf=PDF + bytes(12_000_000))) == []


def test_a_pdf_must_say_that_it_is_pdf_a_1(settings: DmpSettings) -> None:
    assert cda.check(built(settings, pdf=b"%PDF-1.7 of another kind")) == ["body: not a PDF/A-1"]
    assert cda.check(built(settings, pdf=PDF.replace(b"part>1", b"part>3"))) == ["body: not a PDF/A-1"]


def test_garbage_is_refused_without_raising() -> None:
    assert cda.check(b"not xml")[0].startswith("not well-formed")
    assert cda.check(b"<a/>") == ["root element a"]
