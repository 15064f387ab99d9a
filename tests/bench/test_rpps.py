"""The truth that the generator of a directory tells, against a slow and plain reading of what it wrote."""

from __future__ import annotations

import csv
import datetime as dt
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.rpps import broken, numbers, oddities
from bench.rpps.generate import generate
from bench.rpps.world import Options
from sandbox.rpps import columns

ROOT = Path(__file__).parents[2]
LABELS = (5, 7, 11, 13, 15, 17, 19, 32, 38, 40, 46, 50, 52, 54, 56)  # columns that repeat a code (rpps.md 4 and 10.3)


def options(**asked: Any) -> Options:
    return Options(
        **{
            "rows": 5_000,
            "chunk": 2_500,
            "seed": 3,
            "days": 3,
            "hostile": False,
            "changes": 0.02,
            "date": dt.date(2026, 11, 26),
            **asked,
        }
    )


@dataclass
class Read:
    """What a file says, one row after the other."""

    header: list[str] = field(default_factory=list)
    rejected: int = 0
    rows: list[list[str]] = field(default_factory=list)
    facts: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))

    def counts(self) -> dict[str, int]:
        by = {name: set() for name in ("exercises", "situations", "structures")}  # type: dict[str, set[tuple[str, ...]]]
        for cells in self.rows:
            exercise = (cells[2], cells[9], cells[11])
            structure = cells[23] or cells[46]
            by["exercises"].add(exercise)
            if structure:
                by["structures"].add((structure,))
                by["situations"].add((*exercise, structure, cells[17], cells[52], cells[54], cells[50]))
        return {
            "lines": len(self.rows) + self.rejected,
            "rejected": self.rejected,
            "rows": len(self.rows),
            "duplicates": len(self.rows) - len({tuple(cells) for cells in self.rows}),
            "persons": len(self.facts),
            **{name: len(found) for name, found in by.items()},
        }


def read(archive: Path, prefix: str, width: int = 56) -> Read:
    found = Read()
    with zipfile.ZipFile(archive) as opened:
        (name,) = (name for name in opened.namelist() if name.startswith(prefix))
        text = opened.read(name).decode()
    assert text.endswith("\n")
    first, *lines = text.removesuffix("\n").split("\n")
    found.header = first.split("|")
    for line in lines:
        cells = line.split("|")
        if len(cells) != width:
            found.rejected += 1
            continue
        found.rows.append(cells)
        found.facts[cells[2]].add(tuple("" if place in LABELS else cell for place, cell in enumerate(cells, 1)))
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "hostile"])
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], list[Read]]:
    out = tmp_path_factory.mktemp("rpps")
    told: Any = generate(out, options(hostile=request.param), processes=1)
    days = [read(out / f"PS_LibreAcces_{day['stamp']}.zip", "PS_LibreAcces_Personne_activite_") for day in told["days"]]
    return out, told, days


def test_the_counts_are_those_of_the_file(written: tuple[Path, dict[str, Any], list[Read]]) -> None:
    _, told, days = written
    for day, found in zip(told["days"], days, strict=True):
        said = {name: day["counts"][name] for name in found.counts()}
        assert said == found.counts()
        professions: dict[str, set[str]] = defaultdict(set)
        for cells in found.rows:
            professions[cells[9]].add(cells[2])
        assert day["professions"] == {code: len(who) for code, who in professions.items()}
        assert found.counts()["rejected"] < found.counts()["lines"] * 0.001
        assert bool(found.rejected) is told["options"]["hostile"]
        assert len(found.header) == 56


def test_the_differences_are_those_of_the_sets_of_rows(written: tuple[Path, dict[str, Any], list[Read]]) -> None:
    _, told, days = written
    for day, before, after in zip(told["days"][1:], days, days[1:], strict=False):
        said = day["against_day_before"]
        assert said["added"] == sorted(after.facts.keys() - before.facts.keys())
        assert said["removed"] == sorted(before.facts.keys() - after.facts.keys())
        both = before.facts.keys() & after.facts.keys()
        assert said["changed"] == sorted(person for person in both if before.facts[person] != after.facts[person])
        assert said["added"] and said["removed"] and set(said["changes_by_kind"]) > {"moved", "phone", "renamed"}
        for key, count in said["waves"].items():
            there = {cells[2] for cells in before.rows if (cells[23] or cells[46]) == key} & both
            assert len(there) == count
        assert any(said["waves"].values())
    back = set(told["days"][2]["against_day_before"]["returned"])
    first, third = days[0].facts, days[2].facts
    assert any(person in first and person not in days[1].facts and person in third for person in back)


def test_the_second_day_says_the_same_in_other_words_and_order(
    written: tuple[Path, dict[str, Any], list[Read]],
) -> None:
    _, told, days = written
    assert {cells[18] for cells in days[0].rows if cells[17] == "L"} == {"Libéral"}
    assert {cells[18] for cells in days[1].rows if cells[17] == "L"} == {"Libéral, indépendant, artisan, commerçant"}
    orders = [list(dict.fromkeys(cells[2] for cells in day.rows)) for day in days[:2]]
    assert orders[0] != orders[1]
    assert told["days"][1]["against_day_before"]["labels_renamed"]


def test_the_other_files_have_their_columns_and_speak_of_the_same_people(
    written: tuple[Path, dict[str, Any], list[Read]],
) -> None:
    out, told, days = written
    skills: list[Counter[str]] = []
    for day, persons in zip(told["days"], days, strict=True):
        archive = out / f"PS_LibreAcces_{day['stamp']}.zip"
        for name, prefix in (
            ("SavoirFaire", "PS_LibreAcces_SavoirFaire_"),
            ("Dipl_AutExerc", "PS_LibreAcces_Dipl_AutExerc_"),
        ):
            found = read(archive, prefix, 13)
            assert (found.rejected, len(found.header)) == (0, 13)
            assert len(found.rows) == day["counts"][f"{name}_lines"]
            assert len(found.facts.keys() & persons.facts.keys()) > len(found.facts) * 0.99
            if name == "SavoirFaire":
                skills.append(Counter(cells[2] for cells in found.rows))
        mailboxes = read(
            out / f"Extraction_Correspondance_MSSante_{day['stamp']}.zip", "Extraction_Correspondance_MSSante_", 31
        )
        assert (mailboxes.rejected, len(mailboxes.header)) == (0, 31)
        assert {cells[0] for cells in mailboxes.rows} == {"PER", "ORG"}
        assert len(mailboxes.rows) == day["counts"]["MSSante_lines"]
        assert 0.98 * len(mailboxes.rows) < len({cells[1] for cells in mailboxes.rows}) < len(mailboxes.rows)
    learnt = [person for day in told["days"][1:2] for person in day["against_day_before"]["skills_only"]]
    assert all(skills[1][person] == skills[0][person] + 1 for person in learnt)


def test_the_numbers_are_invented_and_their_keys_good() -> None:
    for whole in ("99700999909", "99700999917", "759312341", "12345678200010", "750712184", "2A0001236", "2B0004568"):
        assert numbers.key(whole[:-1]) == whole[-1]
    seen = {numbers.rpps(index) for index in range(20_000)}
    assert len(seen) == 20_000
    assert all(number.startswith("99") and not number.startswith("997") and len(number) == 11 for number in seen)


def test_a_hostile_day_has_every_oddity(tmp_path: Path) -> None:
    told: Any = generate(tmp_path, options(hostile=True, days=1, chunk=10_000), processes=1)
    found = read(tmp_path / f"PS_LibreAcces_{told['days'][0]['stamp']}.zip", "PS_LibreAcces_Personne_activite_")
    text = "\n".join("|".join(cells) for cells in found.rows)
    for sign in ('|"', "\\|", "\u0085", "\u2028", "\x0b", "\x0c", "\r", "\u00a0", "|\\N|", "|\\.|", "&", "<", "’"):
        assert sign in text, repr(sign)
    assert "\r\n" not in text
    for family in oddities.FAMILIES:
        assert any(cells[7] == family for cells in found.rows), family
    for trade in oddities.TRADES:
        assert f"|{trade}|" in text, trade
    wrong = {cells[1] for cells in found.rows if cells[0] == "8" and cells[1][10] != numbers.key(cells[1][:10])}
    assert wrong
    assert any(cells[2] != cells[0] + cells[1] for cells in found.rows)
    for postcode, commune, office, _ in oddities.PLACES:
        assert f"|{office}|{postcode}|{commune}|" in text


@pytest.mark.parametrize("kind", broken.KINDS)
def test_a_broken_file_is_broken_as_asked(kind: str, tmp_path: Path) -> None:
    told: Any = generate(tmp_path, options(days=1, rows=1_000), processes=1, break_as=kind)
    path = tmp_path / told["broken"]["file"]
    if kind == "truncated":
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(path)
    elif kind == "latin-1":
        with pytest.raises(UnicodeDecodeError):
            read(path, "PS_LibreAcces_Personne_activite_")
    elif kind == "half":
        assert len(read(path, "PS_LibreAcces_Personne_activite_").rows) == told["days"][0]["counts"]["lines"] // 2
    else:
        found = read(path, "PS_LibreAcces_Personne_activite_", 55 if kind == "missing-column" else 56)
        assert found.rejected == 0
        gone = "Identifiant technique de la structure" if kind == "missing-column" else "Code profession"
        assert gone not in found.header


def test_the_same_seed_gives_the_same_bytes_whatever_the_processes(tmp_path: Path) -> None:
    asked = ["--rows", "5000", "--chunk", "2500", "--seed", "3", "--days", "2", "--hostile", "--text"]
    command = [sys.executable, "-m", "bench.rpps.generate", *asked, "--out", str(tmp_path / "two"), "--processes", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "lines" in done.stderr and not done.stdout
    generate(tmp_path / "one", options(days=2, hostile=True, changes=0.005), processes=1, keep_text=True)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_headers_are_those_of_the_sandbox() -> None:
    with (ROOT / "bench/rpps/tables/headers.csv").open(encoding="utf-8", newline="") as stream:
        held = {row["table"]: row["header"].split("|") for row in csv.DictReader(stream)}
    assert held["Personne_activite"] == [header for _, header in columns.ACTIVITY]
