"""Days of the generator, whose truth is known by construction: hostile ones one after the other, and broken ones (rpps.md 10.4)."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
import zipfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from bench.rpps import broken
from bench.rpps.generate import generate
from bench.rpps.world import Options
from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps.client import Source
from hub.connectors.rpps.extract import ACTIVITIES
from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import directory, directory_load
from hub.storage.directory_load import Load
from hub.storage.session import Database

DAYS = 7  # who is missing from the second one on has gone on the fifth
SETTINGS = RppsSettings()  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of hostile days, and what is true of each."""
    out = tmp_path_factory.mktemp("generated")
    first = dt.date(2026, 11, 2)
    told: Any = generate(
        out,
        Options(rows=2_000, chunk=2_500, seed=4, days=DAYS, hostile=True, changes=0.05, date=first),
        processes=1,
    )
    return out, told["days"]


def at_hand(path: Path) -> Source:
    return Source(path=path, name=path.name, origin=path.name, digest=hashlib.sha256(path.read_bytes()).hexdigest())


def file_of(written: tuple[Path, list[dict[str, Any]]], day: int) -> Source:
    out, told = written
    return at_hand(out / f"PS_LibreAcces_{told[day - 1]['stamp']}.zip")


async def loaded(database: Database, given: Source) -> Load:
    report = await load(database, SETTINGS, given)
    assert report.is_new
    return report.load


async def everything(database: Database) -> dict[str, list[Any]]:
    """All that is kept of the directory, but for the register of loads."""
    async with database.reading() as session:
        named = await session.execute(
            sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'directory%' ORDER BY 1")
        )
        names = [name for name in named.scalars() if name != "directory_load"]
        return {
            name: [*(await session.execute(sql(f"SELECT t::text FROM {name} AS t ORDER BY 1"))).scalars()]
            for name in names
        }


async def differences(database: Database, made: Load) -> dict[str, list[str]]:
    """National identifiers by kind of change. Other skills or diplomas count where nothing else changed, and what
    somebody who comes back has changed meanwhile is no change from the day before."""
    found = defaultdict(list)
    async with database.reading() as session:
        kept = await session.execute(
            sql("SELECT kind, national_id FROM directory_change WHERE load = :load ORDER BY 2"), {"load": made.id}
        )
        for kind, national_id in kept:
            found[kind].append(national_id)
    others = {who for kind, people in found.items() if kind != "qualified" for who in people}
    found["qualified"] = [who for who in found["qualified"] if who not in others]
    found["changed"] = [who for who in found["changed"] if who not in found["returned"]]
    return {kind: people for kind, people in found.items() if people}


def expected(told: list[dict[str, Any]], day: int) -> dict[str, list[str]]:
    """What a load of that day must find against the loads of all days before it: an absence is a departure on the third day after
    the first one, and who comes back in time never left."""
    since: dict[str, int] = {}
    made: dict[str, list[str]] = {}
    for number in range(2, day + 1):
        said = told[number - 1]["against_day_before"]
        left = sorted(who for who, first in since.items() if who not in said["added"] and number - first >= 3)
        made = {
            "added": [who for who in said["added"] if who not in since],
            "returned": [who for who in said["added"] if who in since],
            "missing": said["removed"],
            "gone": left,
            "changed": said["changed"],
            "qualified": said["skills_only"],
        }
        since = {who: first for who, first in since.items() if who not in left and who not in said["added"]}
        since |= dict.fromkeys(said["removed"], number)
    return {kind: who for kind, who in made.items() if who}


ASKED = (directory.Criteria(words="martin"), directory.Criteria(professions=("60",)))


@asynccontextmanager
async def readers(database: Database, who: str) -> AsyncIterator[list[Any]]:
    """People who read the directory all the while, and fail where they would have to wait for a lock. Gives the answers that differ
    from the first one of the same reader."""
    stop, begun = asyncio.Event(), asyncio.Event()
    otherwise: list[Any] = []

    async def read() -> None:
        first = None
        while not stop.is_set():
            found = [await directory.search(database, asked) for asked in ASKED]
            async with database.reading() as session:
                await session.execute(sql("SELECT set_config('lock_timeout', '20ms', false)"))
                answer = (found, await directory.by_national_id(session, who), await directory.status(session))
            first = first or answer
            otherwise.extend([answer] if answer != first else [])
            begun.set()

    watching = [asyncio.create_task(read()) for _ in range(2)]
    await begun.wait()
    yield otherwise
    stop.set()
    await asyncio.gather(*watching)


REFUSED = {
    "truncated": ("zip-damaged", ""),
    "half": ("too-few-rows", "persons"),
    "missing-column": ("column-missing", "Identifiant technique de la structure"),
    "renamed-column": (
        "column-missing",
        "Code profession",
    ),  # required, and the new name is none that we know (rpps.md 4.1)
    "latin-1": ("not-utf-8", "byte "),
}


@pytest.mark.parametrize("kind", broken.KINDS)
async def test_a_broken_day_changes_nothing_and_the_same_day_whole_is_loaded(
    kind: str, written: tuple[Path, list[dict[str, Any]]], database: Database, tmp_path: Path
) -> None:
    _, told = written
    before = await loaded(database, file_of(written, 1))
    at_first, good = await everything(database), file_of(written, 2)
    target = tmp_path / good.name
    broken.write(kind, good.path, target, told[1]["counts"]["lines"])
    async with readers(database, told[1]["against_day_before"]["changed"][0]) as otherwise:
        with pytest.raises(ConnectorFailure) as caught:
            await load(database, SETTINGS, at_hand(target))
    code, detail = REFUSED[kind]
    assert (caught.value.code, otherwise) == (code, [])
    assert detail in caught.value.detail
    assert await everything(database) == at_first
    async with database.reading() as session:
        line = (await directory_load.history(session))[0]
        assert await directory.status(session) == before
    assert (line.result, line.reason, line.stamp, line.source) == ("refused", code, told[1]["stamp"], target.name)
    assert detail in line.report["detail"]
    made = await loaded(database, good)
    assert await differences(database, made) == expected(told, 2)


def rewritten(good: Source, target: Path, change: Callable[[list[bytes]], list[bytes]]) -> Source:
    """The same extraction under another name, the lines of Personne_activite, header first, changed."""
    with zipfile.ZipFile(good.path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            lines = source.read(name).removesuffix(b"\n").split(b"\n")
            out.writestr(name, b"\n".join([*(change(lines) if name.startswith(ACTIVITIES) else lines), b""]))
    return at_hand(target)


async def test_hostile_days_differ_as_their_truth_says(
    written: tuple[Path, list[dict[str, Any]]], database: Database
) -> None:
    _, told = written
    await loaded(database, file_of(written, 1))
    for day in range(2, DAYS + 1):
        made = await loaded(database, file_of(written, day))
        counts = told[day - 1]["counts"]
        assert (made.rows, made.rejected, made.persons) == (counts["rows"], counts["rejected"], counts["persons"])
        assert await differences(database, made) == expected(told, day), day
    met = {kind for day in range(2, DAYS + 1) for kind in expected(told, day)}
    assert met == {"added", "returned", "missing", "gone", "changed", "qualified"}


async def test_a_hostile_day_again_older_or_in_another_order_is_no_change(
    written: tuple[Path, list[dict[str, Any]]], database: Database, tmp_path: Path
) -> None:
    await loaded(database, file_of(written, 1))
    good = file_of(written, 2)
    await loaded(database, good)
    then = await everything(database)
    del then["directory_line"]  # the lines of the last file, in their order
    assert not (await load(database, SETTINGS, good)).is_new
    with pytest.raises(ConnectorFailure) as caught:
        await load(database, SETTINGS, file_of(written, 1))
    assert caught.value.code == "stamp-older"

    def shuffled(lines: list[bytes]) -> list[bytes]:
        header, *rest = lines
        chance = random.Random(7)
        rest += chance.choices([line for line in rest if line.count(b"|") == header.count(b"|")], k=200)
        chance.shuffle(rest)
        return [header, *rest]

    made = await loaded(database, rewritten(good, tmp_path / "PS_LibreAcces_202611032359.zip", shuffled))
    assert (made.new_rows, await differences(database, made)) == (0, {})
    now = await everything(database)
    assert {name: now[name] for name in then} == then


async def test_a_column_of_labels_that_is_renamed_is_told_and_changes_nobody(
    written: tuple[Path, list[dict[str, Any]]], database: Database, tmp_path: Path
) -> None:
    _, told = written
    await loaded(database, file_of(written, 1))

    def renamed(lines: list[bytes]) -> list[bytes]:
        header = lines[0].decode().replace("|Libellé rôle|", "|Intitulé du poste|")
        return [header.encode(), *lines[1:]]

    made = await loaded(database, rewritten(file_of(written, 2), tmp_path / "PS_LibreAcces_202611032359.zip", renamed))
    assert made.report["columns missing"] == ["Libellé rôle"]
    assert made.report["columns unknown"] == ["Intitulé du poste"]
    assert await differences(database, made) == expected(told, 2)
