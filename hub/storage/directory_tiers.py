"""How well a name answers a query: the tests on its keys, as SQL, the best first (rpps.md 12.1). Pure.

A test names the row it is about ``{t}``: an exercise or a line of work, both hold the keys. Values are never written into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.domain import search_key

FAMILY = "e.family_key, e.given_key, e.national_id"  # orders of indexes
GIVEN = "e.given_key, e.family_key, e.national_id"


@dataclass(slots=True)
class Values:
    """The values of a statement, named as they come."""

    known: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> str:
        """Where the value goes in the statement."""
        name = f"v{len(self.known)}"
        self.known[name] = value
        return f":{name}"


@dataclass(frozen=True, slots=True)
class Word:
    """Names of which a word begins with one of the query: as relations of keys, of families and of first names."""

    families: str
    givens: str

    @property
    def test(self) -> str:
        """That a name is one of them."""
        return f"({{t}}.family_key IN ({self.families}) OR {{t}}.given_key IN ({self.givens}))"


@dataclass(frozen=True, slots=True)
class Tier:
    """Names that answer equally well: they pass one of the tests, and have the word that ``leads``; ``order``: in which an index
    gives them.
    """

    tests: tuple[str, ...]
    order: str = FAMILY
    leads: Word | None = None

    @property
    def test(self) -> str:
        """All in one, for lines that are at hand."""
        either = " OR ".join(f"({one})" for one in self.tests)
        return f"({either}) AND {self.leads.test}" if self.leads else either


def _longer(column: str, key: str, values: Values) -> str:
    return f"{column} > {values.add(key)} AND {column} < {values.add(key + search_key.LAST)}"


NAMES = "SELECT key FROM directory_name WHERE part = '{part}' AND word >= {word} AND word < {after}"
OTHERS = " UNION SELECT unnest(CAST({keys} AS text[]))"
SAME = """{{t}}.{part}_key IN (
SELECT key FROM directory_name WHERE part = '{part}' AND word = {name} AND replace(key, ' ', '') = {name})"""


def _word(asked: str, values: Values, similar: Sequence[tuple[str, str]] = ()) -> Word:
    """``similar``: parts and keys of other names that count."""
    word, after, made = values.add(asked), values.add(asked + search_key.LAST), []
    for part in ("family", "given"):
        keys = [key for of, key in similar if of == part]
        made.append(NAMES.format(part=part, word=word, after=after))
        if keys:
            made[-1] += OTHERS.format(keys=values.add(keys))
    return Word(*made)


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A query of several words cut in two, everywhere: family and first name, in this order or the other."""
    words = name.split()
    for place in range(1, len(words)):
        yield " ".join(words[:place]), " ".join(words[place:])


def tiers(name: str, asked: Sequence[str], values: Values) -> list[Tier]:
    """The tiers of a folded query, the best first. ``asked``: its words, particles joined."""
    exact, joined = values.add(name), values.add(name.replace(" ", "")[: search_key.LONGEST_WORD])
    same_family, same_given = (
        SAME.format(part=part, name=joined) for part in ("family", "given")
    )  # « legoff » is LE GOFF
    whole, begun = [f"{{t}}.family_key = {exact}", same_family], [_longer("{t}.family_key", name, values)]
    for first, last in _splits(name):
        a, b = values.add(first), values.add(last)
        whole += [
            f"{{t}}.family_key = {a} AND {{t}}.given_key = {b}",
            f"{{t}}.given_key = {a} AND {{t}}.family_key = {b}",
        ]
        begun += [
            f"{{t}}.family_key = {a} AND {_longer('{t}.given_key', last, values)}",
            f"{{t}}.given_key = {a} AND {_longer('{t}.family_key', last, values)}",
        ]
    return [
        Tier(tuple(whole)),
        Tier((f"{{t}}.given_key = {exact}", same_given), GIVEN),
        Tier(tuple(begun)),
        Tier((_longer("{t}.given_key", name, values),), GIVEN),
        _others([(one, _word(one, values)) for one in asked]),
    ]


def similar(asked: Sequence[tuple[str, Sequence[tuple[str, str]]]], values: Values) -> list[Tier]:
    """The tier of names that sound like a query: each of its words, with parts and keys of the names of that sound."""
    return [_others([(one, _word(one, values, names)) for one, names in asked])]


def _others(words: Sequence[tuple[str, Word]]) -> Tier:
    """Names of which any words begin so: led by the longest of the query, which the fewest names have."""
    lead = max(range(len(words)), key=lambda place: len(words[place][0]))
    tests = [word.test for place, (_, word) in enumerate(words) if place != lead]
    return Tier((" AND ".join(tests) or "true",), leads=words[lead][1])
