"""Every line of the answers table of a handoff (sas.md 17.2), through the FHIR door."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from hub.fhir import throttle
from hub.r4 import names
from hub.storage import territories
from hub.storage.tables.records import resource
from hub.storage.territories import Network
from tests.fhir.conftest import Face
from tests.workflows.conftest import CERGY, NETWORK, PONTOISE, handoff_bundle


async def count(face: Face) -> int:
    async with face.database.reading() as session:
        found = (
            select(func.count()).select_from(resource).where(resource.c.type.in_(["Patient", "ServiceRequest", "Task"]))
        )
        return int((await session.execute(found)).scalar_one())


async def hand_over(face: Face, bundle: dict[str, Any], **headers: str) -> Any:
    body = json.dumps(bundle).encode()
    return await face.http.post(
        "/fhir", content=body, headers={"Content-Type": "application/fhir+json", **face.sas, **headers}
    )


def issue(answer: Any) -> tuple[str, str]:
    first = answer.json()["issue"][0]
    return first["code"], first["details"]["coding"][0]["code"]


async def test_created(face: Face) -> None:
    answer = await hand_over(face, handoff_bundle())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in body["entry"]] == ["201 Created"] * 4
    for entry in body["entry"]:
        kind, id, _, version = entry["response"]["location"].split("/")
        assert version == "1"
        if kind in ("ServiceRequest", "Task"):
            seen = await face.http.get(f"/fhir/{kind}/{id}", headers=face.sas)
            assert seen.status_code == 200


async def test_the_same_again_makes_one_request_and_gives_the_same_locations(face: Face) -> None:
    first = await hand_over(face, handoff_bundle())
    before = await count(face)
    second = await hand_over(face, handoff_bundle())
    assert second.status_code == 200
    assert [one["response"]["location"] for one in second.json()["entry"]] == [
        one["response"]["location"] for one in first.json()["entry"]
    ]
    assert {one["response"]["status"] for one in second.json()["entry"]} == {"200 OK"}
    assert await count(face) == before


async def test_the_same_message_id_gives_the_stored_answer(face: Face) -> None:
    first = await hand_over(face, handoff_bundle(), **{"X-Request-ID": "message-1"})
    second = await hand_over(face, handoff_bundle(), **{"X-Request-ID": "message-1"})
    assert second.content == first.content
    assert second.headers["X-Request-ID"] == "message-1"


async def test_same_file_with_other_content_is_refused_and_nothing_changes(face: Face) -> None:
    await hand_over(face, handoff_bundle())
    before = await count(face)
    changed = handoff_bundle()
    changed["entry"][2]["resource"]["reasonCode"] = [{"text": "Autre chose"}]
    answer = await hand_over(face, changed)
    assert (answer.status_code, issue(answer)) == (409, ("duplicate", "case-exists-with-other-content"))
    assert await count(face) == before


async def test_two_copies_at_the_same_instant_make_one_request(face: Face) -> None:
    answers = await asyncio.gather(*(hand_over(face, handoff_bundle()) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    statuses = sorted(answer.json()["entry"][0]["response"]["status"] for answer in answers)
    assert statuses == ["200 OK"] * 4 + ["201 Created"]
    async with face.database.reading() as session:
        requests = select(func.count()).select_from(resource).where(resource.c.type == "ServiceRequest")
        assert (await session.execute(requests)).scalar_one() == 1


async def test_bad_json_and_bad_shape(face: Face) -> None:
    headers = {"Content-Type": "application/fhir+json", **face.sas}
    broken = await face.http.post("/fhir", content=b"{", headers=headers)
    assert (broken.status_code, broken.json()["issue"][0]["code"]) == (400, "structure")
    wrong = handoff_bundle()
    wrong["entry"][0]["resource"]["gender"] = "femme"
    answer = await hand_over(face, wrong)
    assert answer.status_code == 400
    assert "gender" in answer.json()["issue"][0]["expression"][0]


async def test_missing_data_are_told_all_at_once_and_nothing_is_kept(face: Face) -> None:
    poor = handoff_bundle()
    patient = poor["entry"][0]["resource"]
    del patient["telecom"], patient["gender"], patient["address"]
    answer = await hand_over(face, poor)
    assert answer.status_code == 422
    issues = answer.json()["issue"]
    assert [one["code"] for one in issues] == ["required"] * 3
    assert {one["expression"][0] for one in issues} == {
        "Bundle.entry[0].resource.gender", "Bundle.entry[0].resource.telecom", "Bundle.entry[0].resource.address[0]",
    }  # fmt: skip
    assert await count(face) == 0


async def test_a_commune_of_nobody(face: Face) -> None:
    answer = await hand_over(face, handoff_bundle(commune="75056"))
    assert (answer.status_code, issue(answer)) == (422, ("business-rule", "territory-not-served"))
    assert "PAT-TROIS" not in answer.text


async def test_a_closed_network_says_when_it_opens(face: Face) -> None:
    closed = Network(id=NETWORK, name="CPTS", structure_id="10B0123456", rules={"opening": {"tue": ["09:00-12:00"]}})
    async with face.database.transaction() as session:
        await territories.keep(session, closed, [CERGY, PONTOISE])
    answer = await hand_over(face, handoff_bundle())
    assert (answer.status_code, issue(answer)) == (422, ("business-rule", "cpts-closed"))
    assert answer.headers["Retry-After"] == str(24 * 3600)  # Monday 9:00, opens on Tuesday at 9:00


@pytest.mark.parametrize(
    ("system", "code"), [("hubsante-priorite", "P0"), ("hubsante-priorite", "P1"), ("hubsante-niveau-soin", "R1")]
)
async def test_an_urgent_case_is_sent_back_to_the_phone(face: Face, system: str, code: str) -> None:
    urgent = handoff_bundle()
    details = [{"coding": [{"system": names.system(system), "code": code}]}]
    urgent["entry"][2]["resource"]["orderDetail"] = details
    answer = await hand_over(face, urgent)
    assert (answer.status_code, issue(answer)) == (422, ("business-rule", "urgent-case"))
    assert "15" in answer.json()["issue"][0]["details"]["text"]


async def test_another_identity(face: Face) -> None:
    foreign = handoff_bundle()
    foreign["entry"][1]["resource"]["identifier"][0]["value"] = "fr.health.samu750"
    answer = await hand_over(face, foreign)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_too_many(face: Face) -> None:
    throttle.use(2)
    statuses = []
    for number in range(3):
        answer = await hand_over(face, handoff_bundle(f"fr.health.samu950.patient.DRFR15950262190041{number}.1"))
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 429]
    assert int(answer.headers["Retry-After"]) > 0


async def test_without_token_without_scope_without_rights(face: Face) -> None:
    body = json.dumps(handoff_bundle()).encode()
    headers = {"Content-Type": "application/fhir+json"}
    nobody = await face.http.post("/fhir", content=body, headers=headers)
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    narrow = face.token("fr.health.samu950", "system/Task.c")
    answer = await face.http.post("/fhir", content=body, headers={**headers, **narrow})
    assert answer.status_code == 403


async def test_another_sas_sees_nothing(face: Face) -> None:
    from hub.storage import clients
    from hub.storage.clients import Client

    answer = await hand_over(face, handoff_bundle())
    location = next(
        one["response"]["location"] for one in answer.json()["entry"] if one["response"]["location"].startswith("Task")
    )
    async with face.database.transaction() as session:
        await clients.keep(session, Client(id="other", name="Autre SAS", kind="sas", scopes=("system/Task.rs",)))
    other = face.token("other", "system/Task.rs", "system/Patient.rs")
    assert (await face.http.get(f"/fhir/{location.partition('/_history')[0]}", headers=other)).status_code == 404
    found = await face.http.get("/fhir/Task", headers=other)
    assert "entry" not in found.json()


async def test_the_sas_withdraws_by_its_own_number(face: Face) -> None:
    bundle = handoff_bundle()
    await hand_over(face, bundle)
    key = bundle["entry"][0]["resource"]["identifier"][0]["value"]
    criteria = f"identifier={names.ns('sas-patient')}|{key}"
    patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    answer = await face.http.patch(
        f"/fhir/Task?{criteria}",
        content=json.dumps(patch),
        headers={"Content-Type": "application/json-patch+json", **face.sas},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "cancelled"
    again = await face.http.patch(
        f"/fhir/Task?{criteria}",
        content=json.dumps(patch),
        headers={"Content-Type": "application/json-patch+json", **face.sas},
    )
    assert again.status_code == 200, again.text
    assert copy.deepcopy(again.json())["meta"]["versionId"] == answer.json()["meta"]["versionId"]
