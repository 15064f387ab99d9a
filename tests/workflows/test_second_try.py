"""The SAS hands the same file over again after it came back: everything it says now counts (sas.md 17.7)."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.care_request import State
from hub.domain.people import Capacity, Viewer, operators_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.r4.shapes import patient as shape
from hub.r4.shapes import shared_patient as shared
from hub.storage import board, grants, resources, territories
from hub.storage.board import Filters
from hub.storage.territories import Network
from hub.workflows import dispatch, handoffs, invitations, patients, record, requests
from hub.workflows.topics import ResponseOver
from tests.workflows.conftest import ALWAYS, MARINES

VASSEUR, LEBRUN = "899700999909", "899700999917"
NEIGHBOUR = "cpts-vexin"
OPERATOR = Viewer(
    id="op-2", capacity=Capacity.OPERATOR, name="Nadia", organization=NEIGHBOUR, keys=frozenset({operators_key(NEIGHBOUR)})
)  # fmt: skip


@pytest.fixture
async def back(place: Any, bundle: Any, clock: Any) -> Any:
    """A file that came back to the SAS without an answer."""
    await territories.keep(
        place.session, Network(id=NEIGHBOUR, name="CPTS du Vexin", structure_id="10B0123457", rules={"opening": ALWAYS}), [MARINES]
    )  # fmt: skip
    received = await handoffs.receive(place.session, place.sas, bundle(due="2026-11-16T08:45:00Z"))
    clock.move_to(datetime(2026, 11, 16, 10, tzinfo=UTC))
    await dispatch.response_over(place.session, ResponseOver(request=received.request, attempt=1))
    assert (await record.lock(place.session, received.request)).request.state is State.HANDED_BACK
    return place, received


def later(bundle: Any, **words: Any) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(bundle(**{"due": "2026-11-16T11:30:00Z", **words}))
    for entry in made["entry"]:
        if "authoredOn" in entry["resource"]:
            entry["resource"]["authoredOn"] = "2026-11-16T09:59:00Z"
    return made


async def test_the_delay_is_the_one_asked_now(back: Any, bundle: Any) -> None:
    place, first = back
    await handoffs.receive(place.session, place.sas, later(bundle))
    request = (await record.lock(place.session, first.request)).request
    assert request.response_due == datetime(2026, 11, 16, 11, 30, tzinfo=UTC)  # the first one gave 45 minutes


async def test_the_territory_is_the_one_of_the_new_address(back: Any, bundle: Any) -> None:
    place, first = back
    handoff = later(bundle, commune=MARINES)
    handoff["entry"][0]["resource"]["address"][0]["city"] = "Marines"
    await handoffs.receive(place.session, place.sas, handoff)
    found = await record.lock(place.session, first.request)
    assert (found.request.network, found.request.commune, found.request.attempt) == (NEIGHBOUR, MARINES, 2)
    assert found.task["owner"]["reference"] == f"Organization/{NEIGHBOUR}"
    assert await grants.level_of(place.session, OPERATOR, first.request) is Level.FULL
    assert await grants.level_of(place.session, place.operator, first.request) is Level.NOTHING
    assert await grants.level_of(place.session, place.sas, first.request) is Level.FULL
    (row,) = await board.rows(place.session, OPERATOR, filters=Filters())
    assert (row.request, row.commune) == (first.request, MARINES)


async def test_patient_reason_and_task_are_those_of_now(back: Any, bundle: Any) -> None:
    place, first = back
    handoff = later(bundle)
    patient, _, request, task = (entry["resource"] for entry in handoff["entry"])
    patient["telecom"] = [{"system": "phone", "value": "+33639981155"}]
    patient["address"][0]["line"] = ["9 quai Neuf"]
    patient["name"][0]["given"] = ["DOMINIQUE", "ANNE"]
    request |= {"reasonCode": [{"text": "Chute"}], "note": [{"text": "Tombée ce matin."}]}
    task["input"] = [{"type": {"text": "callback-phone"}, "valueString": "+33639981156"}]
    again = await handoffs.receive(place.session, place.sas, handoff)
    found = await record.lock(place.session, first.request)
    known = await resources.peek(place.session, "Patient", found.request.patient)
    assert known is not None
    person = shape.read(known)
    assert (person.phone, person.address.lines) == ("+33639981155", ("9 quai Neuf",))
    assert person.is_qualified and "DOMINIQUE ANNE" in person.given
    assert len(known["telecom"]) == len(known["address"]) == 1
    assert (found.request.reason, found.service_request["note"]) == ("Chute", [{"text": "Tombée ce matin."}])
    assert found.task["input"][0]["valueString"] == "+33639981156"
    kept = [elements.identifier(found.service_request, names.ns(name)) for name in ("request-number", "sas-patient")]
    assert all(kept) and found.service_request["subject"] == {"reference": f"Patient/{found.request.patient}"}
    assert again.created == {"Task"}
    assert any(one.startswith(f"Task/{found.request.task}/_history/") for one in again.locations)
    assert f"ServiceRequest/{first.request}/_history/{found.service_request['meta']['versionId']}" in again.locations
    (row,) = await board.rows(place.session, place.operator, filters=Filters())
    assert (row.patient_phone, row.reason) == ("+33639981155", "Chute")


async def test_what_an_operator_chose_stays_first(back: Any, bundle: Any) -> None:
    place, first = back
    patient = (await record.lock(place.session, first.request)).request.patient
    known = await resources.lock(place.session, "Patient", patient)
    known["telecom"].append({"system": "phone", "value": "+33639981199"})
    await resources.save(place.session, Viewer.hub(), known)
    await patients.choose(place.session, place.operator, patient, "telecom", shared.key(known["telecom"][1]))
    handoff = later(bundle)
    handoff["entry"][0]["resource"]["telecom"] = [{"system": "phone", "value": "+33639981155", "rank": 1}]
    await handoffs.receive(place.session, place.sas, handoff)
    kept = await resources.peek(place.session, "Patient", patient)
    assert kept is not None
    assert [part["value"] for part in kept["telecom"]] == ["+33639981199", "+33639981155"]
    assert shape.read(kept).phone == "+33639981199"


async def test_a_place_of_care_given_now_is_the_one_of_the_request(back: Any, bundle: Any) -> None:
    place, first = back
    handoff = later(bundle)
    where = {"resourceType": "Location", "status": "active", "address": {"line": ["Chez sa fille"]}}
    handoff["entry"].append({"fullUrl": "urn:uuid:0e5a0417-0000-4000-8000-000000000004", "resource": where})
    handoff["entry"][2]["resource"]["locationReference"] = [
        {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000004"}
    ]
    again = await handoffs.receive(place.session, place.sas, handoff)
    assert again.created == {"Task", "Location"}
    found = await record.lock(place.session, first.request)
    reference = found.service_request["locationReference"][0]["reference"]
    assert f"{reference}/_history/1" in again.locations


async def test_nothing_changes_when_the_new_territory_is_not_served(back: Any, bundle: Any) -> None:
    place, first = back
    before = await record.lock(place.session, first.request)
    with pytest.raises(Refusal, match="territory-not-served"):
        await handoffs.receive(place.session, place.sas, later(bundle, commune="13055"))
    assert await record.lock(place.session, first.request) == before


async def test_the_second_try_asks_people_again_and_is_taken(back: Any, bundle: Any, clock: Any) -> None:
    place, first = back
    doctor = await place.professional(VASSEUR, "VASSEUR")
    await handoffs.receive(place.session, place.sas, later(bundle))
    found = await record.lock(place.session, first.request)
    assert [invitations.owner(task) for task in await invitations.of_request(place.session, found.request)] == [
        doctor.role
    ]
    clock.advance(timedelta(minutes=1))
    assert (await requests.accept(place.session, doctor, first.request)).state is State.ACCEPTED


async def test_the_same_second_try_twice_is_one(back: Any, bundle: Any) -> None:
    place, first = back
    again = await handoffs.receive(place.session, place.sas, later(bundle))
    repeated = await handoffs.receive(place.session, place.sas, later(bundle))
    assert (repeated.request, repeated.locations, repeated.created) == (first.request, again.locations, frozenset())
    assert (await record.lock(place.session, first.request)).request.attempt == 2
