"""One request through its life, against a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.appointment import Mode
from hub.domain.care_request import State
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level, is_cut
from hub.r4 import elements, names
from hub.storage import board, grants, outbox, resources
from hub.storage.board import Filters
from hub.storage.session import Session
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import accounts as entries
from hub.workflows import appointments, dispatch, handoffs, invitations, record, requests
from hub.workflows.appointments import Proposal
from hub.workflows.topics import ResponseOver, UnreachableOver, WaveOver

VASSEUR, LEBRUN, MARCHAND = "899700999909", "899700999917", "899700999925"


async def topics(session: Session) -> list[str]:
    rows = await session.execute(select(outbox_table.c.topic).order_by(outbox_table.c.id))
    return [row.topic for row in rows]


async def outcomes(session: Session) -> list[str]:
    """businessStatus of every version sent to the SAS, in order."""
    rows = await session.execute(
        select(outbox_table.c.payload).where(outbox_table.c.topic == "sas.outcome").order_by(outbox_table.c.id)
    )
    found = []
    for (payload,) in rows:
        version = await resources.vread(session, Viewer.hub(), "Task", payload["task"], payload["version"])
        assert version is not None
        found.append(elements.code(version.json().get("businessStatus"), names.system("handoff-business-status")))
    return found


@pytest.fixture
async def handed(place: Any, bundle: Any) -> Any:
    """Two volunteers, and a request handed over."""
    await place.professional(VASSEUR, "VASSEUR")
    await place.professional(LEBRUN, "LEBRUN", skill="SM54")
    received = await handoffs.receive(place.session, place.sas, bundle())
    return place, received.request


async def test_a_handoff_is_put_to_the_search(handed: Any) -> None:
    place, request_id = handed
    found = await record.lock(place.session, request_id)
    assert found.request.state is State.SEARCHING
    assert found.request.wave == 2  # nobody is the usual GP: wave 1 finds nobody and is skipped at once
    assert found.request.response_due == datetime(2026, 11, 16, 10, tzinfo=UTC)
    asked = await invitations.of_request(place.session, found.request)
    assert {invitations.owner(task) for task in asked} == {viewer.role for viewer in place.people.values()}
    assert await outcomes(place.session) == ["searching"]
    said = await topics(place.session)
    assert said.count("mail.send") == 2
    assert said.count("sms.send") == 2
    (row,) = await board.rows(place.session, place.operator, filters=Filters())
    assert (row.state, row.patient_name, row.number) == ("searching", "DOMINIQUE PAT-TROIS", found.request.number)


@pytest.mark.parametrize(
    ("position", "said"),
    [
        (None, {"VASSEUR": (2, "place"), "LEBRUN": (2, "place")}),
        ({"longitude": 2.11, "latitude": 49.06}, {"VASSEUR": (1, "place"), "LEBRUN": (1, "address")}),
    ],
)
async def test_an_invitation_says_how_far_and_what_that_is_worth(
    position: Any, said: dict[str, tuple[int, str]], place: Any, bundle: Any
) -> None:
    """From a commune or an address, to the commune of one and the address of the other (rpps.md 12.5)."""
    await place.professional(VASSEUR, "VASSEUR", commune="95500")
    lebrun = await place.professional(LEBRUN, "LEBRUN", commune="95500")
    where = {"commune": "95500", "longitude": 2.1, "latitude": 49.05}
    await entries.set_preferences(place.session, lebrun, lebrun.role, addresses=[where])
    handoff = bundle()
    if position:
        location = {"resourceType": "Location", "status": "active", "position": position}
        url = "urn:uuid:0e5a0417-0000-4000-8000-000000000004"
        handoff["entry"].append({"fullUrl": url, "resource": location})
        handoff["entry"][2]["resource"]["locationReference"] = [{"reference": url}]
    found = await record.lock(place.session, (await handoffs.receive(place.session, place.sas, handoff)).request)
    far = {}
    for task in await invitations.of_request(place.session, found.request):
        given = {elements.code(one["type"], names.system("task-input")): one for one in task["input"]}
        far[invitations.owner(task)] = (
            given["distance-km"]["valueInteger"],
            given["distance-precision"]["valueCode"],
        )
    assert {name: far[viewer.role] for name, viewer in place.people.items()} == said


async def test_the_outline_names_nobody_and_the_acceptor_sees_all(handed: Any) -> None:
    place, request_id = handed
    doctor, other = place.people["VASSEUR"], place.people["LEBRUN"]
    before = await record.lock(place.session, request_id)
    patient = before.request.patient
    seen = await resources.read(place.session, doctor, "Patient", patient)
    assert seen is not None
    assert is_cut(seen.json())
    assert b"PAT-TROIS" not in seen.content
    assert seen.json()["birthDate"] == "1979"
    assert await resources.read(place.session, doctor, "Task", before.request.task) is None
    await requests.accept(place.session, doctor, request_id)
    whole = await resources.read(place.session, doctor, "Patient", patient)
    assert whole is not None
    assert b"PAT-TROIS" in whole.content
    assert await resources.read(place.session, other, "Patient", patient) is None
    assert await grants.level_of(place.session, other, request_id) is Level.NOTHING


async def test_the_second_to_accept_reads_that_it_was_taken(handed: Any) -> None:
    place, request_id = handed
    await requests.accept(place.session, place.people["VASSEUR"], request_id)
    with pytest.raises(Refusal, match="already-taken"):
        await requests.accept(place.session, place.people["LEBRUN"], request_id)
    again = await requests.accept(
        place.session, place.people["VASSEUR"], request_id
    )  # pressed twice: nothing is done again
    assert again.state is State.ACCEPTED
    assert await outcomes(place.session) == ["searching", "taken"]


async def test_a_stranger_may_not_accept(handed: Any) -> None:
    place, request_id = handed
    stranger = await place.professional(MARCHAND, "MARCHAND")
    with pytest.raises(Refusal, match="not-allowed"):
        await requests.accept(place.session, stranger, request_id)


async def test_from_acceptance_to_done_the_sas_hears_every_step_in_order(handed: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    planned = await appointments.propose(place.session, doctor, request_id, Proposal(mode=Mode.PRACTICE, start=start))
    assert planned.end == start + timedelta(minutes=20)
    await appointments.confirm(place.session, place.operator, request_id)
    await appointments.finish(place.session, doctor, request_id, was_seen=True)
    assert await outcomes(place.session) == ["searching", "taken", "appointment-proposed", "confirmed", "done"]
    appointment = await resources.peek(place.session, "Appointment", planned.id)
    assert appointment is not None
    assert appointment["status"] == "fulfilled"
    assert await board.rows(place.session, place.operator, filters=Filters()) == []


async def test_declining_by_everybody_opens_the_next_wave_and_hides_the_request(handed: Any) -> None:
    place, request_id = handed
    for viewer in place.people.values():
        await requests.decline(place.session, viewer, request_id, "indisponible")
        assert await grants.level_of(place.session, viewer, request_id) is Level.NOTHING
    found = await record.lock(place.session, request_id)
    assert found.request.state is State.SEARCHING
    assert found.request.wave == 3


async def test_the_deadline_hands_back_exactly_once(handed: Any, clock: Any) -> None:
    place, request_id = handed
    clock.move_to(datetime(2026, 11, 16, 10, 0, 1, tzinfo=UTC))
    over = ResponseOver(request=request_id, attempt=1)
    await dispatch.response_over(place.session, over)
    await dispatch.response_over(place.session, over)
    found = await record.lock(place.session, request_id)
    assert (found.request.state, found.request.failure) == (State.HANDED_BACK, "no-answer-in-time")
    assert found.task["status"] == "failed"
    assert found.service_request["status"] == "revoked"
    assert await outcomes(place.session) == ["searching", "handed-back"]
    with pytest.raises(Refusal):
        await requests.accept(place.session, place.people["VASSEUR"], request_id)


async def test_a_wave_that_is_over_asks_more_people_but_tells_nobody_twice(handed: Any, clock: Any) -> None:
    place, request_id = handed
    clock.advance(timedelta(minutes=71))
    before = (await topics(place.session)).count("sms.send")
    await dispatch.wave_over(place.session, WaveOver(request=request_id, attempt=1, number=2))
    found = await record.lock(place.session, request_id)
    assert found.request.wave == 3
    assert (await topics(place.session)).count("sms.send") == before
    await dispatch.wave_over(place.session, WaveOver(request=request_id, attempt=1, number=2))  # late copy: nothing
    assert (await record.lock(place.session, request_id)).request.wave == 3


async def test_released_in_time_it_searches_again_and_late_it_goes_back(handed: Any, clock: Any) -> None:
    place, request_id = handed
    doctor, other = place.people["VASSEUR"], place.people["LEBRUN"]
    await requests.accept(place.session, doctor, request_id)
    freed = await requests.release(place.session, doctor, request_id, "indisponible")
    assert freed.state is State.SEARCHING
    assert await resources.read(place.session, doctor, "Patient", freed.patient) is None
    await requests.accept(place.session, other, request_id)
    clock.move_to(datetime(2026, 11, 16, 10, 30, tzinfo=UTC))
    late = await requests.release(place.session, other, request_id, "indisponible")
    assert (late.state, late.failure) == (State.HANDED_BACK, "released-too-late")


async def test_the_sas_withdraws_and_the_doctor_is_told(handed: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    cancelled = await requests.cancel(place.session, place.sas, request_id, "autre")
    assert cancelled.state is State.CANCELLED
    assert await outcomes(place.session) == ["searching", "taken", "withdrawn"]
    rows = await outbox.rows(place.session, topic="mail.send")
    assert rows[0].payload["template"] == "request-withdrawn"


async def test_withdrawn_after_confirmation_the_task_stays_completed(handed: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    await appointments.propose(place.session, doctor, request_id, Proposal(mode=Mode.PRACTICE, start=start))
    await appointments.confirm(place.session, place.operator, request_id)
    await requests.cancel(place.session, place.sas, request_id, "autre")
    found = await record.lock(place.session, request_id)
    assert found.task["status"] == "completed"
    assert found.request.state is State.CANCELLED
    assert await outcomes(place.session) == ["searching", "taken", "appointment-proposed", "confirmed", "withdrawn"]


async def test_issued_again_it_is_a_second_attempt_on_the_same_request(handed: Any, clock: Any) -> None:
    place, request_id = handed
    clock.move_to(datetime(2026, 11, 16, 10, 0, 1, tzinfo=UTC))
    await dispatch.response_over(place.session, ResponseOver(request=request_id, attempt=1))
    again = await requests.reissue(place.session, place.operator, request_id)
    assert (again.attempt, again.state) == (2, State.SEARCHING)
    assert again.response_due == clock.instant + timedelta(hours=2)
    await requests.accept(place.session, place.people["VASSEUR"], request_id)


async def test_a_patient_nobody_reaches_goes_back_to_the_sas_before_the_hour(handed: Any, clock: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    planned = await appointments.propose(place.session, doctor, request_id, Proposal(mode=Mode.PRACTICE, start=start))
    await appointments.not_reached(place.session, place.operator, request_id)
    (timer,) = await outbox.rows(place.session, topic="unreachable.over")
    assert timer.due_at == start - timedelta(minutes=30)
    clock.move_to(timer.due_at)
    over = UnreachableOver(request=request_id, appointment=planned.id)
    await appointments.unreachable_over(place.session, over)
    await appointments.unreachable_over(place.session, over)
    found = await record.lock(place.session, request_id)
    assert (found.request.state, found.request.failure) == (State.HANDED_BACK, "patient-unreachable")
    assert await outcomes(place.session) == [
        "searching", "taken", "appointment-proposed", "patient-unreachable", "handed-back",
    ]  # fmt: skip
    appointment = await resources.peek(place.session, "Appointment", planned.id)
    assert appointment is not None
    assert appointment["status"] == "cancelled"


async def test_reached_after_all_the_timer_does_nothing(handed: Any, clock: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    planned = await appointments.propose(place.session, doctor, request_id, Proposal(mode=Mode.PRACTICE, start=start))
    await appointments.not_reached(place.session, place.operator, request_id)
    await appointments.reached(place.session, place.operator, request_id)
    clock.move_to(start - timedelta(minutes=30))
    await appointments.unreachable_over(place.session, UnreachableOver(request=request_id, appointment=planned.id))
    assert (await record.lock(place.session, request_id)).request.state is State.PROPOSED


async def test_the_sas_may_hand_over_again_what_came_back(handed: Any, clock: Any, bundle: Any) -> None:
    place, request_id = handed
    clock.move_to(datetime(2026, 11, 16, 10, 0, 1, tzinfo=UTC))
    await dispatch.response_over(place.session, ResponseOver(request=request_id, attempt=1))
    later = bundle(due="2026-11-16T12:30:00Z")
    for entry in later["entry"]:
        if "authoredOn" in entry["resource"]:
            entry["resource"]["authoredOn"] = "2026-11-16T10:05:00Z"
    again = await handoffs.receive(place.session, place.sas, later)
    assert (again.request, again.created) == (request_id, frozenset({"Task"}))
    found = await record.lock(place.session, request_id)
    assert (found.request.attempt, found.request.state) == (2, State.SEARCHING)
    repeated = await handoffs.receive(place.session, place.sas, later)
    assert (repeated.locations, repeated.created) == (again.locations, frozenset())


async def test_an_older_copy_of_what_came_back_is_refused(handed: Any, clock: Any, bundle: Any) -> None:
    place, request_id = handed
    clock.move_to(datetime(2026, 11, 16, 10, 0, 1, tzinfo=UTC))
    await dispatch.response_over(place.session, ResponseOver(request=request_id, attempt=1))
    other = bundle()
    other["entry"][2]["resource"]["reasonCode"] = [{"text": "Autre chose"}]
    with pytest.raises(Refusal, match="case-exists-with-other-content"):
        await handoffs.receive(place.session, place.sas, other)


async def test_a_withdrawal_after_the_visit_is_no_error_and_changes_nothing(handed: Any) -> None:
    place, request_id = handed
    doctor = place.people["VASSEUR"]
    await requests.accept(place.session, doctor, request_id)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    await appointments.propose(place.session, doctor, request_id, Proposal(mode=Mode.PRACTICE, start=start))
    await appointments.confirm(place.session, place.operator, request_id)
    await appointments.finish(place.session, doctor, request_id, was_seen=True)
    before = await outcomes(place.session)
    after = await requests.cancel(place.session, place.sas, request_id, "autre")
    assert after.state is State.DONE
    assert await outcomes(place.session) == before
