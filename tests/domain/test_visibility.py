"""What an outline keeps and what it never lets through (workflow.md 4.3, fhir.md 9.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.visibility import (
    CUTS,
    REACH,
    REDACTED,
    SHAREABLE_NOTE,
    Level,
    bare,
    cut,
    is_cut,
    reach,
)
from hub.r4 import names, validation

Resource = dict[str, Any]

SECRET = "CANARI-7F3A"
BASE = "https://hub.example.org/fhir"


def words(prefix: str) -> st.SearchStrategy[str]:
    return st.text(alphabet="abcdef0123456789", max_size=6).map(lambda tail: f"{prefix}{tail}")


secret = words(SECRET)
EXTENSION = st.builds(
    lambda url, value: {"url": url, "valueString": value, "extension": [{"url": "part", "valueCode": value}]},
    st.sampled_from(["https://example.org/x", f"{BASE}/StructureDefinition/hub-other"]),
    secret,
)
secret_value: st.SearchStrategy[Any] = st.recursive(
    secret,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2),
        st.dictionaries(
            st.sampled_from(["text", "value", "display", "line", "family", "url", "reference", "note"]),
            inner,
            min_size=1,
            max_size=3,
        ),
    ),
    max_leaves=4,
)


def element(**parts: Any) -> st.SearchStrategy[Resource]:
    """A complex element whose named parts are shown, with secrets in every place that no element may show."""
    shown = st.fixed_dictionaries({name: value for name, value in parts.items()})
    hidden = st.fixed_dictionaries(
        {}, optional={"id": secret, "extension": st.lists(EXTENSION, min_size=1, max_size=2), "_text": secret_value}
    )
    return st.builds(lambda one, other: {**other, **one}, shown, hidden)


def reference(kind: str) -> st.SearchStrategy[Resource]:
    identifier = element(system=st.just("urn:x"), value=secret)
    return st.builds(
        lambda display, number: {"reference": f"{kind}/1", "display": display, "identifier": number}, secret, identifier
    )


coding = element(system=st.just("urn:shown"), code=st.just("shown"), display=st.just("montré"))
concept = element(coding=st.lists(coding, min_size=1, max_size=2), text=st.just("montré"))
commune = st.builds(
    lambda code, inner: {"url": names.COMMUNE_EXTENSION, "valueCoding": code, "extension": inner},
    coding,
    st.lists(EXTENSION, max_size=1),
)
address = element(
    use=st.just("home"),
    city=st.just("Cergy"),
    postalCode=st.just("95000"),
    line=st.lists(secret, min_size=1, max_size=2),
    text=secret,
    district=secret,
)
homes = st.builds(
    lambda one, code, more: {**one, "extension": [*one.get("extension", []), code, *more]},
    address,
    commune,
    st.lists(EXTENSION, max_size=1),
)
elsewhere = st.builds(lambda one: {**one, "use": "temp", "city": SECRET, "postalCode": SECRET}, address)
hidden_note = element(text=secret, authorString=secret)
shared_note = st.builds(
    lambda note: {
        **note,
        "authorString": SECRET,
        "extension": [*note.get("extension", []), {"url": f"{BASE}{SHAREABLE_NOTE}", "valueBoolean": True}],
    },
    element(text=st.just("Le chien n'est pas méchant")),
)
# For each type: how its shown elements are made. Everything else a resource holds is secret.
SHOWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Patient": {
        "active": st.booleans(),
        "gender": st.just("female"),
        "birthDate": st.just("1979-03-28"),
        "address": st.lists(st.one_of(homes, elsewhere), max_size=3),
    },
    "ServiceRequest": {
        "identifier": st.lists(
            st.one_of(
                element(system=st.just(f"{BASE}/ns/request-number"), value=st.just("2026-000001"), use=secret),
                element(system=st.just(f"{BASE}/ns/sas-patient"), value=secret),
            ),
            max_size=3,
        ),
        "status": st.just("active"),
        "intent": st.just("order"),
        "category": st.lists(concept, max_size=2),
        "code": concept,
        "priority": st.just("routine"),
        "performerType": concept,
        "subject": reference("Patient"),
        "authoredOn": st.just("2026-11-16T08:00:00Z"),
        "occurrencePeriod": element(start=st.just("2026-11-16T08:00:00Z")),
        "occurrenceTiming": element(repeat=element(frequency=st.just(2)), code=concept),
        "locationCode": st.lists(concept, max_size=1),
        "locationReference": st.lists(reference("Location"), max_size=2),
        "reasonCode": st.lists(concept, max_size=2),
        "instantiatesCanonical": st.just(["https://example.org/PlanDefinition/p|1"]),
        "note": st.lists(st.one_of(hidden_note, shared_note), max_size=3),
    },
    "Task": {
        "status": st.just("accepted"),
        "businessStatus": concept,
        "intent": st.just("order"),
        "code": concept,
        "authoredOn": st.just("2026-11-16T08:00:00Z"),
        "lastModified": st.just("2026-11-16T08:00:00Z"),
        "focus": reference("ServiceRequest"),
        "for": reference("Patient"),
        "owner": reference("Organization"),
        "restriction": element(period=element(end=st.just("2026-11-16T10:00:00Z")), recipient=st.just([SECRET])),
    },
    "Location": {
        "status": st.just("active"),
        "mode": st.just("instance"),
        "address": st.one_of(homes),
    },
    "Flag": {
        "status": st.just("active"),
        "category": st.lists(concept, max_size=1),
        "code": element(coding=st.just([{"system": "urn:risk", "code": "R33"}])),
        "subject": reference("Patient"),
    },
}
OTHERS = [
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "implicitRules",
    "language",
    "name",
    "telecom",
    "photo",
    "contact",
    "communication",
    "managingOrganization",
    "generalPractitioner",
    "link",
    "requester",
    "performer",
    "supportingInfo",
    "insurance",
    "orderDetail",
    "requisition",
    "groupIdentifier",
    "reasonReference",
    "description",
    "input",
    "output",
    "statusReason",
    "position",
    "physicalType",
    "comment",
    "patientInstruction",
    "basedOn",
    "replaces",
    "maritalStatus",
    "author",
]
MANDATORY = {"ServiceRequest": {"status", "intent", "subject"}, "Flag": {"subject", "code"}}


@st.composite
def resources(draw: st.DrawFn, kind: str) -> Resource:
    shown = SHOWN[kind]
    needed = MANDATORY.get(kind, set())
    made: Resource = {"resourceType": kind, "id": "1"}
    made |= draw(
        st.fixed_dictionaries(
            {name: shown[name] for name in shown if name in needed},
            optional={name: shown[name] for name in shown if name not in needed},
        )
    )
    others = [name for name in OTHERS if name not in shown]
    made |= draw(st.dictionaries(st.sampled_from(others), secret_value, max_size=6))
    made |= draw(st.dictionaries(st.sampled_from([f"_{name}" for name in shown]), secret_value, max_size=2))
    meta = draw(st.dictionaries(st.sampled_from(["profile", "tag", "source", "security"]), secret, max_size=3))
    made["meta"] = {"versionId": "1", "lastUpdated": "2026-11-16T08:00:00.000Z"} | {
        name: [{"code": value, "system": value}] if name in ("tag", "security") else value
        for name, value in meta.items()
    }
    return made


@pytest.mark.parametrize("kind", sorted(CUTS))
@settings(max_examples=50)
@given(data=st.data())
def test_no_secret_survives_a_cut(kind: str, data: st.DataObject) -> None:
    resource = data.draw(resources(kind))
    before = json.dumps(resource)
    kept = cut(resource, Level.OUTLINE)
    assert kept is not None
    assert SECRET not in json.dumps(kept, ensure_ascii=False)
    assert is_cut(kept)
    assert kept["id"] == "1"
    assert json.dumps(resource) == before  # nothing is changed in place
    assert set(kept) <= {"resourceType", "id", "meta", *SHOWN[kind]}
    assert "1979-03" not in json.dumps(kept)


@pytest.mark.parametrize("kind", sorted(CUTS))
@settings(max_examples=50)
@given(data=st.data())
def test_a_cut_loses_nothing_more_when_cut_again(kind: str, data: st.DataObject) -> None:
    kept = cut(data.draw(resources(kind)), Level.OUTLINE)
    assert kept is not None
    again = cut(kept, Level.OUTLINE)
    assert again is not None
    assert {name: value for name, value in again.items() if name != "note"} == {
        name: value for name, value in kept.items() if name != "note"
    }


@pytest.mark.parametrize("kind", sorted(SHOWN))
def test_every_type_that_is_cut_is_proved_here(kind: str) -> None:
    assert set(SHOWN) == set(CUTS)
    assert reach(kind) in ("request", "either")


@given(kind=st.sampled_from([*REACH, "Bundle", "AuditEvent", "Binary", "Observation"]), value=secret_value)
def test_types_without_a_row_do_not_exist_at_outline(kind: str, value: Any) -> None:
    resource = {"resourceType": kind, "id": "1", "note": value}
    if kind in CUTS or reach(kind) == "open":
        return
    assert cut(resource, Level.OUTLINE) is None
    assert cut(resource, Level.NOTHING) is None
    assert cut(resource, Level.FULL) is resource


@pytest.mark.parametrize("kind", sorted(kind for kind, one in REACH.items() if one != "open"))
def test_nothing_means_nothing(kind: str) -> None:
    assert cut({"resourceType": kind, "id": "1"}, Level.NOTHING) is None


@pytest.mark.parametrize("kind", sorted(kind for kind, one in REACH.items() if one == "open"))
def test_what_holds_no_patient_is_whole_for_everybody_signed_in(kind: str) -> None:
    resource = {"resourceType": kind, "id": "1", "name": "CPTS"}
    assert {level: cut(resource, level) for level in Level} == dict.fromkeys(Level, resource)


def test_an_outline_still_says_what_a_candidate_needs() -> None:
    patient = {
        "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1979-03-28", "name": [{"family": SECRET}],
        "address": [{"city": "Cergy", "postalCode": "95000", "line": [SECRET], "extension": [
            {"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "95127"}}]}],
    }  # fmt: skip
    assert cut(patient, Level.OUTLINE) == {
        "resourceType": "Patient", "id": "p", "meta": {"security": [REDACTED]}, "gender": "female", "birthDate": "1979",
        "address": [{"extension": [
            {"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "95127"}}],
            "city": "Cergy", "postalCode": "95000"}],
    }  # fmt: skip


@pytest.mark.parametrize(("code", "shown"), [("R33", True), ("R35", True), ("R34", False), ("R01", False)])
def test_of_risks_only_violence_and_contagion_are_told_before(code: str, shown: bool) -> None:
    flag = {
        "resourceType": "Flag", "id": "f", "status": "active", "code": {"coding": [{"code": code}], "text": SECRET},
        "subject": {"reference": "Patient/p", "display": SECRET},
    }  # fmt: skip
    kept = cut(flag, Level.OUTLINE)
    assert (kept is not None) is shown
    assert kept is None or kept["subject"] == {"reference": "Patient/p"}


def test_the_invitation_of_a_person_asked_is_whole_and_not_marked() -> None:
    task = {"resourceType": "Task", "id": "t", "partOf": [{"reference": "Task/c"}], "status": "requested"}
    assert cut(task, Level.OUTLINE) is task
    assert not is_cut(task)


@given(st.dictionaries(st.sampled_from(["reference", "display", "identifier", "type"]), secret, max_size=4))
def test_a_bare_reference_is_an_address_and_nothing_else(given_: Resource) -> None:
    assert set(bare(given_)) <= {"reference"} if "reference" in given_ else bare(given_).keys() == {"extension"}


def test_a_cut_resource_is_valid_fhir() -> None:
    request = {
        "resourceType": "ServiceRequest", "id": "s", "status": "active", "intent": "order",
        "subject": {"identifier": {"value": SECRET}, "display": SECRET}, "text": {"status": "generated", "div": SECRET},
        "reasonCode": [{"extension": [{"url": "urn:x", "valueString": SECRET}]}, {"text": "Fièvre"}],
    }  # fmt: skip
    kept = cut(request, Level.OUTLINE)
    assert kept is not None
    assert validation.check(kept) == []
    assert kept["reasonCode"] == [{"text": "Fièvre"}]
