"""Two days compared: who came, changed, went missing, came back, left (rpps.md 10.3 and 10.4)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sqlalchemy import text as sql

from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import directory
from hub.storage.directory_load import Load
from hub.storage.session import Database
from tests.connectors.rpps.rows import DOCTOR, HOSPITAL, NURSE, crowd, line, source, text

TRUSTING = RppsSettings(least_share=0, most_missing=1, most_rejected=1)  # type: ignore[call-arg]
CROWD = crowd(6)


async def day(database: Database, folder: Path, number: int, rows: list[dict[str, str]]) -> Load:
    """Load the file of that day of November."""
    given = source(folder, text(rows), stamp=f"202611{number:02d}0911")
    return (await load(database, TRUSTING, given)).load


async def changes(database: Database, load: Load) -> set[tuple[str, str]]:
    async with database.reading() as session:
        found = await session.execute(
            sql("SELECT national_id, kind FROM directory_change WHERE load = :load"), {"load": load.id}
        )
        return {(row.national_id, row.kind) for row in found}


async def content(database: Database) -> dict[str, list[Any]]:
    """Everything served, but for the loads and days that brought it."""
    made = {}
    async with database.reading() as session:
        for table, columns in {
            "person": "national_id, id_type, identifier",
            "exercise": "id, national_id, family, given, profession_code, is_idle, family_key, given_key, profession",
            "structure": "id, key, structure_name, phone",
            "situation": "id, exercise, structure, mode_code, role_code, skill_code, is_idle, profession, place",
        }.items():
            found = await session.execute(sql(f"SELECT {columns} FROM directory_{table} ORDER BY 1"))
            made[table] = [tuple(row) for row in found]
    return made


async def test_who_came_changed_and_went_missing(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, [DOCTOR, NURSE, *CROWD])
    moved = {**CROWD[0], "phone": "0199000099"}
    made = await day(database, tmp_path, 17, [DOCTOR, HOSPITAL, moved, *CROWD[1:5], crowd(9)[8]])
    assert (made.added, made.changed, made.missing, made.returned, made.gone) == (1, 2, 2, 0, 0)
    assert (made.new_rows, made.lost_rows) == (3, 3)
    assert await changes(database, made) == {
        (crowd(9)[8]["national_id"], "added"),
        (DOCTOR["national_id"], "changed"),
        (CROWD[0]["national_id"], "changed"),
        (NURSE["national_id"], "missing"),
        (CROWD[5]["national_id"], "missing"),
    }


async def test_an_absence_is_confirmed_after_three_days(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, [DOCTOR, NURSE, HOSPITAL])
    for number in (17, 18, 19):
        await day(database, tmp_path, number, [NURSE] * number)  # never the same file twice
        async with database.reading() as session:
            person = await directory.by_national_id(session, DOCTOR["national_id"])
        assert person is not None
        assert len(person.exercises[0].activities) == 2
    made = await day(database, tmp_path, 20, [NURSE])
    assert (made.missing, made.gone, made.persons) == (0, 1, 1)
    async with database.reading() as session:
        assert await directory.by_national_id(session, DOCTOR["national_id"]) is None
        assert (await directory.search(database, directory.Criteria(words="lefevre"))).persons == ()
        past = await session.execute(sql("SELECT count(*) FROM directory_situation_past"))
        assert past.scalar_one() == 2
    again = await day(database, tmp_path, 21, [NURSE, DOCTOR])
    assert (again.added, again.returned) == (1, 0)


async def test_who_comes_back_in_time_never_left(database: Database, tmp_path: Path) -> None:
    rows = [DOCTOR, NURSE]
    await day(database, tmp_path, 16, rows)
    before = await content(database)
    await day(database, tmp_path, 17, [NURSE])
    made = await day(database, tmp_path, 18, rows)
    assert (made.returned, made.changed, made.added, made.new_rows, made.lost_rows) == (1, 0, 0, 0, 0)
    assert await content(database) == before


async def test_a_line_that_says_the_same_otherwise_is_no_change(database: Database, tmp_path: Path) -> None:
    await day(database, tmp_path, 16, [DOCTOR, HOSPITAL, NURSE, *CROWD])
    worded = [{**row, "profession": "Toubib", "commune": "CERGY"} for row in (HOSPITAL, DOCTOR, *CROWD)]
    made = await day(database, tmp_path, 17, [*worded, NURSE, HOSPITAL, HOSPITAL])
    assert (made.added, made.changed, made.missing, made.new_rows, made.lost_rows) == (0, 0, 0, 0, 0)
    assert made.duplicates == 2


async def test_a_structure_that_changes_is_a_wave_and_no_alarm(database: Database, tmp_path: Path) -> None:
    staff = [{**row, **{key: HOSPITAL[key] for key in ("structure_id", "structure_name")}} for row in crowd(60)]
    staff = [{**row, "commune_code": "95127"} for row in staff]
    await day(database, tmp_path, 16, [*staff, NURSE])
    made = await day(database, tmp_path, 17, [*({**row, "phone": "0199000077"} for row in staff), NURSE])
    assert made.changed == 60
    assert made.report["structures that changed"] == {"CH INVENTE": 60}


ROWS = st.lists(
    st.builds(
        lambda person, place, phone, mode: {**person, **place, "phone": phone, "mode_code": mode},
        st.sampled_from([NURSE, *crowd(5)]),
        st.sampled_from([{}, {key: HOSPITAL[key] for key in ("structure_id", "structure_name", "finess")}]),
        st.sampled_from(["", "0199000001"]),
        st.sampled_from(["L", "S"]),
    ),
    min_size=1,
    max_size=8,
)


@profile(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(ROWS, min_size=2, max_size=3), chance=st.randoms(use_true_random=False))
async def test_whatever_the_days_the_last_one_is_served(
    days: list[list[dict[str, str]]], chance: random.Random, database: Database, tmp_path: Path
) -> None:
    """The same content as a first load of that day, but for those whose absence is not confirmed yet."""
    await clear(database)
    for number, rows in enumerate(days, 10):
        shuffled = [*rows, *chance.choices(rows, k=2)]
        chance.shuffle(shuffled)
        await day(database, tmp_path, number, shuffled)
    followed = await content(database)
    await clear(database)
    await day(database, tmp_path, 28, days[-1])
    alone = await content(database)
    present = {row["national_id"] for row in days[-1]}
    absent = {row["national_id"] for rows in days for row in rows} - present
    assert {one[0] for one in followed["person"]} == present | absent
    exercises = {one[0] for one in followed["exercise"] if one[1] in present}
    assert [one for one in followed["exercise"] if one[1] in present] == alone["exercise"]
    assert [one for one in followed["situation"] if one[1] in exercises] == alone["situation"]
    assert set(alone["structure"]) <= set(followed["structure"])
    used = {one[2] for one in followed["situation"]}
    assert {one[0] for one in followed["structure"]} == used - {0}


async def clear(database: Database) -> None:
    async with database.transaction() as session:
        found = await session.execute(
            sql("SELECT relname FROM pg_class WHERE relname LIKE 'directory%' AND relkind = 'r'")
        )
        await session.execute(sql(f"TRUNCATE {', '.join(row.relname for row in found)}"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_line_met_to_the_letter_is_not_read_again(end: str, database: Database, tmp_path: Path) -> None:
    rows = [DOCTOR, HOSPITAL, NURSE]
    await day(database, tmp_path, 16, rows)
    given = source(tmp_path, text([*rows, *CROWD], end=end), stamp="202611170911")
    assert (await load(database, TRUSTING, given)).load.added == len(CROWD)
    # Under another header the same letters would mean something else.
    titles = text([]).decode().replace("Nom d'exercice", "@").replace("Prénom d'exercice", "Nom d'exercice")
    swapped = titles.replace("@", "Prénom d'exercice") + "".join(f"{line(row)}\n" for row in rows)
    made = (await load(database, TRUSTING, source(tmp_path, swapped.encode(), stamp="202611180911"))).load
    assert (made.changed, made.missing) == (2, len(CROWD))
