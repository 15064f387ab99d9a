from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hub.domain.refusal import Refusal
from hub.domain.visibility import Level, cut
from hub.r4 import json
from hub.storage import resources
from hub.storage.session import Database, Session
from tests.conftest import FrozenClock
from tests.storage.people import HUB, OPERATOR, keep, note, patient, service_request, task


async def test_create_stamps_and_keeps_every_element_in_order(session: Session, clock: FrozenClock) -> None:
    given = json.loads(
        b'{"resourceType":"Patient","extension":[{"url":"urn:x","valueDecimal":1.10}],'
        b'"meta":{"versionId":"77","profile":["urn:p"]},"name":[{"family":"\xc3\x89lo\xc3\xafse"}],"unknown":{"b":1,"a":2}}'
    )
    made = await resources.create(session, HUB, given)
    stored = await resources.read(session, HUB, "Patient", made["id"])
    assert stored is not None
    assert (stored.version, stored.updated_at, stored.deleted, stored.level) == (1, clock.instant, False, Level.FULL)
    assert stored.json() == made
    assert made["meta"] == {"versionId": "1", "lastUpdated": "2026-11-16T08:00:00Z", "profile": ["urn:p"]}
    assert list(made) == ["resourceType", "id", "meta", "extension", "name", "unknown"]
    assert b"1.10" in stored.content and stored.json()["extension"][0]["valueDecimal"] == Decimal("1.10")
    assert list(stored.json()["unknown"]) == ["b", "a"]


async def test_save_makes_a_version_only_when_something_changed(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    clock.advance(timedelta(seconds=5))
    same = await resources.lock(session, "Patient", "p")
    assert (await resources.save(session, HUB, same))["meta"]["versionId"] == "1"
    same["gender"] = "male"
    saved = await resources.save(session, HUB, same)
    assert saved["meta"] == {"versionId": "2", "lastUpdated": "2026-11-16T08:00:05Z"}
    same["gender"] = "other"  # the resource given follows its version: saved twice in one transaction
    assert (await resources.save(session, HUB, same))["meta"]["versionId"] == "3"
    first = await resources.vread(session, HUB, "Patient", "p", 1)
    assert first is not None and first.json()["gender"] == "female"
    assert await resources.vread(session, HUB, "Patient", "p", 4) is None


async def test_a_stale_copy_is_refused(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    one, other = await resources.lock(session, "Patient", "p"), await resources.lock(session, "Patient", "p")
    one["gender"] = "male"
    await resources.save(session, HUB, one)
    other["active"] = False
    with pytest.raises(Refusal) as refused:
        await resources.save(session, HUB, other)
    assert refused.value.code == "stale"


async def test_a_cut_copy_is_never_written(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    kept = cut(await resources.lock(session, "Patient", "p"), Level.OUTLINE)
    assert kept is not None
    with pytest.raises(ValueError, match="cut"):
        await resources.save(session, HUB, kept)
    with pytest.raises(ValueError, match="cut"):
        await resources.create(session, HUB, kept)


async def test_delete_then_bring_back_and_the_numbers_go_on(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    clock.advance(timedelta(seconds=1))
    assert await resources.delete(session, HUB, "Patient", "p") == 2
    assert await resources.delete(session, HUB, "Patient", "p") is None
    assert await resources.delete(session, HUB, "Patient", "never") is None
    gone = await resources.read(session, HUB, "Patient", "p")
    assert gone is not None and gone.deleted and gone.content == b"" and gone.version == 2
    with pytest.raises(Refusal) as refused:
        await resources.lock(session, "Patient", "p")
    assert refused.value.code == "not-found"
    assert await resources.peek(session, "Patient", "p") is None
    assert await resources.find(session, "Patient", "urn:oid:1.2.250.1.213.1.4.10", "279035121518989") == []
    before = await resources.vread(session, HUB, "Patient", "p", 1)
    assert before is not None and not before.deleted
    deletion = await resources.vread(session, HUB, "Patient", "p", 2)
    assert deletion is not None and deletion.deleted
    clock.advance(timedelta(seconds=1))
    assert (await resources.create(session, HUB, patient("p"), id="p"))["meta"]["versionId"] == "3"
    versions = await resources.history(session, HUB, "Patient", "p")
    assert [(one.version, one.deleted) for one in versions] == [(3, False), (2, True), (1, False)]
    assert await resources.find(session, "Patient", "urn:oid:1.2.250.1.213.1.4.10", "279035121518989") == ["p"]


async def test_an_id_in_use_is_refused(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    with pytest.raises(Refusal) as refused:
        await resources.create(session, HUB, patient("p"), id="p")
    assert refused.value.code == "duplicate"


async def test_history_of_a_type_in_pages(session: Session, clock: FrozenClock) -> None:
    for number in range(7):
        await keep(session, patient(f"p{number}"))
        clock.advance(timedelta(seconds=number % 2))  # some share their instant
    seen: list[str] = []
    before = None
    while page := await resources.history(session, HUB, "Patient", count=3, before=before):
        seen += [one.id for one in page]
        before = page[-1].position
    assert sorted(seen) == [f"p{number}" for number in range(7)]
    recent = await resources.history(session, HUB, "Patient", since=clock.instant - timedelta(seconds=1))
    assert {one.id for one in recent} == {"p4", "p5", "p6"} - {
        one.id for one in recent if one.updated_at < clock.instant - timedelta(seconds=1)
    }
    assert {one.type for one in await resources.history(session, HUB)} == {"Patient"}


async def test_what_belongs_to_a_request_or_a_patient(session: Session, clock: FrozenClock) -> None:
    tasks = (task("t1", "r", "p"), task("t2", "r", "p"), task("t3", "x", "p"))
    await keep(session, patient("p"), service_request("r", "p"), *tasks, note("n", "p"))
    assert [one["id"] for one in await resources.of_request(session, "Task", "r", lock=True)] == ["t1", "t2"]
    assert [one["id"] for one in await resources.of_patient(session, "Task", "p")] == ["t1", "t2", "t3"]
    assert [one["id"] for one in await resources.of_patient(session, "DocumentReference", "p")] == ["n"]
    assert await resources.of_request(session, "Appointment", "r") == []


async def test_a_client_writes_its_own_subscription(session: Session, clock: FrozenClock) -> None:
    from tests.storage.people import OTHER_SAS, SAS

    subscription = {
        "resourceType": "Subscription",
        "status": "active",
        "reason": "x",
        "criteria": "Task?status=accepted",
    }
    made = await resources.create(session, SAS, {**subscription, "channel": {"type": "rest-hook"}})
    assert await resources.read(session, SAS, "Subscription", made["id"]) is not None
    made["status"] = "off"
    await resources.save(session, HUB, made)
    mine = await resources.read(session, SAS, "Subscription", made["id"])
    assert mine is not None and mine.json()["status"] == "off"
    assert await resources.read(session, OTHER_SAS, "Subscription", made["id"]) is None
    assert await resources.read(session, OPERATOR, "Subscription", made["id"]) is None


async def test_locks_make_writers_wait_and_see_each_other(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await keep(session, patient("p", multipleBirthInteger=0))

    async def count() -> None:
        async with database.transaction() as session:
            found = await resources.lock(session, "Patient", "p")
            await asyncio.sleep(0.002)
            found["multipleBirthInteger"] += 1
            await resources.save(session, HUB, found)

    await asyncio.gather(*(count() for _ in range(15)))
    async with database.reading() as session:
        stored = await resources.read(session, HUB, "Patient", "p")
    assert stored is not None and stored.json()["multipleBirthInteger"] == 15 and stored.version == 16


async def test_those_locked_together_are_locked_in_one_order(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await keep(session, patient("p"), service_request("r", "p"), *(task(f"t{n}", "r", "p") for n in range(6)))

    async def touch(number: int) -> None:
        async with database.transaction() as session:
            tasks = await resources.of_request(session, "Task", "r", lock=True)
            for found in reversed(tasks) if number % 2 else tasks:
                found["priority"] = ("routine", "urgent")[number % 2]
                await resources.save(session, HUB, found)

    await asyncio.wait_for(asyncio.gather(*(touch(number) for number in range(10))), 60)


async def test_one_patient_for_one_identifier_whoever_comes_first(database: Database, clock: FrozenClock) -> None:
    async def receive() -> str:
        async with database.transaction() as session:
            known = await resources.find(session, "Patient", "urn:oid:1.2.250.1.213.1.4.10", "279035121518989")
            if known:
                return known[0]
            await asyncio.sleep(0.005)
            return str((await resources.create(session, HUB, patient("ignored")))["id"])

    assert len(set(await asyncio.gather(*(receive() for _ in range(12))))) == 1


async def test_two_creations_of_one_id_at_once(database: Database, clock: FrozenClock) -> None:
    async def create() -> str:
        try:
            async with database.transaction() as session:
                await resources.create(session, HUB, patient("p"), id="p")
                await asyncio.sleep(0.01)
        except Refusal as refusal:
            return refusal.code
        return "made"

    assert sorted(await asyncio.gather(*(create() for _ in range(6)))) == ["duplicate"] * 5 + ["made"]


async def test_a_change_rings_the_bell_of_its_request(database: Database, clock: FrozenClock) -> None:
    heard = database.listen("requests")
    assert await anext(heard) == ""
    async with database.transaction() as session:
        await keep(session, patient("p"), service_request("r", "p"))
    assert await asyncio.wait_for(anext(heard), 10) == "r"
    async with database.transaction() as session:
        await keep(session, task("t", "r", "p"))
    assert await asyncio.wait_for(anext(heard), 10) == "r"
    await heard.aclose()


async def test_rolled_back_nothing_remains(database: Database, clock: FrozenClock) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await keep(session, patient("p"))
            raise RuntimeError("change of mind")
    async with database.reading() as session:
        for table in ("resource", "resource_history", "index_token", "index_text", "index_date"):
            assert (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0


async def test_saving_replaces_the_index_rows(session: Session, clock: FrozenClock) -> None:
    await keep(session, patient("p"))
    found = await resources.lock(session, "Patient", "p")
    found["identifier"] = [{"system": "urn:x", "value": "ABC"}]
    await resources.save(session, HUB, found)
    assert await resources.find(session, "Patient", "urn:x", "abc") == ["p"]
    assert await resources.find(session, "Patient", "urn:oid:1.2.250.1.213.1.4.10", "279035121518989") == []
