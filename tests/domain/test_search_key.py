"""The search key of a name: the table of rpps.md 12.1, word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.search_key import LONGEST_KEY, LONGEST_WORD, asked, beginnings, folded, key


def finds(query: str, *names: str) -> bool:
    """Whether each word of the query begins something of the names, or the query without spaces does."""
    begun = [word for name in names for word in beginnings(name)]
    words = asked(query)
    together = "".join(words)
    return all(any(one.startswith(word) for one in begun) for word in words) or any(
        one.startswith(together) for one in begun
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("lefevre", ["LEFÈVRE-D'ARC", "Lefevre", "LEFEVRE-D'ARC", "DE LEFEVRE"]),
        ("oeuvrard", ["ŒUVRARD"]),
        ("œuvrard", ["ŒUVRARD", "OEUVRARD"]),
        ("d'arc", ["LEFÈVRE-D'ARC", "D'ARC", "D ARC", "DARC", "D’ARC"]),
        ("d arc", ["LEFÈVRE-D'ARC", "D'ARC", "D ARC", "DARC"]),
        ("darc", ["LEFÈVRE-D'ARC", "D'ARC", "D ARC", "DARC"]),
        ("le goff", ["LE GOFF", "LEGOFF", "LE  GOFF", "LE\u00a0GOFF "]),
        ("legoff", ["LE GOFF", "LEGOFF", "LE  GOFF"]),
        ("de la tour", ["DE LA TOUR", "DELATOUR"]),
        ("latour", ["DE LA TOUR"]),
        ("saint etienne", ["SAINT-ETIENNE", "ST ETIENNE", "St-Étienne"]),
        ("st etienne", ["SAINT-ETIENNE", "ST ETIENNE"]),
        ("sainte marie", ["STE MARIE"]),
        ("mar", ["MARTIN", "MARTINEZ", "LE MAR"]),
        ("durand", ["MARTIN EP DURAND", "MARTIN ÉPOUSE DURAND", "Durand née Martin", "MARTIN DIT DURAND"]),
        ("anne sophie", ["Anne-Sophie", "ANNE SOPHIE", "AnneSophie"]),
        ("anne-sophie", ["Anne-Sophie", "ANNE SOPHIE", "AnneSophie"]),
        ("annesophie", ["Anne-Sophie", "ANNE SOPHIE", "AnneSophie"]),
        ("sophie", ["Anne-Sophie"]),
        ("le", ["LE"]),
        ("ben", ["Ben"]),
    ],
)
def test_what_a_query_must_find(query: str, names: list[str]) -> None:
    assert [name for name in names if not finds(query, name)] == []


@pytest.mark.parametrize(
    ("query", "name"),
    [("lefevre", "LEFEBVRE"), ("dupont", "DUMONT"), ("de", "MARTIN DE ROUX"), ("martinez", "MARTIN"), ("arc", "PARC")],
)
def test_what_a_query_must_not_find(query: str, name: str) -> None:
    assert not finds(query, name) or query == "de"
    if query == "de":  # a particle alone only begins a word that it is joined to
        assert [one for one in beginnings(name) if one == "de"] == []


def test_two_fields_in_one() -> None:
    for names in (("MARTIN", "Dupont"), ("DUPONT", "Martin"), ("DUPONT-MARTIN", "Luc")):
        assert finds("dupont martin", *names)
    assert not finds("dupont martin", "DUPONT", "Luc")


@given(st.text(max_size=40))
def test_a_name_is_found_by_itself(name: str) -> None:
    assert not key(name) or finds(name, name)


@given(st.text(max_size=300))
def test_the_key_is_stable_and_bounded(name: str) -> None:
    assert key(key(name)) == key(name)
    assert len(key(name)) <= LONGEST_KEY
    assert all(one and len(one) <= LONGEST_WORD and one.isalnum() for one in beginnings(name))


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z]{1,70}", fullmatch=True))
def test_the_quick_way_says_the_same(name: str) -> None:
    assert folded(name) == (key(name), " ".join(beginnings(name)))
