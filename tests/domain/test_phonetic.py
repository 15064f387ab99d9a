"""The sound of a name: what it brings together, and what it keeps apart (rpps.md 12.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.phonetic import sound
from hub.domain.search_key import key

ONE_NAME = """
LEFEVRE LEFEBVRE / GAUTHIER GAUTIER GOTIER / DUPONT DUPOND / MEYER MAYER MAIER / NICOLAS NICOLLAS / PHILIPPE FILIPE /
BEAUMONT BAUMONT / HENRY HENRI / THIERRY TIERRY / RENAUD RENAULT RENAUT / SCHMITT SCHMIT / FAURE FORE /
CHARPENTIER CHARPANTIER / QUENTIN KENTIN / JEROME GEROME / MATHIEU MATTHIEU / LECLERC LECLERCQ / DENIS DENYS
"""
APART = "MARTIN MORTIN / DUPONT DUMONT / ROUX ROY / PETIT PETRI / BAUDIN BODARD / MARC MARCHE"


@pytest.mark.parametrize("names", [group.split() for group in ONE_NAME.split("/")], ids=lambda names: names[0])
def test_spellings_of_one_name_sound_alike(names: list[str]) -> None:
    assert len({sound(key(name)) for name in names}) == 1


@pytest.mark.parametrize("names", [group.split() for group in APART.split("/")], ids=lambda names: names[0])
def test_other_names_are_kept_apart(names: list[str]) -> None:
    assert len({sound(key(name)) for name in names}) == len(names)


def test_what_is_no_french_word_stands_for_itself() -> None:
    assert [sound(word) for word in ("", "x", "es", "3m", "ιωαννου")] == ["", "x", "es", "3m", "ιωαννου"]


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=20))
def test_doubling_a_letter_or_a_mute_h_changes_nothing(word: str) -> None:
    assert sound(f"ab{word}ll") == sound(f"ab{word}l")
    assert sound(f"tab{word}") == sound(f"ttab{word}") == sound(f"thab{word}")
    assert bool(sound(word)) == bool(word)
