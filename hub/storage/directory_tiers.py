"""How well a name answers a query: tests on its keys, as SQL, the best first (rpps.md 12.1). Pure.

A test names the row it is about ``{t}``: an exercise or a line of work, both hold the keys. Values are never written into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.domain import search_key

FAMILY = "e.family_key, e.given_key, e.national_id"  # orders of indexes, after those with an activity and the others
GIVEN = "e.given_key, e.family_key, e.national_id"


@dataclass(slots=True)
class Values:
    """The values of a statement, named as they come."""

    known: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> str:
        """Where the value goes in the statement."""
        name = f"v{len(self.known)}"
        self.known[name] = value
        return f"%({name})s"


@dataclass(frozen=True, slots=True)
class Test:
    """What a name has to be. ``among``: a relation of a few keys, one of which the ``part`` of the name must be."""

    condition: str
    part: str = ""
    among: str = ""

    @property
    def whole(self) -> str:
        """Both, for lines that are at hand."""
        return f"{{t}}.{self.part}_key IN ({self.among}) AND {self.condition}" if self.among else self.condition


@dataclass(frozen=True, slots=True)
class Tier:
    """Names that answer equally well: they pass one of the tests; ``order``: in which an index gives them."""

    tests: tuple[Test, ...]
    order: str = FAMILY

    @property
    def whole(self) -> str:
        """All tests in one."""
        return " OR ".join(f"({one.whole})" for one in self.tests)


PARTS = ("family", "given")
# Names of which a word but the first begins so, or which sound so: few, beside those that begin so.
INSIDE = "SELECT key FROM directory_name WHERE part = '{part}' AND place = 1 AND word >= {word} AND word < {after}"
ALIKE = " UNION SELECT unnest(CAST({keys} AS text[]))"
SAME = INSIDE.replace("word >= {word} AND word < {after}", "word = {word} AND replace(key, ' ', '') = {word}")


def _begins(part: str, key: str, values: Values) -> str:
    column = f"{{t}}.{part}_key"
    return f"{column} >= {values.add(key)} AND {column} < {values.add(key + search_key.LAST)}"


def _longer(part: str, key: str, values: Values) -> str:
    column = f"{{t}}.{part}_key"
    return f"{column} > {values.add(key)} AND {column} < {values.add(key + search_key.LAST)}"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the query, as names have it: by part, a relation of those that hold it inside; ``test``: that a name has it."""

    inside: dict[str, str]
    test: str


def _word(asked: str, values: Values, alike: Sequence[tuple[str, str]] = ()) -> Word:
    """``alike``: parts and keys of other names that count."""
    word, after = values.add(asked), values.add(asked + search_key.LAST)
    inside, tests = {}, []
    for part in PARTS:
        inside[part] = INSIDE.format(part=part, word=word, after=after)
        keys = [key for of, key in alike if of == part]
        if keys:
            inside[part] += ALIKE.format(keys=values.add(keys))
        column = f"{{t}}.{part}_key"
        tests += [f"{column} >= {word} AND {column} < {after}", f"{column} IN ({inside[part]})"]
    return Word(inside, f"({' OR '.join(tests)})")


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A query of several words cut in two, everywhere, in this order and the other: family and first name."""
    words = name.split()
    for place in range(1, len(words)):
        halves = " ".join(words[:place]), " ".join(words[place:])
        yield halves
        yield halves[::-1]


def tiers(name: str, asked: Sequence[str], values: Values) -> list[Tier]:
    """The tiers of a folded query, the best first. ``asked``: its words, particles joined."""
    exact, joined = values.add(name), values.add(name.replace(" ", "")[: search_key.LONGEST_WORD])
    same = {part: Test("true", part, SAME.format(part=part, word=joined)) for part in PARTS}  # « legoff » is LE GOFF
    splits = list(_splits(name))
    pairs = [
        Test(f"{{t}}.family_key = {values.add(family)} AND {{t}}.given_key = {values.add(given)}")
        for family, given in splits
    ]
    begun = [
        Test(f"{_begins('family', family, values)} AND {_begins('given', given, values)}") for family, given in splits
    ]
    return [
        Tier((Test(f"{{t}}.family_key = {exact}"), same["family"], *pairs)),
        Tier((Test(f"{{t}}.given_key = {exact}"), same["given"]), GIVEN),
        Tier((Test(_longer("family", name, values)), *begun)),
        Tier((Test(_longer("given", name, values)),), GIVEN),
        _inside([_word(one, values) for one in asked]),
    ]


def similar(asked: Sequence[tuple[str, Sequence[tuple[str, str]]]], values: Values) -> list[Tier]:
    """The tier of names that sound like a query: each of its words, with parts and keys of the names of that sound."""
    return [_inside([_word(one, values, names) for one, names in asked])]


def _inside(words: Sequence[Word]) -> Tier:
    """Names that have every word of the query, one of them not at the beginning."""
    tests = []
    for place, word in enumerate(words):
        others = " AND ".join(one.test for other, one in enumerate(words) if other != place) or "true"
        tests += [Test(others, part, word.inside[part]) for part in PARTS]
    return Tier(tuple(tests))
