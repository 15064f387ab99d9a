"""Twenty-five pieces of software accept the same request in the same instant, over real sockets: one wins."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from sandbox.scenes import cast
from sandbox.software import Software
from tests.journeys.house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

RIVALS = 25
SPARE = 5  # a wave asks thirty persons, in one of the places each works in
NETWORK = "cpts-parisis"
IN_ITS_TERRITORY = {
    "commune": "95203", "city": "Eaubonne", "postcode": "95600", "latitude": 48.9925, "longitude": 2.2806,
}  # fmt: skip
NAME = "PAT-TROIS"


async def test_twenty_five_accept_and_one_wins(house: House) -> None:
    keys = str(house.certificates.dir / "software.jwks.json")
    printed = house.command("tests.journeys.crowd", NETWORK, str(RIVALS + SPARE), keys)
    crowd = {one["role"]: one["client"] for one in map(json.loads, printed.splitlines())}
    async with house.people(0) as (hand, _), house.hub.machine(limits=httpx.Limits(max_connections=RIVALS)) as line:
        case = await cast.hand_over(hand, **IN_ITS_TERRITORY)
        asked = [task for task in house.invitations(case.request) if role_of(task) in crowd][:RIVALS]
        assert len(asked) == RIVALS
        tokens = [await token(house, line, crowd[role_of(task)]) for task in asked]
        visible = [await read(line, task["id"], mine) for task, mine in zip(asked, tokens, strict=True)]
        assert [answer.status_code for answer in visible] == [200] * RIVALS
        answers = await asyncio.gather(
            *(accept(line, answer, mine) for answer, mine in zip(visible, tokens, strict=True))
        )
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: RIVALS - 1}
        refusals = [answer.json() for answer in answers if answer.status_code == 409]
        assert {code(outcome) for outcome in refusals} == {"already-taken"}
        assert not any(NAME in json.dumps(outcome) for outcome in refusals)
        winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
        await only_the_winner_sees(line, case.patient, winner, tokens)
        states = await cast.until_told(hand, case.dossier, "taken")
        await house.quiet()
        assert await cast.states(hand, case.dossier) == states
        assert [(state["business"], state["repeats"]) for state in states] == [("searching", 0), ("taken", 0)]
    after = {role_of(task): task["status"] for task in house.invitations(case.request)}
    assert Counter(after.values()) == {"accepted": 1, "cancelled": len(after) - 1}
    assert after[role_of(asked[winner])] == "accepted"


def role_of(task: dict[str, Any]) -> str:
    reference: str = task["owner"]["reference"]
    return reference.removeprefix("PractitionerRole/")


def code(outcome: dict[str, Any]) -> str:
    (issue,) = outcome["issue"]
    found: str = issue["details"]["coding"][0]["code"]
    return found


async def token(house: House, line: httpx.AsyncClient, client: str) -> dict[str, str]:
    software = Software(client=client, directory=house.certificates.dir, base=house.hub.machine_url)
    answer = await software.token(line, "system/Task.rus system/Patient.rs", house.world.clock.now())
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def read(line: httpx.AsyncClient, task: str, mine: dict[str, str]) -> httpx.Response:
    return await line.get(f"/fhir/Task/{task}", headers=mine)


async def accept(line: httpx.AsyncClient, seen: httpx.Response, mine: dict[str, str]) -> httpx.Response:
    change = [{"op": "replace", "path": "/status", "value": "accepted"}]
    headers = {**mine, "Content-Type": "application/json-patch+json", "If-Match": seen.headers["ETag"]}
    return await line.patch(f"/fhir/Task/{seen.json()['id']}", content=json.dumps(change), headers=headers)


async def only_the_winner_sees(
    line: httpx.AsyncClient, patient: str, winner: int, tokens: list[dict[str, str]]
) -> None:
    for number, mine in enumerate(tokens):
        answer = await line.get(f"/fhir/Patient/{patient}", headers=mine)
        assert (NAME in answer.text) is (number == winner), answer.text[:500]
        if number != winner:
            assert answer.status_code == 404
