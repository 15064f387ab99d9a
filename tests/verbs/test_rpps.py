"""``hub rpps`` as somebody types it, on the twin over a real socket and on files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import settings
from hub.storage import audit
from hub.storage.session import Database
from hub.verbs import rpps as verb
from sandbox.rpps import RppsTwin
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, crowd, source, text
from tests.verbs.conftest import PREFIX, run


async def test_a_day_at_the_directory(installation: pytest.MonkeyPatch, published: tuple[RppsTwin, str, Path]) -> None:
    twin, address, root = published
    nothing = await run("status")
    assert "No directory is loaded yet" in nothing.output
    installation.setenv("HUB_RPPS__BASE_URL", address)
    settings.load.cache_clear()
    stranger = await run("load")  # its root is in no public store
    assert stranger.exit_code == 1
    installation.setenv("HUB_RPPS__AUTHORITY", str(root))
    settings.load.cache_clear()
    first = await run("load")
    assert first.exit_code == 0, first.output
    assert f"{len(twin.current().directory.people)} persons" in first.output
    again = await run("load")
    assert f"the directory of {twin.current().stamp} is already served" in again.output
    methods = [entry.title.split()[0] for entry in twin.world.journal.entries("rpps")]
    assert methods.count("GET") == 1  # nothing is downloaded twice
    status = await run("status")
    assert twin.current().stamp in status.output
    found = await run("search", "vasseur", "helene", "--commune", "95000", "--profession", "10")
    assert "899700999909" in found.output
    assert "Médecin" in found.output
    shown = await run("show", "99700999909")
    assert '"practice_title_code": "DR (Docteur)"' in shown.output
    assert "Cabinet individuel" in shown.output


async def test_around_a_department_is_around_all_of_it(installation: pytest.MonkeyPatch, tmp_path: Path) -> None:
    where = {"LILAS": "95527", "ABEILLE": "60141", "PRUNIER": "95002", "LOINTAIN": "69123"}
    rows = [
        {**one, "family": family, "commune_code": code}
        for one, (family, code) in zip(crowd(4), where.items(), strict=True)
    ]
    await run("load", str(source(tmp_path, text(rows)).path))
    within = (await run("search", "--place", "95")).output
    assert [name for name in where if name in within] == ["LILAS", "PRUNIER"]
    near = (await run("search", "--place", "95", "--km", "10")).output
    assert (
        near.index("LILAS") < near.index("PRUNIER") < near.index("ABEILLE")
    )  # who works there, then who works outside
    assert "LOINTAIN" not in near
    assert "ABEILLE" in (await run("search", "--place", "952", "--km", "20")).output
    assert "ABEILLE" not in (await run("search", "--place", "95", "--km", "3")).output


async def test_a_file_and_standard_input(installation: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> None:
    given = source(tmp_path, text())
    assert "3 persons, 4 situations, 3 structures from 4 rows" in (await run("load", str(given.path))).output
    assert "Nothing changes" in (await run("load", "-", given=text())).output
    more = await run("load", "-", given=text([*EVERYBODY, *crowd(5)]))
    assert "8 persons, 9 situations, 8 structures from 9 rows" in more.output  # all that is served, not what is new
    assert "8 persons, 9 situations, 8 structures, served" in (await run("status")).output
    async with database.reading() as session:
        status = await verb.directory.status(session)
    assert status is not None
    assert status.source == "standard input"


async def test_lines_that_cannot_be_read_are_told_one_by_one(installation: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = text(crowd(1500)).decode().replace("\n", "\n8|99700000041|899700000041|cut\n", 1).encode()
    told = (await run("load", str(source(tmp_path, broken).path))).output
    assert "(1 rejected, 0 twice)" in told
    assert "line 2: 4 fields instead of 56 (8, 99700000041, 899700000041)" in told
    header, rest = broken.split(b"\n", 1)
    worse = source(tmp_path, header + b"\n" + rest.replace(b"|", b"", 40_000), stamp="202611170911")
    refused = await run("load", str(worse.path))
    assert refused.exit_code == 1 and "hub rpps status --report" in refused.output
    report = (await run("status", "--report")).output
    assert "refused too-many-rejected" in report
    assert "line 2: 1 fields instead of 56 (89970000004189970000004" in report
    assert "more lines that could not be read" in report


async def test_what_is_refused_is_said_in_a_sentence(installation: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = await run("load", str(tmp_path / "absent.zip"))
    assert absent.exit_code == 1
    assert "Ce fichier n'existe pas" in absent.output
    nowhere = await run("load")
    assert "HUB_RPPS__BASE_URL" in nowhere.output
    cut = source(tmp_path, text()[:-300])
    assert "coupé au milieu d'une ligne" in (await run("load", str(cut.path))).output
    assert (await run("load", str(cut.path), "--accept", "0")).exit_code == 2
    assert (await run("show", "899700999909")).exit_code == 1
    assert (await run("search", "m")).exit_code == 1
    assert (await run("search", "martin", "--commune", "00000")).exit_code == 1


async def test_somebody_answers_for_a_short_file(
    installation: pytest.MonkeyPatch, tmp_path: Path, database: Database
) -> None:
    await run("load", str(source(tmp_path, text(crowd(50))).path))
    short = source(tmp_path, text([DOCTOR]), stamp="202611170911")
    refused = await run("load", str(short.path))
    assert refused.exit_code == 1
    assert "--accept" in refused.output
    assert short.digest in refused.output
    done = await run("load", str(short.path), "--accept", short.digest, "--by", "Nadia Roche")
    assert done.exit_code == 0, done.output
    async with database.reading() as session:
        traces = await audit.traces(session)
        served, last = await verb.status(database)
    assert served is not None
    assert served.accepted_by == "Nadia Roche"
    assert [one.result for one in last] == ["served", "refused", "served"]
    kept = [one.details for one in traces if one.event == "directory.accepted"]
    assert kept == [{"digest": short.digest, "by": "Nadia Roche"}]


async def test_every_night(installation: pytest.MonkeyPatch, published: tuple[RppsTwin, str, Path]) -> None:
    twin, address, root = published
    installation.setenv("HUB_RPPS__BASE_URL", address)
    installation.setenv("HUB_RPPS__AUTHORITY", str(root))
    settings.load.cache_clear()
    first = await run("sync")
    assert first.exit_code == 0, first.output
    assert "rows of mailboxes" in first.output
    twin.next_day()
    changes = twin.current().directory.since
    night = await run("sync")
    assert night.exit_code == 0, night.output
    assert f"{len(changes.added)} added" in night.output
    back = await run("revert", "--by", "Claire Aubin", "--yes")
    assert "Taken back" in back.output
    refused = await run("sync")
    assert refused.exit_code == 1
    assert "--accept" in refused.output
    person = await run("show", twin.current().directory.since.ended[0], "--history")
    assert person.exit_code == 0, person.output


async def test_copies_serve_when_the_directory_does_not_answer(
    installation: pytest.MonkeyPatch, published: tuple[RppsTwin, str, Path]
) -> None:
    twin, address, root = published
    installation.setenv("HUB_RPPS__BASE_URL", "https://127.0.0.1:9/")
    installation.setenv("HUB_RPPS__MIRROR_URL", address.replace(PREFIX, "/api/1/datasets/r/"))
    installation.setenv("HUB_RPPS__AUTHORITY", str(root))
    settings.load.cache_clear()
    copied = await run("sync")
    assert copied.exit_code == 0, copied.output
    for name in ("skills", "diplomas", "mailboxes"):
        assert f"rows of {name}" in copied.output
    assert f"{len(twin.current().directory.people)} persons" in copied.output


async def test_a_trial_changes_nothing(installation: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> None:
    assert (await run("load", str(source(tmp_path, text(crowd(100))).path))).exit_code == 0
    tomorrow = source(tmp_path, text([*crowd(99), DOCTOR]), stamp="202611170911")
    told = await run("check", str(tomorrow.path))
    assert "1 added, 0 changed, 1 missing" in told.output
    assert "Nothing was changed" in told.output
    bad = source(tmp_path, text(crowd(40)), stamp="202611180911")
    refused = await run("check", str(bad.path))
    assert refused.exit_code == 1
    status = await run("status")
    assert "202611160911" in status.output
    assert "202611170911" not in status.output


async def test_two_files_are_compared_without_a_database(tmp_path: Path) -> None:
    old = source(tmp_path, text([*crowd(5), DOCTOR]))
    changed = {**crowd(5)[1], "phone": "0199000099"}
    worded = {**crowd(5)[2], "profession": "Docteur en médecine"}
    new = source(tmp_path, text([changed, worded, *crowd(7)[3:], DOCTOR, DOCTOR]), stamp="202611170911")
    told = await run("diff", str(old.path), str(new.path), "--out", str(tmp_path / "who.csv"))
    assert "6 persons, then 7: 2 added, 1 missing, 1 changed" in told.output
    assert f"changed,{changed['national_id']}" in (tmp_path / "who.csv").read_text()
