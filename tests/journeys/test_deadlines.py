"""Delays that run out while nobody is there to see: they are acted on at start, once."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.scenes import cast
from sandbox.scenes.cast import Case, Stagehand
from tests.journeys.house import House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

MINUTE = 60.0
DELAY = 120  # minutes, the delay of a handoff
FIRST_WAVES = 75  # minutes: the first and the second wave are over (1/6 and 5/12 of the delay), the third is not


async def away(house: House, hand: Stagehand, minutes: float) -> None:
    """Serve and work are down, and time passes."""
    house.kill("serve", "work")
    await hand.post("/clock", {"advance": minutes * MINUTE})
    await house.start("serve", "work")


async def asked(house: House, hand: Stagehand) -> tuple[Case, list[dict[str, Any]]]:
    """A handoff whose candidates have been told; their invitations."""
    case = await cast.hand_over(hand, response_minutes=DELAY)
    await house.quiet()
    invitations = house.invitations(case.request)
    assert invitations and {task["status"] for task in invitations} == {"requested"}
    return case, invitations


def timers(house: House, request: str, topic: str) -> list[dict[str, Any]]:
    query = "SELECT payload, state FROM outbox WHERE topic = %s AND payload ->> 'request' = %s ORDER BY id"
    return house.rows(query, topic, request)


async def test_a_wave_that_ran_out_is_followed_by_the_next(house: House) -> None:
    async with house.people(0) as (hand, _):
        case, before = await asked(house, hand)
        (first,) = timers(house, case.request, "wave.over")
        await away(house, hand, FIRST_WAVES)

        async def next_wave() -> bool:
            return len(timers(house, case.request, "wave.over")) == 2

        await until(next_wave, "the next wave")
        await house.quiet()
        waves = timers(house, case.request, "wave.over")
        assert [wave["payload"]["number"] for wave in waves] == [first["payload"]["number"], 3]
        assert [wave["state"] for wave in waves] == ["done", "waiting"]
        # Members of the CPTS stay asked, without a second notice; neighbours are left alone.
        after = house.invitations(case.request)
        assert len({task["owner"]["reference"] for task in after}) == len(after) == len(before)
        open_ones = [task for task in after if task["status"] == "requested"]
        closed = [task for task in after if task["status"] != "requested"]
        assert open_ones
        assert all(task["businessStatus"]["coding"][0]["code"] == "wave-over" for task in closed)
        assert [state["business"] for state in await cast.states(hand, case.dossier)] == ["searching"]


async def test_a_whole_delay_that_ran_out_goes_back_to_the_sas_once(house: House) -> None:
    async with house.people(0) as (hand, _):
        case, before = await asked(house, hand)
        since = hand.last()
        message = house.last_message()
        await away(house, hand, DELAY + 1)
        states = await cast.until_told(hand, case.dossier, "handed-back")
        await house.quiet()
        await away(house, hand, 0)  # a second start finds nothing more to do
        await house.quiet()
        assert [state["business"] for state in states] == ["searching", "handed-back"]
        assert states == await cast.states(hand, case.dossier)
        assert [state["repeats"] for state in states] == [0, 0]
        reason = states[-1]["resource"]["statusReason"]["coding"][0]["code"]
        assert (states[-1]["status"], reason) == ("failed", "no-answer-in-time")
        # Everybody's invitation is closed, and nobody is called for a request that is over.
        after = house.invitations(case.request)
        assert {task["owner"]["reference"] for task in after} >= {task["owner"]["reference"] for task in before}
        assert {task["status"] for task in after} == {"cancelled"}
        late = house.references(case.request, since=message)
        subjects = [entry.subject for name in ("mail", "sms") for entry in hand.entries(name, since)]
        assert [one for one in subjects if any(reference in one for reference in late)] == []
        assert house.stopped(message) == []


async def test_a_request_taken_in_time_is_left_alone(house: House) -> None:
    """Its timers ring after the start as well, and find that they no longer matter."""
    async with house.people(1) as (hand, (doctor,)):
        await cast.doctor(doctor, hand, cast.LEBRUN)
        case, _ = await asked(house, hand)
        await doctor.open(f"/demandes/{case.request}")
        await doctor.submit("/accepter")
        assert doctor.status == 200
        await cast.until_told(hand, case.dossier, "taken")
        await away(house, hand, DELAY + 1)
        await house.quiet()
        assert {row["state"] for row in timers(house, case.request, "response.over")} == {"done"}
        assert [state["business"] for state in await cast.states(hand, case.dossier)] == ["searching", "taken"]
