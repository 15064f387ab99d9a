"""Our client in front of the twin of the directory, in process: what is published, downloaded, loaded, spoiled."""

from __future__ import annotations

import zipfile
from pathlib import Path

import httpx
import pytest

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps.client import RppsClient
from hub.connectors.rpps.load import Acceptance, Report, load
from hub.connectors.rpps.settings import RppsSettings
from hub.domain.identity import situations
from hub.storage import directory
from hub.storage.session import Database
from hub.workflows.directory import compare, identity_of
from sandbox.psc import people
from sandbox.rpps import RppsTwin, oddities

VASSEUR, MARCHAND = "899700999909", "899700999925"


async def test_head_says_what_is_published(client: RppsClient, twin: RppsTwin) -> None:
    assert await client.published() == twin.current().stamp
    twin.next_day()
    assert await client.published() == twin.current().stamp
    assert {entry.title.split()[0] for entry in twin.world.journal.entries("rpps")} == {"HEAD"}


async def test_get_brings_the_zip(client: RppsClient, twin: RppsTwin, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    source = await client.fetch(tmp_path, lambda *step: steps.append(step))
    assert source.stamp == twin.current().stamp
    assert source.path.parent == tmp_path
    [entry] = twin.world.journal.entries("rpps")
    assert all(check.passed for check in entry.checks)
    assert entry.facts["sha256"] == source.digest
    assert steps[-1] == ("download", int(entry.facts["bytes"]), int(entry.facts["bytes"]))
    assert zipfile.is_zipfile(source.path)


async def fetched(client: RppsClient, database: Database, folder: Path, **more: object) -> Report:
    return await load(database, RppsSettings(), await client.fetch(folder), **more)  # type: ignore[arg-type]


async def test_the_directory_of_the_twin_is_served(
    client: RppsClient, twin: RppsTwin, database: Database, tmp_path: Path
) -> None:
    report = await fetched(client, database, tmp_path)
    known = twin.current().directory.people
    assert report.is_new
    assert report.persons == len(known)
    assert report.load.rejected == 0
    async with database.reading() as session:
        for number, expected in known.items():
            if number.startswith(("8997009", "89973", "09")):  # those who may sign in, and every oddity
                person = await directory.by_national_id(session, number)
                assert person is not None
                assert {(one.profession_code, one.category_code) for one in person.exercises} == {
                    (one.profession, one.category) for one in expected.exercises
                }
                assert {code for one in person.exercises for _, code in one.skills} == {
                    code for one in expected.exercises for code in one.skills
                }
                assert {
                    one.structure.structure_name
                    for each in person.exercises
                    for one in each.activities
                    if one.structure
                } == {one.structure.structure_name for each in expected.exercises for one in each.activities}


async def test_who_signs_in_and_who_is_in_the_directory_are_one(
    client: RppsClient, database: Database, tmp_path: Path
) -> None:
    """The situation keys of Pro Santé Connect and of the directory meet (rpps.md 5.1)."""
    from tests.connectors.psc.forge import ISSUER

    await fetched(client, database, tmp_path)
    met = 0
    async with database.reading() as session:
        for one in people.load().values():
            person = await directory.by_national_id(session, one.id)
            if person is None:
                continue
            who = identity_of(person, issuer=ISSUER)
            declared = {
                (exercise.profession, exercise.category, activity.structure.technical_id, activity.role)
                for exercise in one.exercises
                for activity in exercise.activities
            }
            found = situations(who)
            assert {
                (each.exercise.profession, each.exercise.category, each.structure_key, each.activity.role)
                for each in found
                if each.activity
            } == declared
            assert compare(who, person) == []
            met += 1
    assert met >= 10
    assert oddities.persons()


@pytest.mark.parametrize("dress", ["trailing-pipe", "crlf", "bom", "column-renamed", "column-extra", "broken-lines"])
async def test_the_same_directory_in_every_dress(
    dress: str, client: RppsClient, twin: RppsTwin, database: Database, tmp_path: Path
) -> None:
    twin.faults.set(dress)
    report = await fetched(client, database, tmp_path)
    known = twin.current().directory.people
    assert report.persons == len(known)
    assert report.load.rejected == (3 if dress == "broken-lines" else 0)
    assert bool(report.load.report.get("columns unknown")) == (dress == "column-extra")


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("truncated", "", "zip-damaged"),
        ("member-missing", "", "member-missing"),
        ("column-missing", "", "column-missing"),
        ("column-missing", "Nom d'exercice", "column-missing"),
        ("latin-1", "", "not-utf-8"),
        ("bomb", "", "member-twice"),
        ("half", "", "too-few-rows"),
    ],
)
async def test_a_spoiled_file_changes_nothing_and_says_so(
    fault: str, value: str, code: str, client: RppsClient, twin: RppsTwin, database: Database, tmp_path: Path
) -> None:
    before = await fetched(client, database, tmp_path)
    twin.next_day()
    twin.faults.set(fault, value=value)
    with pytest.raises(ConnectorFailure) as caught:
        await fetched(client, database, tmp_path)
    assert caught.value.code == code
    async with database.reading() as session:
        assert await directory.status(session) == before.load
        assert await directory.by_national_id(session, VASSEUR) is not None
        last = (await directory.directory_load.history(session))[0]
    assert (last.result, last.reason, last.stamp) == ("refused", code, twin.current().stamp)
    after = await fetched(client, database, tmp_path)  # the next download is whole
    assert after.is_new


async def test_half_a_file_is_served_when_somebody_answers_for_it(
    client: RppsClient, twin: RppsTwin, database: Database, tmp_path: Path
) -> None:
    await fetched(client, database, tmp_path)
    twin.next_day()
    twin.faults.set("half")
    source = await client.fetch(tmp_path)
    with pytest.raises(ConnectorFailure):
        await load(database, RppsSettings(), source, acceptance=Acceptance(digest="0" * 64, by="Nadia Roche"))
    accepted = Acceptance(digest=source.digest, by="Nadia Roche")
    report = await load(database, RppsSettings(), source, acceptance=accepted)
    assert (report.is_new, report.load.accepted_by) == (True, "Nadia Roche")


async def test_days_follow_one_another(client: RppsClient, twin: RppsTwin, database: Database, tmp_path: Path) -> None:
    await fetched(client, database, tmp_path)
    changes = twin.next_day().directory.since
    report = await fetched(client, database, tmp_path)
    assert report.persons == len(twin.current().directory.people)
    assert report.load.missing == len({*changes.removed, *changes.forgotten})
    async with database.reading() as session:
        for gone in (*changes.removed, *changes.forgotten):  # shown until the absence is confirmed (rpps.md 10.4)
            assert await directory.by_national_id(session, gone) is not None
        for new in changes.added:
            assert await directory.by_national_id(session, new) is not None
        for stopped in changes.ended:
            person = await directory.by_national_id(session, stopped)
            assert person is not None
            assert all(not one.activities for one in person.exercises)


async def test_a_line_that_is_cut_is_not_a_file(twin: RppsTwin, tmp_path: Path) -> None:
    async def half() -> object:
        yield b"PK"
        raise httpx.ReadError("cut")

    def peer(_request: httpx.Request) -> httpx.Response:
        headers = {
            "Content-Disposition": "attachment; filename=PS_LibreAcces_202611160217.zip",
            "Content-Length": "1000",
        }
        return httpx.Response(200, headers=headers, content=half())  # type: ignore[arg-type]

    async with httpx.AsyncClient(transport=httpx.MockTransport(peer)) as http:
        with pytest.raises(ConnectorFailure) as caught:
            await RppsClient(http, RppsSettings(base_url="https://annuaire.test/")).fetch(tmp_path)
    assert (caught.value.code, str(caught.value.kind)) == ("incomplete", "unreachable")
