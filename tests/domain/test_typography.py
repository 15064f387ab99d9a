import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.typography import typeset


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("L'heure : « midi » ; ah ?", "L’heure\u00a0: «\u00a0midi\u00a0»\u00a0; ah\u00a0?"),
        ("avant 15 h 02", "avant 15\u00a0h\u00a002"),
        ("12 km, 6 ans, 20 %", "12\u00a0km, 6\u00a0ans, 20\u00a0%"),
        ("https://a.test:80/b?c=1", "https://a.test:80/b?c=1"),
        ("3 habitants", "3 habitants"),
    ],
)
def test_french_typography(written: str, shown: str) -> None:
    assert typeset(written) == shown


@given(st.text())
def test_typesetting_twice_changes_nothing_more_and_loses_no_letter(text: str) -> None:
    once = typeset(text)
    assert typeset(once) == once
    assert len(once) == len(text)
