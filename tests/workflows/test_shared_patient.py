"""A patient whom two SAS know by one INS: neither reads what the other gave, and no word is written over (workflow.md 4.3)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from hub.domain.people import Viewer, client_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import is_cut
from hub.r4 import elements, names
from hub.r4.shapes import patient as shape
from hub.r4.shapes import shared_patient as shared
from hub.storage import board, clients, resources
from hub.storage.board import Filters
from hub.storage.clients import Client
from hub.storage.search import search
from hub.workflows import handoffs, patients

OTHER, FILE, OTHER_FILE = "fr.health.samu780", "fr.health.samu950.patient.DRFR1.1", "fr.health.samu780.patient.DRFR2.1"
FIRST_ONLY = (b"39981100", b"rue des Essais", b"39981144", b"Fille", b"nee@example.org", b"samu950", b"DRFR1")
SECOND_ONLY = (b"39981177", b"impasse Neuve", b"samu780", b"DRFR2", b"99700999925")


@pytest.fixture
async def shared_by_two(place: Any, bundle: Any) -> Any:
    """The place, the second SAS, and what each handoff gave."""
    second: Viewer = replace(
        place.sas, id=OTHER, name="SAMU-SAS 78", organization="samu780", client=OTHER, keys=frozenset({client_key(OTHER)})
    )  # fmt: skip
    await clients.keep(
        place.session, Client(id=OTHER, name="SAMU-SAS 78", kind="sas", organization="samu780", identity_trusted=True)
    )
    first = bundle(FILE)
    first["entry"][0]["resource"] |= {
        "contact": [{"name": {"family": "Fille"}, "telecom": [{"system": "phone", "value": "+33639981144"}]}],
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">12 rue des Essais</div>'},
    }
    first["entry"][0]["resource"]["telecom"].append({"system": "email", "value": "nee@example.org"})
    one = await handoffs.receive(place.session, place.sas, first)
    two = await handoffs.receive(place.session, second, of_second(bundle))
    return place, second, one, two


def of_second(bundle: Any) -> dict[str, Any]:
    made: dict[str, Any] = bundle(OTHER_FILE)
    patient, organization = (made["entry"][number]["resource"] for number in (0, 1))
    organization["identifier"][0]["value"] = OTHER
    patient["telecom"] = [{"system": "phone", "value": "+33639981177", "rank": 1}]
    patient["address"][0] |= {"line": ["3 impasse Neuve"], "city": "Pontoise"}
    patient["generalPractitioner"] = [{"identifier": {"system": names.RPPS, "value": "99700999925"}}]
    return made


def id_of(received: Any) -> str:
    return next(one.split("/")[1] for one in received.locations if one.startswith("Patient/"))


async def known(place: Any, received: Any) -> dict[str, Any]:
    found = await resources.peek(place.session, "Patient", id_of(received))
    assert found is not None
    return found


async def everything(session: Any, viewer: Viewer, id: str) -> bytes:
    """All that the roads give of the patient: read, each version, history, search, includes."""
    found = [await resources.read(session, viewer, "Patient", id)]
    found += [await resources.vread(session, viewer, "Patient", id, version) for version in (1, 2, 3)]
    found += await resources.history(session, viewer, "Patient", id) + await resources.history(session, viewer)
    around = [("_include", "*"), ("_include:iterate", "Patient:general-practitioner")]
    for kind in ("Patient", "ServiceRequest", "Task", "RelatedPerson"):
        page = await search(session, viewer, kind, around)
        found += [*page.matches, *page.includes]
    return b"\n".join(one.content for one in found if one is not None and one.type != "Organization")


async def test_one_patient_and_nobody_reads_what_the_other_gave(shared_by_two: Any) -> None:
    place, second, one, two = shared_by_two
    assert id_of(one) == id_of(two)
    kin = {
        "resourceType": "RelatedPerson",
        "patient": {"reference": f"Patient/{id_of(one)}"},
        "name": [{"family": "Fille"}],
    }
    link = {"url": names.structure("request"), "valueReference": {"reference": f"ServiceRequest/{one.request}"}}
    await resources.create(place.session, Viewer.hub(), {**kin, "extension": [link]})
    seen = await everything(place.session, place.sas, id_of(one))
    assert [word for word in SECOND_ONLY if word in seen] == []
    assert all(word in seen for word in (b"39981100", b"rue des Essais", b"39981144", b"279035121518989"))
    seen = await everything(place.session, second, id_of(one))
    assert [word for word in FIRST_ONLY if word in seen] == []
    assert all(word in seen for word in (b"39981177", b"impasse Neuve", b"279035121518989", b"PAT-TROIS"))


async def test_what_is_shared_is_marked_as_cut(shared_by_two: Any) -> None:
    place, second, one, _ = shared_by_two
    for viewer in (place.sas, second):
        stored = await resources.read(place.session, viewer, "Patient", id_of(one))
        assert stored is not None and is_cut(stored.json())


HIDDEN = (
    ("phone", "+33639981100"), ("telecom", "nee@example.org"), ("email", "nee@example.org"), ("address-city", "Cergy"),
    ("address", "12 rue"), ("identifier", f"{names.ns('sas-patient')}|{FILE}"), ("address-postalcode", "95000"),
)  # fmt: skip


@pytest.mark.parametrize("name, value", HIDDEN)
async def test_a_search_for_what_the_other_gave_finds_nothing(shared_by_two: Any, name: str, value: str) -> None:
    place, second, *_ = shared_by_two
    straight = await search(place.session, second, "Patient", [(name, value)])
    through = await search(place.session, second, "Task", [(f"patient:Patient.{name}", value)])
    assert (straight.matches, through.matches) == ([], [])
    listed = await search(place.session, second, "Patient", [(f"{name}:missing", "false")])
    assert listed.matches == []


async def test_what_is_common_is_still_searched(shared_by_two: Any) -> None:
    place, second, one, _ = shared_by_two
    for viewer in (place.sas, second):
        found = await search(place.session, viewer, "Patient", [("birthdate", "1979-03-28"), ("gender", "female")])
        assert [match.id for match in found.matches] == [id_of(one)]


async def test_alone_a_sas_reads_and_finds_all_that_it_sent(place: Any, bundle: Any) -> None:
    received = await handoffs.receive(place.session, place.sas, bundle(FILE))
    stored = await resources.read(place.session, place.sas, "Patient", id_of(received))
    assert stored is not None and not is_cut(stored.json())
    for wanted in (("phone", "+33639981100"), ("family", "PAT-TROIS"), ("address-city", "Cergy")):
        assert [one.id for one in (await search(place.session, place.sas, "Patient", [wanted])).matches] == [stored.id]


async def test_file_numbers_stand_on_the_request_of_who_gave_them(shared_by_two: Any) -> None:
    place, second, one, two = shared_by_two
    assert b"DRFR" not in str(await known(place, one)).encode()
    for viewer, file, other, received in ((place.sas, FILE, OTHER_FILE, one), (second, OTHER_FILE, FILE, two)):
        for kind in ("ServiceRequest", "Task"):
            mine = await search(place.session, viewer, kind, [("identifier", f"{names.ns('sas-patient')}|{file}")])
            theirs = await search(place.session, viewer, kind, [("identifier", f"{names.ns('sas-patient')}|{other}")])
            assert (len(mine.matches), theirs.matches) == (1, [])
        assert received.request in [
            match.id for match in (await search(place.session, viewer, "ServiceRequest", [])).matches
        ]


async def test_the_task_bears_the_file_number_even_when_the_sas_left_it_out(place: Any, bundle: Any) -> None:
    handoff = bundle(FILE)
    del handoff["entry"][3]["resource"]["identifier"]
    await handoffs.receive(place.session, place.sas, handoff)
    page = await search(place.session, place.sas, "Task", [("identifier", f"{names.ns('sas-patient')}|{FILE}")])
    assert len(page.matches) == 1


async def test_the_last_to_speak_does_not_win(shared_by_two: Any) -> None:
    place, _, one, _ = shared_by_two
    kept = await known(place, one)
    person = shape.read(kept)
    assert (person.phone, person.address.city) == ("+33639981100", "Cergy")
    phones = [part for part in kept["telecom"] if part["system"] == "phone"]
    assert [(part["value"], part["rank"]) for part in phones] == [("+33639981100", 1), ("+33639981177", 2)]
    assert phones[1]["period"] == {"start": "2026-11-16T08:00:00Z"}
    assert [part["city"] for part in kept["address"]] == ["Cergy", "Pontoise"]


async def test_an_operator_chooses_which_comes_first(shared_by_two: Any) -> None:
    place, second, one, _ = shared_by_two
    kept = await known(place, one)
    for element, value in (("telecom", "+33639981177"), ("address", "Pontoise")):
        part = next(part for part in kept[element] if value in (part.get("value"), part.get("city")))
        await patients.choose(place.session, place.operator, id_of(one), element, shared.key(part))
    person = shape.read(await known(place, one))
    assert (person.phone, person.address.city) == ("+33639981177", "Pontoise")
    rows = await board.rows(place.session, place.operator, filters=Filters())
    assert {row.patient_phone for row in rows} == {"+33639981177"}
    seen = await everything(place.session, place.sas, id_of(one))
    assert [word for word in SECOND_ONLY if word in seen] == []
    with pytest.raises(Refusal, match="not-found"):
        await patients.choose(place.session, place.operator, id_of(one), "telecom", "0" * 24)
    with pytest.raises(Refusal, match="not-allowed"):
        await patients.choose(place.session, second, id_of(one), "telecom", shared.key(kept["telecom"][0]))
    with pytest.raises(Refusal, match="not-found"):
        stranger = await place.professional("899700999909", "VASSEUR")
        await patients.choose(place.session, replace(stranger, keys=frozenset()), id_of(one), "telecom", "x")


async def test_both_give_the_same_phone_and_both_read_it(place: Any, bundle: Any, shared_by_two: Any) -> None:
    _, second, one, _ = shared_by_two
    third = of_second(bundle)
    for entry in third["entry"]:
        for part in entry["resource"].get("identifier", []):
            part["value"] = part["value"].replace("DRFR2", "DRFR3")
        entry["resource"].get("requisition", entry["resource"].get("groupIdentifier", {}))["value"] = "DRFR3"
    third["entry"][0]["resource"]["telecom"] = [{"system": "phone", "value": "+33639981100"}]
    await handoffs.receive(place.session, second, third)
    kept = await known(place, one)
    assert [part["value"] for part in kept["telecom"] if part["system"] == "phone"] == ["+33639981100", "+33639981177"]
    for viewer in (place.sas, second):
        stored = await resources.read(place.session, viewer, "Patient", id_of(one))
        assert stored is not None and b"39981100" in stored.content


async def test_a_patient_made_here_shows_a_sas_the_identity_and_what_it_sent(place: Any, bundle: Any) -> None:
    made = bundle(FILE)["entry"][0]["resource"]
    id, is_new = await patients.receive(place.session, place.operator, made, is_trusted=True)
    assert is_new
    second = bundle("fr.health.samu950.patient.DRFR9.1")
    second["entry"][0]["resource"]["telecom"] = [{"system": "phone", "value": "+33639981177"}]
    received = await handoffs.receive(place.session, place.sas, second)
    assert id_of(received) == id
    stored = await resources.read(place.session, place.sas, "Patient", id)
    assert stored is not None and b"39981177" in stored.content and b"39981100" not in stored.content


def test_what_is_joined_twice_is_joined_once(place: Any, bundle: Any, clock: Any) -> None:
    known = shared.first(bundle(FILE)["entry"][0]["resource"], "a")
    arrived = of_second(bundle)["entry"][0]["resource"]
    before = copy.deepcopy((known, arrived))
    once = shared.joined(known, arrived, "b", clock.instant)
    assert shared.joined(once, arrived, "b", clock.instant) == once
    assert (known, arrived) == before
    assert elements.extension(known, names.structure("sender")) == {
        "url": names.structure("sender"),
        "valueString": "a",
    }
