"""GLOSSARY.md is the judge: French words stay out of identifiers unless kept, and no word of the domain is missing from it."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.architecture.house import ROOT, Module, classes, functions, module, modules

GLOSSARY = ROOT / "hub" / "GLOSSARY.md"
# Words on the wire, met and renamed in the module that meets them.
OF_THE_WIRE = {
    "hub.web.forms",  # names of posted fields, in French like the addresses
    "hub.codes.communes",  # members of the national list of communes
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    french: str
    code: str
    fhir: str

    @property
    def is_heading(self) -> bool:
        return self.french.startswith("**")

    @property
    def terms(self) -> list[tuple[str, ...]]:
        """The French terms, as words without accents: articles and abbreviations of two letters left as they are."""
        return [tuple(re.findall(r"[a-z0-9]+", plain(term))) for term in self.french.split(",")]


def plain(text: str) -> str:
    """Lower case, without accents or ligatures."""
    folded = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def lines(text: str) -> list[Line]:
    rows = [row.strip().strip("|").split("|") for row in text.splitlines() if row.startswith("|")]
    return [
        Line(french=french.strip(), code=code.strip(), fhir=fhir.strip())
        for french, code, fhir in rows[2:]  # header and rule
    ]


def forbidden(table: Sequence[Line]) -> set[tuple[str, ...]]:
    """French terms that identifiers may not bear: neither kept, nor the same word in English."""
    kept = {word for line in table if "(kept)" in line.code for term in line.terms for word in term}
    english = {word for line in table for word in re.findall(r"[a-z]+", plain(line.code))}
    wanted = {term for line in table if not line.is_heading for term in line.terms if "(kept)" not in line.code}
    return {term for term in wanted if term and not set(term) <= kept | english}


def defined(source: Module) -> Iterator[tuple[int, str]]:
    """Every name a module gives: modules, classes, functions, parameters, variables, fields."""
    yield 1, source.name.rpartition(".")[2]
    for node in classes(source.tree):
        yield node.lineno, node.name
    for function in functions(source.tree):
        yield function.lineno, function.name
        for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
            yield one.lineno, one.arg
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def words(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name))


def french_names(source: Module, terms: Collection[tuple[str, ...]]) -> Iterator[str]:
    for line, name in defined(source):
        parts = words(name)
        for term in terms:
            if any(parts[start : start + len(term)] == term for start in range(len(parts))):
                yield f"{source.name}:{line} {name}: « {' '.join(term)} » has an English word"


def unlisted(source: Module, table: Sequence[Line]) -> list[str]:
    """Public classes that no line of the glossary names."""
    named = {word for line in table for word in re.findall(r"`(\w+)`", line.code)}
    return [node.name for node in classes(source.tree) if not node.name.startswith("_") and node.name not in named]


TABLE = lines(GLOSSARY.read_text(encoding="utf-8"))


def test_french_words_stay_with_people() -> None:
    terms = forbidden(TABLE)
    found = [one for source in modules("hub") if source.name not in OF_THE_WIRE for one in french_names(source, terms)]
    assert not found, "\n".join(sorted(set(found)))


@pytest.mark.parametrize(
    "source", [one for one in modules("hub") if one.name.startswith("hub.domain.")], ids=lambda s: s.name
)
def test_every_thing_of_the_domain_has_its_line(source: Module) -> None:
    assert not unlisted(source, TABLE)


def test_every_class_named_exists() -> None:
    known = {node.name for source in modules("hub") for node in classes(source.tree)}
    wanted = {word for line in TABLE for word in re.findall(r"`([A-Z]\w+)`", line.code)}
    assert not wanted - known


def test_no_term_stands_twice() -> None:
    terms = [term for line in TABLE if not line.is_heading for term in line.terms]
    assert not {" ".join(term) for term in terms if terms.count(term) > 1}


SMALL = lines(
    "| French | code | FHIR |\n|---|---|---|\n| délai de réponse | response delay | |\n| DMP | dmp (kept) | |\n"
)


@pytest.mark.parametrize("name", ["delai_de_reponse", "DelaiDeReponse", "le_delai_de_reponse_max"])
def test_a_french_identifier_is_seen(name: str) -> None:
    assert list(french_names(module("hub.new", f"{name} = 1\n"), forbidden(SMALL)))


@pytest.mark.parametrize("name", ["dmp", "DmpClient", "response_delay", "delay"])
def test_kept_and_english_words_pass(name: str) -> None:
    assert not list(french_names(module("hub.new", f"def {name}(): ...\n"), forbidden(SMALL)))


def test_a_thing_without_line_is_seen() -> None:
    assert unlisted(module("hub.domain.new", "class Ledger: ...\n"), SMALL) == ["Ledger"]
