"""The canary before those who see a part: a SAS that knows the same patient by the INS, and a professional whose year is over.

What they may know is their own; nothing of what another SAS gave, nor of the patient they no longer care for, is on any road.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.people import Viewer
from hub.fhir.rules import RULES
from hub.r4 import names
from hub.storage import clients, crypto, resources
from hub.storage.clients import Client
from hub.storage.session import Database
from hub.workflows import handoffs, requests
from tests.architecture.canary import CANARY, OTHER_SAS, Aviary, bundle, open_aviary, told
from tests.architecture.canary_walk import Road, addresses, go_all, guesses, listings, matches, roads_to, whole
from tests.conftest import FrozenClock

FILE_OF_OTHER = "fr.health.samu750.patient.DRFR15750262190041799.1"
# What the first SAS gave, and the second did not.
ITS_OWN = ("39981177", "39981178", "DRFR1595", "impasse", "B42", "tante", "appelante", "canari@", "Dr Canari")


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


def second() -> dict[str, Any]:
    """The same person, from another SAS, with another phone and another address."""
    made = json.loads(json.dumps(bundle()).replace("fr.health.samu950.patient.DRFR15950262190041799.1", FILE_OF_OTHER))
    patient, organization, request, task = (entry["resource"] for entry in made["entry"])
    for name in ("contact", "generalPractitioner", "text"):
        del patient[name]
    patient["name"] = [{"use": "official", "family": CANARY, "given": ["Canarine"]}]
    patient["telecom"] = [{"system": "phone", "value": "+33639980000"}]
    patient["address"][0] |= {"line": ["1 quai Neuf"], "text": "1 quai Neuf"}
    organization["identifier"] = [{"system": names.ns("hubsante-client"), "value": OTHER_SAS}]
    for one in (request, task):
        for name in ("note", "patientInstruction", "input", "description"):
            one.pop(name, None)
    request["requisition"] = task["groupIdentifier"] = {
        "system": names.ns("sas-dossier"),
        "value": "fr.health.samu750.D",
    }
    return made


async def hand_over_again(aviary: Aviary) -> Viewer:
    """The other SAS hands the same person over; who it is now."""
    async with aviary.database.transaction() as session:
        organization = {"resourceType": "Organization", "name": "SAMU-SAS 75"}
        id = (await resources.create(session, Viewer.hub(), organization))["id"]
        other = Client(
            id=OTHER_SAS, name=OTHER_SAS, kind="sas", organization=id, scopes=("system/*.cruds",), identity_trusted=True
        )
        await clients.keep(session, other)
        viewer = replace(aviary.viewers[OTHER_SAS], organization=id)
        received = await handoffs.receive(session, viewer, second())
        assert f"Patient/{aviary.patient}/_history/1" in received.locations
    return viewer


async def everything_of(aviary: Aviary) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in await aviary.everything():
        ids = found.setdefault(one.type, {})
        ids[one.id] = max(one.version, ids.get(one.id, 0))
    return found


def said_of(text: str, words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word.lower() in text.lower()]


@pytest.fixture
async def aviary(database: Database, clock: FrozenClock) -> Aviary:
    del clock
    return await open_aviary(database)


async def test_a_sas_reads_nothing_that_another_gave(aviary: Aviary) -> None:
    viewer = await hand_over_again(aviary)
    assert said_of("\n".join(one.content.decode() for one in await aviary.everything()), ITS_OWN) == list(ITS_OWN)
    roads = [*addresses(await everything_of(aviary)), *listings()]
    assert {road.segments[0] for road in roads} >= set(RULES)
    own = 0
    for road, answer in await go_all(aviary, viewer, roads):
        assert answer.status < 500, str(road)
        assert said_of(whole(answer), ITS_OWN) == [], str(road)
        own += "39980000" in whole(answer)
    assert own > 5  # else the walk is blind


async def test_a_sas_finds_nothing_by_what_another_gave(aviary: Aviary) -> None:
    viewer = await hand_over_again(aviary)
    patient = next(one.json() for one in await aviary.everything() if one.id == aviary.patient)
    hidden = [
        guess for guess in guesses(patient) if said_of(guess.value, ITS_OWN) and guess.code != "general-practitioner"
    ]
    assert {guess.code for guess in hidden} >= {"phone", "email", "telecom", "address"}
    for road, answer in await go_all(aviary, viewer, [road for guess in hidden for road in roads_to(guess)]):
        assert matches(answer) == ([], 0), str(road)


async def test_a_year_after_the_last_act_nothing_is_told_any_more(aviary: Aviary, clock: FrozenClock) -> None:
    doctor = aviary.place.people["VASSEUR"]
    async with aviary.database.transaction() as session:
        await requests.accept(session, doctor, aviary.request)
    roads = [*addresses(await everything_of(aviary)), *listings()]
    assert any(told(whole(answer)) for _, answer in await go_all(aviary, doctor_software(doctor), roads))
    clock.advance(timedelta(days=365))
    for road, answer in await go_all(aviary, doctor_software(doctor), roads):
        assert answer.status < 500, str(road)
        assert told(whole(answer)) == [], str(road)


def doctor_software(doctor: Viewer) -> Viewer:
    return replace(doctor, client="software-VASSEUR", scopes=("system/*.cruds",))


async def test_a_year_after_a_search_for_the_patient_is_a_search_for_nothing(
    aviary: Aviary, clock: FrozenClock
) -> None:
    doctor = doctor_software(aviary.place.people["VASSEUR"])
    async with aviary.database.transaction() as session:
        await requests.accept(session, doctor, aviary.request)
    clock.advance(timedelta(days=365))
    patient = next(one.json() for one in await aviary.everything() if one.id == aviary.patient)
    roads: list[Road] = [road for guess in guesses(patient) if told(guess.value) for road in roads_to(guess)]
    assert roads
    for road, answer in await go_all(aviary, doctor, roads):
        assert matches(answer) == ([], 0), str(road)
