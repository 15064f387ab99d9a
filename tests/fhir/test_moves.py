"""A Task changed by a doctor's software or by the SAS is a move of the state machine, or nothing (fhir.md 9.1)."""

from __future__ import annotations

import asyncio
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.domain.appointment import Mode
from hub.domain.care_request import State
from hub.r4 import names
from hub.storage.session import Session
from hub.workflows import appointments, invitations, record
from hub.workflows.appointments import Proposal
from tests.fhir.conftest import JSON_TYPE, PATCH_TYPE, Story, issue
from tests.workflows.conftest import FILE


def reason(code: str, system: str = "decline-reason") -> dict[str, Any]:
    return {"coding": [{"system": names.system(system), "code": code}]}


async def state(story: Story) -> tuple[State, dict[str, str]]:
    """The request and the status of each doctor's latest invitation."""
    async with story.face.database.transaction() as session:
        found = await record.lock(session, story.request)
        tasks = await invitations.of_request(session, found.request)
    people = {viewer.role: family for family, viewer in story.face.place.people.items()}
    return found.request.state, {people[invitations.owner(task)]: task["status"] for task in tasks}


async def test_received_then_accepted_by_put(story: Story) -> None:
    opened = await story.move("VASSEUR", "received")
    assert opened.status_code == 200, opened.text
    assert opened.json()["status"] == "received"
    accepted = await story.move("VASSEUR", "accepted")
    assert accepted.status_code == 200, accepted.text
    assert accepted.headers["ETag"] == f'W/"{accepted.json()["meta"]["versionId"]}"'
    assert await state(story) == (State.ACCEPTED, {"VASSEUR": "accepted", "LEBRUN": "cancelled"})
    patient = await story.get(f"Patient/{story.patient}", story.face.software("VASSEUR"))
    assert patient.json()["name"][0]["family"] == "PAT-TROIS"


async def test_accepted_by_patch(story: Story) -> None:
    task, tag = await story.invitation("LEBRUN")
    path = f"Task/{task['id']}"
    operations = [
        {"op": "test", "path": "/status", "value": "requested"},
        {"op": "replace", "path": "/status", "value": "accepted"},
    ]
    answer = await story.patch(path, operations, story.face.software("LEBRUN"), **{"If-Match": tag})
    assert answer.status_code == 200, answer.text
    assert await state(story) == (State.ACCEPTED, {"VASSEUR": "cancelled", "LEBRUN": "accepted"})


async def test_declined_with_a_reason(story: Story) -> None:
    declined = await story.move("VASSEUR", "rejected", statusReason=reason("too-far"))
    assert declined.status_code == 200, declined.text
    assert declined.json()["statusReason"] == reason("too-far")
    software = story.face.software("VASSEUR")
    for path in (f"Patient/{story.patient}", f"ServiceRequest/{story.request}"):
        assert (await story.get(path, software)).status_code == 404
    other = await story.move("LEBRUN", "rejected")
    assert other.json()["statusReason"] == reason("other")
    assert (await state(story))[1] == {"VASSEUR": "rejected", "LEBRUN": "rejected"}


async def test_a_reason_that_is_not_in_the_list(story: Story) -> None:
    for wrong in (reason("parce-que"), {"coding": [{"system": "urn:x", "code": "too-far"}]}):
        answer = await story.move("VASSEUR", "rejected", statusReason=wrong)
        assert issue(answer) == (422, "code-invalid", "bad-code")
        assert answer.json()["issue"][0]["expression"] == ["Task.statusReason.coding[0]"]
    assert (await state(story))[1]["VASSEUR"] == "requested"


async def test_given_back(story: Story) -> None:
    await story.move("VASSEUR", "accepted")
    released = await story.move("VASSEUR", "failed", statusReason=reason("emergency"))
    assert (released.status_code, released.json()["status"]) == (200, "failed"), released.text
    assert released.json()["businessStatus"]["coding"][0]["code"] == "released"
    assert (await story.get(f"Patient/{story.patient}", story.face.software("VASSEUR"))).status_code == 404
    assert (await state(story))[0] is State.SEARCHING


async def test_done(story: Story) -> None:
    await story.move("VASSEUR", "accepted")
    assert issue(await story.move("VASSEUR", "completed"))[0] == 422
    await _propose(story)
    task, _ = await story.invitation("VASSEUR")
    assert task["status"] == "in-progress"
    assert issue(await story.move("VASSEUR", "completed"))[0] == 422  # not confirmed yet
    async with story.face.database.transaction() as session:
        await appointments.confirm(session, story.face.place.operator, story.request)
    done = await story.move("VASSEUR", "completed")
    assert (done.status_code, done.json()["status"]) == (200, "completed"), done.text
    assert (await state(story))[0] is State.DONE


async def _propose(story: Story) -> None:
    async with story.face.database.transaction() as session:
        start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
        proposal = Proposal(mode=Mode.PRACTICE, start=start)
        await appointments.propose(session, story.face.place.people["VASSEUR"], story.request, proposal)


async def test_if_match_missing_wrong_and_weak(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    software = story.face.software("VASSEUR")
    accepted = {**task, "status": "accepted"}
    assert issue(await story.put(accepted, software)) == (400, "required", "if-match-required")
    for wrong in ('W/"99"', '"abc"', "99", 'W/""'):
        assert issue(await story.put(accepted, software, **{"If-Match": wrong})) == (
            412,
            "conflict",
            "version-conflict",
        )
    patch = [{"op": "replace", "path": "/status", "value": "accepted"}]
    path = f"Task/{task['id']}"
    assert issue(await story.patch(path, patch, software))[0] == 400
    assert issue(await story.patch(path, patch, software, **{"If-Match": 'W/"99"'}))[0] == 412
    assert (await state(story))[0] is State.SEARCHING
    number = tag.removeprefix("W/")
    assert (await story.put(accepted, software, **{"If-Match": number})).status_code == 200


async def test_the_loser_of_a_race_reads_that_it_was_taken_before_that_its_copy_is_old(story: Story) -> None:
    task, tag = await story.invitation("LEBRUN")
    await story.move("VASSEUR", "accepted")
    for status in ("accepted", "received", "rejected"):
        late = await story.put({**task, "status": status}, story.face.software("LEBRUN"), **{"If-Match": tag})
        assert issue(late) == (409, "conflict", "already-taken"), status
    fresh, tag = await story.invitation("LEBRUN")
    assert fresh["status"] == "cancelled"
    again = await story.put({**fresh, "status": "accepted"}, story.face.software("LEBRUN"), **{"If-Match": tag})
    assert issue(again)[0] == 409


async def test_stale_for_another_reason_is_412(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    await story.move("VASSEUR", "received")  # the same person, elsewhere
    stale = await story.put({**task, "status": "accepted"}, story.face.software("VASSEUR"), **{"If-Match": tag})
    assert issue(stale) == (412, "conflict", "version-conflict")


async def test_a_wave_that_is_over_is_no_race(story: Story) -> None:
    async with story.face.database.transaction() as session:
        found = await record.lock(session, story.request)
        await invitations.close(session, found.request, "wave-over")
    answer = await story.move("LEBRUN", "accepted")
    assert issue(answer) == (422, "business-rule", "not-a-move")


async def test_two_accept_at_the_same_instant(story: Story) -> None:
    both = [(family, *(await story.invitation(family))) for family in ("VASSEUR", "LEBRUN")]
    answers = await asyncio.gather(
        *(
            story.put({**task, "status": "accepted"}, story.face.software(family), **{"If-Match": tag})
            for family, task, tag in both
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert issue(lost) == (409, "conflict", "already-taken")
    assert sorted((await state(story))[1].values()) == ["accepted", "cancelled"]


async def test_the_same_put_twice_does_nothing_twice(story: Story) -> None:
    first = await story.move("VASSEUR", "accepted")
    task, tag = await story.invitation("VASSEUR")
    again = await story.put(task, story.face.software("VASSEUR"), **{"If-Match": tag})
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])


async def test_nobody_moves_what_is_not_theirs(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    accepted = {**task, "status": "accepted"}
    assert issue(await story.put(accepted, story.face.software("LEBRUN"), **{"If-Match": tag}))[0] == 404
    assert issue(await story.put(accepted, story.face.sas, **{"If-Match": tag}))[0] == 404
    nobody = await story.face.http.put(f"/fhir/Task/{task['id']}", content=json.dumps(accepted), headers=JSON_TYPE)
    assert issue(nobody)[0] == 401
    unknown = {**accepted, "id": "0b9e34a3-0000-4000-8000-000000000000"}
    assert issue(await story.put(unknown, story.face.software("VASSEUR"), **{"If-Match": tag}))[0] == 404
    await story.move("VASSEUR", "accepted")
    coordinating = await story.get(f"Task/{story.task}", story.face.software("VASSEUR"))
    for status in ("cancelled", "failed"):
        answer = await story.put(
            {**coordinating.json(), "status": status},
            story.face.software("VASSEUR"),
            **{"If-Match": coordinating.headers["ETag"]},
        )
        assert issue(answer) == (403, "forbidden", "not-allowed")
    assert (await state(story))[0] is State.ACCEPTED


async def test_identity_of_address_and_body(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    software = {**story.face.software("VASSEUR"), **JSON_TYPE, "If-Match": tag}
    url = f"/fhir/Task/{task['id']}"

    async def put(body: Any) -> tuple[int, str, str]:
        return issue(await story.face.http.put(url, content=json.dumps(body), headers=software))

    assert await put({**task, "id": "other"}) == (400, "invalid", "id-mismatch")
    assert await put({name: value for name, value in task.items() if name != "id"}) == (400, "invalid", "id-mismatch")
    patient = {"resourceType": "Patient", "id": task["id"]}
    assert await put(patient) == (400, "invalid", "type-mismatch")
    redacted = {**task, "meta": {**task["meta"], "security": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}]}}  # fmt: skip
    assert (await put(redacted))[0] == 422
    assert (await put({**task, "status": "parti"}))[:2] == (400, "code-invalid")


EDITS: list[tuple[str, Any]] = [
    ("owner", {"reference": "PractitionerRole/other"}), ("for", {"reference": "Patient/other"}), ("partOf", []),
    ("focus", {"reference": "ServiceRequest/other"}), ("intent", "plan"), ("priority", "stat"), ("description", "mot"),
    ("note", [{"text": "mot"}]), ("restriction", {"repetitions": 3}), ("input", []), ("authoredOn", "2020-01-01"),
    ("requester", {"reference": "Organization/x"}), ("extension", [{"url": "urn:x", "valueString": "a"}]),
    ("identifier", [{"system": "urn:x", "value": "1"}]), ("groupIdentifier", {"system": "urn:x", "value": "1"}),
    ("output", [{"type": {"text": "a"}, "valueString": "b"}]), ("code", {"text": "autre"}),
    ("basedOn", [{"reference": "CarePlan/1"}]),
    ("executionPeriod", {"start": "2026-11-16"}), ("businessStatus", {"text": "x", "coding": [
        {"system": names.system("handoff-business-status"), "code": "taken"}]}),
]  # fmt: skip


async def test_a_change_beside_the_move_is_refused_not_lost(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    for name, value in EDITS:
        changed = {**task, name: value}
        if value == []:
            del changed[name]
        for status in ("requested", "accepted"):
            body = {**changed, "status": status}
            answer = await story.put(body, story.face.software("VASSEUR"), **{"If-Match": tag})
            assert issue(answer) == (422, "business-rule", "not-a-move"), (name, answer.text)
            assert answer.json()["issue"][0]["expression"] == [f"Task.{name}"], name
    assert await state(story) == (State.SEARCHING, {"VASSEUR": "requested", "LEBRUN": "requested"})
    assert (await story.invitation("VASSEUR")) == (task, tag)


BAD_PATCHES: list[tuple[Any, int]] = [
    ("{", 400), ({}, 400), ("[1]", 400), ([{}], 422), ([{"op": "explode", "path": "/status"}], 422),
    ([{"op": "replace", "path": "/nothing/at/all", "value": 1}], 422), ([{"op": "remove", "path": "/id"}], 422),
    ([{"op": "test", "path": "/status", "value": "draft"}, {"op": "replace", "path": "/status", "value": "accepted"}], 422),
    ([{"op": "replace", "path": "/meta/versionId", "value": "9"}], 422), ([{"op": "replace", "path": "", "value": {}}], 400),
    ([{"op": "replace", "path": "/resourceType", "value": "Patient"}], 422), ([{"op": "remove", "path": "/status"}], 400),
    ([{"op": "add", "path": "/input/99", "value": {}}], 422), ([{"op": "add", "path": "/couleur", "value": "bleu"}], 400),
    ([{"op": "move", "from": "/id", "path": "/description"}], 422), ([{"op": "replace", "path": "/status", "value": 7}], 400),
    ([{"op": "copy", "from": "/status", "path": "/~9"}], 422),
    ([{"op": "test", "path": "/status", "value": "requested"}] * 101, 422),
    ([{"op": "copy", "from": "/input", "path": "/input/-"}] * 60, 413), ([{"op": "replace", "path": 3, "value": 1}], 422),
    ([{"op": "replace", "path": "/status"}], 422), ([{"op": "copy", "from": "", "path": "/meta/tag"}], 400),
]  # fmt: skip


async def test_patches_that_do_not_apply(story: Story) -> None:
    task, tag = await story.invitation("VASSEUR")
    for operations, status in BAD_PATCHES:
        answer = await story.patch(
            f"Task/{task['id']}", operations, story.face.software("VASSEUR"), **{"If-Match": tag}
        )
        assert answer.status_code == status, (operations, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await story.invitation("VASSEUR")) == (task, tag)


# by the SAS


async def test_the_sas_cancels_by_id(story: Story) -> None:
    seen = await story.get(f"Task/{story.task}", story.face.sas)
    cancelled = {**seen.json(), "status": "cancelled", "statusReason": reason("found-elsewhere", "cancel-reason")}
    assert issue(await story.put(cancelled, story.face.sas))[0] == 400
    answer = await story.put(cancelled, story.face.sas, **{"If-Match": seen.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["businessStatus"]["coding"][0]["code"] == "withdrawn"
    assert (await state(story))[1] == {"VASSEUR": "cancelled", "LEBRUN": "cancelled"}


@pytest.mark.parametrize("status", ["failed", "completed", "rejected", "in-progress", "on-hold", "draft", "requested"])
async def test_the_sas_moves_nothing_else(story: Story, status: str) -> None:
    seen = await story.get(f"Task/{story.task}", story.face.sas)
    answer = await story.put({**seen.json(), "status": status}, story.face.sas, **{"If-Match": seen.headers["ETag"]})
    assert answer.status_code in (403, 422), answer.text
    assert (await state(story))[0] is State.SEARCHING


async def test_the_sas_revokes_or_completes_its_request(story: Story) -> None:
    path = f"ServiceRequest/{story.request}"
    seen = await story.get(path, story.face.sas)
    before = seen.json()
    note = [*before["note"], {"text": "Le code de la porte a changé."}]
    informed = await story.put({**before, "note": note}, story.face.sas, **{"If-Match": seen.headers["ETag"]})
    assert informed.status_code == 200, informed.text
    assert informed.json()["note"] == note
    assert issue(await story.put({**before, "note": note}, story.face.sas))[0] == 400
    stale = await story.put({**before, "note": note}, story.face.sas, **{"If-Match": seen.headers["ETag"]})
    assert issue(stale)[0] == 412
    tag = informed.headers["ETag"]
    for name, value in (
        ("subject", {"reference": "Patient/other"}), ("category", []), ("priority", "stat"), ("status", "completed"),
        ("identifier", []), ("note", []), ("performer", [{"reference": "PractitionerRole/x"}]),
    ):  # fmt: skip
        changed = copy.deepcopy({**informed.json(), name: value})
        if value == []:
            del changed[name]
        answer = await story.put(changed, story.face.sas, **{"If-Match": tag})
        assert issue(answer) == (422, "business-rule", "not-a-move"), (name, answer.text)
    revoked = await story.put({**informed.json(), "status": "revoked"}, story.face.sas, **{"If-Match": tag})
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked"), revoked.text
    assert (await state(story))[0] is State.CANCELLED


async def test_of_two_that_write_at_once_over_one_version_one_is_told(story: Story) -> None:
    seen = await story.get(f"ServiceRequest/{story.request}", story.face.sas)
    bodies = [{**seen.json(), "note": [{"text": f"Précision {number}"}]} for number in range(4)]
    answers = await asyncio.gather(
        *(story.put(body, story.face.sas, **{"If-Match": seen.headers["ETag"]}) for body in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_the_conditional_forms_of_the_sas(story: Story) -> None:
    criteria = f"identifier={names.ns('sas-patient')}|{FILE}"
    headers = {**JSON_TYPE, **story.face.sas}
    request = (await story.get(f"ServiceRequest/{story.request}", story.face.sas)).json()
    request["note"] = [{"text": "Sonnette en panne."}]

    async def put(path: str, body: Any, **more: str) -> Any:
        return await story.face.http.put(f"/fhir/{path}", content=json.dumps(body), headers={**headers, **more})

    informed = await put(f"ServiceRequest?{criteria}", request)
    assert (informed.status_code, informed.json()["note"]) == (200, request["note"])
    task = (await story.get(f"Task/{story.task}", story.face.sas)).json()
    cancelled = {**task, "status": "cancelled"}
    assert (
        issue(await put(f"Task?{criteria}", cancelled, **{"If-Match": 'W/"99"'}))[0] == 412
    )  # obeyed when it is there
    assert issue(await put(f"Task?{criteria}", {**task, "status": "failed"}))[0] == 422
    assert issue(await put(f"Task?identifier={names.ns('sas-patient')}|inconnu", cancelled))[0] == 404
    for wrong in ("", "identifier=abc", "status=accepted", f"{criteria}&status=accepted", f"{criteria}%00"):
        assert issue(await put(f"Task?{wrong}", cancelled))[0] == 400, wrong
    other = {**headers, **story.face.software("VASSEUR")}
    hidden = await story.face.http.put(f"/fhir/Task?{criteria}", content=json.dumps(cancelled), headers=other)
    assert issue(hidden)[0] == 404
    assert (await put(f"Task?{criteria}", cancelled)).status_code == 200
    assert (await state(story))[0] is State.CANCELLED


# whatever a client tries


STATUSES = [
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed",
    "completed", "entered-in-error",
]  # fmt: skip
edit = st.one_of(
    st.sampled_from(EDITS),
    st.tuples(st.just("statusReason"), st.sampled_from([reason("too-far"), reason("faux"), {"text": "non"}])),
    st.tuples(st.just("meta"), st.just({})),
)
attempt = st.tuples(
    st.sampled_from(["VASSEUR", "LEBRUN", "SAS"]),
    st.sampled_from(["child", "coordinating"]),
    st.sampled_from(STATUSES),
    st.lists(edit, max_size=2),
    st.sampled_from(["put", "patch"]),
    st.sampled_from(["current", "old"]),
)
# The moves a doctor's own child Task may make (fhir.md 9.1); all others come from the hub itself.
CHILD = {
    "requested": {"received", "accepted", "rejected", "cancelled"},
    "received": {"accepted", "rejected", "cancelled"},
    "accepted": {"in-progress", "failed", "cancelled"},
    "in-progress": {"completed", "failed", "cancelled"},
}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=st.lists(attempt, min_size=8, max_size=30))
async def test_whatever_is_tried_no_unlisted_state_is_reached(story: Story, attempts: list[Any]) -> None:
    await _fresh(story)
    for who, which, status, edits, method, age in attempts:
        before = await _statuses(story)
        await _try(story, who, which, status, edits, method, age)
        after = await _statuses(story)
        for task, was in before.items():
            now = after[task]
            assert now == was or now in CHILD.get(was, ()), (who, which, status, was, now)
        found, people = await state(story)
        taken = [one for one in people.values() if one in ("accepted", "in-progress", "completed")]
        assert len(taken) == (1 if found in (State.ACCEPTED, State.PROPOSED, State.CONFIRMED, State.DONE) else 0)


async def _fresh(story: Story) -> None:
    """A request that is searched for, for each story hypothesis tells."""
    async with story.face.database.transaction() as session:
        found = await record.lock(session, story.request)
        if found.request.state is not State.SEARCHING or len(await _open(session, found)) < 2:
            await _again(session, story, found)


async def _open(session: Session, found: record.Record) -> list[Any]:
    return [task for task in await invitations.of_request(session, found.request) if invitations.is_open(task)]


async def _again(session: Session, story: Story, found: record.Record) -> None:
    from hub.workflows import requests

    if found.request.state is not State.CANCELLED:
        await requests.cancel(session, story.face.place.sas, story.request, "other")
    again = await requests.reissue(session, story.face.place.operator, story.request)
    story.task = again.task
    tasks = await invitations.of_request(session, again)
    people = {viewer.role: family for family, viewer in story.face.place.people.items()}
    story.invitations = {people[invitations.owner(task)]: task["id"] for task in tasks}
    assert set(story.invitations) == {"VASSEUR", "LEBRUN"}


async def _statuses(story: Story) -> dict[str, str]:
    async with story.face.database.transaction() as session:
        found = await record.lock(session, story.request)
        tasks = await invitations.of_request(session, found.request)
    return {task["id"]: task["status"] for task in tasks}


async def _try(story: Story, who: str, which: str, status: str, edits: Any, method: str, age: str) -> None:
    headers = story.face.sas if who == "SAS" else story.face.software(who)
    id = story.task if which == "coordinating" else story.invitations["VASSEUR" if who == "SAS" else who]
    seen = await story.get(f"Task/{id}", headers)
    if seen.status_code != 200:
        assert seen.status_code == 404
        return
    tag = seen.headers["ETag"] if age == "current" else 'W/"1"'
    changes = {"status": status, **{name: value for name, value in edits if value != []}}
    if method == "put":
        answer = await story.put({**seen.json(), **changes}, headers, **{"If-Match": tag})
    else:
        operations = [{"op": "add", "path": f"/{name}", "value": value} for name, value in changes.items()]
        answer = await story.face.http.patch(
            f"/fhir/Task/{id}", content=json.dumps(operations), headers={**PATCH_TYPE, **headers, "If-Match": tag}
        )
    assert answer.status_code in (200, 400, 403, 404, 409, 412, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["resourceType"] == "OperationOutcome"


async def test_after_the_deadline(story: Story, clock: Any) -> None:
    from hub.workflows import dispatch
    from hub.workflows.topics import ResponseOver

    clock.advance(timedelta(hours=2, seconds=1))
    async with story.face.database.transaction() as session:
        await dispatch.response_over(session, ResponseOver(request=story.request, attempt=1))
    answer = await story.move("VASSEUR", "accepted")
    assert issue(answer) == (422, "business-rule", "not-a-move")
    assert (await state(story))[0] is State.HANDED_BACK
