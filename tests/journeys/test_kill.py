"""``kill -9`` at every step, in the middle of exchanges and of bursts: everything resumes, each peer hears each message once, or
recognises the repeat that its protocol allows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.scenes import acts, cast
from sandbox.scenes.browser import Browser
from sandbox.scenes.cast import LEBRUN, OPERATOR, Case, Stagehand
from tests.journeys.house import House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

STEPS = ("handed", "notices", "accept", "propose", "confirm", "note")
STATES = ["searching", "taken", "appointment-proposed", "confirmed", "done"]
SMALL_TERRITORY = {
    "commune": "95018",
    "city": "Argenteuil",
    "postcode": "95100",
    "latitude": 48.9478,
    "longitude": 2.2489,
}
MAIL = "thomas.lebrun@example.org"
BURST = 12
SLOW = 2.0  # seconds a twin takes before it looks at the message: time enough to die
WANTED_FAULT = "panne voulue"
# Which twin is slow, after which step, and at which call it is too late: the DMP is first asked whether it exists.
IN_THE_AIR = (("sas", "handed", 1), ("mail", "handed", 1), ("sms", "handed", 1), ("dmp", "note", 2))
DONE = "SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) AS n FROM outbox WHERE id > %s AND due_at <= %s"
STORED = (
    "SELECT count(*) AS n FROM resource WHERE type = 'ServiceRequest' AND convert_from(content, 'UTF8') LIKE ANY (%s)"
)
HELD = "SELECT count(*) AS n FROM outbox WHERE state = 'waiting' AND held_until > clock_timestamp()"


@dataclass(slots=True, kw_only=True)
class Crew:
    """Who walks a patient through: a doctor and an operator, signed in."""

    house: House
    hand: Stagehand
    doctor: Browser
    operator: Browser

    async def handed(self) -> Case:
        return await cast.hand_over(self.hand)

    async def notices(self, case: Case) -> None:
        async def told() -> bool:
            mails = [entry.facts.get("recipient") for entry in self.hand.entries("mail", case.since)]
            return MAIL in mails

        await until(told, "the notice of the doctor")

    async def accept(self, case: Case) -> None:
        await acts.accept(self.doctor, case.request)
        assert self.doctor.status == 200, self.doctor.words

    async def propose(self, case: Case) -> None:
        await acts.propose(self.doctor, case.request, self.house.world.clock.now())
        assert self.doctor.status == 200, self.doctor.words

    async def confirm(self, case: Case) -> None:
        await acts.confirm(self.operator, case.request)
        assert self.operator.status == 200, self.operator.words

    async def note(self, case: Case) -> None:
        await acts.agree(self.doctor, case.patient)
        await acts.write(
            self.doctor, patient=case.patient, request=case.request, title=title(case), text="Otite moyenne aiguë."
        )
        assert self.doctor.status == 200 and title(case) in self.doctor.text, self.doctor.words

    async def step(self, name: str, case: Case) -> None:
        await getattr(self, name)(case)

    async def end(self, case: Case) -> list[dict[str, Any]]:
        """The patient was seen; the states at the SAS once all is told."""
        await acts.seen(self.doctor, case.request)
        assert self.doctor.status == 200, self.doctor.words
        states = await cast.until_told(self.hand, case.dossier, "done")
        await self.house.quiet()
        return states


def title(case: Case) -> str:
    return f"Consultation {case.dossier}"


@pytest.fixture(scope="module")
async def crew(house: House) -> AsyncIterator[Crew]:
    async with house.people(2) as (hand, (doctor, operator)):
        await cast.doctor(doctor, hand, LEBRUN)
        await cast.sign_in_locally(operator, hand, OPERATOR)
        if operator.has_form("/situation"):
            await operator.submit("/situation")
        yield Crew(house=house, hand=hand, doctor=doctor, operator=operator)


@pytest.fixture
def message(house: House) -> int:
    """Number of the last message promised before the test."""
    return house.last_message()


async def all_well(crew: Crew, case: Case, message: int) -> None:
    """What must hold after a whole walk, whatever died on the way."""
    house, hand = crew.house, crew.hand
    assert house.stopped(message) == []
    assert refused(crew, case.since) == []
    states = await cast.states(hand, case.dossier)
    assert [state["business"] for state in states] == STATES
    delivered_once(crew, case.request, since=case.since, message=message)
    known = (await hand.get("/twins/dmp/documents"))["documents"]
    (filing,) = house.rows(
        "SELECT unique_id, state FROM filing WHERE patient = %s ORDER BY id DESC LIMIT 1", case.patient
    )
    assert [one["version"] for one in known if one["uniqueId"] == filing["unique_id"]] == [1]
    assert filing["state"] == "filed"


def heard(crew: Crew, twin: str, since: int) -> list[Any]:
    """What a twin made of the messages it received; the faults it was asked to play are another matter."""
    return [entry for entry in crew.hand.entries(twin, since) if WANTED_FAULT not in entry.verdict]


def refused(crew: Crew, since: int) -> list[str]:
    """What the peers did not accept; a document sent twice is refused as known, and then found by its uniqueId."""
    entries = [entry for twin in ("sas", "mail", "sms", "dmp") for entry in heard(crew, twin, since)]
    return [
        f"{entry.twin} {entry.title} {entry.verdict}"
        for entry in entries
        if not entry.accepted and entry.facts.get("error") != "XDSDuplicateUniqueIdInRegistry"
    ]


def delivered_once(crew: Crew, request: str, *, since: int, message: int) -> None:
    """Every notice of this request arrived, and its repeats, if any, were recognised by the peer."""
    promised = set(crew.house.references(request, since=message))
    assert promised
    for twin in ("mail", "sms"):
        arrived: dict[str, list[Any]] = {}
        for entry in heard(crew, twin, since):
            arrived.setdefault(entry.subject.strip("<>").partition("@")[0], []).append(entry)
        topic = f"{twin}.send"
        rows = crew.house.rows(
            "SELECT payload ->> 'reference' AS one FROM outbox WHERE topic = %s AND payload ->> 'request' = %s",
            topic,
            request,
        )
        assert {row["one"] for row in rows} <= set(arrived), f"{twin}: a notice was lost"
        for entries in arrived.values():
            assert [entry.facts["repeat"] for entry in entries] == ["false"] + ["true"] * (len(entries) - 1)
            assert [check.what for entry in entries for check in entry.checks if not check.passed] == []


@pytest.mark.parametrize("fatal", STEPS)
async def test_worker_and_server_killed_after_a_step(crew: Crew, message: int, fatal: str) -> None:
    case = await crew.handed()
    for name in STEPS:
        if name != "handed":
            await crew.step(name, case)
        if name == fatal:
            crew.house.kill("work", "serve")
            crew.house.end_leases()
            await crew.house.start("serve", "work")
    states = await crew.end(case)
    assert sum(state["repeats"] for state in states) <= 1  # at most the one that was in the air
    await all_well(crew, case, message)


@pytest.mark.parametrize(("twin", "fatal", "calls"), IN_THE_AIR)
async def test_worker_killed_in_the_middle_of_an_exchange(
    crew: Crew, message: int, twin: str, fatal: str, calls: int
) -> None:
    """The peer is left alone with half an exchange; the worker, started again, sends the same once its lease is over."""
    since = crew.hand.last()

    async def in_the_air() -> bool:
        wanted = [entry for entry in crew.hand.entries(twin, since) if WANTED_FAULT in entry.verdict]
        return len(wanted) == calls

    case: Case | None = None
    for name in STEPS:
        if name == fatal:
            await crew.hand.post(f"/twins/{twin}/faults", {"kind": "slow", "times": calls, "seconds": SLOW})
        if case is None:
            case = await crew.handed()
        else:
            await crew.step(name, case)
        if name == fatal:
            await until(in_the_air, f"a message on its way to {twin}")
            crew.house.kill("work")
            assert crew.house.rows(HELD)[0]["n"] > 0
            await crew.house.start("work")
            await crew.house.quiet()
    assert case is not None
    await crew.end(case)
    await all_well(crew, case, message)


async def test_every_peer_loses_one_answer(crew: Crew, message: int) -> None:
    """The peer has done its part and the line is cut before it says so: sent again to the byte, recognised, done once."""
    for twin in ("sas", "mail", "sms", "dmp"):
        await crew.hand.post(f"/twins/{twin}/faults", {"kind": "lost-answer", "times": 1})
    case = await crew.handed()
    for name in STEPS[1:]:
        await crew.step(name, case)
    states = await crew.end(case)
    assert sum(state["repeats"] for state in states) == 1
    await all_well(crew, case, message)
    for twin in ("mail", "sms"):
        assert [entry.facts["repeat"] for entry in crew.hand.entries(twin, case.since)].count("true") == 1


def wishes(first: int) -> list[dict[str, Any]]:
    """Different invented patients of a territory with few professionals; ``first``: number of the first file."""
    return [
        {
            **SMALL_TERRITORY, "dossier": f"DRFR15950{first + number}", "family": f"PATIENTE-{first + number}", "ins": None,
            "phone": f"+33639980{number:03}",
        }
        for number in range(BURST)
    ]  # fmt: skip


async def insist(hand: Stagehand, wish: dict[str, Any]) -> dict[str, str]:
    """Hand over, and again while the hub gives no answer, as a SAS does; what the hub has made of it."""

    async def told() -> dict[str, Any]:
        answer = await hand.line.post("/twins/sas/repeat", json={"dossier": wish["dossier"]})
        if answer.status_code == 404:  # it could not even ask who it may tell: the file has not left
            answer = await hand.line.post("/twins/sas/handoffs", json=wish)
        return answer.json() if answer.status_code == 200 else {}

    found = await until(told, f"an answer for {wish['dossier']}")
    assert found["status"] == 200, found["body"]
    locations: dict[str, str] = found["locations"]
    return locations


async def there_once(crew: Crew, asked: list[dict[str, Any]], made: list[dict[str, str]], message: int) -> None:
    """One request for each file, and one word to the SAS on each."""
    assert len({locations["ServiceRequest"] for locations in made}) == BURST
    numbers = [wish["dossier"] for wish in asked]
    stored = crew.house.rows(STORED, [f"%{number}%" for number in numbers])
    assert stored[0]["n"] == BURST
    assert crew.house.stopped(message) == []
    for number in numbers:
        assert [state["business"] for state in await cast.states(crew.hand, number)] == ["searching"]


async def test_worker_killed_at_random_moments_of_a_burst(crew: Crew, message: int) -> None:
    house, since = crew.house, crew.hand.last()
    chance = random.Random(20261121)
    asked = wishes(2_632_570_100)
    made = await asyncio.gather(*(insist(crew.hand, wish) for wish in asked))
    for _ in range(3):
        await asyncio.sleep(chance.uniform(0, 0.2))
        house.kill("work")
        house.end_leases()
        await house.start("work")
        await working(house, message)
    await house.quiet()
    assert refused(crew, since) == []
    await there_once(crew, asked, made, message)
    for locations in made:
        delivered_once(crew, locations["ServiceRequest"].split("/")[1], since=since, message=message)


async def working(house: House, message: int) -> None:
    """Until the worker has done one more message, or all of them."""
    before = house.rows(DONE, message, house.world.clock.now())[0]

    async def more() -> bool:
        now = house.rows(DONE, message, house.world.clock.now())[0]
        return bool(now["done"] > before["done"] or now["done"] == now["n"])

    await until(more, "a worker at work")


async def test_server_killed_during_a_burst_of_handoffs(crew: Crew, message: int) -> None:
    """What was acknowledged is there once; what was not is sent again by the SAS, and is there once too."""
    house, hand = crew.house, crew.hand
    asked = wishes(2_632_570_200)
    burst = asyncio.gather(*(hand.line.post("/twins/sas/handoffs", json=wish) for wish in asked))
    await asyncio.sleep(0.2)
    house.kill("serve")
    heard = [answer.json() for answer in await burst if answer.status_code == 200]
    await house.start("serve")
    made = [await insist(hand, wish) for wish in asked]
    await house.quiet()
    assert {one["locations"]["ServiceRequest"] for one in heard} <= {one["ServiceRequest"] for one in made}
    await there_once(crew, asked, made, message)
