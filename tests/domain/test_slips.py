"""One slip of a finger (rpps.md 12.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.slips import LONGEST, SHORTEST, slips

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=SHORTEST, max_size=LONGEST)


@pytest.mark.parametrize("typed", ["martni", "matin", "marttin", "mortin", "artin", "martinx", "amrtin"])
def test_each_kind_of_slip(typed: str) -> None:
    assert "martin" in slips(typed)


@pytest.mark.parametrize("typed", ["martin", "mrtni", "mortim", "nitram"])
def test_neither_the_word_itself_nor_two_slips(typed: str) -> None:
    assert "martin" not in slips(typed)


@pytest.mark.parametrize("typed", ["", "mar", "m" * (LONGEST + 1)])
def test_too_short_or_too_long(typed: str) -> None:
    assert not slips(typed)


@given(WORDS, st.data())
def test_whoever_slips_is_understood_and_the_reverse(word: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(slips(word))))
    if SHORTEST <= len(other) <= LONGEST:
        assert word in slips(other)
