"""The circle of care has an end: a year after the last act, on every road (workflow.md 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.appointment import Mode
from hub.domain.visibility import Level
from hub.storage import grants, outbox, resources
from hub.storage.search import search
from hub.workflows import appointments, circle, handoffs, notebook, requests
from hub.workflows.appointments import Proposal
from hub.workflows.topics import MembershipOver

VASSEUR, LEBRUN = "899700999909", "899700999917"
PHONE, STREET = b"39981100", b"rue des Essais"
YEAR, DAY = timedelta(days=365), timedelta(days=1)


@pytest.fixture
async def taken(place: Any, bundle: Any) -> Any:
    """A request that Dr Vasseur accepted: the place, the doctor, the request."""
    doctor = await place.professional(VASSEUR, "VASSEUR")
    received = await handoffs.receive(place.session, place.sas, bundle())
    return place, doctor, await requests.accept(place.session, doctor, received.request)


async def told(place: Any, viewer: Any, request: Any) -> bytes:
    """Everything that reads, versions, histories, searches and includes give to a viewer about the patient."""
    session, found = place.session, b""
    for kind, id in (("Patient", request.patient), ("ServiceRequest", request.id), ("Task", request.task)):
        stored = [await resources.read(session, viewer, kind, id), await resources.vread(session, viewer, kind, id, 1)]
        past = await resources.history(session, viewer, kind, id)
        around = [("_include", "*"), ("_revinclude", "Task:patient")] if kind == "Patient" else [("_include", "*")]
        page = await search(session, viewer, kind, around)
        found += b"".join(one.content for one in [*filter(None, stored), *past, *page.matches, *page.includes])
    by_phone = await search(session, viewer, "Patient", [("phone", "+33639981100")])
    through = await search(session, viewer, "Task", [("patient:Patient.phone", "+33639981100")])
    return found + b"".join(one.content for one in [*by_phone.matches, *through.matches])


async def test_phone_and_address_close_a_year_after_the_acceptance(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    clock.advance(YEAR - DAY)
    assert PHONE in (seen := await told(place, doctor, request)) and STREET in seen
    clock.advance(DAY)
    seen = await told(place, doctor, request)
    assert PHONE not in seen and STREET not in seen
    assert await grants.level_of(place.session, doctor, request.id) is Level.NOTHING
    assert not await grants.covers_patient(place.session, doctor, request.patient)


async def test_each_act_moves_the_end(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    acts = (
        lambda: appointments.propose(
            place.session, doctor, request.id, Proposal(mode=Mode.PRACTICE, start=clock.instant + DAY)
        ),
        lambda: appointments.confirm(place.session, doctor, request.id),
        lambda: appointments.finish(place.session, doctor, request.id, was_seen=True),
        lambda: notebook.add(place.session, doctor, request.patient, kind="INTERV", text="Vue ce jour."),
    )
    for act in acts:
        clock.advance(YEAR - DAY)
        await act()
    clock.advance(YEAR - DAY)
    assert PHONE in await told(place, doctor, request)
    clock.advance(DAY)
    assert PHONE not in await told(place, doctor, request)


async def test_a_correction_is_an_act_too(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    note = await notebook.add(place.session, doctor, request.patient, kind="INTERV", text="Tension 12/7.")
    clock.advance(YEAR - DAY)
    await notebook.correct(place.session, doctor, note.id, text="Tension 17/9.")
    clock.advance(YEAR - DAY)
    assert PHONE in await told(place, doctor, request)


async def test_what_others_do_does_not_keep_the_acceptor_in(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    start = clock.instant + 2 * DAY
    await appointments.propose(place.session, doctor, request.id, Proposal(mode=Mode.PRACTICE, start=start))
    clock.advance(DAY)
    await appointments.confirm(place.session, place.operator, request.id)
    clock.advance(YEAR - DAY)
    assert PHONE not in await told(place, doctor, request)
    assert PHONE in await told(place, place.operator, request)


async def test_an_act_after_the_end_opens_nothing_again(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    note = await notebook.add(place.session, doctor, request.patient, kind="INTERV", text="Tension 12/7.")
    clock.advance(YEAR)
    await notebook.correct(place.session, doctor, note.id, text="Tension 17/9.")
    assert PHONE not in await told(place, doctor, request)


async def test_the_author_keeps_what_they_wrote(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    other = await place.professional(LEBRUN, "LEBRUN", skill="SM54")
    await circle.join(place.session, request.patient, other.role)
    mine = await notebook.add(place.session, doctor, request.patient, kind="INTERV", text="Pouls régulier.")
    theirs = await notebook.add(place.session, other, request.patient, kind="INTERV", text="Pansement refait.")
    clock.advance(YEAR)
    assert await resources.read(place.session, doctor, "DocumentReference", mine.id) is not None
    assert await resources.read(place.session, doctor, "DocumentReference", theirs.id) is None
    found = await search(place.session, doctor, "DocumentReference", [])
    assert [one.id for one in found.matches] == [mine.id]
    assert await search(place.session, doctor, "CareTeam", []) == await search(place.session, other, "CareTeam", [])


async def test_the_team_says_who_left(taken: Any, clock: Any) -> None:
    place, doctor, request = taken
    clock.advance(DAY)
    await notebook.add(place.session, doctor, request.patient, kind="INTERV", text="Pouls régulier.")
    (timer,) = await outbox.rows(place.session, topic="membership.over")
    over = MembershipOver(patient=request.patient, role=doctor.role)
    clock.move_to(timer.due_at)
    await circle.membership_over(place.session, over)
    team = await circle.of(place.session, request.patient)
    assert team is not None and "end" not in team["participant"][0]["period"]
    again = max(row.due_at for row in await outbox.rows(place.session, topic="membership.over"))
    assert again == timer.due_at + DAY
    clock.move_to(again)
    await circle.membership_over(place.session, over)
    await circle.membership_over(place.session, over)
    team = await circle.of(place.session, request.patient)
    assert team is not None and [part["period"].get("end") for part in team["participant"]] == ["2027-11-17T08:00:00Z"]


async def test_who_comes_back_reads_again_what_they_had_accepted(taken: Any, clock: Any, bundle: Any) -> None:
    place, doctor, request = taken
    clock.move_to(datetime(2028, 1, 3, 9, tzinfo=UTC))
    assert PHONE not in await told(place, doctor, request)
    second = bundle("fr.health.samu950.patient.DRFR159502800300001.1", due="2028-01-03T11:00:00Z")
    received = await handoffs.receive(place.session, place.sas, second)
    await requests.accept(place.session, doctor, received.request)
    assert await grants.level_of(place.session, doctor, request.id) is Level.FULL
    assert PHONE in await told(place, doctor, request)
