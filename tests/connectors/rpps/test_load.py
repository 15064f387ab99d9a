"""A load as a whole (rpps.md 10.1): served or refused, once, never a mixture, whatever happens on the way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import extract, reading
from hub.connectors.rpps.client import Source
from hub.connectors.rpps.load import Report, load
from hub.connectors.rpps.memory import HEADING
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import directory, directory_load
from hub.storage.migrations import run as migrations
from hub.storage.session import Database
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, NURSE, SKILL_HEADER, archive, crowd, source, text

SKILLS = (
    f"{SKILL_HEADER}\n8|99700999909|899700999909|X|Y|10|Médecin|C|Civil|CAPA|Capacité|CAPA06|Gérontologie\n".encode()
)
MANY = [*EVERYBODY, *crowd(8997)]


def settings(**changes: object) -> RppsSettings:
    return RppsSettings(**changes)  # type: ignore[arg-type]


async def served(database: Database) -> tuple[str, int]:
    """The stamp that readers see, and how many people there are in the tables themselves."""
    async with database.reading() as session:
        known = await directory.status(session)
        count = (await session.execute(sql("SELECT count(*) FROM directory_person"))).scalar_one()
        left = (
            await session.execute(sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'directory_stage'"))
        ).scalar_one()
    assert left == 0
    return (known.stamp if known else "", count)


async def test_a_text_file_is_served(database: Database, tmp_path: Path) -> None:
    report = await load(database, settings(), source(tmp_path, text()))
    assert report.is_new
    made = report.load
    assert (made.rows, made.persons, made.exercises, made.situations, made.structures, made.skills) == (
        4,
        3,
        3,
        4,
        3,
        0,
    )
    assert made.report == {"files not there": [extract.SKILLS, extract.DIPLOMAS]}
    assert await served(database) == ("202611160911", 3)
    assert migrations.check(database.url) in ([], ["the database is not at the latest version"])


async def test_skills_are_those_of_both_files(database: Database, tmp_path: Path) -> None:
    packed = {f"{extract.ACTIVITIES}_202611160911.txt": text(), f"{extract.SKILLS}_202611160911.txt": SKILLS}
    report = await load(database, settings(), archive(tmp_path, packed))
    assert report.load.stamp == "202611161200"
    async with database.reading() as session:
        person = await directory.by_national_id(session, "899700999909")
    assert person is not None
    assert person.exercises[0].skills == (("CAPA", "CAPA06"), ("S", "SM54"))


async def test_the_same_file_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    first = await load(database, settings(), source(tmp_path, text()))
    again = await load(database, settings(), source(tmp_path, text()))
    assert (again.is_new, again.load) == (False, first.load)
    renamed = source(tmp_path, text(), stamp="202611180000")
    assert not (await load(database, settings(), renamed)).is_new  # the same content under a later name
    async with database.reading() as session:
        assert len(await directory_load.history(session)) == 1


async def test_the_same_stamp_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    await load(database, settings(), source(tmp_path, text()))
    assert not (await load(database, settings(), source(tmp_path, text([DOCTOR])))).is_new


async def test_an_older_file_is_refused(database: Database, tmp_path: Path) -> None:
    await load(database, settings(), source(tmp_path, text()))
    with pytest.raises(ConnectorFailure) as caught:
        await load(database, settings(), source(tmp_path, text([NURSE]), stamp="202611150911"))
    assert caught.value.code == "stamp-older"
    assert await served(database) == ("202611160911", 3)


async def refused(database: Database, given: Source, **changes: object) -> str:
    with pytest.raises(ConnectorFailure) as caught:
        await load(database, settings(**changes), given)
    return caught.value.code


async def test_the_guards(database: Database, tmp_path: Path) -> None:
    header = text([])
    assert await refused(database, source(tmp_path, b"")) == "file-empty"
    assert await refused(database, source(tmp_path, header)) == "file-empty"
    assert await refused(database, source(tmp_path, text()[:-300])) == "file-cut"
    assert await refused(database, source(tmp_path, text() + b"8|x|8x\n")) == "too-many-rejected"
    assert await refused(database, source(tmp_path, text()), least_persons=4) == "too-few-persons"
    missing = text().replace(b"Code commune (coord. structure)", b"Code perdu")
    assert await refused(database, source(tmp_path, missing)) == "column-missing"
    absent = Source(path=tmp_path / "absent", name="absent", origin="absent", digest="")
    assert await refused(database, absent) == "file-missing"
    assert await served(database) == ("", 0)
    async with database.reading() as session:
        history = await directory_load.history(session)
    assert [one.reason for one in history][:3] == ["file-missing", "column-missing", "too-few-persons"]
    assert history[1].report["detail"] == "Code commune (coord. structure)"
    assert history[3].report["rejected"] == [
        {"line": 6, "fields": ["8", "x", "8x"], "reason": "3 fields instead of 56"}
    ]
    await load(database, settings(most_rejected=0.5), source(tmp_path, text() + b"8|x|8x\n"))


async def test_a_file_that_has_lost_rows_is_refused(database: Database, tmp_path: Path) -> None:
    await load(database, settings(), source(tmp_path, text(crowd(100))))
    shorter = source(tmp_path, text(crowd(89)), stamp="202611170911")
    assert await refused(database, shorter) == "too-few-rows"
    few = source(tmp_path, text(crowd(97)), stamp="202611170911")
    assert await refused(database, few) == "too-many-missing"
    assert (await load(database, settings(most_missing=0.2), few)).persons == 97


async def test_a_value_that_cannot_be_indexed_changes_nothing(database: Database, tmp_path: Path) -> None:
    await load(database, settings(), source(tmp_path, text()))
    wide = "".join(chr(0x10000 + (n * 7919) % 50_000) for n in range(900))
    strange = {**DOCTOR, "national_id": wide, "structure_id": wide}
    given = source(tmp_path, text([*EVERYBODY, strange]), stamp="202611170911")
    assert await refused(database, given) == "not-storable"
    assert await served(database) == ("202611160911", 3)


async def test_readers_see_the_old_directory_or_the_new_one(database: Database, tmp_path: Path) -> None:
    def generation(name: str) -> bytes:
        return text([{**row, "family": name, "structure_name": name, "skill_code": name} for row in crowd(300)])

    await load(database, settings(), source(tmp_path, generation("A")))
    stop = asyncio.Event()
    seen: list[str] = []

    async def watch() -> None:
        while not stop.is_set():
            page = await directory.search(database, directory.Criteria(professions=("10",), communes=("95127",)))
            assert len(page.persons) == 50
            words = {
                word
                for person in page.persons
                for one in person.exercises
                for word in (one.family, one.skills[0][1], one.activities[0].structure.structure_name)  # type: ignore[union-attr]
            }
            assert len(words) == 1
            seen.append(words.pop())

    watchers = [asyncio.create_task(watch()) for _ in range(3)]
    for day, name in enumerate("BCD", 17):
        await load(database, settings(), source(tmp_path, generation(name), stamp=f"202611{day}0911"))
    stop.set()
    await asyncio.gather(*watchers)
    assert {"A", "B", "C"} <= set(seen)


async def test_a_reader_that_does_not_end(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file waits for its turn and gives up; the following ones hinder nobody and wait for nobody."""
    monkeypatch.setattr(directory_load, "TRIES", 2)
    monkeypatch.setattr(directory_load, "PATIENCE", "20ms")
    monkeypatch.setattr(directory_load, "PAUSE", 0.01)
    async with database.transaction() as reader:
        await directory.by_national_id(reader, "899700999909")
        assert await refused(database, source(tmp_path, text())) == "readers-busy"
    await load(database, settings(), source(tmp_path, text()))
    tomorrow = source(tmp_path, text([*EVERYBODY, *crowd(1)]), stamp="202611170911")
    async with database.transaction() as reader:
        await directory.by_national_id(reader, "899700999909")
        assert (await load(database, settings(), tomorrow)).persons == 4


async def test_one_load_at_a_time(database: Database, tmp_path: Path) -> None:
    given = source(tmp_path, text(MANY))
    both = await asyncio.gather(*(load(database, settings(), given) for _ in range(2)), return_exceptions=True)
    done = [one for one in both if isinstance(one, Report)]
    told = [one.code for one in both if isinstance(one, ConnectorFailure)]
    assert (len(done), told) in ((1, ["load-running"]), (2, []))
    assert sum(one.is_new for one in done) == 1
    assert await served(database) == ("202611160911", 9000)


async def test_an_abandoned_load_leaves_the_directory_whole(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(database, settings(), source(tmp_path, text()))
    monkeypatch.setattr(reading, "BATCH", 1)
    begun = asyncio.Event()
    home = asyncio.get_running_loop()
    task = asyncio.create_task(
        load(
            database,
            settings(),
            source(tmp_path, text(MANY), stamp="202611170911"),
            progress=lambda *_: home.call_soon_threadsafe(begun.set) and None,
        )
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await served(database) == ("202611160911", 3)
    assert (await load(database, settings(), source(tmp_path, text(MANY), stamp="202611170911"))).persons == 9000


KILLED = """
import asyncio, sys, time
from pathlib import Path
from hub.connectors.rpps import load as loading, reading
from hub.connectors.rpps.client import Source
from hub.connectors.rpps.settings import RppsSettings
from hub.storage.session import Database

url, file = sys.argv[1:]
reading.BATCH = 1

def tell(what, done, total):
    if what == sys.stdin.readline().strip():
        print(what, flush=True)
        time.sleep(60)

async def main():
    database = await Database.open(url)
    path = Path(file)
    source = Source(path=path, name=path.name, origin=path.name, digest="-")
    await loading.load(database, RppsSettings(), source, progress=tell)

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["read", "index"])
async def test_a_load_that_is_killed_leaves_the_directory_whole(
    moment: str, database: Database, tmp_path: Path
) -> None:
    await load(database, settings(), source(tmp_path, text()))
    given = source(tmp_path, text(MANY), stamp="202611170911")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, database.url, str(given.path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{moment}\n".encode() * 20)
    assert (await process.stdout.readline()).strip().decode() == moment
    assert await served(database) == ("202611160911", 3)
    process.kill()
    await process.communicate()
    assert await served(database) == ("202611160911", 3)
    for _ in range(100):  # the server needs a moment to see that its caller is dead
        try:
            report = await load(database, settings(), given)
        except ConnectorFailure as trouble:
            assert trouble.code == "load-running"
            await asyncio.sleep(0.1)
        else:
            break
    assert report.persons == 9000
    assert await served(database) == ("202611170911", 9000)


async def test_the_lines_of_the_first_load_are_remembered_too(database: Database, tmp_path: Path) -> None:
    await load(database, settings(), source(tmp_path, text()))
    async with database.reading() as session:
        digests, rows = await directory_load.lines(session, extract.ACTIVITIES)
        served = await directory_load.numbers(session, "directory_situation")
    assert len(set(digests)) == 1 + len(EVERYBODY)
    assert set(rows) == {HEADING} | served
