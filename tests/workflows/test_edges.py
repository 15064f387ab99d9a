"""What happens at the edges: late timers, late clicks, odd but valid handoffs."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.care_request import State
from hub.domain.people import client_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level, cut
from hub.r4 import elements, names
from hub.r4.shapes import handoff as bundles
from hub.storage import clients, resources
from hub.storage.clients import Client
from hub.storage.session import Session
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import dispatch, handoffs, record, requests
from hub.workflows.topics import ResponseOver, WaveOver

VASSEUR, LEBRUN, MARCHAND = "899700999909", "899700999917", "899700999925"
SUBJECT = "urn:uuid:0e5a0417-0000-4000-8000-000000000001"


async def notices(session: Session) -> list[datetime]:
    """The hour of which each mail to a person asked speaks."""
    rows = await session.execute(
        select(outbox_table.c.payload).where(outbox_table.c.topic == "mail.send").order_by(outbox_table.c.id)
    )
    return [
        datetime.fromisoformat(payload["due"]) for (payload,) in rows if payload["template"] == "request-waiting"
    ]  # fmt: skip


@pytest.fixture
async def handed(place: Any, bundle: Any) -> Any:
    await place.professional(VASSEUR, "VASSEUR")
    await place.professional(LEBRUN, "LEBRUN", skill="SM54")
    received = await handoffs.receive(place.session, place.sas, bundle())
    return place, received.request


async def test_released_after_the_hour_of_its_wave_people_hear_of_an_hour_to_come(handed: Any, clock: Any) -> None:
    place, request_id = handed
    await requests.accept(place.session, place.people["VASSEUR"], request_id)
    clock.advance(timedelta(minutes=90))  # wave 2 would have ended at 70
    before = len(await notices(place.session))
    await requests.release(place.session, place.people["VASSEUR"], request_id, "emergency")
    (due,) = (await notices(place.session))[before:]
    assert due > clock.now()
    assert (await record.lock(place.session, request_id)).request.wave == 3


async def test_a_wave_opened_late_is_not_over_before_it_begins(place: Any, bundle: Any, clock: Any) -> None:
    await place.professional(VASSEUR, "VASSEUR")
    handoff = bundle()
    person = {"system": names.IDNPS, "value": VASSEUR}
    handoff["entry"][0]["resource"]["generalPractitioner"] = [{"identifier": person}]
    await place.professional(LEBRUN, "LEBRUN", skill="SM54")
    request_id = (await handoffs.receive(place.session, place.sas, handoff)).request
    assert (await record.lock(place.session, request_id)).request.wave == 1
    clock.advance(timedelta(minutes=80))  # nobody was there to close wave 1 at 20, nor wave 2 at 70
    before = len(await notices(place.session))
    await dispatch.wave_over(place.session, WaveOver(request=request_id, attempt=1, number=1))
    (due,) = (await notices(place.session))[before:]
    assert due > clock.now()


async def test_who_held_a_request_that_ended_does_not_hold_it_again(handed: Any) -> None:
    place, request_id = handed
    await requests.accept(place.session, place.people["VASSEUR"], request_id)
    await requests.cancel(place.session, place.sas, request_id, "no-longer-needed")
    with pytest.raises(Refusal, match="not-a-move"):
        await requests.accept(place.session, place.people["VASSEUR"], request_id)


async def test_who_answers_too_late_reads_why(handed: Any, clock: Any) -> None:
    place, request_id = handed
    clock.advance(timedelta(minutes=120))
    await dispatch.response_over(place.session, ResponseOver(request=request_id, attempt=1))
    with pytest.raises(Refusal, match="response-delay-over"):
        await requests.accept(place.session, place.people["VASSEUR"], request_id)


async def test_worsening_is_told_to_the_sas_as_such(handed: Any) -> None:
    place, request_id = handed
    request = await requests.hand_back(place.session, place.operator, request_id, "worsening")
    assert request.state is State.HANDED_BACK
    task = (await record.lock(place.session, request_id)).task
    business = elements.code(task["businessStatus"], names.system("handoff-business-status"))
    assert (task["status"], business) == ("failed", "redirected-amu")
    assert elements.code(task["statusReason"], names.system("handoff-failure")) == "worsening"


async def test_a_note_of_the_regulation_is_not_shared_before_acceptance(place: Any, bundle: Any) -> None:
    handoff = bundle()
    mark = {"url": names.structure("pre-acceptance"), "valueBoolean": True}
    handoff["entry"][2]["resource"]["note"] = [{"extension": [mark], "text": "Mme PAT-TROIS, porte 3."}]
    request_id = (await handoffs.receive(place.session, place.sas, handoff)).request
    stored = await resources.peek(place.session, "ServiceRequest", request_id)
    assert stored is not None
    assert stored["note"][0]["text"] == "Mme PAT-TROIS, porte 3."
    outline = cut(stored, Level.OUTLINE)
    assert outline is not None
    assert "note" not in outline


def test_the_same_content_in_another_order_is_a_repetition(bundle: Any) -> None:
    one = bundle()
    other = copy.deepcopy(one)
    other["entry"].reverse()
    assert bundles.fingerprint(one) == bundles.fingerprint(other)


@pytest.mark.parametrize("subject", [
    {"identifier": {"system": names.ns("sas-patient"), "value": "x"}},
    {"reference": "#p"},
    {"reference": "Patient/somebody-else"},
    {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000002"},
])  # fmt: skip
async def test_a_request_about_nobody_of_the_bundle_is_refused(
    place: Any, bundle: Any, subject: dict[str, Any]
) -> None:
    handoff = bundle()
    handoff["entry"][2]["resource"]["subject"] = subject
    with pytest.raises(Refusal, match="bad-reference") as refused:
        await handoffs.receive(place.session, place.sas, handoff)
    assert refused.value.expression == "Bundle.entry[2].resource.subject"


async def test_two_regulators_without_a_system_are_two_people(place: Any, bundle: Any) -> None:
    found = []
    for number, family in ((1, "Durand"), (2, "Petit")):
        handoff = bundle(f"fr.health.samu950.patient.DRFR15950262190041{number}.1")
        person = {"resourceType": "Practitioner", "identifier": [{"value": "17"}], "name": [{"family": family}]}
        address = "urn:uuid:0e5a0417-0000-4000-8000-000000000003"
        handoff["entry"].append({"fullUrl": address, "resource": person, "request": {"method": "POST", "url": "x"}})
        handoff["entry"][2]["resource"]["requester"] = {"reference": address}
        received = await handoffs.receive(place.session, place.sas, handoff)
        stored = await resources.peek(place.session, "ServiceRequest", received.request)
        assert stored is not None
        found.append(stored["requester"]["reference"])
    assert len(set(found)) == 2


@pytest.mark.parametrize("path, value", [
    (("name",), [{"use": "official", "family": "PAT-TROIS", "given": [None, "DOMINIQUE"], "_given": [{"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}, None]}]),
    (("birthDate",), "1979"),
    (("birthDate",), "1979-03"),
    (("telecom",), [{"system": "phone"}, {"system": "phone", "value": "+33639981100"}]),
    (("telecom",), [{"system": "phone", "value": "+33639981100", "rank": 1}, {"value": "x"}]),
])  # fmt: skip
async def test_odd_but_valid_patients_are_taken(place: Any, bundle: Any, path: tuple[str], value: Any) -> None:
    handoff = bundle()
    handoff["entry"][0]["resource"][path[0]] = value
    await place.professional(VASSEUR, "VASSEUR")
    received = await handoffs.receive(place.session, place.sas, handoff)
    await requests.accept(place.session, place.people["VASSEUR"], received.request)


async def test_the_place_of_one_handoff_is_hidden_from_another_sas(place: Any, bundle: Any) -> None:
    second = replace(
        place.sas, id="other", organization="samu780", client="other", keys=frozenset({client_key("other")})
    )
    await clients.keep(
        place.session, Client(id="other", name="SAMU-SAS 78", kind="sas", organization="samu780", identity_trusted=True)
    )
    where = {"resourceType": "Location", "status": "active", "address": {"line": ["3 impasse Cachée"]}}
    found = []
    for viewer, file in ((place.sas, "a.1"), (second, "b.1")):
        handoff = bundle(file)
        handoff["entry"][1]["resource"]["identifier"][0]["value"] = viewer.client
        handoff["entry"].append({"fullUrl": "urn:uuid:0e5a0417-0000-4000-8000-000000000004", "resource": where})
        received = await handoffs.receive(place.session, viewer, handoff)
        found.append(next(one.split("/")[1] for one in received.locations if one.startswith("Location/")))
    assert await resources.read(place.session, place.sas, "Location", found[0]) is not None
    assert await resources.read(place.session, second, "Location", found[0]) is None
