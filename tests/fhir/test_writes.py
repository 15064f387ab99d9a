"""Creating notes and subscriptions through FHIR, and preferences on what comes back (fhir.md 7.1, 10.5; RFC 7240)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from hub.fhir import subscriptions
from hub.r4 import names
from hub.storage import subscriptions as stored_subscriptions
from tests.fhir.conftest import JSON_TYPE, Story, issue
from tests.workflows.conftest import SAS

EMERGENCY = {"url": names.EMERGENCY_EXTENSION, "valueBoolean": True}


async def post(story: Story, resource: dict[str, Any], headers: dict[str, str], **more: str) -> Any:
    path = f"/fhir/{resource['resourceType']}"
    return await story.face.http.post(path, content=json.dumps(resource), headers={**JSON_TYPE, **headers, **more})


def note(patient: str, text: str = "Pansement refait.", **changes: Any) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    made = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": names.NOTE_TYPE, "code": "OBS"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "description": "Suivi",
        "extension": [EMERGENCY],
        "securityLabel": [{"coding": [{"system": names.VISIBILITY, "code": "MASQUE_PS"}]}],
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}],
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
async def circle(story: Story) -> Story:
    """Dr Vasseur accepted: a member of the circle of care, who writes in the notebook."""
    assert (await story.move("VASSEUR", "accepted")).status_code == 200
    return story


async def test_a_member_of_the_circle_writes_a_note(circle: Story) -> None:
    software = circle.face.software("VASSEUR")
    answer = await post(circle, {**note(circle.patient), "id": "mine", "date": "2020-01-01T00:00:00Z"}, software)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["id"] != "mine"
    assert answer.headers["Location"] == f"https://hub.test/fhir/DocumentReference/{body['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    role = circle.face.place.people["VASSEUR"].role
    assert body["author"] == [{"reference": f"PractitionerRole/{role}"}]
    assert body["date"].startswith("2026-11-16")
    assert body["description"] == "Suivi"
    assert EMERGENCY in body["extension"]
    assert body["securityLabel"][0]["coding"][0]["code"] == "MASQUE_PS"
    read = await circle.get(f"DocumentReference/{body['id']}", software)
    assert base64.b64decode(read.json()["content"][0]["attachment"]["data"]).decode() == "Pansement refait."
    reply = note(circle.patient, "Bien reçu.", relatesTo=[
        {"code": "appends", "target": {"reference": f"DocumentReference/{body['id']}"}}])  # fmt: skip
    answered = await post(circle, reply, software)
    assert (answered.status_code, answered.json()["relatesTo"]) == (201, reply["relatesTo"])


async def test_the_notebook_is_of_the_circle_alone(circle: Story) -> None:
    made = (await post(circle, note(circle.patient), circle.face.software("VASSEUR"))).json()
    path = f"DocumentReference/{made['id']}"
    sas = circle.face.token(SAS, "system/*.rs", "system/DocumentReference.c")
    for other in (circle.face.software("LEBRUN"), sas):
        assert issue(await circle.get(path, other))[0] == 404
        assert "entry" not in (await circle.get("DocumentReference", other)).json()
    refused = await post(circle, note(circle.patient), circle.face.software("LEBRUN"))
    assert issue(refused) == (403, "forbidden", "not-in-circle")
    unknown = await post(circle, note("0b9e34a3-0000-4000-8000-000000000000"), circle.face.software("LEBRUN"))
    assert unknown.json() == refused.json()
    assert issue(await post(circle, note(circle.patient), sas)) == (403, "forbidden", "not-allowed")


Change = Callable[[dict[str, Any]], dict[str, Any]]
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no text": ({"content": [{"attachment": {"contentType": "application/pdf", "data": "YQ=="}}]}, 422, "note-empty"),
    "blank": ({"content": [{"attachment": {"contentType": "text/plain", "data": "ICAg"}}]}, 422, "note-empty"),
    "two parts": ({"content": [{"attachment": {"contentType": "text/plain", "data": "YQ=="}}] * 2}, 422, "unprocessable"),
    "no type": ({"type": None}, 422, "field-required"),
    "type in words": ({"type": {"text": "observation"}}, 422, "field-required"),
    "another type": ({"type": {"coding": [{"system": names.NOTE_TYPE, "code": "ZZZ"}]}}, 422, "bad-code"),
    "another mask": ({"securityLabel": [{"coding": [{"system": names.VISIBILITY, "code": "V"}]}]}, 422, "bad-code"),
    "a label in words": ({"securityLabel": [{"text": "secret"}]}, 422, "bad-code"),
    "two labels": ({"securityLabel": note("p")["securityLabel"] * 2}, 422, "bad-code"),
    "somebody else's": ({"author": [{"reference": "PractitionerRole/other"}]}, 403, "not-allowed"),
    "a reply to nothing": (
        {"relatesTo": [{"code": "appends", "target": {"reference": "DocumentReference/none"}}]}, 400, "bad-reference"),
    "a reply by number": (
        {"relatesTo": [{"code": "appends", "target": {"identifier": {"value": "1"}}}]}, 400, "bad-reference"),
    "a replacement": ({"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/x"}}]}, 422, "unprocessable"),
    "its own number": ({"masterIdentifier": {"value": "1"}}, 422, "unprocessable"),
    "a keeper": ({"custodian": {"reference": "Organization/x"}}, 422, "unprocessable"),
    "another extension": ({"extension": [{"url": "urn:x", "valueString": "a"}]}, 422, "unprocessable"),
    "not current": ({"status": "superseded"}, 422, "bad-value"),
    "no patient": ({"subject": None}, 403, "not-in-circle"),
    "a group": ({"subject": {"reference": "Group/1"}}, 403, "not-in-circle"),
}  # fmt: skip


async def test_what_the_notebook_does_not_take_is_said_and_nothing_is_kept(circle: Story) -> None:
    software = circle.face.software("VASSEUR")
    for name, (changes, status, code) in REFUSED.items():
        answer = await post(circle, note(circle.patient, **changes), software)
        assert issue(answer)[::2] == (status, code), (name, answer.text)
    assert "entry" not in (await circle.get("DocumentReference", software)).json()


async def test_a_note_of_the_wrong_shape(circle: Story) -> None:
    software = circle.face.software("VASSEUR")
    for changes in ({"content": None}, {"status": None}, {"couleur": "bleu"}, {"date": "hier"}):
        assert (await post(circle, note(circle.patient, **changes), software)).status_code == 400
    as_patient = await circle.face.http.post(
        "/fhir/DocumentReference", content=b'{"resourceType":"Patient"}', headers={**JSON_TYPE, **software}
    )
    assert issue(as_patient) == (400, "invalid", "type-mismatch")


async def test_what_comes_back_is_what_was_preferred(circle: Story) -> None:
    software = circle.face.software("VASSEUR")
    minimal = await post(circle, note(circle.patient), software, Prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["Location"]
    assert minimal.headers["ETag"]
    told = await post(circle, note(circle.patient), software, Prefer="return=OperationOutcome, handling=strict")
    assert (told.status_code, told.json()["resourceType"]) == (201, "OperationOutcome")
    whole = await post(circle, note(circle.patient), software, Prefer="return=representation")
    assert whole.json()["resourceType"] == "DocumentReference"
    task, tag = await circle.invitation("VASSEUR")
    moved = await circle.put({**task, "status": "failed"}, software, **{"If-Match": tag, "Prefer": "return=minimal"})
    assert (moved.status_code, moved.content) == (200, b"")
    assert moved.headers["ETag"]


# subscriptions


def subscription(**changes: Any) -> dict[str, Any]:
    channel = {
        "type": "rest-hook", "endpoint": "https://localhost:8103/notifications", "payload": "application/fhir+json",
        "header": ["Authorization: Bearer tres-secret"], **changes.pop("channel", {}),
    }  # fmt: skip
    made = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "suivi des remises",
        "criteria": f"Task?group-identifier={names.ns('sas-dossier')}|",
        "channel": {name: value for name, value in channel.items() if value is not None},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


async def kept(story: Story) -> list[dict[str, Any]]:
    async with story.face.database.reading() as session:
        return await stored_subscriptions.of_client(session, SAS)


async def test_a_subscription_is_active_at_once_and_its_secret_never_comes_back(story: Story) -> None:
    made = await post(story, subscription(), story.face.sas)
    assert made.status_code == 201, made.text
    assert made.json()["status"] == "active"
    path = f"Subscription/{made.json()['id']}"
    for seen in (
        made,
        await story.get(path, story.face.sas),
        await story.get(f"{path}/_history/1", story.face.sas),
        await story.get(f"{path}/_history", story.face.sas),
        await story.get("Subscription?status=active", story.face.sas),
    ):
        assert "tres-secret" not in seen.text
        assert "Authorization: ***" in seen.text
    assert (await kept(story))[0]["channel"]["header"] == ["Authorization: Bearer tres-secret"]


async def test_changed_then_turned_off_with_the_secret_as_it_was_shown(story: Story) -> None:
    made = (await post(story, subscription(), story.face.sas)).json()
    moved = {**made, "channel": {**made["channel"], "endpoint": "https://localhost:8103/autre"}}
    answer = await story.put(moved, story.face.sas)
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta"]["versionId"] == "2"
    (now,) = await kept(story)
    assert now["channel"]["header"] == ["Authorization: Bearer tres-secret"]
    assert now["channel"]["endpoint"].endswith("/autre")
    stale = await story.put(moved, story.face.sas, **{"If-Match": 'W/"1"'})
    assert issue(stale)[0] == 412
    off = await story.put({**answer.json(), "status": "off"}, story.face.sas, **{"If-Match": 'W/"2"'})
    assert (off.status_code, off.json()["status"]) == (200, "off")


BAD_SUBSCRIPTIONS: dict[str, tuple[dict[str, Any], int, str]] = {
    "all tasks": ({"criteria": "Task?"}, 422, "bad-value"),
    "another type": ({"criteria": "Patient?name=a"}, 422, "bad-value"),
    "another system": ({"criteria": "Task?group-identifier=urn:x|"}, 422, "bad-value"),
    "not rest-hook": ({"channel": {"type": "email"}}, 422, "bad-value"),
    "another payload": ({"channel": {"payload": "application/fhir+xml"}}, 422, "bad-value"),
    "not https": ({"channel": {"endpoint": "http://localhost:8103/n"}}, 422, "subscription-endpoint-refused"),
    "another host": ({"channel": {"endpoint": "https://attacker.example/n"}}, 422, "subscription-endpoint-refused"),
    "a host in disguise": (
        {"channel": {"endpoint": "https://localhost@attacker.example/n"}}, 422, "subscription-endpoint-refused"),
    "no address": ({"channel": {"endpoint": None}}, 422, "subscription-endpoint-refused"),
    "a header of two lines": ({"channel": {"header": ["A: b\r\nC: d"]}}, 422, "bad-value"),
    "a header without name": ({"channel": {"header": ["secret"]}}, 422, "bad-value"),
}  # fmt: skip


async def test_subscriptions_that_are_refused(story: Story) -> None:
    for name, (changes, status, code) in BAD_SUBSCRIPTIONS.items():
        answer = await post(story, subscription(**changes), story.face.sas)
        assert issue(answer)[::2] == (status, code), (name, answer.text)
        assert answer.json()["issue"][0]["expression"][0].startswith("Subscription.")
        assert "tres-secret" not in answer.text
    assert await kept(story) == []
    good = (await post(story, subscription(), story.face.sas)).json()
    for name, (changes, status, code) in BAD_SUBSCRIPTIONS.items():
        answer = await story.put({**subscription(**changes), "id": good["id"]}, story.face.sas)
        assert issue(answer)[::2] == (status, code), name
    assert len(await kept(story)) == 1


async def test_twenty_and_no_more(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 3)
    ids = [(await post(story, subscription(), story.face.sas)).json()["id"] for _ in range(3)]
    assert issue(await post(story, subscription(), story.face.sas)) == (429, "throttled", "too-many-subscriptions")
    assert (await story.face.http.delete(f"/fhir/Subscription/{ids[0]}", headers=story.face.sas)).status_code == 204
    assert (await post(story, subscription(), story.face.sas)).status_code == 201


async def test_a_subscription_is_its_clients_alone(story: Story) -> None:
    made = (await post(story, subscription(), story.face.sas)).json()
    other = story.face.token("software-vasseur", "system/Subscription.cruds", "system/Task.rs")
    path = f"Subscription/{made['id']}"
    assert issue(await story.get(path, other))[0] == 404
    assert issue(await story.put({**made, "status": "off"}, other))[0] == 404
    assert (await story.face.http.delete(f"/fhir/{path}", headers=other)).status_code == 204
    assert (await story.get(path, story.face.sas)).status_code == 200
    blind = story.face.token(SAS, "system/Subscription.cruds")
    assert issue(await post(story, subscription(), blind)) == (403, "forbidden", "scope-missing")
    reader = story.face.token(SAS, "system/Subscription.rs", "system/Task.rs")
    assert issue(await post(story, subscription(), reader)) == (403, "forbidden", "scope-missing")
    assert issue(await story.put({**made, "status": "off"}, reader)) == (403, "forbidden", "scope-missing")


# transactions


async def test_a_transaction_is_a_handoff_or_nothing(story: Story) -> None:
    from tests.workflows.conftest import handoff_bundle

    async def send(bundle: dict[str, Any]) -> tuple[int, str, str]:
        answer = await story.face.http.post(
            "/fhir", content=json.dumps(bundle), headers={**JSON_TYPE, **story.face.sas}
        )
        return issue(answer)

    patient = {"resourceType": "Patient", "name": [{"family": "X"}]}
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    for kind in ("transaction", "batch"):
        assert (await send({"resourceType": "Bundle", "type": kind, "entry": [entry]}))[0] == 422
    assert (await send({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}))[0] == 422
    assert (await send(patient))[0] == 400
    other = handoff_bundle("fr.health.samu950.patient.DRFR159502621900418.1")
    smuggled: list[dict[str, Any]] = [
        {"request": {"method": "DELETE", "url": f"Task/{story.task}"}},
        {"request": {"method": "GET", "url": "Patient"}},
        {"resource": {"resourceType": "Flag", "status": "active", "code": {"text": "x"}, "subject": {"reference": "Patient/1"}},
         "request": {"method": "POST", "url": "Flag"}},
        entry,
        {"resource": {**patient, "id": story.patient}, "request": {"method": "PUT", "url": f"Patient/{story.patient}"}},
    ]  # fmt: skip
    for extra in smuggled:
        assert (await send({**other, "entry": [*other["entry"], extra]}))[0] in (400, 422), extra
    found = await story.get("ServiceRequest", story.face.sas)
    assert len(found.json()["entry"]) == 1
