"""Who sees what through storage, for each reach and level (workflow.md 4.3, fhir.md 9.4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.domain.people import Viewer, role_key
from hub.domain.visibility import Level
from hub.storage import grants, resources
from hub.storage.session import Session
from tests.conftest import FrozenClock
from tests.storage.people import (
    ASKED,
    COORDINATOR,
    HUB,
    OPERATOR,
    OTHER_ASKED,
    OTHER_SAS,
    SAS,
    STRANGER,
    WINNER,
    keep,
    story,
)

F, O, N = Level.FULL, Level.OUTLINE, Level.NOTHING  # noqa: E741
VIEWERS = (HUB, OPERATOR, COORDINATOR, SAS, ASKED, OTHER_ASKED, WINNER, OTHER_SAS, STRANGER)

# What each viewer sees of the story, in the order of VIEWERS.
SEEN: dict[str, tuple[Level, ...]] = {
    "ServiceRequest/request": (F, F, O, F, O, O, F, N, N),
    "Task/request-task": (F, F, O, F, N, N, F, N, N),
    "Task/child-asked": (F, F, N, N, F, N, N, N, N),
    "Task/child-other": (F, F, N, N, N, F, N, N, N),
    "Task/child-winner": (F, F, N, N, N, N, F, N, N),
    "Appointment/appointment": (F, F, N, F, N, N, F, N, N),
    "Patient/patient": (F, F, O, F, O, O, F, N, N),
    "DocumentReference/note": (F, N, N, N, N, N, F, N, N),
    "ServiceRequest/other-request": (F, N, N, N, N, N, N, N, N),
    "Patient/elsewhere": (F, N, N, N, N, N, N, N, N),
    "Organization/cpts-one": (F, F, F, F, F, F, F, F, F),
}


@pytest.mark.parametrize("reference", SEEN)
async def test_read_vread_and_history_agree_on_the_level(session: Session, clock: FrozenClock, reference: str) -> None:
    await story(session)
    type, id = reference.split("/")
    for viewer, expected in zip(VIEWERS, SEEN[reference], strict=True):
        stored = await resources.read(session, viewer, type, id)
        version = await resources.vread(session, viewer, type, id, 1)
        history = await resources.history(session, viewer, type, id)
        assert (stored.level if stored else N) is expected, viewer.id
        assert version == stored
        assert history == ([stored] if stored else [])
        if stored and expected is O:
            assert b"CANARI" not in stored.content and b"REDACTED" in stored.content


async def test_the_history_of_everything_shows_what_can_be_read(session: Session, clock: FrozenClock) -> None:
    await story(session)
    for position, viewer in enumerate(VIEWERS):
        shown = {f"{one.type}/{one.id}": one.level for one in await resources.history(session, viewer, count=100)}
        assert shown == {name: levels[position] for name, levels in SEEN.items() if levels[position] is not N}


async def test_a_grant_that_ended_shows_nothing(session: Session, clock: FrozenClock) -> None:
    await story(session)
    await grants.give(
        session,
        audience=role_key("stranger"),
        level=F,
        request="request",
        patient="patient",
        until=clock.instant + timedelta(minutes=5),
    )
    assert await resources.read(session, STRANGER, "ServiceRequest", "request") is not None
    clock.advance(timedelta(minutes=5))
    assert await resources.read(session, STRANGER, "ServiceRequest", "request") is None
    assert await resources.read(session, STRANGER, "Patient", "patient") is None


async def test_a_child_task_stays_with_its_owner_when_the_grant_goes(session: Session, clock: FrozenClock) -> None:
    await story(session)
    await grants.withdraw(session, audience=role_key("asked"), request="request")
    assert await resources.read(session, ASKED, "ServiceRequest", "request") is None
    stored = await resources.read(session, ASKED, "Task", "child-asked")
    assert stored is not None and stored.level is F


async def test_a_type_that_is_not_published_is_seen_by_the_hub_alone(session: Session, clock: FrozenClock) -> None:
    await keep(session, {"resourceType": "Basic", "id": "b"})
    assert await resources.read(session, HUB, "Basic", "b") is not None
    assert await resources.read(session, OPERATOR, "Basic", "b") is None
    assert await resources.history(session, OPERATOR) == []


async def test_a_deleted_resource_is_told_only_to_those_who_saw_it(session: Session, clock: FrozenClock) -> None:
    await story(session)
    await resources.delete(session, HUB, "Patient", "patient")
    gone = await resources.read(session, ASKED, "Patient", "patient")
    assert gone is not None and gone.deleted and gone.content == b""
    assert await resources.read(session, STRANGER, "Patient", "patient") is None


async def test_risks_to_be_known_before_accepting(session: Session, clock: FrozenClock) -> None:
    await story(session)
    link = {"url": "https://hub.example.org/fhir/StructureDefinition/hub-request"}
    for code in ("R33", "R1"):
        flag = {
            "resourceType": "Flag",
            "id": code,
            "status": "active",
            "code": {"coding": [{"code": code}], "text": "CANARI"},
        }
        extension = [{**link, "valueReference": {"reference": "ServiceRequest/request"}}]
        await keep(session, {**flag, "subject": {"reference": "Patient/patient"}, "extension": extension})
    seen = {one.id for viewer in (ASKED,) for one in await resources.history(session, viewer, "Flag")}
    assert seen == {"R33"}
    assert await resources.read(session, ASKED, "Flag", "R1") is None
    assert await resources.read(session, WINNER, "Flag", "R1") is not None


def test_the_hub_is_the_only_one_who_sees_all() -> None:
    assert [viewer.id for viewer in VIEWERS if viewer.sees_all] == [Viewer.hub().id]
