"""Metadata out and in: ebXML, registry answers, TD0.2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.connectors.dmp import ebxml, feeding, mapping, prpa, registry, xds
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.tables import Code
from tests.connectors.dmp.notes import filing

NS = {"rim": ebxml.RIM, "xdsb": xds.XDSB, "lcm": xds.LCM, "xop": "http://www.w3.org/2004/08/xop/include"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=60)
CODES = st.builds(Code, code=TEXT, display=TEXT, system=st.just("1.2.3"))
ENTRIES = st.builds(
    xds.DocumentEntry,
    id=st.just("Document01"),
    unique_id=st.just("1.2.3"),
    patient_id=TEXT,
    source_patient_id=TEXT,
    title=TEXT,
    creation_time=st.just("20261105173000"),
    service_start=st.just("20261105173000"),
    authors=st.lists(st.builds(xds.Author, person=TEXT, institution=TEXT, specialty=TEXT), max_size=2).map(tuple),
    class_code=CODES,
    type_code=CODES,
    format_code=CODES,
    facility=CODES,
    practice=CODES,
    confidentialities=st.lists(CODES, max_size=3).map(tuple),
    events=st.lists(CODES, max_size=2).map(tuple),
    hash=st.just("ab"),
    size=st.integers(1, 10**9),
)
PACKAGE = xds.SubmissionSet(
    id="SubmissionSet01",
    unique_id="1.2",
    source_id="1.3",
    patient_id="p",
    submission_time="20261105173000",
    content_type=Code(code="07", display="d", system="1"),
    author=xds.Author(person="p"),
)


@given(ENTRIES)
def test_an_entry_read_back_is_the_entry_written(entry: xds.DocumentEntry) -> None:
    root = etree.fromstring(xds.submit(PACKAGE, (entry,), ()))
    assert registry.read_entry(root.find(".//rim:ExtrinsicObject", NS)) == entry


def test_children_stand_in_the_order_of_the_schema(settings: DmpSettings) -> None:
    made = mapping.submission(filing(), settings)
    payload, _ = feeding.message(made, b"<signature/>")
    order = ["Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"]
    holders = etree.fromstring(payload).xpath("//rim:RegistryPackage | //rim:ExtrinsicObject", namespaces=NS)
    assert len(holders) == 3
    for holder in holders:
        ranks = [order.index(etree.QName(child).localname) for child in holder]
        assert ranks == sorted(ranks)


def test_the_message_holds_together(settings: DmpSettings, golden_xml: Callable[[str, bytes], None]) -> None:
    made = mapping.submission(filing(), settings)
    payload, parts = feeding.message(made, b"<signature/>", target="urn:uuid:old")
    golden_xml("dmp/iti-41.xml", payload.encode())
    root = etree.fromstring(payload)
    entries = [one.get("id") for one in root.iterfind(".//rim:ExtrinsicObject", NS)]
    documents = {one.get("id"): one[0].get("href") for one in root.iterfind("xdsb:Document", NS)}
    assert list(documents) == entries
    assert list(documents.values()) == [f"cid:{one.id}" for one in parts]
    links = [
        (one.get("associationType").rpartition(":")[2], one.get("sourceObject"), one.get("targetObject"))
        for one in root.iterfind(".//rim:Association", NS)
    ]
    assert links == [
        ("HasMember", "SubmissionSet01", "Document01"),
        ("HasMember", "SubmissionSet01", "Signature01"),
        ("signs", "Signature01", "SubmissionSet01"),
        ("RPLC", "Document01", "urn:uuid:old"),
    ]
    ids = root.xpath("//@id[not(parent::xdsb:Document)]", namespaces=NS)
    assert len(ids) == len(set(ids))


def test_times_of_metadata_are_utc() -> None:
    assert xds.stamp(datetime.fromisoformat("2026-07-01T00:30:00+02:00")) == "20260630223000"
    with pytest.raises(ValueError, match="offset"):
        xds.stamp(datetime(2026, 7, 1))


def test_an_entry_without_its_codes_is_refused() -> None:
    with pytest.raises(ValueError, match="document entry without"):
        registry.read_entry(etree.fromstring(f'<ExtrinsicObject xmlns="{ebxml.RIM}" id="urn:uuid:1"/>'))


PATIENT = (
    '<subject><patient><id root="1.2.250.1.213.1.4.10" extension="279035121518989"/><statusCode code="{status}"/>'
    "<patientPerson><name><family>{family}</family></name><birthTime value='19790328'/></patientPerson></patient></subject>"
)


def answer(ack: str = "AA", code: str = "OK", patient: str = "", detail: str = "") -> etree._Element:
    return etree.fromstring(
        f'<PRPA_IN201308UV02 xmlns="urn:hl7-org:v3"><acknowledgement typeCode="{ack}">{detail}</acknowledgement>'
        '<attentionLine><keyWordText code="AUTORISATION"/><value code="VALIDE"/></attentionLine>'
        f'<controlActProcess>{patient}<queryAck><queryResponseCode code="{code}"/></queryAck></controlActProcess>'
        "</PRPA_IN201308UV02>"
    )


def test_status_open_closed_and_unknown() -> None:
    one = prpa.read(answer(patient=PATIENT.format(status="active", family="PAT-TROIS")))
    assert one == prpa.DmpStatus(
        exists=True, is_open=True, authorisation="VALIDE", families=("PAT-TROIS",), birth_date=date(1979, 3, 28)
    )
    closed = prpa.read(answer(patient=PATIENT.format(status="terminated", family="NON RENSEIGNE")))
    assert (closed.exists, closed.is_open, closed.families) == (True, False, ())
    assert not prpa.read(answer(code="NF")).exists
    problem = prpa.read(
        answer(ack="AE", detail="<acknowledgementDetail><code code='DMPClosed'/></acknowledgementDetail>")
    )
    assert (problem.exists, problem.problem) == (False, "DMPClosed")


@pytest.mark.parametrize("root", [answer(code="QE"), answer(), etree.fromstring("<a/>")])
def test_a_status_nobody_can_read_is_refused(root: etree._Element) -> None:
    with pytest.raises(ValueError):
        prpa.read(root)


@pytest.mark.parametrize(
    ("families", "born", "same"),
    [
        (("PAT-TROIS",), date(1979, 3, 28), True),
        (("Pat Trois",), None, True),
        (("PÂT  TROIS", "AUTRE"), date(1979, 3, 28), True),
        ((), None, True),
        (("D'USAGE",), date(1979, 3, 28), True),
        (("AUTRE",), date(1979, 3, 28), False),
        (("PAT-TROIS",), date(1979, 3, 29), False),
    ],
)
def test_identity_vigilance(families: tuple[str, ...], born: date | None, same: bool) -> None:
    status = prpa.DmpStatus(exists=True, is_open=True, families=families, birth_date=born)
    names = ("PAT-TROIS", "D USAGE", "")
    assert prpa.is_same_person(status, names=names, birth_date=date(1979, 3, 28)) is same


def test_the_request_of_td02_names_the_patient_and_no_other() -> None:
    query = prpa.Query(
        id="u-1",
        sender="1.2.3",
        software="A & B",
        created_at=datetime(2026, 11, 5, 17, 30, tzinfo=UTC),
        ins="279035121518989",
        ins_oid="1.2.250.1.213.1.4.10",
        mode="T",
    )
    root = etree.fromstring(prpa.request(query))
    value = root.find(".//h:patientIdentifier/h:value", prpa.NS)
    assert (value.get("root"), value.get("extension")) == ("1.2.250.1.213.1.4.10", "279035121518989")
    order = [etree.QName(child).localname for child in root]
    assert order == [
        *("id", "creationTime", "interactionId", "processingCode", "processingModeCode", "acceptAckCode"),
        *("receiver", "sender", "attentionLine", "controlActProcess"),
    ]
