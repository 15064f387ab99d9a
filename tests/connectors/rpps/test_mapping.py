"""Columns and headers (rpps.md 4 and 4.1), codes and keys, and what each row becomes (5)."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.rpps import mapping
from hub.connectors.rpps.facts import COLUMNS, Facts
from hub.connectors.rpps.mapping import ACTIVITY, MissingColumns, read_header
from hub.connectors.rpps.memory import Memory, number
from hub.domain.identifiers import Rpps
from hub.storage.tables import everything
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, HEADER, HOSPITAL, NURSE, OLD, line


def test_the_header_of_2026() -> None:
    layout = read_header(HEADER)
    assert len(ACTIVITY) == layout.width == 56
    assert layout.order is None
    assert (layout.missing, layout.unknown, layout.has_trailing_pipe) == ((), (), False)
    assert read_header(f"{HEADER}|").has_trailing_pipe


def test_a_mailbox_is_known_by_its_address_and_may_name_nobody() -> None:
    titles = list(mapping.MAILBOX.values())
    layout = read_header("|".join(titles), mapping.MAILBOX, mapping.MAILBOX_REQUIRED)
    assert titles[layout.key] == mapping.MAILBOX["address"]


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


def assembled(*rows: dict[str, str]) -> Facts:
    facts = Facts(load=7, day=date(2026, 11, 16))
    facts.take(line(row).split("|") for row in rows)
    return facts


def drained(facts: Facts) -> dict[str, list[list[str]]]:
    """Every line made, cell by cell."""
    made: dict[str, list[list[str]]] = {}
    facts.settle()
    for part in (facts.drain(), facts.drain_last()):
        for table, text in part.items():
            made.setdefault(table, []).extend(one.split("|") for one in text.removesuffix("\n").split("\n"))
    awake, place = set(map(str, facts.awake)), COLUMNS["directory_exercise"].index("is_idle")
    for cells in made.get("directory_exercise", []):
        cells[place] = "f" if cells[0] in awake else cells[place]
    return made


def named(made: dict[str, list[list[str]]], table: str) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS[table], cells, strict=True)) for cells in made.get(table, [])]


def test_every_line_has_the_columns_of_its_table() -> None:
    tables = everything().tables
    for name, columns in COLUMNS.items():
        assert set(columns) | {"missing_since"} == {one.name for one in tables[name].columns} | {"missing_since"}
    for name, lines in drained(assembled(*EVERYBODY)).items():
        assert {len(cells) for cells in lines} == {len(COLUMNS[name])}


def test_two_places_are_two_situations_of_one_exercise() -> None:
    made = drained(assembled(DOCTOR, HOSPITAL))
    assert made["directory_person"] == [["899700999909", "8", "99700999909", "2026-11-16", "7"]]
    (exercise,) = named(made, "directory_exercise")
    assert exercise["family_key"] == "lefevre d arc"
    assert exercise["given_key"] == "anne sophie"
    assert exercise["is_idle"] == "f"
    first, second = named(made, "directory_situation")
    assert first["exercise"] == second["exercise"] == exercise["id"]
    assert {first["structure"], second["structure"]} == {one["id"] for one in named(made, "directory_structure")}


def test_numbers_are_those_of_any_machine_and_any_day() -> None:
    """Numbers are compared with those of the day before: another one would make a new person of everybody."""
    assert number("899700999909|8|99700999909") == 6903363681085867
    assert 0 <= number("") < 2**60


def test_nobody_is_dropped_for_lack_of_activity() -> None:
    made = drained(assembled({**NURSE, "authority": "CNOI//"}))
    (situation,) = named(made, "directory_situation")
    assert (situation["is_idle"], situation["structure"], situation["authority"]) == ("t", "0", "CNOI//")
    assert named(made, "directory_exercise")[0]["is_idle"] == "t"


@given(st.permutations([NURSE, {**HOSPITAL, **NURSE, "practice_title_code": ""}]))
def test_who_works_somewhere_is_not_idle_whatever_comes_first(rows: list[dict[str, str]]) -> None:
    assert [one["is_idle"] for one in named(drained(assembled(*rows)), "directory_exercise")] == ["f"]


def test_a_student_is_another_exercise() -> None:
    made = drained(assembled(DOCTOR, {**DOCTOR, "category_code": "E", "category": "Etudiant"}))
    assert len(made["directory_person"]) == 1
    assert len(made["directory_exercise"]) == 2
    assert [one["profession"] for one in named(made, "directory_situation")] == ["10", "10/E"]


def test_one_row_for_each_skill() -> None:
    second = {**DOCTOR, "skill_type_code": "CAPA", "skill_code": "CAPA06"}
    made = named(drained(assembled(DOCTOR, second, second)), "directory_situation")
    assert [one["skill_code"] for one in made] == ["SM54", "CAPA06"]


LABELS_ALONE = [key for key in ACTIVITY if f"{key}_code" in ACTIVITY]


@given(st.dictionaries(st.sampled_from(LABELS_ALONE), st.sampled_from(("", "Autrement dit")), min_size=1))
def test_a_label_that_is_worded_otherwise_is_no_change(labels: dict[str, str]) -> None:
    served = {int(one[0]) for one in drained(assembled(DOCTOR))["directory_situation"]}
    facts = Facts(load=8, day=date(2026, 11, 17))
    facts.begin(Memory(known=served))
    facts.take([line({**DOCTOR, **labels}).split("|")])
    assert (facts.memory.left(), facts.fresh) == (set(), set())


COUNTED = [key for key in ACTIVITY if f"{key}_code" not in ACTIVITY]


@given(st.sampled_from(COUNTED))
def test_everything_else_is_one(key: str) -> None:
    assert (
        drained(assembled(DOCTOR))["directory_situation"]
        != drained(assembled({**DOCTOR, key: "99"}))["directory_situation"]
    )


def test_the_name_of_a_commune_counts_without_its_code_only() -> None:
    nameless = {**DOCTOR, "commune_code": ""}
    other = {"commune": "Autre"}
    assert len(drained(assembled(DOCTOR, {**DOCTOR, **other}))["directory_situation"]) == 1
    assert len(drained(assembled(nameless, {**nameless, **other}))["directory_situation"]) == 2


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
    made = named(drained(assembled({**DOCTOR, **changes})), "directory_situation")[0]["place"]
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


def content(facts: Facts) -> dict[str, set[tuple[str, ...]]]:
    return {table: set(map(tuple, lines)) for table, lines in drained(facts).items()}


@given(SOME, st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_change_the_result(rows: list[dict[str, str]], chance: random.Random) -> None:
    shuffled = [*rows, *chance.choices(rows, k=3)]
    chance.shuffle(shuffled)
    once, again = assembled(*rows), assembled(*shuffled)
    once_made, again_made = content(once), content(again)
    # Of two spellings of a label, the first in alphabetical order; of two contents of one number, whichever came first.
    assert {table: len(lines) for table, lines in once_made.items()} == {
        table: len(lines) for table, lines in again_made.items()
    }
    for table in ("directory_situation", "directory_exercise", "directory_person", "directory_label"):
        assert once_made[table] == again_made[table]


def test_old_register_rows_are_read_like_the_others() -> None:
    made = drained(assembled(OLD))
    (structure,) = named(made, "directory_structure")
    assert (structure["key"], structure["structure_name"]) == ("C12345678200010", 'CABINET "LES ESSAIS')
    (exercise,) = named(made, "directory_exercise")
    assert (exercise["family_key"], exercise["given_key"], exercise["profession"]) == ("oeuvrard", "noe", "72")
    names = {(one["part"], one["word"], one["key"]) for one in named(made, "directory_name")}
    assert names == {("family", "oeuvrard", "oeuvrard"), ("given", "noe", "noe")}
