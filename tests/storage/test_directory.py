"""Reading the directory: one person whole, search in a total order, people near (rpps.md 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from hub.domain.refusal import Refusal
from hub.storage import directory, directory_find
from hub.storage.directory import Criteria, Page
from hub.storage.session import Database, Session
from tests.connectors.rpps.rows import DOCTOR, HOSPITAL, NURSE, OLD, source, text

HELENE = "899700999909"


def doctor(number: str, family: str, given: str, **changes: str) -> dict[str, str]:
    same = {**DOCTOR, "identifier": number, "national_id": f"8{number}", "family": family, "given": given}
    return {**same, "structure_id": f"R{number}", **changes}


ROWS = (
    *(DOCTOR, HOSPITAL, NURSE, OLD),
    doctor("99700000041", "MARTIN", "Dupont", skill_code="SM26"),
    doctor("99700000058", "DUPONT", "Martin", skill_code="SM04", commune_code="95127"),
    doctor("99700000066", "DUPONT-MARTIN", "Luc", skill_code="SM53", commune_code="95127"),
    doctor("99700000074", "LE MAR", "Anne", profession_code="60", profession="Infirmier", skill_code=""),
    doctor("99700000082", "LE GOFF", "Sophie", category_code="E", category="Etudiant", skill_code=""),
    doctor("99700000090", "MARTINEZ", "ANNE SOPHIE", commune_code="75111", postcode="75011"),
    doctor("99700000108", "MARTIN", "Zoé", commune_code="", structure_id="", structure_national_id="", mode_code=""),
)


@pytest.fixture(scope="module")
async def loaded(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    from tests.conftest import administer, named

    name = f"directory_{template[-12:]}"
    administer(server_url, "CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    opened = await Database.open(named(server_url, name), pool=2)
    folder = tmp_path_factory.mktemp("directory")
    await load(opened, RppsSettings(), source(folder, text(ROWS)))  # type: ignore[call-arg]
    yield opened
    await opened.close()
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


@pytest.fixture
async def reader(loaded: Database) -> AsyncIterator[Session]:
    async with loaded.reading() as session:
        yield session


def who(page: Page) -> list[str]:
    return [f"{person.exercises[0].family} {person.exercises[0].given}" for person in page.persons]


async def test_one_person_whole(reader: Session) -> None:
    person = await directory.by_national_id(reader, HELENE)
    assert person is not None
    assert person.names == (("Anne-Sophie", "LEFÈVRE-D'ARC"),)
    [exercise] = person.exercises
    assert (exercise.profession_code, exercise.category_code, exercise.practice_title_code) == ("10", "C", "DR")
    assert exercise.skills == (("S", "SM54"),)
    own, hospital = sorted(exercise.activities, key=lambda one: one.mode_code)
    assert (own.role_code, own.place, hospital.role_code, hospital.place) == ("FON-01", "95500", "FON-33", "95127")
    assert hospital.structure is not None
    assert (hospital.structure.key, hospital.structure.finess, hospital.structure.finess_ej) == (
        "F259990018",
        "259990018",
        "259990026",
    )
    assert hospital.structure.structure_national_id == "1259990018"
    kept = {
        name for name in HOSPITAL if name.endswith("_code") or name not in {n.removesuffix("_code") for n in HOSPITAL}
    }
    for name in kept & set(directory.Structure.__dataclass_fields__):
        assert getattr(hospital.structure, name) == HOSPITAL[name]


async def test_somebody_without_activity_and_somebody_of_the_old_register(reader: Session) -> None:
    nurse = await directory.by_national_id(reader, "899700999917")
    assert nurse is not None
    assert nurse.exercises[0].activities == ()
    old = await directory.by_national_id(reader, "0759312341")
    assert old is not None
    assert old.exercises[0].activities[0].structure is not None
    assert old.exercises[0].activities[0].structure.structure_name == 'CABINET "LES ESSAIS'
    assert await directory.by_national_id(reader, "899799999999") is None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dupont martin", ["DUPONT Martin", "DUPONT-MARTIN Luc", "MARTIN Dupont"]),
        ("martin dupont", ["DUPONT Martin", "MARTIN Dupont", "DUPONT-MARTIN Luc"]),
        ("mar dup", ["DUPONT Martin", "MARTIN Dupont", "DUPONT-MARTIN Luc"]),
        ("dupontmar", ["DUPONT-MARTIN Luc"]),
        ("martin", ["MARTIN Dupont", "MARTIN Zoé", "DUPONT Martin", "MARTINEZ ANNE SOPHIE", "DUPONT-MARTIN Luc"]),
        (
            "mar",
            [
                "MARTIN Dupont",
                "MARTIN Zoé",
                "MARTINEZ ANNE SOPHIE",
                "DUPONT Martin",
                "DUPONT-MARTIN Luc",
                "LE MAR Anne",
            ],
        ),
        ("le mar", ["LE MAR Anne"]),
        ("anne sophie m", ["MARTINEZ ANNE SOPHIE"]),
        ("anne-sophie d'arc", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("lefevre", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("d arc", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("darc", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("d'arc", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("ŒUVRARD", ["ŒUVRARD Noé"]),
        ("le  goff", ["LE GOFF Sophie"]),
        ("sophie le goff", ["LE GOFF Sophie"]),
        ("legoff", ["LE GOFF Sophie"]),
        ("sophie", ["LE GOFF Sophie", "LEFÈVRE-D'ARC Anne-Sophie", "MARTINEZ ANNE SOPHIE"]),
        ("annesophie", ["LEFÈVRE-D'ARC Anne-Sophie", "MARTINEZ ANNE SOPHIE"]),
        ("exemple", ["EL EXEMPLE YVES"]),
        ("99700999909", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("8 9970 0999 909", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("759312341", ["ŒUVRARD Noé"]),
        ("zzz", []),
    ],
)
async def test_by_name_or_number(loaded: Database, words: str, found: list[str]) -> None:
    page = await directory.search(loaded, Criteria(words=words))
    assert (who(page), page.is_similar) == (found, False)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("lefebvre", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("lefebvre sophie", ["LEFÈVRE-D'ARC Anne-Sophie"]),
        ("gof sofi", ["LE GOFF Sophie"]),
        ("martain", ["DUPONT Martin", "DUPONT-MARTIN Luc", "MARTIN Dupont", "MARTIN Zoé"]),
    ],
)
async def test_names_that_sound_so_when_nobody_is_called_so(loaded: Database, words: str, found: list[str]) -> None:
    asked = Criteria(words=words)
    page = await directory.search(loaded, asked)
    assert (who(page), page.is_similar) == (found, True)
    one = await directory.search(loaded, asked, limit=1)
    if one.following:
        more = await directory.search(loaded, asked, after=one.following)
        assert who(one) + who(more) == found and more.is_similar


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oeuvrrad", ["ŒUVRARD Noé"]),
        ("martni zoe", ["MARTIN Zoé"]),
        ("matrinez", ["MARTINEZ ANNE SOPHIE"]),
        ("legofw", ["LE GOFF Sophie"]),
        ("xyzzyx", []),
    ],
)
async def test_names_at_one_slip_when_nobody_is_called_so_nor_sounds_so(
    loaded: Database, words: str, found: list[str]
) -> None:
    page = await directory.search(loaded, Criteria(words=words))
    assert (who(page), page.is_similar) == (found, bool(found))


async def test_profession_skill_and_place(loaded: Database, reader: Session) -> None:
    general = ["SM26", "SM53", "SM54"]
    near = await directory.professionals(reader, profession="10", specialties=general, communes=["95127", "95500"])
    assert [person.exercises[0].family for person in near] == ["DUPONT-MARTIN", "LEFÈVRE-D'ARC", "MARTIN"]
    assert who(await directory.search(loaded, Criteria(professions=("10/E",)))) == ["LE GOFF Sophie"]
    assert who(await directory.search(loaded, Criteria(professions=("60",), communes=("95500",)))) == ["LE MAR Anne"]
    assert who(await directory.search(loaded, Criteria(words="mar", professions=("60",)))) == ["LE MAR Anne"]
    for paris in ("75056", "75111", "75113"):  # a district is the city
        assert who(await directory.search(loaded, Criteria(communes=(paris,)))) == [
            "MARTINEZ ANNE SOPHIE",
            "ŒUVRARD Noé",
        ]
    assert who(await directory.search(loaded, Criteria(words="dupont", communes=("95500",)))) == ["MARTIN Dupont"]


PAGED = (
    Criteria(professions=("10",)),
    Criteria(words="mar"),
    Criteria(words="an", professions=("10", "60", "72")),
    Criteria(words="l", communes=("95127", "95500")),
    Criteria(communes=("95127", "95500", "75056"), metres=(2, 1, 1)),
    Criteria(words="lefebvre"),
)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("asked", PAGED, ids=lambda asked: asked.words or asked.professions or "around")
async def test_pages_follow_one_another_in_a_total_order(loaded: Database, asked: Criteria, limit: int) -> None:
    whole = await directory.search(loaded, asked)
    assert whole.following is None and whole.persons
    walked, after = [], None
    while True:
        page = await directory.search(loaded, asked, limit=limit, after=after)
        walked += who(page)
        after = page.following
        if after is None:
            break
        assert len(page.persons) == limit
    assert walked == who(whole)


TOKENS = [
    "rien",
    "",
    "WzAsZmFsc2Vd",
    "WzEwMDAsZmFsc2Vd",
    "WzUwXQ==",
    "é",
]  # not base 64, none, 0, 1000, without its kind, no ASCII


@pytest.mark.parametrize(
    ("words", "after"), [("m", None), ("", None), (" - ", None), *(("martin", one) for one in TOKENS)]
)
async def test_a_question_that_would_answer_everybody_is_refused(
    loaded: Database, words: str, after: str | None
) -> None:
    with pytest.raises(Refusal) as caught:
        await directory.search(loaded, Criteria(words=words), after=after)
    assert caught.value.code == "bad-value"


async def test_one_letter_is_enough_beside_another_criterion(loaded: Database) -> None:
    assert who(await directory.search(loaded, Criteria(words="l", communes=("95127",)))) == [
        "LEFÈVRE-D'ARC Anne-Sophie",
        "DUPONT-MARTIN Luc",
    ]


async def test_the_nearest_first_around_a_place(loaded: Database) -> None:
    near = Criteria(professions=("10",), communes=("75111", "95127", "95500"), metres=(30_000, 4_000, 0))
    assert [person.exercises[0].family for person in (await directory.search(loaded, near)).persons] == [
        *("LEFÈVRE-D'ARC", "MARTIN", "DUPONT", "DUPONT-MARTIN", "MARTINEZ"),
    ]


async def test_what_else_is_asked(loaded: Database) -> None:
    async def found(**asked: Any) -> list[str]:
        return who(await directory.search(loaded, Criteria(words="le", **asked)))

    assert await found() == ["LE GOFF Sophie", "LE MAR Anne", "LEFÈVRE-D'ARC Anne-Sophie"]
    assert await found(modes=("S",)) == await found(specialties=("SM54",)) == ["LEFÈVRE-D'ARC Anne-Sophie"]
    assert await found(professions=("60", "10/E")) == ["LE GOFF Sophie", "LE MAR Anne"]
    assert await found(has_mailbox=True) == await found(has_account=True) == []
    idle = Criteria(professions=("60",))
    assert len(who(await directory.search(loaded, idle))) == 2
    assert who(await directory.search(loaded, replace(idle, is_working=True))) == ["LE MAR Anne"]


@pytest.mark.parametrize("few", [0, directory_find.FEW], ids=["walked", "gathered"])
async def test_both_ways_of_looking_in_communes_find_the_same(
    loaded: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_find, "FEW", few)
    for asked, found in (
        (
            Criteria(communes=("95500",)),
            ["LE GOFF Sophie", "LE MAR Anne", "LEFÈVRE-D'ARC Anne-Sophie", "MARTIN Dupont"],
        ),
        (
            Criteria(words="mar", communes=("95127", "95500")),
            ["MARTIN Dupont", "DUPONT Martin", "DUPONT-MARTIN Luc", "LE MAR Anne"],
        ),
        (Criteria(words="le mar", communes=("95500",), modes=("L",)), ["LE MAR Anne"]),
        (Criteria(words="sofie", communes=("95500",)), ["LE GOFF Sophie", "LEFÈVRE-D'ARC Anne-Sophie"]),
    ):
        assert who(await directory.search(loaded, asked)) == found


async def test_words_that_mean_something_to_the_database_are_only_words(loaded: Database) -> None:
    for words in ("mar & du | !x", "mar:*", "'mar'", "mar\\", "100%mar_", "martin' OR 1=1"):
        await directory.search(loaded, Criteria(words=words))


async def test_published_labels_and_status(reader: Session) -> None:
    labels = await directory.labels(reader)
    assert labels["role", "FON-33"] == "Salarié en poste fixe"
    assert labels["street_type", "R"] == "Rue"
    status = await directory.status(reader)
    assert status is not None
    assert (status.stamp, status.persons, status.result) == ("202611160911", 10, "served")


async def test_two_names_of_one_exercise_are_both_there(database: Database, tmp_path: Path) -> None:
    twice = [DOCTOR, {**HOSPITAL, "family": "LEFÈVRE"}]
    await load(database, RppsSettings(), source(tmp_path, text(twice)))  # type: ignore[call-arg]
    async with database.reading() as session:
        person = await directory.by_national_id(session, HELENE)
        assert person is not None
        assert {family for _, family in person.names} == {"LEFÈVRE-D'ARC", "LEFÈVRE"}
        assert len(who(await directory.search(database, Criteria(words="lefevre")))) == 1
        assert replace(person, exercises=()).names == ()
