"""Ids and resources of the national directory: every key comes back, every row makes right FHIR R4."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.r4 import validation
from hub.r4.shapes import directory as shapes
from hub.r4.shapes import directory_ids as ids
from hub.r4.shapes.directory_codes import Labels, profession, unknown

KEYS = st.text(alphabet=ids.SIGNS, min_size=1, max_size=ids.LONGEST)
NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
PARTS = st.lists(st.text(max_size=4), max_size=7)
TEXTS = (
    "national_id", "identifier", "practice_title_code", "title_code", "family", "given", "profession_code", "category_code",
    "mode_code", "role_code", "activity_kind_code", "pharmacist_section_code", "authority", "sector_code", "structure_key",
    "structure_name", "structure_alias", "structure_national_id", "finess", "finess_ej", "siret", "siren", "structure_id",
    "address_recipient", "address_extra", "house_number", "house_number_suffix", "street_type_code", "street", "postal_box",
    "post_office", "postcode", "commune_code", "commune", "country_code", "department_code", "phone", "phone2", "fax", "email",
)  # fmt: skip


@given(KEYS, NUMBERS)
def test_a_key_comes_back_from_its_id(key: str, number: int) -> None:
    made = ids.id_of_text(key, number)
    assert UUID(made).version == 8
    assert ids.named(made) == ids.Named(text=key)
    assert ids.named(ids.id_of_number(number)) == ids.Named(number=number)


@given(KEYS, PARTS, NUMBERS)
def test_a_part_of_a_person_carries_the_person_or_its_row(key: str, parts: list[str], number: int) -> None:
    found = ids.named(ids.id_of_part(key, parts, number))
    fits = len(key) <= ids.SHORT
    assert found == (ids.Named(text=key, part=ids.part(parts)) if fits else ids.Named(number=number))


@pytest.mark.parametrize("key", ["", "é", "a", "F 1", "X" * 23])
def test_a_key_that_does_not_fit_is_named_by_its_row(key: str) -> None:
    assert ids.named(ids.id_of_text(key, 7)) == ids.Named(number=7)


@given(st.one_of(st.uuids().map(str), st.text(max_size=40)))
def test_an_id_of_another_kind_names_nothing_or_itself(text: str) -> None:
    found = ids.named(text)
    if found is not None and found.number is not None:
        assert ids.id_of_number(found.number) == text
    elif found is not None and not found.part:
        assert ids.id_of_text(found.text, 0) == text or len(found.text) <= ids.SHORT


CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12).map(str.strip)
CODES = st.sampled_from(["", "10", "60", "93", "C", "L", "FON-01", "GENR01", "SA07", "A", "R", "SM54", "inconnu"])


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {name: draw(CODES if name.endswith("_code") else CELLS) for name in TEXTS}
    several = {
        "skills": draw(st.lists(st.tuples(CODES.filter(bool), CODES.filter(bool)), max_size=2)),
        "diplomas": draw(st.lists(st.tuples(CODES, CODES, CODES, CODES).filter(any), max_size=2)),
        "mailboxes": draw(st.lists(st.tuples(st.just("a@b.example"), CODES, CELLS), max_size=2)),
    }
    numbers = {name: draw(NUMBERS) for name in ("exercise", "structure", "situation")}
    row |= {
        "national_id": "899700999909",
        "id_type": draw(st.sampled_from(["8", "0"])),
        "load": 3,
        "stamp": "202611160911",
    }
    row |= {"identifier": "99700999909", "loaded_at": datetime(2026, 11, 16, 9, 30, tzinfo=UTC)}
    return row | several | numbers


@given(rows())
def test_whatever_a_row_says_the_resource_is_right(row: dict[str, Any]) -> None:
    for make in (shapes.practitioner, shapes.role, shapes.organization):
        made = make(row, Labels())
        assert validation.check(made) == [], made


def test_the_system_of_a_profession_is_that_where_it_is_in_use() -> None:
    systems = {
        code: (profession(code, Labels()) or {}).get("system", "").rpartition("/")[2]
        for code in ("10", "93", "313", "999")
    }
    assert systems == {
        "10": "TRE-G15-ProfessionSante",
        "93": "TRE-R95-UsagerTitre",
        "313": "TRE-R85-RolePriseCharge",
        "999": "",
    }


def test_words_of_the_file_only_for_codes_that_no_table_holds() -> None:
    row = {
        "profession_code": "10",
        "role_code": "FON-999",
        "skills": [["S", "SM54"]],
        "diplomas": [["DU", "DU77", "", ""]],
    }
    assert unknown(row) == {("role", "FON-999"), ("diploma", "DU77")}
