import pytest

from hub.r4 import references

URN = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/1", ("Patient", "1")),
        ("Patient/1/_history/2", ("Patient", "1")),
        ("Chose/1", None),
        ("https://a.example.org/fhir/Patient/1", None),
        ("#p", None),
        (URN, None),
        ("Patient/", None),
        ("Patient/a b", None),
        (None, None),
    ],
)
def test_targets(reference: str | None, expected: tuple[str, str] | None) -> None:
    assert references.target(reference) == expected


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("https://a.example.org/x/fhir/Patient/1/_history/3", "Patient"),
        ("Organization?identifier=a|b", "Organization"),
        ("https://a.example.org/autre/chose", None),
        (URN, None),
    ],
)
def test_types_named_by_a_reference(reference: str, kind: str | None) -> None:
    assert references.type_of(reference) == kind


REQUEST = {
    "resourceType": "ServiceRequest",
    "subject": {"reference": URN},
    "supportingInfo": [{"reference": f"{URN}#1"}, {"identifier": {"value": "x"}}, {"reference": "Patient/9"}],
    "note": [{"text": URN, "authorReference": {"reference": "https://a.example.org/fhir/Practitioner/3"}}],
    "extension": [{"url": URN, "valueAttachment": {"url": URN}}],
}


def test_all_literal_references_are_found_with_their_path() -> None:
    assert [(path, one["reference"]) for path, one in references.walk(REQUEST)] == [
        ("ServiceRequest.subject", URN),
        ("ServiceRequest.supportingInfo[0]", f"{URN}#1"),
        ("ServiceRequest.supportingInfo[2]", "Patient/9"),
        ("ServiceRequest.note[0].authorReference", "https://a.example.org/fhir/Practitioner/3"),
    ]


def test_a_transaction_replaces_references_and_addresses_but_no_text() -> None:
    before = repr(REQUEST)
    copy = references.replace_references(REQUEST, {URN: "Patient/7"})
    assert copy["subject"]["reference"] == "Patient/7"
    assert copy["supportingInfo"][0]["reference"] == "Patient/7#1"
    assert copy["supportingInfo"][2]["reference"] == "Patient/9"
    assert copy["extension"][0]["valueAttachment"]["url"] == "Patient/7"
    assert copy["note"][0]["text"] == URN
    assert repr(REQUEST) == before
