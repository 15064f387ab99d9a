"""Columns and headers (rpps.md 4 and 4.1), codes and keys, and what each row becomes (5)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.rpps import mapping
from hub.connectors.rpps.assemble import LABELS, TABLES, Assembly
from hub.connectors.rpps.mapping import ACTIVITY, MissingColumns, read_header
from hub.domain.identifiers import Rpps
from hub.storage.tables import everything
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, HEADER, HOSPITAL, NURSE, OLD, line


def test_the_header_of_2026() -> None:
    layout = read_header(HEADER)
    assert len(ACTIVITY) == layout.width == 56
    assert layout.order is None
    assert (layout.missing, layout.unknown, layout.has_trailing_pipe) == ((), (), False)
    assert read_header(f"{HEADER}|").has_trailing_pipe


@pytest.mark.parametrize(
    ("canonical", "seen"),
    [
        ("Code civilité d'exercice", "Code civilité exercice"),
        ("Libellé civilité d'exercice", "Libellé civilité d’exercice"),
        ("Code Département (structure)", "Code département (coord. structure)"),
        ("Libellé Département (structure)", "Libellé Département (coord. Structure)"),
        ("Code rôle", "Code fonction"),
        ("Libellé rôle", "Libellé fonction"),
        ("Code genre activité", "Code genre d'activité"),
        ("Téléphone (coord. structure)", "TELEPHONE  (Coord. Structure) "),
    ],
)
def test_other_spellings_of_a_title(canonical: str, seen: str) -> None:
    titles = [seen if title == canonical else title for title in ACTIVITY.values()]
    assert seen in titles
    layout = read_header("|".join(titles))
    assert (layout.order, layout.missing, layout.unknown) == (None, (), ())


@pytest.mark.parametrize("key", sorted(mapping.REQUIRED))
def test_a_required_column_that_is_missing_is_named(key: str) -> None:
    titles = [title for name, title in ACTIVITY.items() if name != key]
    with pytest.raises(MissingColumns) as caught:
        read_header("|".join(titles))
    assert caught.value.args == (ACTIVITY[key],)


def test_columns_of_2018_and_of_tomorrow() -> None:
    older = read_header("|".join(list(ACTIVITY.values())[:48]))
    assert len(older.missing) == 8
    assert older.order is not None
    assert older.order[47:] == (47, *[48] * 8)
    newer = read_header(f"{HEADER}|Date de début|Autre")
    assert newer.unknown == ("Date de début", "Autre")


@given(st.from_regex(r"[0-9]{11}", fullmatch=True) | st.text(max_size=13))
def test_the_key_in_bulk_agrees_with_the_key_typed(number: str) -> None:
    assert mapping.has_valid_key(number) == Rpps.check(number)


def assembled(*rows: dict[str, str]) -> Assembly:
    assembly = Assembly()
    assembly.take(line(row).split("|") for row in rows)
    return assembly


def drained(assembly: Assembly) -> dict[str, list[str]]:
    return {table: text.splitlines() for table, text in assembly.drain().items()}


def test_every_line_has_the_columns_of_its_table() -> None:
    assembly = assembled(*EVERYBODY)
    tables = everything().tables
    for name, lines in {**drained(assembly), LABELS: assembly.drain_labels()[LABELS].splitlines()}.items():
        for one in lines:
            assert one.count("|") == len(tables[name].columns) - 1, one


def test_two_places_are_two_situations_of_one_exercise() -> None:
    assembly = assembled(DOCTOR, HOSPITAL)
    made = drained(assembly)
    assert made["directory_person"] == ["899700999909|8|99700999909"]
    assert len(made["directory_exercise"]) == 1
    assert made["directory_exercise"][0].startswith(
        "1|899700999909|DR|MME|LEFÈVRE-D'ARC|Anne-Sophie|10|C||lefevre d arc|anne sophie|"
    )
    assert [one.split("|")[:2] for one in made["directory_situation"]] == [["1", "1"], ["1", "2"]]
    assert made["directory_skill"] == ["899700999909|10|C|S|SM54"]
    assert assembly.counts["duplicates"] == 0


def test_nobody_is_dropped_for_lack_of_activity() -> None:
    made = drained(assembled({**NURSE, "authority": "CNOI//"}))
    assert len(made["directory_exercise"]) == 1
    assert "|CNOI//|" in made["directory_exercise"][0]
    assert "directory_situation" not in made


def test_a_student_is_another_exercise() -> None:
    made = drained(assembled(DOCTOR, {**DOCTOR, "category_code": "E", "category": "Etudiant"}))
    assert len(made["directory_person"]) == 1
    assert len(made["directory_exercise"]) == 2
    assert [one.split("|")[8] for one in made["directory_situation"]] == ["10", "10/E"]


def test_one_row_for_each_skill() -> None:
    second = {
        **DOCTOR,
        "skill_type_code": "CAPA",
        "skill_code": "CAPA06",
        "skill_type": "Capacité",
        "skill": "Gérontologie",
    }
    assembly = assembled(DOCTOR, second, second)
    assert len(drained(assembly)["directory_situation"]) == 1
    assert (assembly.counts["skills"], assembly.counts["duplicates"]) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"commune_code": "75111", "postcode": "75011"}, "75056"),
        ({"commune_code": "95282", "postcode": "95450"}, None),  # merged since
        ({"commune_code": "", "postcode": "95300"}, None),
        ({"commune_code": "", "postcode": "95011"}, ""),  # a CEDEX: of no commune
        ({"commune_code": "97801", "postcode": "97150"}, "97801"),
    ],
)
def test_where_a_place_is(changes: dict[str, str], place: str | None) -> None:
    made = drained(assembled({**DOCTOR, **changes}))["directory_situation"][0].split("|")[9]
    from hub.domain import places

    if place is None:
        found = places.of_postcode(changes["postcode"])
        expected = (
            places.normalise(changes["commune_code"])
            if changes["commune_code"]
            else (found[0].code if len(found) == 1 else "")
        )
        assert made == expected
    else:
        assert made == place


def test_backslash_and_lone_return_are_escaped_for_copy() -> None:
    row = {**DOCTOR, "structure_name": "C:\\CABINET\rDE\u2028FIN"}
    assert "C:\\\\CABINET\\rDE\u2028FIN" in assembled(row).drain()["directory_structure"]


def facts(assembly: Assembly) -> dict[str, set[str]]:
    """What was assembled, whatever numbers it bears."""
    made = drained(assembly)
    structures = {one.split("|", 1)[0]: one.split("|", 1)[1] for one in made.get("directory_structure", [])}
    exercises = {one.split("|", 1)[0]: one.split("|", 1)[1] for one in made.get("directory_exercise", [])}
    situations = (one.split("|", 2) for one in made.get("directory_situation", []))
    return {
        "person": set(made.get("directory_person", [])),
        "exercise": set(exercises.values()),
        "structure": set(structures.values()),
        "situation": {f"{exercises[one]} {structures.get(two, '')} {rest}" for one, two, rest in situations},
        "skill": set(made.get("directory_skill", [])),
        "label": set(assembly.drain_labels()[LABELS].splitlines()),
    }


SOME = st.lists(
    st.builds(
        lambda row, changes: {**row, **changes},
        st.sampled_from(EVERYBODY),
        st.dictionaries(
            st.sampled_from(
                ("family", "skill_code", "mode_code", "role", "structure_name", "structure_id", "authority", "siret")
            ),
            st.sampled_from(("", "A", "B")),
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=12,
)


@given(SOME, st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_change_the_result(rows: list[dict[str, str]], chance: random.Random) -> None:
    shuffled = [*rows, *chance.choices(rows, k=3)]
    chance.shuffle(shuffled)
    again = assembled(*shuffled)
    assert facts(assembled(*rows)) == facts(again)
    assert again.counts["duplicates"] >= 3


def test_every_table_of_lines_is_one_that_is_replaced() -> None:
    from hub.storage.tables.directory import REPLACED

    assert {*TABLES, LABELS} == {table.name for table in REPLACED}


def test_old_register_rows_are_read_like_the_others() -> None:
    made = drained(assembled(OLD))
    assert made["directory_structure"][0].startswith(
        '1|C12345678200010|12345678200010||||C12345678200010|CABINET "LES ESSAIS|"LES'
    )
    assert made["directory_exercise"][0].endswith("|oeuvrard|noe|oeuvrard noe")
