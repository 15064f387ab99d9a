import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.domain.refusal import TABLE, Refusal, rows

HUB = Path(__file__).parents[2] / "hub"
ISSUE_TYPES = (
    "invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported "
    "duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient "
    "lock-error no-store exception timeout incomplete throttled informational"
)
CODE_SYSTEMS = {"refusal", "sas-handoff-error"}
OF_THE_CLASS = {"expression", "retry_after", "more"}


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _raised() -> Iterator[tuple[str, str, set[str | None]]]:
    """Place, code and given words of each ``Refusal("…", …)`` of the tree; ``None`` among the words stands for ``**words``."""
    for path in sorted(HUB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Refusal"
                and node.args
            ):
                for code in _literals(node.args[0]):
                    yield f"{path.relative_to(HUB)}:{node.lineno}", code, {word.arg for word in node.keywords}


def _holes(code: str) -> set[str]:
    row = rows()[code]
    return {name for _, name, _, _ in string.Formatter().parse(row.french + row.remedy) if name}


def test_every_refusal_of_the_tree_has_its_row_and_gives_the_words_of_its_sentence() -> None:
    found = list(_raised())
    assert found
    unknown = [(place, code) for place, code, _ in found if code not in rows()]
    assert not unknown
    short = [(place, code, _holes(code) - words) for place, code, words in found if None not in words]
    assert not [one for one in short if one[2]]


def test_the_table_is_sorted_and_its_columns_hold_what_they_promise() -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    codes = [line.split(",")[0] for line in lines]
    assert codes == sorted(set(codes))
    for row in rows().values():
        assert 400 <= row.http < 600
        assert row.fhir_issue in ISSUE_TYPES.split()
        assert row.system in CODE_SYSTEMS
        # The sentences of national refusals come from their connector's table.
        assert row.french.endswith((".", "{french}"))
        assert not _holes(row.code) & OF_THE_CLASS


@pytest.mark.parametrize("word", ["Erreur", "Échec", "Oups", "Désolé", "invalide", "!"])
def test_no_sentence_uses_a_word_the_voice_forbids(word: str) -> None:
    assert not [row.code for row in rows().values() if word.lower() in (row.french + row.remedy).lower()]


def test_a_refusal_carries_its_row_and_its_words() -> None:
    other = Refusal("missing-data", what="le motif", expression="Bundle.entry[4].resource.reasonCode")
    refusal = Refusal(
        "territory-not-served", commune="L'Isle-Adam", expression="Bundle.entry[0]", retry_after=60, more=(other,)
    )
    assert (refusal.http, refusal.fhir_issue, refusal.system) == (422, "business-rule", "sas-handoff-error")
    assert refusal.text == "Aucune CPTS ne couvre L’Isle-Adam."
    assert refusal.words == {"commune": "L'Isle-Adam"}
    assert refusal.more[0].text.endswith("le motif.")
    assert refusal.retry_after == 60


def test_a_refusal_without_a_row_or_without_its_words_is_our_bug() -> None:
    with pytest.raises(KeyError):
        Refusal("never-heard-of")
    with pytest.raises(KeyError):
        Refusal("territory-not-served")
