"""Many people, two SAS and the timers at once on a few requests of one patient: what must hold whatever the order."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.appointment import Mode
from hub.domain.care_request import TAKEN, State, status_of
from hub.domain.people import Viewer, client_key, role_key
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.storage import clients, resources
from hub.storage.clients import Client
from hub.storage.session import Database, Session
from hub.storage.tables.machinery import outbox as outbox_table
from hub.storage.tables.records import grant
from hub.workflows import appointments, board, dispatch, handoffs, notebook, record, requests
from hub.workflows.appointments import Proposal
from hub.workflows.topics import ResponseOver, WaveOver
from tests.workflows.conftest import Place, handoff_bundle, make_place

OTHER_SAS = "fr.health.samu780"
DOCTORS = {"899700999909": "VASSEUR", "899700999917": "LEBRUN", "899700999925": "MARCHAND", "899700999933": "CORBIN"}
FILES = [f"fr.health.samu950.patient.DRFR15950262190041{number}.1" for number in range(4)]
HELD = {"accepted", "in-progress", "completed"}  # child Tasks of who holds, or held, a request
STANDING = {"proposed", "pending", "booked"}


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who acts, on which database."""

    database: Database
    doctors: list[Viewer]
    operator: Viewer
    sas: tuple[Viewer, Viewer]
    clock: Any


@pytest.fixture
async def crowd(database: Database, clock: Any) -> Crowd:
    async with database.transaction() as session:
        place: Place = await make_place(session)
        for national_id, family in DOCTORS.items():
            await place.professional(national_id, family, skill="SM54")
        organization: dict[str, Any] = {"resourceType": "Organization", "name": "SAMU-SAS 78"}
        organization["identifier"] = [{"system": names.ns("hubsante-client"), "value": OTHER_SAS}]
        await resources.create(session, Viewer.hub(), organization, id="samu780")
        other = Client(id=OTHER_SAS, name="SAMU-SAS 78", kind="sas", organization="samu780", identity_trusted=True)
        await clients.keep(session, other)
        second = replace(
            place.sas, id=OTHER_SAS, name="SAMU-SAS 78", organization="samu780", client=OTHER_SAS,
            keys=frozenset({client_key(OTHER_SAS)}),
        )  # fmt: skip
    return Crowd(
        database=database,
        doctors=list(place.people.values()),
        operator=place.operator,
        sas=(place.sas, second),
        clock=clock,
    )


def _bundle(viewer: Viewer, file: str) -> dict[str, Any]:
    bundle = handoff_bundle(file, due="2026-11-16T10:00:00Z")
    bundle["entry"][1]["resource"]["identifier"][0]["value"] = viewer.client
    return bundle


async def _hand(crowd: Crowd, viewer: Viewer, file: str) -> str:
    async with crowd.database.transaction() as session:
        return (await handoffs.receive(session, viewer, _bundle(viewer, file))).request


Act = Callable[[Session, random.Random, Crowd, str], Awaitable[object]]


def _proposal(crowd: Crowd, chance: random.Random) -> Proposal:
    return Proposal(mode=Mode.PRACTICE, start=crowd.clock.now() + timedelta(hours=chance.randint(1, 40)))


async def _propose(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    return await appointments.propose(session, chance.choice(crowd.doctors), id, _proposal(crowd, chance))


async def _counter(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    return await appointments.counter(session, crowd.operator, id, _proposal(crowd, chance))


async def _inform(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    before = await resources.lock(session, "ServiceRequest", id)
    after = {**before, "note": [{"text": f"Précision {chance.random()}"}]}
    return await requests.inform(session, chance.choice(crowd.sas), id, after)


async def _wave_over(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    message = WaveOver(request=id, attempt=chance.randint(1, 3), number=chance.randint(1, 3))
    return await dispatch.wave_over(session, message)


async def _response_over(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    crowd.clock.advance(timedelta(minutes=5))
    return await dispatch.response_over(session, ResponseOver(request=id, attempt=chance.randint(1, 3)))


async def _write(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    request = await resources.peek(session, "ServiceRequest", id)
    assert request is not None
    patient = elements.reference_id(request["subject"], "Patient") or ""
    return await notebook.add(session, chance.choice(crowd.doctors), patient, kind="INTERV", text="Pouls régulier.")


async def _hand_again(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
    viewer = chance.choice(crowd.sas)
    bundle = _bundle(viewer, chance.choice(FILES))
    bundle["entry"][2]["resource"]["authoredOn"] = crowd.clock.now().isoformat()
    return await handoffs.receive(session, viewer, bundle)


def _by(who: Callable[[Crowd, random.Random], Viewer], workflow: Any, *more: str, **words: Any) -> Act:
    async def act(session: Session, chance: random.Random, crowd: Crowd, id: str) -> object:
        return await workflow(session, who(crowd, chance), id, *more, **words)

    return act


def _doctor(crowd: Crowd, chance: random.Random) -> Viewer:
    return chance.choice(crowd.doctors)


def _operator(crowd: Crowd, _chance: random.Random) -> Viewer:
    return crowd.operator


def _sas(crowd: Crowd, chance: random.Random) -> Viewer:
    return chance.choice(crowd.sas)


ACTS: list[tuple[int, Act]] = [
    (4, _by(_doctor, requests.opened)),
    (20, _by(_doctor, requests.accept)),
    (4, _by(_doctor, requests.decline, "too-far")),
    (6, _by(_doctor, requests.release, "emergency")),
    (10, _propose),
    (3, _counter),
    (4, _by(_operator, appointments.confirm)),
    (3, _by(_operator, appointments.not_reached)),
    (2, _by(_operator, appointments.reached)),
    (2, _by(_operator, requests.patient_refuses)),
    (2, _by(_doctor, appointments.finish, was_seen=False)),
    (2, _by(_sas, requests.cancel, "no-longer-needed")),
    (1, _by(_operator, requests.hand_back, "out-of-scope")),
    (8, _by(_operator, requests.reissue)),
    (3, _inform),
    (4, _wave_over),
    (2, _response_over),
    (3, _write),
    (3, _hand_again),
]


async def _live(crowd: Crowd, chance: random.Random, ids: list[str], steps: int, done: Counter[str]) -> None:
    weights = [weight for weight, _ in ACTS]
    for _ in range(steps):
        ((_, act),) = chance.choices(ACTS, weights)
        id = chance.choice(ids)
        try:
            async with crowd.database.transaction() as session:
                await act(session, chance, crowd, id)
        except Refusal as refusal:
            done[refusal.code] += 1
        else:
            done["done"] += 1


async def _grants(session: Session, request: str) -> dict[str, Level]:
    rows = await session.execute(select(grant.c.audience, grant.c.level).where(grant.c.request == request))
    return {row.audience: Level(row.level) for row in rows if row.audience.startswith(role_key(""))}


def _owner(task: dict[str, Any]) -> str:
    return role_key(elements.reference_id(task.get("owner"), "PractitionerRole") or "")


def _business(task: dict[str, Any]) -> str | None:
    return elements.code(task.get("businessStatus"), names.system("handoff-business-status"))


async def _check_request(session: Session, id: str) -> None:
    found = await record.lock(session, id)
    request, task = found.request, found.task
    status = status_of(request)
    assert (task["status"], _business(task), found.service_request["status"]) == (
        status.task,
        status.business,
        status.request,
    )
    tasks = await resources.of_request(session, "Task", id)
    children = [one for one in tasks if one.get("partOf")]
    current = [one for one in children if one["partOf"][0]["reference"] == f"Task/{request.task}"]
    holders = [_owner(one) for one in current if one["status"] in HELD]
    assert holders == ([role_key(request.performer or "")] if request.state in TAKEN else [])
    open_ones = [_owner(one) for one in children if one["status"] in {"requested", "received"}]
    assert request.state is State.SEARCHING or not open_ones
    assert len(open_ones) == len(set(open_ones))
    once = {_owner(one) for one in children if one["status"] in HELD or _business(one) == "withdrawn"}
    held = await _grants(session, id)
    assert {audience for audience, level in held.items() if level is Level.FULL} <= once
    outlines = {audience for audience, level in held.items() if level is Level.OUTLINE}
    assert outlines <= set(open_ones) <= set(held)
    plans = await resources.of_request(session, "Appointment", id)
    standing = [one["id"] for one in plans if one["status"] in STANDING]
    expected = {State.PROPOSED, State.UNREACHABLE, State.CONFIRMED}
    assert standing == ([request.appointment] if request.state in expected else [])
    if request.state in TAKEN:
        await _check_circle(session, request.patient, request.performer or "")


async def _check_circle(session: Session, patient: str, role: str) -> None:
    (team,) = await resources.of_patient(session, "CareTeam", patient)
    members = [
        elements.reference_id(one["member"], "PractitionerRole")
        for one in team["participant"]
        if "end" not in one.get("period", {})
    ]
    assert len(members) == len(set(members))
    assert role in members
    notebook_of = select(grant.c.audience).where(grant.c.patient == patient, grant.c.request.is_(None))
    assert role_key(role) in (await session.execute(notebook_of)).scalars().all()


async def _check_announced(session: Session) -> None:
    query = select(outbox_table.c.payload).where(outbox_table.c.topic == "sas.outcome").order_by(outbox_table.c.id)
    said = [(payload["task"], payload["version"]) for (payload,) in await session.execute(query)]
    assert len(said) == len(set(said))
    for task, ones in itertools.groupby(sorted(said, key=lambda one: one[0]), key=lambda one: one[0]):
        versions = [version for _, version in ones]
        assert versions == sorted(versions)
        last = await resources.vread(session, Viewer.hub(), "Task", task, versions[-1])
        now = await resources.peek(session, "Task", task)
        assert last is not None
        assert now is not None
        told = last.json()
        assert (told["status"], told.get("businessStatus")) == (now["status"], now.get("businessStatus"))


@pytest.mark.parametrize("seed", [11, 23])
async def test_whatever_the_order_of_a_crowd_the_record_stays_sound(crowd: Crowd, seed: int) -> None:
    ids = await asyncio.gather(
        *(_hand(crowd, crowd.sas[number % 2], file) for number, file in enumerate([*FILES, FILES[0], FILES[1]]))
    )
    assert len(set(ids)) == len(FILES)  # the same file twice at once: one request
    done: Counter[str] = Counter()
    lives = [_live(crowd, random.Random(seed * 100 + number), sorted(set(ids)), 25, done) for number in range(10)]
    await asyncio.gather(*lives)
    assert done["done"] > 40
    async with crowd.database.transaction() as session:
        assert len(await resources.find(session, "Patient", "urn:oid:1.2.250.1.213.1.4.10", "279035121518989")) == 1
        everything = await resources.ids(session, "ServiceRequest")
        for id in everything:
            await _check_request(session, id)
        await _check_announced(session)
        assert await board.rebuild(session) == []
