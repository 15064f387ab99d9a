"""A search shows what a read would show, and nothing hidden can be guessed by searching for it (fhir.md 9.4)."""

from __future__ import annotations

import pytest

from hub.domain.people import Viewer
from hub.domain.visibility import Level
from hub.storage import resources
from hub.storage.search import search
from hub.storage.session import Session
from tests.conftest import FrozenClock
from tests.storage.people import ASKED, COORDINATOR, HUB, OPERATOR, OTHER_SAS, SAS, STRANGER, WINNER, story

VIEWERS = (HUB, OPERATOR, COORDINATOR, SAS, ASKED, WINNER, OTHER_SAS, STRANGER)
TYPES = ("Patient", "ServiceRequest", "Task", "Appointment", "DocumentReference", "Organization", "Basic")


async def ids(session: Session, viewer: Viewer, type: str, *params: tuple[str, str]) -> list[str]:
    return sorted(one.id for one in (await search(session, viewer, type, list(params), count=100)).matches)


@pytest.mark.parametrize("viewer", VIEWERS, ids=[viewer.id for viewer in VIEWERS])
async def test_search_and_read_agree(session: Session, clock: FrozenClock, viewer: Viewer) -> None:
    await story(session)
    everything = [(one.type, one.id) for one in await resources.history(session, HUB, count=100)]
    for type in TYPES:
        page = await search(session, viewer, type, [], count=100)
        readable = {id: await resources.read(session, viewer, type, id) for kind, id in everything if kind == type}
        assert {one.id: one for one in page.matches} == {id: one for id, one in readable.items() if one is not None}
        counted = await search(session, viewer, type, [("_summary", "count")])
        assert counted.total == len(page.matches)


HIDDEN = [
    ("Patient", "family", "canari"),
    ("Patient", "name:contains", "anar"),
    ("Patient", "identifier", "279035121518989"),
    ("Patient", "telecom", "0199000001"),
    ("Patient", "birthdate", "1979-03-28"),
    ("Patient", "birthdate", "1979"),
    ("Patient", "birthdate", "gt1900"),
    ("Patient", "address", "1 rue"),
    ("Patient", "family:missing", "false"),
    ("Patient", "birthdate:missing", "false"),
    ("ServiceRequest", "identifier", "DRM-request"),
    ("ServiceRequest", "requester", "Organization/sas"),
    ("ServiceRequest", "patient.family", "canari"),
    ("ServiceRequest", "patient.identifier", "279035121518989"),
    ("ServiceRequest", "_has:Appointment:based-on:status", "booked"),
    ("Patient", "_has:DocumentReference:patient:status", "current"),
    ("Patient", "_has:ServiceRequest:patient:identifier", "DRM-request"),
    ("Patient", "_has:Task:patient:owner", "PractitionerRole/winner"),
]
SHOWN = [
    ("Patient", "gender", "female"),
    ("Patient", "address-city", "cergy"),
    ("Patient", "_id", "patient"),
    ("Patient", "family:missing", "true"),
    ("ServiceRequest", "priority", "urgent"),
    ("ServiceRequest", "patient", "Patient/patient"),
    ("ServiceRequest", "patient.gender", "female"),
    ("ServiceRequest", "_has:Task:focus:owner", "PractitionerRole/asked"),
    ("Patient", "_has:ServiceRequest:patient:priority", "urgent"),
]


@pytest.mark.parametrize(("type", "name", "value"), HIDDEN)
async def test_a_hidden_element_never_matches(
    session: Session, clock: FrozenClock, type: str, name: str, value: str
) -> None:
    await story(session)
    assert await ids(session, ASKED, type, (name, value)) == []
    assert await ids(session, HUB, type, (name, value)) != []
    assert (await search(session, ASKED, type, [(name, value), ("_summary", "count")])).total == 0


@pytest.mark.parametrize(("type", "name", "value"), SHOWN)
async def test_a_shown_element_matches(session: Session, clock: FrozenClock, type: str, name: str, value: str) -> None:
    await story(session)
    assert await ids(session, ASKED, type, (name, value)) == ["patient" if type == "Patient" else "request"]


async def test_not_says_nothing_of_what_is_hidden(session: Session, clock: FrozenClock) -> None:
    await story(session)
    for value in ("279035121518989", "another"):
        assert await ids(session, ASKED, "Patient", ("identifier:not", value)) == ["patient"]


async def test_sorting_says_nothing_of_what_is_hidden(session: Session, clock: FrozenClock) -> None:
    await story(session)
    page = await search(session, ASKED, "Patient", [("_sort", "family")], count=1)
    assert page.next is None
    page = await search(session, OPERATOR, "Task", [("_sort", "owner")], count=1)
    assert page.next is not None
    asked = await search(session, ASKED, "ServiceRequest", [("_sort", "requester,-patient")])
    assert [one.level for one in asked.matches] == [Level.OUTLINE]


async def test_includes_are_cut_and_follow_only_what_is_shown(session: Session, clock: FrozenClock) -> None:
    await story(session)

    async def included(viewer: Viewer, type: str, *params: tuple[str, str]) -> dict[str, Level]:
        page = await search(session, viewer, type, list(params))
        for one in page.includes:
            assert one.level is Level.FULL or b"CANARI" not in one.content
        return {f"{one.type}/{one.id}": one.level for one in page.includes}

    around = [
        ("_id", "request"),
        ("_include", "ServiceRequest:patient"),
        ("_revinclude", "Task:focus"),
        ("_revinclude", "Appointment:based-on"),
    ]
    assert await included(ASKED, "ServiceRequest", *around) == {
        "Patient/patient": Level.OUTLINE,
        "Task/child-asked": Level.FULL,
    }
    assert await included(WINNER, "ServiceRequest", *around) == {
        "Patient/patient": Level.FULL,
        "Task/request-task": Level.FULL,
        "Task/child-winner": Level.FULL,
        "Appointment/appointment": Level.FULL,
    }
    notes = [("_id", "patient"), ("_revinclude", "DocumentReference:patient")]
    assert await included(OPERATOR, "Patient", *notes) == {}
    assert await included(SAS, "Patient", *notes) == {}
    assert await included(WINNER, "Patient", *notes) == {"DocumentReference/note": Level.FULL}
    assert await included(ASKED, "ServiceRequest", ("_id", "request"), ("_include", "ServiceRequest:requester")) == {}
