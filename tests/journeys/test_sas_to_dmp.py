"""One patient from the SAS to the DMP: the scene ``journee``, then what the peers, the mails, the traces and the logs say of it."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from lxml import etree

from tests.journeys.house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

STATES = [
    ("accepted", "searching"),
    ("in-progress", "taken"),
    ("in-progress", "appointment-proposed"),
    ("completed", "confirmed"),
    ("completed", "done"),
]
EVENTS = [
    "handoff.received", "request.opened", "request.accepted", "appointment.proposed", "appointment.confirmed",
    "request.finish",
]  # fmt: skip
ABOUT_NOTE = ["note.written", "dmp.asked", "dmp.filed"]
INS_SYSTEM = "urn:oid:1.2.250.1.213.1.4.10"
# What the SAS said of the patient, however it may be written: none of it in a mail, a text message or a log.
PATIENT = (
    "PAT-TROIS", "DOMINIQUE", "2790351215", "639980303", "rue des Essais", "Tilleul", "1979-03-28", "28/03", "Fièvre",
    "Angine", "streptococ", "Amoxicilline",
)  # fmt: skip
H = {"h": "urn:hl7-org:v3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A journey that was played: its steps, and where journal, traces and messages stood before it."""

    steps: list[dict[str, Any]]
    since: int
    trace: int
    message: int

    def evidence(self, label: str) -> str:
        """The last value that a step shows under this label."""
        *_, value = (step["evidence"][label] for step in self.steps if label in step["evidence"])
        return str(value)


@pytest.fixture(scope="module")
async def played(house: House) -> Played:
    since = max((entry.id for entry in house.world.journal.entries()), default=0)
    trace = house.rows("SELECT coalesce(max(id), 0) AS n FROM audit")[0]["n"]
    message = house.last_message()
    steps = await house.play("journee")
    await house.quiet()
    return Played(steps=steps, since=since, trace=trace, message=message)


@pytest.fixture(scope="module")
def request_id(played: Played) -> str:
    return played.evidence("Demande").split("/")[1]


@pytest.fixture(scope="module")
def ins(house: House, request_id: str) -> str:
    """The national identity number of the patient."""
    subject = house.resource("ServiceRequest", request_id)["subject"]["reference"]
    patient = house.resource("Patient", subject.removeprefix("Patient/"))
    (value,) = [one["value"] for one in patient["identifier"] if one["system"] == INS_SYSTEM]
    return str(value)


@pytest.fixture(scope="module")
async def document(house: House, played: Played) -> bytes:
    """The document as the DMP received it."""
    async with httpx.AsyncClient(base_url=house.stack.home, trust_env=False) as line:
        answer = await line.get(f"/twins/dmp/documents/{played.evidence('Identifiant national')}")
    return answer.content


def test_every_step_held_and_showed_why(played: Played) -> None:
    assert len(played.steps) >= 12
    assert all(step["passed"] and step["evidence"] for step in played.steps)


async def test_the_sas_heard_each_state_once_and_in_order(house: House, played: Played, request_id: str) -> None:
    dossier = played.evidence("Dossier du SAS")
    async with house.people(0) as (hand, _):
        states = (await hand.get(f"/twins/sas/dossiers/{dossier}"))["states"]
    assert [(state["status"], state["business"]) for state in states] == STATES
    assert [state["repeats"] for state in states] == [0] * len(STATES)
    versions = [state["version"] for state in states]
    assert versions == sorted(set(versions))
    assert {state["resource"]["focus"]["reference"] for state in states} == {f"ServiceRequest/{request_id}"}
    told = [entry for entry in house.world.journal.entries("sas", played.since) if entry.direction == "in"]
    mine = [entry for entry in told if entry.subject == dossier]
    assert len(mine) == len(STATES)
    assert [check.what for entry in mine for check in entry.checks if not check.passed] == []


async def test_the_platform_followed_the_appointment_once_and_without_the_patient(
    house: House, played: Played, request_id: str, ins: str
) -> None:
    mine = played.evidence("Rendez-vous")  # the last one: its identifier
    async with house.people(0) as (hand, _):
        known = (await hand.get("/twins/sas/appointments"))["appointments"]
    (held,) = [one for one in known if one["value"] == mine]
    assert [version["status"] for version in held["versions"]] == ["pending", "booked", "fulfilled"]
    told = [entry for entry in house.world.journal.entries("sas", played.since) if entry.subject == mine]
    assert [entry.request.split(" ", 1)[0] for entry in told] == ["POST", "PUT", "PUT"]
    assert [check.what for entry in told for check in entry.checks if not check.passed] == []
    text = "".join(entry.request for entry in told)
    assert [word for word in (*PATIENT, ins, request_id) if word in text] == []


async def test_the_dmp_holds_one_document_that_passed_every_check(
    house: House, played: Played, document: bytes, ins: str
) -> None:
    asked = house.world.journal.entries("dmp", played.since)
    assert [check.what for entry in asked for check in entry.checks if not check.passed] == []
    (fed,) = [entry for entry in asked if entry.facts.get("transaction") == "TD2.1"]
    assert fed.accepted and fed.facts["uniqueId"] == played.evidence("Identifiant national")
    assert fed.facts["hash"] == hashlib.sha1(document).hexdigest()
    async with house.people(0) as (hand, _):
        known = (await hand.get("/twins/dmp/documents"))["documents"]
    (filed,) = [one for one in known if one["uniqueId"] == fed.facts["uniqueId"]]
    assert (filed["version"], filed["replaces"], filed["size"]) == (1, "", len(document))
    assert filed["patient"].startswith(ins)


def test_the_document_is_valid_by_the_official_material(
    document: bytes, schema: etree.XMLSchema, schematron: Callable[[bytes], list[str]]
) -> None:
    schema.assertValid(etree.fromstring(document))
    assert schematron(document) == []


def test_the_document_says_who_and_what(played: Played, document: bytes, ins: str) -> None:
    root = etree.fromstring(document)
    assert root.find("h:recordTarget/h:patientRole/h:id", H).get("extension") == ins
    author = root.find("h:author/h:assignedAuthor/h:id", H).get("extension")
    assert author in ("899700999909", "899700999917")  # whoever won the race
    text = root.findtext(".//h:nonXMLBody/h:text", namespaces=H)
    body = base64.b64decode(text).decode() if text else "".join(root.find(".//h:structuredBody", H).itertext())
    assert "Angine streptococcique" in body
    assert root.find("h:id", H).get("root") == played.evidence("Identifiant national")


def test_mails_and_text_messages_tell_nothing_of_the_patient(house: House, played: Played) -> None:
    mails = house.world.journal.entries("mail", played.since)
    texts = house.world.journal.entries("sms", played.since)
    assert mails and texts
    assert all(entry.accepted for entry in [*mails, *texts])
    read = [readable(entry.request) for entry in mails] + [entry.request for entry in texts]
    assert [(word, text) for word in PATIENT for text in read if word.lower() in text.lower()] == []


def readable(source: str) -> str:
    """Headers and parts of a mail, decoded."""
    message = email.message_from_string(source, policy=email.policy.default)
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *map(str, parts)])


def test_each_notice_was_delivered_once(house: House, played: Played) -> None:
    mails = [entry.facts["message_id"] for entry in house.world.journal.entries("mail", played.since)]
    texts = [entry.facts["reference"] for entry in house.world.journal.entries("sms", played.since)]
    assert len(mails) == len(set(mails)) and len(texts) == len(set(texts))


def test_each_act_left_its_trace(house: House, played: Played, request_id: str) -> None:
    rows = house.rows("SELECT event, viewer, name, request, patient FROM audit WHERE id > %s ORDER BY id", played.trace)
    mine = [row for row in rows if row["request"] == request_id]
    events = [row["event"] for row in mine if row["event"] in EVENTS]
    assert list(dict.fromkeys(events)) == EVENTS
    assert events.count("request.accepted") == 1
    about_note = [row["event"] for row in rows if row["event"] in ABOUT_NOTE]
    assert about_note == ABOUT_NOTE
    assert all(row["viewer"] and row["name"] for row in rows)
    assert {row["patient"] for row in mine if row["event"] in EVENTS} == {
        house.resource("ServiceRequest", request_id)["subject"]["reference"].removeprefix("Patient/")
    }


def test_nothing_was_given_up(house: House, played: Played) -> None:
    assert house.stopped(played.message) == []


def test_logs_hold_no_datum_of_the_patient(house: House, ins: str) -> None:
    for name in ("serve", "work"):
        text = (house.directory / "logs" / f"{name}.log").read_text(encoding="utf-8")
        assert text
        assert [word for word in (*PATIENT, ins) if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)] == []
