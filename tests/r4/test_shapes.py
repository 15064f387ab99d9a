"""What was written reads back the same, and what others put beside it stays (architecture 4)."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.domain.appointment import Appointment, Mode, Standing
from hub.domain.care_request import STATUS_OF, CareRequest, Origin, State
from hub.domain.notebook import Mask, Note
from hub.domain.patient import Address, Reliability
from hub.r4 import elements, names, validation
from hub.r4.shapes import appointment as appointments
from hub.r4.shapes import care_request as requests
from hub.r4.shapes import note as notes
from hub.r4.shapes import patient as patients

Resource = dict[str, Any]

FOREIGN = {"url": "https://editeur.example/extension", "valueString": "à garder"}
MODIFIED = "2026-11-16T08:00:00Z"
ids = st.from_regex(r"[a-z0-9]{1,8}-[a-z0-9]{1,8}", fullmatch=True)
seconds = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
words = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), min_size=1, max_size=30
).filter(lambda text: text.strip() == text)


# care request


def pair(request: CareRequest) -> tuple[Resource, Resource]:
    """The two resources as a SAS sent them, before the hub writes its own part."""
    service_request: Resource = {
        "resourceType": "ServiceRequest",
        "id": request.id,
        "extension": [FOREIGN],
        "identifier": [
            {"system": names.ns("request-number"), "value": request.number},
            {"system": "https://editeur.example/numero", "value": "7"},
        ],
        "status": "active",
        "intent": "order",
        "category": [elements.concept(names.system("kind-of-care"), request.kind)],
        "code": elements.concept(names.system("care-type"), request.care_type),
        "subject": {"reference": f"Patient/{request.patient}"},
        "performerType": {"coding": [
            {"system": names.PROFESSION, "code": request.profession}, {"system": names.SPECIALTY, "code": request.specialty}]},
        "reasonCode": [{"text": request.reason}],
        "requisition": {"value": request.dossier},
        "requester": {"reference": request.requester},
    }  # fmt: skip
    task: Resource = {
        "resourceType": "Task",
        "id": request.task,
        "extension": [FOREIGN],
        "status": "requested",
        "intent": "order",
        "authoredOn": "2019-12-31T00:00:00Z",
        "restriction": {"repetitions": 1},
        "input": [{"type": {"text": "voeu"}, "valueString": "le soir"}],
        "output": [{"type": {"text": "autre"}, "valueString": "à garder"}],
        "businessStatus": {"coding": [{"system": "https://editeur.example/etat", "code": "vu"}]},
    }
    return service_request, task


@st.composite
def care_requests(draw: st.DrawFn) -> CareRequest:
    state = draw(st.sampled_from(State))
    issued = draw(seconds)
    taken = state in {State.ACCEPTED, State.PROPOSED, State.UNREACHABLE, State.CONFIRMED, State.DONE, State.NO_SHOW}
    ended = {"failed", "rejected", "cancelled", "on-hold"}
    confirmed = state in {State.CONFIRMED, State.DONE, State.NO_SHOW} or (
        state is State.CANCELLED and draw(st.booleans())
    )
    task = "completed" if state is State.CANCELLED and confirmed else STATUS_OF[state].task
    return CareRequest(
        id=draw(ids), task=draw(ids), number="2026-000001", state=state, patient=draw(ids), network=draw(ids),
        origin=draw(st.sampled_from(Origin)), issued_at=issued,
        response_due=issued + timedelta(minutes=draw(st.integers(min_value=10, max_value=720))),
        commune=draw(st.sampled_from(["", "95127", "2A004"])), business=STATUS_OF[state].business,
        profession="10", specialty=draw(st.sampled_from(["SM26", "SM54"])), care_type="ecg", kind="visite",
        reason=draw(words), client=draw(st.none() | ids), requester=f"PractitionerRole/{draw(ids)}",
        performer=draw(ids) if taken else None, appointment=draw(ids) if taken else None, dossier=draw(ids),
        wave=draw(st.integers(min_value=0, max_value=3)), attempt=draw(st.integers(min_value=1, max_value=9)),
        confirmed_once=confirmed, failure=draw(ids) if task in ended else None,
    )  # fmt: skip


@given(request=care_requests())
def test_a_request_reads_back_as_it_was_written(request: CareRequest) -> None:
    service_request, task = pair(request)
    requests.write(request, service_request, task, modified=MODIFIED)
    assert requests.read(service_request, task) == request
    again = copy.deepcopy((service_request, task))
    requests.write(requests.read(service_request, task), service_request, task, modified=MODIFIED)
    assert (service_request, task) == again


@given(request=care_requests())
def test_what_a_request_does_not_know_stays(request: CareRequest) -> None:
    service_request, task = pair(request)
    before = copy.deepcopy((service_request, task))
    requests.write(request, service_request, task, modified=MODIFIED)
    assert {**service_request, "status": "active"} == before[0]
    assert FOREIGN in task["extension"]
    assert task["input"] == before[1]["input"]
    assert before[1]["output"][0] in task["output"]
    assert task["restriction"]["repetitions"] == 1
    assert before[1]["businessStatus"]["coding"][0] in task["businessStatus"]["coding"]
    assert task["lastModified"] >= task["authoredOn"]


@given(request=care_requests())
def test_a_written_request_is_valid_fhir(request: CareRequest) -> None:
    service_request, task = pair(request)
    requests.write(request, service_request, task, modified=MODIFIED)
    assert validation.check(service_request) == []
    assert validation.check({**task, "focus": {"reference": f"ServiceRequest/{request.id}"}}) == []


def test_a_combination_the_hub_never_writes_is_not_guessed() -> None:
    request = CareRequest(
        id="s", task="t", number="n", state=State.SEARCHING, patient="p", network="c", origin=Origin.SAS,
        issued_at=datetime(2026, 11, 16, tzinfo=UTC), response_due=datetime(2026, 11, 17, tzinfo=UTC), reason="Fièvre",
        specialty="SM26", care_type="ecg", kind="visite", requester="Organization/x", dossier="d",
    )  # fmt: skip
    service_request, task = pair(request)
    requests.write(request, service_request, task, modified=MODIFIED)
    task["status"] = "ready"
    with pytest.raises(ValueError, match="ready"):
        requests.read(service_request, task)


# appointment


@st.composite
def planned(draw: st.DrawFn) -> Appointment:
    start = draw(st.none() | seconds)
    standing = draw(st.sampled_from(Standing))
    has_start = standing not in {Standing.PROPOSED, Standing.CANCELLED} or start is not None
    start = start or datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    ranged = draw(st.booleans())
    one = Appointment(
        id=draw(ids), request=draw(ids), patient=draw(ids), performer=draw(ids), mode=draw(st.sampled_from(Mode)),
        standing=standing, created_at=draw(seconds), start=start if has_start else None,
        end=start + timedelta(minutes=20) if has_start else None, range_start=start if ranged else None,
        range_end=start + timedelta(hours=2) if ranged else None, words=draw(st.just("") | words),
        place=draw(st.none() | ids), tells_name=draw(st.booleans()), phone_told=draw(st.none() | st.just("+33639981126")),
        comment=draw(st.just("") | words),
        cancel_reason=draw(st.sampled_from(["pat", "released"])) if standing is Standing.CANCELLED else None,
    )  # fmt: skip
    assume(one.comment != one.words or not one.words)
    return one


@given(one=planned())
def test_an_appointment_reads_back_as_it_was_written(one: Appointment) -> None:
    written = {**appointments.write(one), "id": one.id}
    assert appointments.read(written) == one
    assert appointments.read(appointments.write(appointments.read(written), copy.deepcopy(written))) == one


@given(one=planned(), later=planned())
def test_what_an_appointment_does_not_know_stays(one: Appointment, later: Appointment) -> None:
    written = {**appointments.write(one), "id": one.id}
    written["extension"] = [*written.get("extension", []), FOREIGN]
    written["identifier"].append({"system": "https://editeur.example/rdv", "value": "7"})
    written["slot"] = [{"reference": "Slot/1"}]
    written["participant"].append({"actor": {"reference": "Device/salle"}, "status": "accepted"})
    written["participant"][0]["extension"] = [FOREIGN]
    changed = replace(
        later, id=one.id, request=one.request, patient=one.patient, performer=one.performer, created_at=one.created_at
    )
    edited = appointments.write(changed, copy.deepcopy(written))
    assert FOREIGN in edited["extension"]
    assert edited["identifier"] == written["identifier"]
    assert edited["slot"] == written["slot"]
    assert written["participant"][-1] in edited["participant"]
    assert any(FOREIGN in part.get("extension", []) for part in edited["participant"])
    assert appointments.read(edited) == changed


@given(one=planned())
def test_a_written_appointment_is_valid_fhir(one: Appointment) -> None:
    assert validation.check(appointments.write(one)) == []


# note


noted = st.builds(
    Note,
    id=ids,
    patient=ids,
    author=ids,
    kind=st.sampled_from(["GEN", "OBS", "INTERV"]),
    text=words,
    written_at=seconds,
    title=st.just("") | words,
    is_urgent=st.booleans(),
    mask=st.none() | st.sampled_from(Mask),
    replies_to=st.none() | ids,
)


@given(note=noted)
def test_a_note_reads_back_as_it_was_written(note: Note) -> None:
    written = {**notes.write(note, request="r-1"), "id": note.id}
    assert notes.read(written) == note
    assert notes.episode(written) == "r-1"
    assert validation.check(written) == []


@given(note=noted, text=words, urgent=st.booleans())
def test_a_correction_keeps_what_others_added(note: Note, text: str, urgent: bool) -> None:
    written = {**notes.write(note, request="r-1"), "id": note.id}
    picture = {"attachment": {"contentType": "image/png", "url": "Binary/1", "title": "plaie"}}
    written["extension"] = [*written.get("extension", []), FOREIGN]
    written["content"].append(picture)
    written["masterIdentifier"] = {"value": "urn:oid:1.2.3"}
    corrected = replace(note, text=text, is_urgent=urgent)
    edited = notes.write(corrected, copy.deepcopy(written))
    assert FOREIGN in edited["extension"]
    assert picture in edited["content"]
    assert edited["masterIdentifier"] == written["masterIdentifier"]
    assert notes.episode(edited) == "r-1"
    assert notes.read(edited) == corrected


@pytest.mark.parametrize("content", [
    [], [{"attachment": {"contentType": "application/pdf", "data": "YQ=="}}],
    [{"attachment": {"contentType": "text/plain", "url": "Binary/1"}}],
    [{"attachment": {"contentType": "text/plain", "data": "pas du base64"}}],
    [{"attachment": {"contentType": "text/plain", "data": "/w=="}}],
])  # fmt: skip
def test_a_note_without_readable_text_has_none(content: list[Any]) -> None:
    assert notes.text_of({"content": content}) is None


# patient


def test_a_patient_is_read_with_every_trait() -> None:
    commune = {"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "95127"}}
    birth = {"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "51215"}}
    resource = {
        "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1979-03-28",
        "extension": [FOREIGN, {"url": names.BIRTH_PLACE_EXTENSION, "valueAddress": {"extension": [birth]}}],
        "identifier": [
            {"system": "urn:x", "value": "1"},
            {"use": "official", "type": {"coding": [{"code": "INS-NIR-TEST"}]}, "system": "urn:oid:1.2.250.1.213.1.4.10",
             "value": "279035121518989"}],
        "name": [
            {"use": "official", "family": "PAT-TROIS", "given": ["DOMINIQUE"], "extension": [
                {"url": names.BIRTH_GIVEN_EXTENSION, "valueString": "DOMINIQUE MARIE"}]},
            {"use": "usual", "family": "MARTIN", "given": ["Dominique"]}],
        "telecom": [{"system": "phone", "value": "+33199000001", "rank": 2},
                    {"system": "phone", "value": "+33639981100", "rank": 1}, {"system": "email", "value": "p@example.org"}],
        "address": [{"use": "temp", "city": "Paris"},
                    {"use": "home", "line": ["12 rue des Essais"], "city": "Cergy", "postalCode": "95000", "extension": [commune]}],
        "generalPractitioner": [{"identifier": {"system": names.RPPS, "value": "99700999909"}}],
    }  # fmt: skip
    patients.set_reliability(resource, Reliability.QUALIFIED)
    read = patients.read(resource)
    assert (read.birth_name, read.used_name, read.family) == ("PAT-TROIS", "MARTIN", "MARTIN")
    assert (read.first_given, read.given, read.first_name) == ("DOMINIQUE", "DOMINIQUE MARIE", "Dominique")
    assert (read.sex, read.birth_date, read.birth_place) == ("female", date(1979, 3, 28), "51215")
    assert (read.ins, read.is_qualified) == (("279035121518989", "1.2.250.1.213.1.4.10"), True)
    assert (read.phone, read.email, read.usual_gp) == ("+33639981100", "p@example.org", "899700999909")
    assert read.address == Address(lines=("12 rue des Essais",), postcode="95000", city="Cergy", commune="95127")
    assert FOREIGN in resource["extension"]


@pytest.mark.parametrize("status", Reliability)
def test_reliability_is_ours_and_replaces_itself(status: Reliability) -> None:
    resource: Resource = {"resourceType": "Patient", "extension": [FOREIGN]}
    patients.set_reliability(resource, Reliability.PROVISIONAL)
    patients.set_reliability(resource, status)
    assert patients.reliability(resource) is status
    assert len(resource["extension"]) == 2


def test_what_a_sender_claims_is_not_qualified_by_itself() -> None:
    claimed = {
        "resourceType": "Patient",
        "identifier": [{"type": {"coding": [{"code": "INS-NIR"}]}, "system": "urn:oid:1.2.250.1.213.1.4.8", "value": "1"}],
        "extension": [{"url": names.RELIABILITY_EXTENSION, "extension": [
            {"url": "identityStatus", "valueCoding": {"system": patients.V2_0445, "code": "VALI"}}]}],
    }  # fmt: skip
    assert patients.claimed_reliability(claimed) is Reliability.QUALIFIED
    assert patients.reliability(claimed) is Reliability.FETCHED
    del claimed["identifier"]
    assert patients.claimed_reliability(claimed) is Reliability.CHECKED


def test_an_empty_patient_is_read_without_a_fault() -> None:
    read = patients.read({"resourceType": "Patient", "birthDate": "1979", "name": [{}], "address": [{}]})
    assert (read.birth_date, read.family, read.ins, read.phone) == (None, "", None, "")
