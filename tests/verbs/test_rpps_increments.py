"""``hub rpps sync --increments`` and the worker's hour, on the twin over a real socket."""

from __future__ import annotations

import asyncio

import pytest

from hub import settings
from hub.composition import Clients
from hub.storage import directory_load
from hub.storage.session import Database
from hub.verbs import processes
from sandbox.rpps import API_KEY, RppsTwin
from tests.verbs.conftest import run


async def test_an_hour_at_the_directory(configured: RppsTwin, installation: pytest.MonkeyPatch) -> None:
    early = await run("sync", "--increments")
    assert early.exit_code == 1
    assert "Aucune extraction" in early.output
    first = await run("sync")
    assert first.exit_code == 0, first.output
    configured.next_day()
    since = configured.current().directory.since
    told = await run("sync", "--increments")
    assert told.exit_code == 0, told.output
    assert f"{len(since.added)} added" in told.output
    again = await run("sync", "--increments")
    assert "Nothing changes: the increments of" in again.output
    status = await run("status")
    assert "increments" in status.output
    assert API_KEY not in told.output + status.output
    night = await run("sync")
    assert night.exit_code == 0, night.output
    assert "settled against increments" not in night.output  # both tell one story
    taken = await run("revert", "--list", "increments", "--by", "Claire Aubin", "--yes")
    assert taken.exit_code == 0, taken.output
    waiting = await run("sync", "--increments")
    assert "retiré" in waiting.output


async def test_without_a_key_a_sentence_says_what_to_give(
    configured: RppsTwin, installation: pytest.MonkeyPatch
) -> None:
    installation.setenv("HUB_RPPS__API_KEY", "")
    settings.load.cache_clear()
    assert (await run("sync")).exit_code == 0  # the extraction alone
    lacking = await run("sync", "--increments")
    assert lacking.exit_code == 1
    assert "HUB_RPPS__API_KEY" in lacking.output
    installation.setenv("HUB_RPPS__API_KEY", "autre")
    settings.load.cache_clear()
    denied = await run("sync", "--increments")
    assert "refusée" in denied.output
    assert "autre" not in denied.output


async def test_the_worker_asks_by_itself(configured: RppsTwin, database: Database) -> None:
    assert (await run("load")).exit_code == 0
    configured.next_day()
    stop = asyncio.Event()
    nobody = Clients(psc=None, others={})  # type: ignore[arg-type]
    working = asyncio.create_task(processes.worker_of(settings.load(), database, nobody, {}).run(stop))
    try:
        async with asyncio.timeout(30):
            while True:
                async with database.reading() as session:
                    made = await directory_load.served(session, "increments")
                if made is not None:
                    break
                await asyncio.sleep(0.2)
    finally:
        stop.set()
        await working
    assert made.added == len(configured.current().directory.since.added)
