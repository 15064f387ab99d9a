"""The canary: nobody without full access recognises the patient, on any road of the FHIR face (workflow.md 4.3).

A search for what is hidden is a search for nothing: the same answer, the same total, the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hub.domain.people import Viewer
from hub.domain.visibility import REACH, is_cut
from hub.fhir.rules import RULES
from hub.storage import crypto, parameters, search
from hub.storage.session import Database
from tests.architecture.canary import WORDS, Aviary, open_aviary, planted, told
from tests.architecture.canary_walk import (
    Guess,
    Road,
    addresses,
    go,
    go_all,
    guesses,
    listings,
    matches,
    roads_to,
    whole,
)
from tests.conftest import FrozenClock

MOMENTS = ("searching", "taken")
# Who is probed for every hidden value through every chain; the others see no row at all, and are walked.
GUESSERS = ("software of DUVAL", "coordinator", "fr.health.samu750")


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


@pytest.fixture(params=MOMENTS)
async def aviary(request: pytest.FixtureRequest, database: Database, clock: FrozenClock) -> Aviary:
    del clock
    made = await open_aviary(database)
    if request.param == "taken":
        await made.go_on()
    return made


async def known(aviary: Aviary) -> dict[str, dict[str, int]]:
    """Type, id and last version of the whole record."""
    found: dict[str, dict[str, int]] = {}
    for one in await aviary.everything():
        ids = found.setdefault(one.type, {})
        ids[one.id] = max(one.version, ids.get(one.id, 0))
    return found


async def current(aviary: Aviary) -> list[dict[str, object]]:
    """Every resource as it is now, uncut."""
    latest: dict[tuple[str, str], dict[str, object]] = {}
    for one in await aviary.everything():
        latest.setdefault((one.type, one.id), one.json())
    return list(latest.values())


async def test_the_story_has_a_secret_of_every_kind(aviary: Aviary) -> None:
    found = planted(await aviary.everything())
    is_taken = found["DocumentReference"] > 0
    empty = {name for name, count in found.items() if not count}
    assert empty == (set() if is_taken else {"Appointment", "DocumentReference", "CareTeam"})
    everything = "\n".join(one.content.decode() for one in await aviary.everything())
    assert set(told(everything)) >= set(WORDS) - {"28 mars 1979", "28/03/1979", "19790328"}


async def test_no_road_tells(aviary: Aviary) -> None:
    ids = await known(aviary)
    roads = [*addresses(ids), *listings()]
    assert {road.segments[0] for road in roads} >= set(RULES)
    for name, viewer in aviary.viewers.items():
        for road, answer in await go_all(aviary, viewer, roads):
            assert answer.status < 500, (name, str(road))
            assert told(whole(answer)) == [], (name, str(road))
            assert answer.status == 200 or json.loads(answer.body)["resourceType"] == "OperationOutcome"


async def test_nobody_is_told_to_sign_in(aviary: Aviary) -> None:
    for road, answer in await go_all(aviary, None, (*addresses(await known(aviary)), *listings())):
        expected = 200 if road.segments == ("metadata",) else 401
        assert answer.status == expected, str(road)
        assert told(whole(answer)) == []


async def test_what_is_not_theirs_does_not_exist(aviary: Aviary) -> None:
    """Unknown and hidden give the same bytes, for reads, versions and histories."""
    unknown = "0b9e34a3-0000-4000-8000-000000000000"
    mine = {aviary.request, aviary.patient}
    of_patient = [one for one in await aviary.everything() if told(one.content.decode()) or one.id in mine]
    assert {one.type for one in of_patient} > {"Patient", "ServiceRequest", "Task"}
    for name, viewer in aviary.viewers.items():
        sees_outline = name in ("coordinator",) or (name.endswith("DUVAL") and not await _is_taken(aviary))
        for one in of_patient:
            if one.type not in RULES or (
                sees_outline and one.type in ("Patient", "ServiceRequest", "Task", "Location")
            ):
                continue
            for tail in ((), ("_history",), ("_history", str(one.version))):
                hidden = await go(aviary, viewer, Road(segments=(one.type, one.id, *tail)))
                absent = await go(aviary, viewer, Road(segments=(one.type, unknown, *tail)))
                assert (hidden.status, hidden.body) == (absent.status, absent.body), (name, one.type, tail)


async def _is_taken(aviary: Aviary) -> bool:
    return "DocumentReference" in await known(aviary)


async def _visible(aviary: Aviary, viewer: Viewer) -> dict[str, list[dict[str, object]]]:
    """What a viewer sees of each type, as it is given to them."""
    found: dict[str, list[dict[str, object]]] = {}
    async with aviary.database.reading() as session:
        for kind in REACH:
            page = await search.search(session, viewer, kind, [], count=1000)
            found[kind] = [one.json() for one in page.matches]
    return found


def _hidden(everything: list[dict[str, object]], visible: dict[str, list[dict[str, object]]]) -> Iterator[Guess]:
    """One value for each parameter of each type that the viewer cannot know from what is shown."""
    shown = {guess for kind in visible.values() for resource in kind for guess in guesses(resource)}
    dates = {(guess.type, guess.name) for guess in shown if guess.value.startswith("ge")}
    taken: set[tuple[str, str]] = set()
    for resource in everything:
        if REACH.get(str(resource["resourceType"])) == "open":
            continue
        for guess in guesses(resource):
            is_known = guess in shown or (guess.type, guess.name) in dates & {(guess.type, guess.name)}
            if not is_known and (guess.type, guess.name) not in taken:
                taken.add((guess.type, guess.name))
                yield guess


@pytest.mark.parametrize("name", GUESSERS)
async def test_a_search_for_what_is_hidden_is_a_search_for_nothing(aviary: Aviary, name: str) -> None:
    viewer = aviary.viewers[name]
    visible = await _visible(aviary, viewer)
    roads = [road for guess in _hidden(await current(aviary), visible) for road in roads_to(guess)]
    assert len(roads) > 500
    for road, answer in await go_all(aviary, viewer, roads):
        assert answer.status == 200, (str(road), answer.body)
        assert matches(answer) == ([], 0), str(road)
        assert "entry" not in json.loads(answer.body), str(road)


def _is_shortened(resource: dict[str, object], code: str) -> bool:
    """The year alone is shown, and nothing of the date is searched (fhir.md 9.4)."""
    return code == "birthdate" and is_cut(resource)


@pytest.mark.parametrize("name", GUESSERS)
async def test_nothing_is_learnt_from_what_is_absent_or_from_the_order(aviary: Aviary, name: str) -> None:
    viewer = aviary.viewers[name]
    visible = await _visible(aviary, viewer)
    for kind, shown in visible.items():
        if REACH[kind] == "open" or kind not in RULES:
            continue
        ids = [str(one["id"]) for one in shown]
        for code, parameter in parameters.of(kind).items():
            if code.startswith("_") or parameter.kind == "special":
                continue
            lacking = [str(one["id"]) for one in shown if not parameter.values(one) or _is_shortened(one, code)]
            for value, expected in (("true", lacking), ("false", [id for id in ids if id not in lacking])):
                road = Road(segments=(kind,), query=((f"{code}:missing", value), ("_count", "200")))
                assert sorted(matches(await go(aviary, viewer, road))[0]) == sorted(expected), (kind, code, value)
            if parameter.kind == "token":
                road = Road(segments=(kind,), query=((f"{code}:not", "CANARI-7F3A"), ("_count", "200")))
                assert sorted(matches(await go(aviary, viewer, road))[0]) == sorted(ids), (kind, code)
            if len(lacking) == len(ids):
                orders = [
                    matches(await go(aviary, viewer, Road(segments=(kind,), query=(("_sort", f"{sign}{code}"),))))[0]
                    for sign in ("", "-")
                ]
                assert orders[0] == orders[1], (kind, code)
