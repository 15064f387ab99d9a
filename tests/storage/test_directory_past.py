"""Going back to the load before, the history of somebody, and what is forgotten (rpps.md 10.2, 10.4, 10.7)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps.load import Acceptance, load, revert
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import directory_load, directory_past
from hub.storage.session import Database
from hub.storage.tables.directory import SERVED
from tests.connectors.rpps.rows import DOCTOR, HOSPITAL, NURSE, OLD, crowd, source, text

TRUSTING = RppsSettings(least_share=0, most_missing=1)  # type: ignore[call-arg]
FIRST = [DOCTOR, HOSPITAL, NURSE, *crowd(3)]
SECOND = [{**DOCTOR, "phone": "0199000042"}, OLD, *crowd(3)[:2], {**NURSE, "mode_code": "L", "structure_name": "IDEL"}]


async def everything(database: Database) -> dict[str, set[Any]]:
    async with database.reading() as session:
        return {
            table.name: {tuple(row) for row in await session.execute(sql(f"SELECT * FROM {table.name}"))}
            for table in SERVED
        }


async def day(database: Database, folder: Path, number: int, rows: list[dict[str, str]], **more: Any) -> Any:
    given = source(folder, text(rows), stamp=f"202611{number:02d}0911")
    return (await load(database, TRUSTING, given, **more)).load


async def test_a_load_taken_back_leaves_what_was_before_to_the_letter(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, FIRST)
    at_first = await everything(database)
    await day(database, tmp_path, 17, SECOND)
    then = await everything(database)
    for number in (18, 19):
        await day(database, tmp_path, number, [*SECOND[1:], *[OLD] * number])
    await day(database, tmp_path, 20, SECOND[1:])  # those missing since the 17th have gone
    for _ in range(3):
        await revert(database)
    assert await everything(database) == then
    last, before = await revert(database)
    assert (last.stamp, before.stamp) == ("202611170911", "202611160911")
    assert await everything(database) == at_first
    with pytest.raises(ConnectorFailure) as caught:
        await revert(database)
    assert caught.value.code == "nothing-before"


async def test_what_was_taken_back_comes_again_by_name_only(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, FIRST)
    made = await day(database, tmp_path, 17, SECOND)
    then = await everything(database)
    await revert(database)
    with pytest.raises(ConnectorFailure) as caught:
        await day(database, tmp_path, 17, SECOND)
    assert caught.value.code == "reverted"
    again = await day(database, tmp_path, 17, SECOND, acceptance=Acceptance(digest=made.digest, by="Claire Aubin"))
    assert again.accepted_by == "Claire Aubin"
    renumbered = {name: {row[:-1] for row in found} for name, found in (await everything(database)).items()}
    assert renumbered == {name: {row[:-1] for row in found} for name, found in then.items()}


async def test_the_history_of_somebody(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, FIRST)
    await day(database, tmp_path, 17, SECOND)
    async with database.reading() as session:
        lines = await directory_past.lines_of(session, DOCTOR["national_id"])
        changes = await directory_past.changes_of(session, DOCTOR["national_id"])
        differing = await directory_past.differing(session, changes[0].load)
    assert [(one.structure_name, one.until is None) for one in lines] == [
        ("CABINET DU DR LEFEVRE-D ARC", True),
        ("CABINET DU DR LEFEVRE-D ARC", False),
        ("CH INVENTE", False),
    ]
    assert [(one.kind, one.stamp) for one in changes] == [("changed", "202611170911")]
    assert ("changed", DOCTOR["national_id"]) in differing
    assert ("added", OLD["national_id"]) in differing


async def test_the_past_is_forgotten_in_time(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, FIRST)
    await day(database, tmp_path, 17, SECOND)
    for number in (18, 19, 20, 21, 22):  # the first doctor goes on the 21st
        await day(database, tmp_path, number, [*SECOND[1:], *[OLD] * number])
    async with database.transaction() as session:
        last = await directory_load.served(session)
        assert last is not None
        later = last.loaded_at + timedelta(days=31)

        async def kept() -> tuple[int, int]:
            found = await session.execute(
                sql(
                    """SELECT count(*) FILTER (WHERE national_id = :who), count(*) FILTER (WHERE national_id <> :who)
                    FROM directory_exercise_past"""
                ),
                {"who": DOCTOR["national_id"]},
            )
            return tuple(found.one())  # type: ignore[return-value]

        before = await kept()
        assert before[0] > 0
        assert await directory_past.forget(session, now=last.loaded_at, history_days=400, gone_days=30) == 0
        assert await directory_past.forget(session, now=later, history_days=400, gone_days=30) > 0
        assert (await kept())[0] == 0
        situations = (await session.execute(sql("SELECT count(*) FROM directory_situation_past"))).scalar_one()
        await directory_past.forget(session, now=last.loaded_at + timedelta(days=401), history_days=400, gone_days=30)
        assert (await session.execute(sql("SELECT count(*) FROM directory_situation_past"))).scalar_one() < situations
