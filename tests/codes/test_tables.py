import csv
from datetime import date

import pytest

from hub import codes
from hub.codes import convert
from hub.domain import refusal

BASE = "https://hub.example.org/fhir"
CODED = sorted(name for name in codes.manifest() if name not in {"communes", "maps"})


@pytest.mark.parametrize("name", CODED)
def test_every_table_of_the_manifest_can_be_read(name: str) -> None:
    table = codes.table(name)
    assert table.rows
    for row in table:
        assert row.code.strip() == row.code != ""
        assert row.display
        assert not row.parent or table.has(row.parent)
        assert row.valid_from is None or row.valid_until is None or row.valid_from <= row.valid_until


def test_the_manifest_tells_every_file_and_its_checksum() -> None:
    files = {path.stem for path in codes.TABLES.glob("*.csv")}
    described = {name: about for name, about in codes.manifest().items() if name not in codes.REFUSAL_TABLES}
    assert files == set(described)
    wrong = [name for name, about in described.items() if about["sha256"] != convert.sha256(name)]
    assert not wrong, "after a change by hand run: python -m hub.codes.convert"


def test_no_table_holds_a_code_twice() -> None:
    for path in codes.TABLES.glob("*.csv"):
        if path.stem == "maps":
            continue
        with path.open(encoding="utf-8", newline="") as file:
            found = [line["code"] for line in csv.DictReader(file)]
        assert len(found) == len(set(found)), path.stem


@pytest.mark.parametrize(
    ("name", "code", "display"),
    [
        ("TRE_G15-ProfessionSante", "60", "Infirmier"),
        ("TRE_G15", "10", "Médecin"),
        ("TRE_R38", "SM54", "Médecine générale (SM)"),
        ("TRE_R02", "SA07", "Cabinet individuel"),
        ("hub-care-type", "ecg", "Électrocardiogramme"),
        ("hub-handoff-failure", "no-answer-in-time", "Personne n’a répondu dans le délai"),
    ],
)
def test_displays(name: str, code: str, display: str) -> None:
    assert codes.table(name).display(code) == display


def test_unknown_codes_and_tables() -> None:
    professions = codes.table("TRE_G15")
    assert not professions.has("999")
    assert professions.display("999", "métier 999") == "métier 999"
    with pytest.raises(KeyError):
        professions.display("999")
    for name in ("TRE_G99", "JDV", "hub-nothing"):
        with pytest.raises(KeyError):
            codes.table(name)


def test_systems_are_national_or_ours() -> None:
    national = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
    assert codes.table("TRE_G15").system == codes.system("TRE_G15", BASE) == national
    assert codes.table("TRE_G15").oid == "1.2.250.1.71.1.2.7"
    assert codes.system("hub-care-type", BASE + "/") == f"{BASE}/CodeSystem/care-type"
    assert codes.system("hub-refusal", BASE) == f"{BASE}/CodeSystem/refusal"


def test_retired_codes_are_kept_with_the_day_they_ended() -> None:
    row = codes.table("TRE_G15").rows["93"]
    assert row.valid_until is not None
    assert row.is_valid(row.valid_until)
    assert not row.is_valid(date(2026, 11, 13))
    assert codes.table("TRE_G15").rows["10"].is_valid(date(2026, 11, 13))


def test_document_types_say_their_class_and_whether_the_dmp_takes_them() -> None:
    letter = codes.table("JDV_J07").rows["11506-3"]
    assert letter.extra["in_dmp"] == "yes"
    assert codes.table("JDV_J06").has(letter.extra["class_code"])
    assert letter.extra["system_oid"] == "2.16.840.1.113883.6.1"


@pytest.mark.parametrize(
    ("profession", "skills", "group"),
    [
        ("10", ["SM26"], "general-practitioner"),
        ("10", ["SM53"], "general-practitioner"),
        ("10", ["CAPA01", "SM54"], "general-practitioner"),
        ("10", ["SM04"], "specialist"),
        ("10", [], "specialist"),
        ("60", [], "nurse"),
        ("999", [], None),
    ],
)
def test_professions_fall_into_groups(profession: str, skills: list[str], group: str | None) -> None:
    assert codes.profession_group(profession, skills) == group


def test_every_active_profession_has_a_group() -> None:
    active = [row.code for row in codes.table("TRE_G15") if row.valid_until is None]
    assert active
    assert all(codes.profession_group(code) for code in active)


def test_every_translation_leads_from_a_known_code_to_a_known_code() -> None:
    with codes.MAPS.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            assert codes.table(line["source"]).has(line["code"])
            assert codes.table(line["target"]).has(line["target_code"])


def test_the_codes_of_refusals_are_those_of_their_sentences() -> None:
    published = {code for name in codes.REFUSAL_TABLES for code in codes.table(name).rows}
    assert published == set(refusal.rows())


def test_converting_sorts_names_the_columns_alike_and_keeps_what_is_extra() -> None:
    lines = [
        {"code": "b", "display": "Deux", "end_date": "2020-01-01", "sys": "1.2"},
        {"code": "a", "display": "Un, premier", "end_date": "", "sys": "1.3"},
    ]
    assert convert.text_of(lines, {"system_oid": "sys"}) == (
        'code,display,parent,valid_from,valid_until,system_oid\na,"Un, premier",,,,1.3\nb,Deux,,,2020-01-01,1.2\n'
    )


def test_a_reason_that_the_hub_gives_by_itself_is_not_offered() -> None:
    declines = codes.table("hub-decline-reason")
    assert next(row.code for row in declines.offered) == "not-available"
    assert declines.has("too-late") and not declines.offers("too-late")
    assert not declines.offers("never-heard")
