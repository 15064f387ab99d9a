"""Every refusal raised has its row in refusals.csv, every row is used, and every sentence can be filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from hub.domain.refusal import Row, rows
from tests.architecture.house import Module, calls, module, modules

# Rows of doors that are not open yet; whoever opens one takes its row off this list.
AWAITED = frozenset(
    {
        "account-exists",
        "certificate-required",
        "date-in-the-future",
        "ins-not-usable",
        "not-in-the-directory",
        "note-closed",
        "objection-registered",
        "psc-required",
        "several-matches",
        "stale-form",
        "still-referenced",
        "storage-unavailable",
        "too-costly",
        "too-many-requests",
        "unknown-postcode",
    }
)
OF_THE_CLASS = {"expression", "retry_after", "more"}
ISSUES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
}  # fmt: skip


def raised(source: Module) -> Iterator[tuple[int, str, set[str], bool]]:
    """Line, code, words given and whether more are given by ``**``, of every ``Refusal("code", ...)``."""
    for call, name in calls(source.tree):
        if name.split(".")[-1] == "Refusal" and call.args:
            code = call.args[0]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                words = {one.arg for one in call.keywords if one.arg}
                yield call.lineno, code.value, words - OF_THE_CLASS, any(one.arg is None for one in call.keywords)


def holes(row: Row) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", row.french + row.remedy))


def faults(sources: Sequence[Module], table: dict[str, Row]) -> list[str]:
    """Codes without a row, and sentences whose holes the raiser does not fill."""
    found = []
    for source in sources:
        for line, code, words, open_ended in raised(source):
            if code not in table:
                found.append(f"{source.name}:{line} {code} has no row")
            elif not open_ended and holes(table[code]) - words:
                found.append(f"{source.name}:{line} {code} leaves {holes(table[code]) - words} unfilled")
    return found


def unused(sources: Sequence[Module], codes: Collection[str]) -> set[str]:
    """Codes that no string of the sources names: some are chosen by a table before they are raised."""
    said = {node.value for one in sources for node in ast.walk(one.tree) if isinstance(node, ast.Constant)}
    return {code for code in codes if code not in said}


def test_every_refusal_has_its_row() -> None:
    found = faults(modules("hub"), rows())
    assert not found, "\n".join(found)


def test_every_row_is_used() -> None:
    left = unused(modules("hub"), rows()) - AWAITED
    assert not left, f"used by nobody: {sorted(left)}"
    assert rows().keys() >= AWAITED, f"rows that are gone: {sorted(AWAITED - rows().keys())}"


def test_rows_are_whole() -> None:
    for row in rows().values():
        assert 400 <= row.http <= 503, row.code
        assert row.fhir_issue in ISSUES, f"{row.code}: {row.fhir_issue} is no issue type of R4"
        assert row.system in ("refusal", "sas-handoff-error"), row.code
        assert re.match(r"[A-ZÀÉÊ«{]", row.french), f"{row.code}: {row.french}"
        assert not holes(row) & OF_THE_CLASS, row.code


def test_a_refusal_without_row_is_seen() -> None:
    source = module("hub.new", "def act():\n    raise Refusal('no-such-code')\n")
    assert faults([source], rows()) == ["hub.new:2 no-such-code has no row"]


def test_an_unfilled_sentence_is_seen() -> None:
    source = module("hub.new", "def act():\n    raise Refusal('territory-not-served', expression='Patient')\n")
    assert "unfilled" in faults([source], rows())[0]


def test_a_row_nobody_uses_is_seen() -> None:
    assert unused([module("hub.new", "code = 'stale'\n")], ["stale", "lost"]) == {"lost"}
