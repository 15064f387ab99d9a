"""The SAS twin: handoffs, what it verifies in the hub's answers, notifications, appointments (SAS 10, 17; FHIR 7.1)."""

import copy
import json
import re
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sandbox.sas import SasTwin, answers, appointments, names, tasks
from sandbox.sas.bundle import build, patient_id
from sandbox.sas.hub import Exchange
from sandbox.sas.ledger import Case
from sandbox.sas.wish import Regulator, Wish
from sandbox.servers import Listener, listening
from sandbox.settings import Settings
from sandbox.world import World
from tests.sandbox.sas_stub import Line, outcome, transaction_response

NUMBER = "DRFR159502621900417"  # of the published example
AT = datetime(2026, 8, 7, 8, 12, tzinfo=UTC)


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def twin(world, line):
    return SasTwin(world, transport=httpx.ASGITransport(line.app()))


@pytest.fixture
async def side(twin, client_for):
    home = FastAPI()
    home.include_router(twin.side, prefix="/twins/sas")
    async with client_for(home, base_url="http://localhost/twins/sas") as client:
        yield client


@pytest.fixture
async def door(twin, client_for):
    async with client_for(twin.app, certificate="hub-auth-cli") as client:
        yield client


@pytest.fixture
def example(conformance):
    def read(start: str) -> dict[str, Any]:
        (path,) = (conformance / "sas" / "synthetic" / "fhir").glob(f"{start}_*.json")
        return json.loads(path.read_text(encoding="utf-8"))

    return read


def exchange(status: int, body: Any, **headers: str) -> Exchange:
    kind = {"content-type": "application/fhir+json; charset=utf-8", "x-request-id": "r1", **headers}
    text = json.dumps(body)
    return Exchange(
        status=status,
        headers=httpx.Headers(kind),
        body=body,
        text=text,
        milliseconds=20.0,
        request="POST /fhir",
        request_id="r1",
    )


def failed(checks: Any) -> list[str]:
    return [check.what for check in checks if not check.passed]


def wrong(findings: list[tasks.Finding]) -> list[str]:
    return failed(finding.check for finding in findings)


def published_case(example: Any) -> Case:
    """The case of the published example, as the SAS knows it once the hub has answered."""
    bundle = example("01")
    taken = answers.read(exchange(200, example("02")), "created")
    wish = Wish(dossier=NUMBER, birth_date="1979-03-05", phone="+33602030405", access="Bât. Tilleul, 3e étage")
    return Case(wish=wish, bundle=bundle, sent_at=AT, status=200, locations=taken.locations)


# ------------------------------------------------------------------------------------------------ the transaction


def coded(value: Any, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Every (system, code or value) pair in a resource."""
    if isinstance(value, dict):
        if "system" in value:
            found.add((value["system"], str(value.get("code", value.get("value")))))
        for part in value.values():
            coded(part, found)
    if isinstance(value, list):
        for part in value:
            coded(part, found)
    return found


def test_the_bundle_says_what_the_published_one_says(example) -> None:
    published = example("01")
    wish = Wish(dossier=NUMBER, birth_date="1979-03-05", phone="+33602030405", gp="810100050075", birth_place="")
    regulator = Regulator(
        id="3456780581/11242343", family="Loridon", given="Sébastien", email="sebastien.loridon@test.com"
    )
    ours = build(wish, regulator, AT)
    assert [entry["resource"]["resourceType"] for entry in ours["entry"]] == list(answers.TYPES)
    for mine, theirs in zip(ours["entry"], published["entry"], strict=True):
        assert mine["request"] == theirs["request"]
        assert coded(mine["resource"], set()) == coded(theirs["resource"], set())
        assert set(theirs["resource"]) <= set(mine["resource"])
    asked, given = ours["entry"][4]["resource"], published["entry"][4]["resource"]
    for name in ("status", "intent", "priority", "occurrencePeriod", "authoredOn"):
        assert asked[name] == given[name]
    assert ours["entry"][5]["resource"]["restriction"] == published["entry"][5]["resource"]["restriction"]
    assert ours["entry"][5]["resource"]["input"] == published["entry"][5]["resource"]["input"]


def test_references_of_the_bundle_lead_to_its_entries() -> None:
    bundle = build(Wish(dossier=NUMBER), Regulator(), AT)
    known = {entry["fullUrl"] for entry in bundle["entry"]}
    named = set(re.findall(r'"reference": "(urn:uuid:[^"]+)"', json.dumps(bundle)))
    assert len(known) == 6 and named <= known and len(named) == 5
    other = build(Wish(dossier=NUMBER), Regulator(), AT, copy=1)
    assert known.isdisjoint(entry["fullUrl"] for entry in other["entry"])


def test_empty_wishes_leave_elements_out() -> None:
    wish = Wish(
        dossier=NUMBER, phone="", commune="", gender="", ins=None, owner="10B0123456", priority="", care_level=""
    )
    patient, *_, request, task = (entry["resource"] for entry in build(wish, Regulator(), AT)["entry"])
    assert not {"telecom", "gender", "generalPractitioner"} & set(patient)
    assert [one["system"] for one in patient["identifier"]] == [names.SAS_PATIENT]
    assert "extension" not in patient["address"][0]
    assert "orderDetail" not in request and request["priority"] == "routine"
    assert task["owner"]["identifier"]["value"] == "10B0123456"
    assert [one.get("valueString") for one in task["input"]] == [None]


@pytest.mark.parametrize(("code", "priority"), [("P0", "stat"), ("P1", "asap"), ("P2", "routine"), ("NR", "routine")])
def test_priorities(code: str, priority: str) -> None:
    request = build(Wish(dossier=NUMBER, priority=code), Regulator(), AT)["entry"][4]["resource"]
    assert request["priority"] == priority


# ------------------------------------------------------------------------------------- what the hub has answered


def test_published_answers_are_found_right(example) -> None:
    created = answers.read(exchange(200, example("02")), "created")
    assert failed(created.checks) == []
    assert created.locations["Task"] == "Task/t417"
    repeated = answers.read(exchange(200, example("03")), "same", created.locations)
    assert failed(repeated.checks) == []
    refusals = {"04": (422, "created"), "05": (422, "urgent"), "06": (409, "conflict")}
    for number, (status, expected) in refusals.items():
        assert failed(answers.read(exchange(status, example(number)), expected).checks) == [], number


WRONG_ANSWERS: dict[str, tuple[int, Any, str, dict[str, str]]] = {
    "Bundle transaction-response": (200, {**transaction_response(), "type": "batch-response"}, "created", {}),
    "Une réponse par entrée, dans l’ordre": (200, transaction_response(types=("Task",)), "created", {}),
    "Chaque entrée dit 201 Created, ou 200 OK pour ce qui existait": (200, transaction_response(), "same", {}),
    "Mêmes adresses qu’au premier envoi": (200, transaction_response("200 OK", rank=2), "same", {}),
    "Content-Type application/fhir+json": (
        200,
        transaction_response(),
        "created",
        {"content-type": "application/json"},
    ),
    "X-Request-ID renvoyé": (200, transaction_response(), "created", {"x-request-id": "other"}),
    "Refus expliqué par un OperationOutcome": (422, {"detail": "non"}, "created", {}),
    "Code de l’anomalie permis avec ce code HTTP": (422, outcome("duplicate"), "created", {}),
    "Endroit de chaque faute, depuis Bundle": (422, outcome("required", expression="Patient"), "created", {}),
    "« urgent-case » avec le code HTTP prévu": (400, outcome("value", "urgent-case"), "created", {}),
    "Retry-After présent": (422, outcome("business-rule", "cpts-closed"), "created", {}),
    "WWW-Authenticate: Bearer": (401, outcome("login"), "created", {}),
    "Réponse prévue par le tableau des réponses": (200, transaction_response(), "urgent", {}),
}


@pytest.mark.parametrize("what", WRONG_ANSWERS)
def test_wrong_answers_are_seen(what: str) -> None:
    status, body, expected, headers = WRONG_ANSWERS[what]
    before = answers.read(exchange(200, transaction_response()), "created").locations
    assert what in failed(answers.read(exchange(status, body, **headers), expected, before).checks)


async def test_a_handoff_from_token_to_locations(twin, side, line) -> None:
    told = (await side.post("/handoffs")).json()
    assert told["status"] == 200 and told["conformant"] is True
    assert re.fullmatch(r"DRFR15950\d{10}", told["dossier"])
    assert told["locations"]["ServiceRequest"] == "ServiceRequest/servicerequest-1"
    form = line.forms[0]
    assert (form["grant_type"], form["client_id"]) == (["client_credentials"], ["fr.health.samu950"])
    assert "system/ServiceRequest.crus" in form["scope"][0].split()
    subscription = line.subscriptions[0]
    assert subscription["criteria"] == "Task?group-identifier=https://hub.example.org/fhir/ns/sas-dossier|"
    assert subscription["channel"]["endpoint"].startswith("https://localhost:8103/notifications/")
    method, path, headers = line.calls[-1]
    assert (method, path, headers["content-type"]) == ("POST", "/fhir", "application/fhir+json")
    assert headers["authorization"] == "Bearer token-1" and headers["x-request-id"]
    journal = twin.desk.world.journal.entries("sas")
    assert [entry.facts["kind"] for entry in journal] == ["token", "subscription", "created"]
    assert all(entry.accepted for entry in journal), [failed(entry.checks) for entry in journal]
    assert not any("token-1" in entry.request + entry.answer for entry in journal)
    assert not any(twin.desk.subscriber.watch.secret in entry.request for entry in journal)


async def test_one_token_and_one_subscription_serve_several_handoffs(side, line) -> None:
    numbers = [(await side.post("/handoffs", json={"family": f"EXEMPLE-{rank}"})).json()["dossier"] for rank in "AB"]
    assert len(set(numbers)) == 2 and len(line.forms) == len(line.subscriptions) == 1


async def test_a_lost_subscription_is_asked_again_with_the_same_address(world, side, line, client_for) -> None:
    await side.post("/handoffs", json={})
    line.subscriptions[0:0] = [{}]  # the hub now knows another number than ours
    await side.post("/handoffs", json={})
    first, second = line.subscriptions[1:]
    assert first == second
    restarted = SasTwin(world, transport=httpx.ASGITransport(line.app()))
    assert restarted.desk.subscriber.watch.id == "sub-3"


async def test_an_expired_token_is_asked_anew(side, line) -> None:
    await side.post("/handoffs", json={})
    line.tokens += 1  # the hub knows only a later one
    assert (await side.post("/handoffs", json={})).json()["status"] == 200
    assert len(line.forms) == 2


async def test_a_hub_that_is_away(world, client_for) -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    twin = SasTwin(world, transport=httpx.MockTransport(dead))
    home = FastAPI()
    home.include_router(twin.side)
    async with client_for(home) as client:
        answer = await client.post("/handoffs", json={})
    assert answer.status_code == 502 and "connection refused" in answer.json()["detail"]


async def test_wishes_are_checked(side) -> None:
    assert (await side.post("/handoffs", json={"prioritie": "P2"})).status_code == 422
    assert (await side.post("/handoffs", json={"notes": ["Une note."], "gp": None})).status_code == 200
    assert (await side.get("/dossiers/DRFR15950999999999")).status_code == 404


async def test_an_urgent_case_that_is_taken_is_noticed(side, line) -> None:
    line.answers = [
        (200, transaction_response(), {}),
        (422, outcome("business-rule", "urgent-case", "Bundle.entry[4].resource.orderDetail[0]"), {}),
    ]
    taken = (await side.post("/handoffs", json={"priority": "P1"})).json()
    refused = (await side.post("/handoffs", json={"care_level": "R2"})).json()
    assert (taken["conformant"], refused["conformant"]) == (False, True)
    assert (refused["detail"], refused["locations"]) == ("urgent-case", {})


async def test_repetitions(side, line) -> None:
    number = (await side.post("/handoffs", json={})).json()["dossier"]
    line.answers = [
        (200, transaction_response("200 OK"), {}),
        (200, transaction_response("200 OK"), {}),
        (409, outcome("duplicate", "case-exists-with-other-content"), {}),
        (200, transaction_response("200 OK"), {}),
    ]
    asked = ({}, {"renumbered": True}, {"changed": True}, {"changed": True})
    told = [(await side.post("/repeat", json={"dossier": number, **one})).json() for one in asked]
    assert [one["conformant"] for one in told] == [True, True, True, False]
    first, same, renumbered, changed, _ = line.bundles
    assert first == same != renumbered
    assert first["entry"][4]["resource"]["authoredOn"] == changed["entry"][4]["resource"]["authoredOn"]
    assert len(changed["entry"][4]["resource"]["note"]) == len(first["entry"][4]["resource"]["note"]) + 1


async def test_withdrawal_by_patch_and_by_put(side, line) -> None:
    number = (await side.post("/handoffs", json={})).json()["dossier"]
    for method in ("PATCH", "PUT"):
        told = (await side.post("/withdraw", json={"dossier": number, "reason": "Réorienté", "method": method})).json()
        assert (told["status"], told["conformant"]) == (200, True)
    key = f"identifier=https://hub.example.org/fhir/ns/sas-patient|{patient_id(number, 1)}"
    (patch, first, operations), (put, second, task) = line.patches
    assert (patch, put) == ("PATCH", "PUT") and httpx.QueryParams(first) == httpx.QueryParams(
        second
    ) == httpx.QueryParams(key)
    assert operations[0] == {"op": "replace", "path": "/status", "value": "cancelled"}
    assert task["status"] == "cancelled" and task["statusReason"] == {"text": "Réorienté"} and task["id"] == "x1"
    assert (await side.get(f"/dossiers/{number}")).json()["withdrawn"] is True


async def test_new_information_adds_a_note(side, line) -> None:
    number = (await side.post("/handoffs", json={})).json()["dossier"]
    assert (await side.post("/inform", json={"dossier": number, "note": "Code 12B."})).json()["conformant"] is True
    ((method, _, request),) = line.patches
    assert method == "PUT" and [note["text"] for note in request["note"]] == ["Code 12B."]


async def test_faults_of_what_is_sent(twin, side, line) -> None:
    for kind in ("broken-json", "stranger", "unknown-reference", "no-token"):
        twin.faults.set(kind)
        await side.post("/handoffs", json={})
    broken, stranger, nowhere, _ = line.raw
    with pytest.raises(ValueError):
        json.loads(broken)
    assert b'"fr.health.samu780"' in stranger and b'"fr.health.samu950"' not in stranger
    references = set(re.findall(rb'"reference": "(urn:uuid:[^"]+)"', nowhere))
    assert references - set(re.findall(rb'"fullUrl": "([^"]+)"', nowhere))
    kinds = [entry.facts["kind"] for entry in twin.desk.world.journal.entries("sas") if "dossier" in entry.facts]
    assert kinds == ["broken", "foreign", "broken", "anonymous"]
    assert twin.desk.world.journal.entries("sas")[-1].facts["status"] == "401"


async def test_two_copies_at_once_must_make_one_request(twin, side, line) -> None:
    twin.faults.set("twice", times=2)
    line.answers = [(200, transaction_response(), {}), (200, transaction_response("200 OK"), {})]
    await side.post("/handoffs", json={})
    assert line.bundles[0] == line.bundles[1]
    assert all(entry.accepted for entry in twin.desk.world.journal.entries("sas"))
    line.answers = [(200, transaction_response(), {}), (200, transaction_response(rank=2), {})]
    await side.post("/handoffs", json={})
    said = [failed(entry.checks) for entry in twin.desk.world.journal.entries("sas")]
    assert ["Deux envois simultanés, une seule demande"] in said


# ----------------------------------------------------------------------------------------------- notifications


def test_published_tasks_are_found_right(example) -> None:
    case = published_case(example)
    for number in ("07", "08", "09", "10"):
        task = example(number)
        assert (
            wrong([*tasks.structure(task, "t417"), *tasks.belonging(task, case), *tasks.order(task, "x", case)]) == []
        )


def change(task: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one element replaced, or removed when `value` is None."""
    made = copy.deepcopy(task)
    *parents, last = path.split(".")
    place = made
    for name in parents:
        place = place[name]
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return made


WRONG_TASKS: dict[str, tuple[str, str, Any]] = {
    "Aucun membre inconnu, aucune ressource contenue": ("07", "contained", [{"resourceType": "Patient"}]),
    "Identifiant de l’adresse et de la ressource égaux": ("07", "id", "t418"),
    "meta.versionId et meta.lastUpdated": ("07", "meta.versionId", None),
    "intent order, code fulfill": ("07", "intent", "plan"),
    "Tâche de coordination, sans partOf": ("07", "partOf", [{"reference": "Task/t1"}]),
    "status et businessStatus vont ensemble": ("07", "status", "in-progress"),
    "authoredOn puis lastModified": ("07", "lastModified", "2026-08-07T10:11:59+02:00"),
    "Motif présent pour un échec, un refus, un retrait": ("10", "statusReason", None),
    "Motif codé pour un échec ou un refus": ("09", "statusReason", {"text": "Personne"}),
    "CPTS nommée dès la prise en charge": ("07", "owner", None),
    "Rendez-vous confirmé dans output": ("08", "output", None),
    "Numéro du patient dans le dossier": ("07", "identifier", []),
    "Références : celles données à la création": ("07", "focus", {"reference": "ServiceRequest/other"}),
    "Échéance présente, jamais après celle demandée": ("07", "restriction.period.end", "2026-08-07T12:13:00+02:00"),
}


@pytest.mark.parametrize("what", WRONG_TASKS)
def test_wrong_tasks_are_seen(example, what: str) -> None:
    number, path, value = WRONG_TASKS[what]
    task = change(example(number), path, value)
    assert what in wrong([*tasks.structure(task, "t417"), *tasks.belonging(task, published_case(example))])


@pytest.mark.parametrize(
    ("path", "value", "datum"),
    [
        ("for", {"reference": "Patient/p417", "display": "Dominique Pat-Trois"}, "nom"),
        ("description", "née le 1979-03-05", "date de naissance"),
        ("statusReason", {"text": "INS 279035121518989"}, "INS"),
        ("note", [{"text": "rappeler au +33602030405"}], "téléphone"),
        ("note", [{"text": "12 RUE DES ESSAIS"}], "adresse"),
    ],
)
def test_patient_data_in_a_task_are_seen(example, path: str, value: Any, datum: str) -> None:
    task = change(example("07"), path, value)
    assert datum in set(tasks.personal_data(task, published_case(example)))


def test_the_callback_phone_may_come_back_where_the_sas_put_it(example) -> None:
    given = example("01")["entry"][5]["resource"]["input"]
    assert list(tasks.personal_data({**example("07"), "input": given}, published_case(example))) == []


@pytest.mark.parametrize(
    ("start", "end", "steps", "allowed"),
    [
        ("received", "accepted", 1, True),
        ("accepted", "accepted", 1, True),
        ("accepted", "completed", 1, False),
        ("accepted", "completed", 2, True),
        ("in-progress", "accepted", 1, True),
        ("on-hold", "completed", 1, False),
        ("completed", "cancelled", 9, False),
        ("failed", "accepted", 9, False),
        ("requested", "accepted", 1, True),
        ("requested", "in-progress", 1, False),
    ],
)
def test_moves(start: str, end: str, steps: int, allowed: bool) -> None:
    assert tasks.reachable(start, end, steps) is allowed


async def handed(side: httpx.AsyncClient, twin: SasTwin) -> tuple[str, str, dict[str, str]]:
    """The number of a case just handed over, the address and the headers of its notifications."""
    number = (await side.post("/handoffs", json={})).json()["dossier"]
    watch = twin.desk.subscriber.watch
    headers = {"Content-Type": "application/fhir+json; charset=utf-8", "X-Hub-Subscription": watch.secret}
    return number, f"/notifications/{watch.opaque}", headers


def a_task(twin: SasTwin, number: str, version: int, status: str, business: str, **more: Any) -> dict[str, Any]:
    case = twin.desk.ledger.named(number)[0]
    sent = case.bundle["entry"][5]["resource"]
    now = datetime.now(UTC).isoformat()
    coding = {"system": names.code_system("handoff-business-status"), "code": business}
    task = {
        **{
            name: sent[name]
            for name in ("identifier", "groupIdentifier", "intent", "code", "authoredOn", "restriction")
        },
        "resourceType": "Task",
        "id": "task-1",
        "meta": {"versionId": str(version), "lastUpdated": now},
        "status": status,
        "focus": {"reference": case.target("ServiceRequest")},
        "for": {"reference": case.target("Patient")},
        "requester": {"reference": case.target("Organization")},
        "lastModified": now,
        "owner": {"display": "CPTS DES BOUCLES DE L'OISE"},
        **more,
    }
    return {**task, "businessStatus": {"coding": [coding]}} if business else task


async def test_states_received_in_order_with_copies(twin, side, door) -> None:
    number, address, headers = await handed(side, twin)
    steps = [(1, "requested", ""), (2, "accepted", "searching"), (3, "in-progress", "taken")]
    sent = [a_task(twin, number, *step) for step in steps]
    replies = [await door.put(f"{address}/Task/task-1", json=task, headers=headers) for task in sent]
    assert [reply.status_code for reply in replies] == [201, 200, 200]
    assert (await door.post(address, json=sent[2], headers=headers)).status_code == 200
    told = (await side.get(f"/dossiers/{number}")).json()
    states = [(state["version"], state["status"], state["business"], state["repeats"]) for state in told["states"]]
    assert states == [(1, "requested", "", 0), (2, "accepted", "searching", 0), (3, "in-progress", "taken", 1)]
    assert (told["state"], told["business"]) == ("in-progress", "taken")
    last = twin.desk.world.journal.entries("sas")[-1]
    assert (last.subject, last.facts["version"], last.facts["repeat"]) == (number, "3", "true")
    assert twin.desk.subscriber.watch.secret not in last.request
    assert (await side.get("/dossiers")).json()["dossiers"][0]["dossier"] == number


async def test_disorder_is_refused(twin, side, door) -> None:
    number, address, headers = await handed(side, twin)

    async def tell(version: int, status: str, business: str, **more: Any) -> int:
        task = a_task(twin, number, version, status, business, **more)
        return (await door.put(f"{address}/Task/{task['id']}", json=task, headers=headers)).status_code

    assert await tell(3, "accepted", "searching") == 201
    assert await tell(2, "received", "stored") == 422  # an older version after a newer one
    assert await tell(4, "completed", "confirmed", output=[{"valueReference": {"reference": "Appointment/a"}}]) == 422
    assert await tell(3, "accepted", "searching", note=[{"text": "autre"}]) == 422  # a copy that differs
    assert await tell(1, "accepted", "searching", id="task-2") == 422  # a second try before the first has failed
    reason = {"coding": [{"system": names.code_system("handoff-failure"), "code": "no-answer-in-time"}]}
    assert await tell(4, "failed", "handed-back", statusReason=reason) == 200
    assert await tell(5, "accepted", "searching") == 422  # nothing leaves a failure
    assert await tell(1, "accepted", "searching", id="task-2") == 201
    assert len((await side.get(f"/dossiers/{number}")).json()["states"]) == 3


async def test_who_may_notify(twin, side, door, client_for) -> None:
    number, address, headers = await handed(side, twin)
    task = a_task(twin, number, 2, "accepted", "searching")
    for certificate in ("sas-client", None):
        async with client_for(twin.app, certificate=certificate) as stranger:
            assert (await stranger.put(f"{address}/Task/task-1", json=task, headers=headers)).status_code == 403
    assert (await door.put("/notifications/guess/Task/task-1", json=task, headers=headers)).status_code == 404
    other = {**headers, "X-Hub-Subscription": "sas-950"}
    assert (await door.put(f"{address}/Task/task-1", json=task, headers=other)).status_code == 403
    foreign = change(task, "groupIdentifier.value", "fr.health.samu780.DRFR15780000000001")
    assert (await door.put(f"{address}/Task/task-1", json=foreign, headers=headers)).status_code == 404
    assert not twin.desk.ledger.named(number)[0].states


async def test_unreadable_notifications(twin, side, door) -> None:
    number, address, headers = await handed(side, twin)
    place = f"{address}/Task/task-1"
    task = a_task(twin, number, 2, "accepted", "searching")
    assert (await door.put(place, content=b"{", headers=headers)).status_code == 400
    assert (await door.post(address, headers=headers)).status_code == 400  # a payload was asked for
    assert (await door.put(place, json={"resourceType": "Patient"}, headers=headers)).status_code == 400
    assert (await door.put(place, json={**task, "code": "fulfill"}, headers=headers)).status_code == 400
    assert (await door.put(place, json=task, headers={**headers, "Content-Type": "text/plain"})).status_code == 415
    refused = twin.desk.world.journal.entries("sas")[-1]
    assert not refused.accepted and "OperationOutcome" in refused.answer


@pytest.mark.parametrize(
    ("kind", "status"), [("refuse-notification", 503), ("reject-notification", 422), ("unknown-subscription", 404)]
)
async def test_faults_of_notifications(twin, side, door, kind: str, status: int) -> None:
    number, address, headers = await handed(side, twin)
    task = a_task(twin, number, 2, "accepted", "searching")
    twin.faults.set(kind)
    replies = [await door.put(f"{address}/Task/task-1", json=task, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [status, 201]
    assert ("retry-after" in replies[0].headers) is (status == 503)


async def test_a_lost_answer_leaves_the_state_known(twin, side, door) -> None:
    number, address, headers = await handed(side, twin)
    task = a_task(twin, number, 2, "accepted", "searching")
    twin.faults.set("lost-answer")
    with pytest.raises(httpx.RemoteProtocolError):
        await door.put(f"{address}/Task/task-1", json=task, headers=headers)
    assert (await door.put(f"{address}/Task/task-1", json=task, headers=headers)).status_code == 200
    assert [state.repeats for state in twin.desk.ledger.named(number)[0].states] == [1]


# ------------------------------------------------------------------------------------------------ appointments


OPERATORS = frozenset({"3456780581/11242343"})


def test_published_appointments_are_found_right(example) -> None:
    pending, booked = example("11"), example("12")
    only_remark = ["Début et fin à la milliseconde"]  # the example forgets what the technical page asks
    assert wrong(appointments.examine(pending, OPERATORS, None)) == only_remark
    assert wrong(appointments.examine(booked, OPERATORS, pending)) == only_remark
    assert "Suite permise au statut connu" in wrong(appointments.examine(pending, OPERATORS, booked))


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("meta.profile", ["a", "b"], "Profil FrAppointmentSAS, et lui seul"),
        ("extension", [], "Un régulateur, identifié et typé"),
        ("identifier", [{"system": "x", "value": "17"}], "Un identifiant : système, UUID"),
        ("status", "proposed", "Statut permis"),
        ("start", "2026-08-07T13:20:00.000Z", "Début puis fin, avec un décalage en chiffres"),
        ("end", "2026-08-07T15:00:00.000+02:00", "Début puis fin, avec un décalage en chiffres"),
        (
            "participant",
            [{"actor": {"reference": "Patient/p417"}, "status": "accepted"}],
            "Aucune personne prise en charge",
        ),
        ("participant", [], "Un seul participant, le médecin, par IDNPS"),
    ],
)
def test_wrong_appointments_are_seen(example, path: str, value: Any, what: str) -> None:
    assert what in wrong(appointments.examine(change(example("12"), path, value), OPERATORS, None))


async def test_appointments_at_the_door(twin, side, door, example) -> None:
    await handed(side, twin)
    headers = {"Content-Type": "application/fhir+json"}
    pending, booked = example("11"), example("12")
    for resource in (pending, booked):
        resource["extension"][0]["valueReference"]["identifier"]["value"] = Regulator().id
        resource["start"], resource["end"] = "2026-08-07T15:20:00.000+02:00", "2026-08-07T15:40:00.000+02:00"
    system, value = pending["identifier"][0]["system"], pending["identifier"][0]["value"]
    first = await door.post("/fhir/Appointment", json=pending, headers=headers)
    assert first.status_code == 201 and first.headers["location"].endswith("/fhir/Appointment/rdv-1")
    assert (await door.post("/fhir/Appointment", json=pending, headers=headers)).status_code == 200
    assert (await door.post("/fhir/Appointment", json=booked, headers=headers)).status_code == 409
    for name in ("identifier", "Identifier"):
        place = f"/fhir/Appointment?{name}={system}|{value}"
        assert (await door.put(place, json=booked, headers=headers)).status_code == 200
    assert (await door.put("/fhir/Appointment?identifier=x|y", json=booked, headers=headers)).status_code == 422
    (kept,) = (await side.get("/appointments")).json()["appointments"]
    assert [version["status"] for version in kept["versions"]] == ["pending", "pending", "booked", "booked"]


async def test_an_unknown_appointment_may_come_by_put(twin, side, door, example) -> None:
    await handed(side, twin)
    booked = example("12")
    booked["extension"][0]["valueReference"]["identifier"]["value"] = Regulator().id
    identifier = "|".join((booked["identifier"][0]["system"], booked["identifier"][0]["value"]))
    headers = {"Content-Type": "application/fhir+json"}
    put = await door.put(f"/fhir/Appointment?identifier={identifier}", json=booked, headers=headers)
    assert put.status_code == 201 and put.headers["location"]


# ------------------------------------------------------------------------------------------- the house, the wire


async def test_reset_keeps_the_subscription(twin, side, line) -> None:
    await side.post("/handoffs", json={})
    address = twin.desk.subscriber.endpoint
    twin.reset()
    assert (await side.get("/dossiers")).json() == {"dossiers": []}
    await side.post("/handoffs", json={})
    assert twin.desk.subscriber.endpoint == address and len(line.subscriptions) == 1


def test_numbers_never_repeat(twin) -> None:
    numbers = [twin.desk.ledger.new_number(AT + timedelta(seconds=rank // 10)) for rank in range(50)]
    assert len(set(numbers)) == 50 and numbers[0] == "DRFR159502621929520"


async def test_mutual_tls_on_both_sides(open_world, base_port, tmp_path, line) -> None:
    """The stub of the hub listens on the home port and demands a certificate, as the twin does on its own."""
    hub = Listener(name="home", app=line.app(), tls=True, client_certificate="required")
    settings = Settings(run_dir=tmp_path, base_port=base_port, hub_machine_url=f"https://localhost:{base_port}")
    parts = {name: getattr(open_world, name) for name in ("clock", "certificates", "journal")}
    world = World(settings=settings, **parts)
    twin = SasTwin(world)
    home = FastAPI()
    home.include_router(twin.side)
    trusted = ssl.create_default_context(cafile=str(world.certificates.authority))
    async with listening([hub, *twin.listeners()], world):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(home), base_url="http://home") as side:
            told = (await side.post("/handoffs", json={})).json()
            address = twin.desk.subscriber.endpoint
            headers = {"X-Hub-Subscription": twin.desk.subscriber.watch.secret}
            task = a_task(twin, told["dossier"], 2, "accepted", "searching")
        async with httpx.AsyncClient(verify=trusted) as stranger:
            with pytest.raises(httpx.TransportError):
                await stranger.put(f"{address}/Task/task-1", json=task, headers=headers)
        trusted.load_cert_chain(world.certificates.path("hub-auth-cli"), world.certificates.key("hub-auth-cli"))
        async with httpx.AsyncClient(verify=trusted) as known:
            reply = await known.put(f"{address}/Task/task-1", json=task, headers=headers)
        await twin.stop()
    assert (told["status"], told["conformant"], reply.status_code) == (200, True, 201)
    assert address == f"https://localhost:{base_port + 3}/notifications/{twin.desk.subscriber.watch.opaque}"
