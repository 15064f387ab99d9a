"""The warning of a possible duplicate: who is compared with whom, for how long, and who reads it (sas.md 17.7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.domain.people import Capacity, Viewer, coordinators_key, operators_key
from hub.storage import duplicates
from hub.workflows import handoffs, requests
from tests.workflows.conftest import NETWORK, handoff_bundle

OTHER_FILE = "fr.health.samu950.patient.DRFR159502621900418.1"


def another(**changes: Any) -> dict[str, Any]:
    """A handoff of another file whose patient has no qualified INS, hence a record of its own."""
    made = handoff_bundle(OTHER_FILE)
    patient = made["entry"][0]["resource"]
    patient["identifier"] = patient["identifier"][:1]
    patient.update(changes)
    return made


async def hand(place: Any, made: dict[str, Any]) -> str:
    return (await handoffs.receive(place.session, place.sas, made)).request


async def warned(place: Any, *ids: str, viewer: Viewer | None = None) -> dict[str, tuple[str, ...]]:
    return await duplicates.of(place.session, viewer or place.operator, ids)


@pytest.fixture
async def first(place: Any) -> str:
    return await hand(place, handoff_bundle())


async def test_the_same_person_by_ins_under_another_number(place: Any, first: str) -> None:
    second = await hand(place, handoff_bundle(OTHER_FILE))
    assert await warned(place, first, second) == {first: (second,), second: (first,)}


@pytest.mark.parametrize(
    "name",
    [
        {"use": "official", "family": "Pat Trois", "given": ["Dominique"]},
        {"use": "official", "family": "pat-trois", "given": ["Marie", "dominiqué"]},
        {"use": "usual", "family": "PAT TROIS", "given": ["DOMINIQUE"]},
    ],
)
async def test_the_same_birth_date_and_name_however_written(place: Any, first: str, name: dict[str, Any]) -> None:
    second = await hand(place, another(name=[name]))
    assert await warned(place, second) == {second: (first,)}


@pytest.mark.parametrize(
    "changes",
    [
        {"birthDate": "1979-03-29"},
        {"name": [{"use": "official", "family": "PAT-QUATRE", "given": ["DOMINIQUE"]}]},
        {"name": [{"use": "official", "family": "PAT-TROIS", "given": ["CAMILLE"]}]},
    ],
)
async def test_somebody_else_is_no_duplicate(place: Any, first: str, changes: dict[str, Any]) -> None:
    second = await hand(place, another(**changes))
    assert await warned(place, first, second) == {}


async def test_a_day_later_it_is_another_matter(place: Any, first: str, clock: Any) -> None:
    clock.advance(timedelta(hours=24, seconds=1))
    due = (clock.now() + timedelta(hours=2)).isoformat()
    second = await hand(place, handoff_bundle(OTHER_FILE, due=due))
    assert await warned(place, first, second) == {}


async def test_one_that_has_ended_still_counts_and_a_second_try_is_no_duplicate(place: Any, first: str) -> None:
    await requests.cancel(place.session, place.sas, first, "no-longer-needed")
    assert await warned(place, first) == {}
    second = await hand(place, another())
    assert await warned(place, second) == {second: (first,)}


async def test_only_who_sees_the_other_request_whole_is_warned(place: Any, first: str) -> None:
    second = await hand(place, another())
    elsewhere = Viewer(
        id="elsewhere", capacity=Capacity.OPERATOR, name="Ailleurs", keys=frozenset({operators_key("cpts-voisine")})
    )
    coordinator = Viewer(
        id="coordinator", capacity=Capacity.COORDINATOR, name="Coordinatrice",
        keys=frozenset({coordinators_key(NETWORK)}),
    )  # fmt: skip
    assert await warned(place, first, second, viewer=elsewhere) == {}
    assert await warned(place, first, second, viewer=coordinator) == {}
    assert await warned(place) == {}
