"""Increments of the twin's API applied to what its extraction served: the two channels tell one story (rpps.md 11.3)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from hub import clock as hub_clock
from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import api as speaking
from hub.connectors.rpps import crawl, delta
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.client import Source
from hub.connectors.rpps.load import Report, load, revert
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import directory, directory_load
from hub.storage.directory_load import Load
from hub.storage.session import Database
from sandbox.rpps import RppsTwin, publication
from sandbox.rpps.publication import DIRECTORY, MAILBOXES
from tests.connectors.rpps.conftest import api_settings

SETTINGS = api_settings()
# What the two channels never tell alike: who refuses paper; the mailboxes of who is missing, which an increment keeps as long as
# the person, and of structures where nobody works.
TOLD_BY_BOTH = {
    "person": "national_id, id_type, identifier, missing_since IS NOT NULL AS missing",
    "exercise": "id, national_id, is_idle",
    "structure": "id, key, structure_name, phone, commune_code",
    "situation": "id, exercise, structure, is_idle, profession, place",
    "skill": "id",
    "diploma": "id",
    "mailbox": "address, kind, national_id, structure_national_id, service, profession_code, skill_code, structure_name",
}
COMPARED = {"mailbox": "JOIN directory_person AS p USING (national_id) WHERE p.missing_since IS NULL"}


class House:
    """A hub beside the twin, on its clock."""

    def __init__(self, database: Database, twin: RppsTwin, api: DirectoryApi, folder: Path) -> None:
        self.database, self.twin, self.api, self.folder = database, twin, api, folder

    def file(self, name: str) -> Source:
        """The extraction published now."""
        now = self.twin.current()
        path = self.folder / now.name(name)
        path.write_bytes(publication.archive(publication.texts(now, name), {}))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Source(path=path, name=path.name, origin=path.name, digest=digest)

    async def extraction(self, settings: RppsSettings = SETTINGS) -> Report:
        """Load what is published now: persons, then mailboxes."""
        report = await load(self.database, settings, self.file(DIRECTORY))
        await load(self.database, settings, self.file(MAILBOXES))
        return report

    async def increment(self, **changes: Any) -> Report:
        self.api.settings = api_settings(**changes)
        return await delta.increment(self.database, self.api.settings, self.api)

    async def refused(self, **changes: Any) -> ConnectorFailure:
        with pytest.raises(ConnectorFailure) as caught:
            await self.increment(**changes)
        return caught.value

    async def history(self) -> list[Load]:
        async with self.database.reading() as session:
            return await directory_load.history(session)

    async def content(self) -> dict[str, set[Any]]:
        """Everything served, but for what the two channels do not tell alike."""
        made = {}
        async with self.database.reading() as session:
            for table, columns in TOLD_BY_BOTH.items():
                found = await session.execute(sql(f"SELECT {columns} FROM directory_{table} {COMPARED.get(table, '')}"))
                made[table] = {tuple(row) for row in found}
        return made

    async def lines(self, who: str) -> set[tuple[str, str]]:
        """Where somebody works, and as what."""
        async with self.database.reading() as session:
            person = await directory.by_national_id(session, who)
        assert person is not None
        return {
            (one.structure.structure_name if one.structure else "", one.role_code)
            for exercise in person.exercises
            for one in exercise.activities
        }

    def push(self, **words: float) -> None:
        """Let time pass, for both."""
        self.twin.world.clock.advance(timedelta(**words).total_seconds())
        hub_clock._Offset.read_at = float("-inf")


@pytest.fixture
async def house(
    database: Database, twin: RppsTwin, api: DirectoryApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(speaking, "PAUSE", 0.001)
    monkeypatch.setattr("sandbox.rpps.api.doors.PACE", 10**9)
    twin.api.forget()
    hub_clock.set_file(tmp_path / "clock")
    yield House(database, twin, api, tmp_path)
    hub_clock.set_file(None)


def changes(load: Load) -> tuple[int, ...]:
    return load.added, load.changed, load.missing, load.returned, load.gone, load.new_rows, load.lost_rows


async def test_the_first_increment_says_nothing_new(house: House) -> None:
    await house.extraction()
    before = await house.content()
    report = await house.increment(api_overlap_hours=24 * 24)  # a fifteenth of all there is
    assert report.load.report["looked at"] > 200
    assert report.load.report.get("skipped") is None
    assert changes(report.load) == (0,) * 7
    assert await house.content() == before


async def test_nothing_is_asked_for_twice(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    first = await house.increment()
    calls = house.api.calls
    again = await house.increment()
    assert (first.is_new, again.is_new) == (True, False)
    assert house.api.calls - calls == 4  # who changed, and who works where something did
    assert [one.list for one in await house.history()][:2] == ["increments", "mailboxes"]


async def test_days_told_by_increments_are_those_of_the_extraction(house: House) -> None:
    await house.extraction()
    for _ in range(4):
        house.push(hours=24)
        named = house.twin.current().directory.since
        made = (await house.increment()).load
        assert made.added == len(named.added)
        assert made.missing == len(named.removed) + len(named.forgotten)
        assert made.returned == len(named.returned)
        assert made.changed >= len(named.changed) + len(named.moved) + len(named.ended) - 1
        told = await house.content()
        settled = (await house.extraction()).load
        assert changes(settled)[:4] == (0, 0, 0, 0), settled.report
        assert await house.content() == told


async def test_an_extraction_that_disagrees_has_the_last_word(house: House) -> None:
    await house.extraction()
    earlier = house.file(DIRECTORY).path.read_bytes()
    before = await house.content()
    house.push(hours=24)
    mover = house.twin.current().directory.since.moved[0]
    made = (await house.increment()).load
    assert made.changed
    told = await house.lines(mover)
    path = house.folder / house.twin.current().name(DIRECTORY)
    path.write_bytes(earlier)  # tomorrow's file, made before anything had changed
    late = Source(path=path, name=path.name, origin=path.name, digest="0" * 64)
    settled = (await load(house.database, SETTINGS, late)).load
    assert settled.report["settled against increments"] >= made.changed
    assert await house.lines(mover) != told
    now = await house.content()
    assert all(before[table] <= now[table] for table in ("exercise", "situation", "structure"))
    again = await house.increment()  # what the extraction was too early for is told again
    assert again.is_new
    assert await house.lines(mover) == told


async def test_a_departure_is_confirmed_like_that_of_a_file(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    left = house.twin.current().directory.since.removed[0]
    assert (await house.increment()).load.missing
    assert await house.lines(left)  # still shown
    gone = 0
    for _ in range(4):
        house.push(hours=24)
        gone += (await house.increment()).load.gone
    assert gone >= 4
    async with house.database.reading() as session:
        assert await directory.by_national_id(session, left) is None


async def test_who_comes_back_is_no_longer_missing(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    forgotten = house.twin.current().directory.since.forgotten
    await house.increment()
    house.push(hours=24)
    assert set(house.twin.current().directory.since.returned) == set(forgotten)
    made = (await house.increment()).load
    assert made.returned == len(forgotten)
    async with house.database.reading() as session:
        query = sql("SELECT count(*) FROM directory_person WHERE national_id = ANY(:who) AND missing_since IS NOT NULL")
        assert (await session.execute(query, {"who": list(forgotten)})).scalar_one() == 0


async def test_a_kill_in_the_middle_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.extraction()
    house.push(hours=24)
    before, lines = await house.content(), len(await house.history())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("hub.connectors.rpps.crawl._grouped", "hub.connectors.rpps.delta._line"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(place, killed)
            await house.increment()
        assert await house.content() == before
        assert len(await house.history()) == lines
    assert (await house.increment()).load.changed


@pytest.mark.parametrize("fault", [{"kind": "status", "value": "503", "seconds": 999}, {"kind": "page-elsewhere"}])
async def test_a_crawl_that_is_cut_changes_nothing(house: House, fault: dict[str, Any]) -> None:
    await house.extraction()
    house.push(hours=24)
    before = await house.content()
    house.twin.faults.set(**fault, times=0)
    assert (await house.refused(api_page=5)).code in {"api-busy", "api-elsewhere"}
    assert await house.content() == before
    house.twin.faults.clear()
    assert (await house.increment(api_page=5)).load.changed


async def test_without_extraction_there_is_nothing_to_add_to(house: House) -> None:
    assert (await house.refused()).code == "no-extraction"
    assert house.api.calls == 0


async def test_beyond_thirty_days_the_extraction_comes_first(house: House) -> None:
    await house.extraction()
    house.push(days=31)
    assert (await house.refused()).code == "increments-too-old"
    await house.extraction(api_settings(most_missing=1, least_share=0))
    assert (await house.increment()).is_new


async def test_more_people_than_can_be_asked_for_wait_for_the_extraction(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    before = await house.content()
    assert (await house.refused(api_most_persons=10)).code == "increments-too-wide"
    assert await house.content() == before


async def test_too_many_departures_are_refused(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    before = await house.content()
    assert (await house.refused(most_missing=0.0001)).code == "implausible"
    assert await house.content() == before
    last = (await house.history())[0]
    assert (last.list, last.result, last.reason) == ("increments", "refused", "implausible")
    assert (await house.increment()).load.missing  # nothing was taken for seen


async def test_an_api_that_tells_no_activity_is_not_believed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.extraction()
    house.push(hours=24 * 3)  # three days, and a structure that many work in
    before = await house.content()
    monkeypatch.setattr(crawl, "WITH_ROLES", ("_total", "none"))
    trouble = await house.refused()
    assert (trouble.code, "without any activity left" in trouble.detail) == ("implausible", True)
    assert await house.content() == before


async def test_a_date_to_come_hides_nothing_that_follows(house: House) -> None:
    await house.extraction()
    house.twin.next_day(5)  # one minute after the other: the last four are not yet
    made = (await house.increment()).load
    assert made.changed
    assert datetime.fromisoformat(made.report["seen"]) <= hub_clock.now()


async def test_a_malformed_resource_costs_its_person_one_increment(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    before = await house.content()
    house.twin.faults.set("resource-malformed", times=0)
    made = (await house.increment()).load
    assert made.rejected == len(made.report["skipped"]) > 0
    assert changes(made)[:5] == (0,) * 5
    assert {**await house.content(), "mailbox": None} == {**before, "mailbox": None}


async def test_only_the_person_of_a_malformed_resource_is_left_out(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    expected = len(house.twin.current().directory.since.added)
    house.twin.faults.set("resource-malformed", times=1)
    made = (await house.increment()).load
    assert made.rejected == 1
    assert made.added >= expected - 1


async def test_somebody_with_two_professions_is_two_practitioners(house: House) -> None:
    await house.extraction()
    everybody = house.twin.current().directory.people
    both = [who for who, one in everybody.items() if len(one.exercises) > 1 and who.startswith("8")]
    assert both
    found = await crawl.gather(house.api, both, [])
    assert {who: len(told.exercises) for who, told in found.persons.items()} == dict.fromkeys(both, 2)


async def test_going_back_before_an_extraction_takes_its_increments_with_it(house: House) -> None:
    await house.extraction()
    start = await house.content()
    house.push(hours=24)
    await house.extraction()
    day = await house.content()
    house.push(hours=24)
    assert (await house.increment()).load.changed
    await revert(house.database, name="mailboxes")
    await revert(house.database)
    assert {**await house.content(), "mailbox": None} == {**start, "mailbox": None}
    assert day != start
    history = await house.history()
    assert {one.list for one in history if one.result == "reverted"} == {"increments", "mailboxes", "directory"}


async def test_increments_taken_back_wait_for_the_next_extraction(house: House) -> None:
    await house.extraction()
    before = await house.content()
    house.push(hours=24)
    await house.increment()
    taken, served = await revert(house.database, name="increments")
    assert (taken.list, served.list) == ("increments", "directory")
    assert await house.content() == before
    assert (await house.refused()).code == "increments-reverted"
    await house.extraction()
    await house.increment()
    with pytest.raises(ConnectorFailure) as caught:
        await revert(house.database, name="increments")
        await house.extraction()
        await revert(house.database, name="increments")
    assert caught.value.code == "nothing-before"


async def test_what_was_settled_cannot_be_taken_back_alone(house: House) -> None:
    await house.extraction()
    house.push(hours=24)
    await house.increment()
    await house.extraction()
    with pytest.raises(ConnectorFailure) as caught:
        await revert(house.database, name="increments")
    assert caught.value.code == "settled-since"
