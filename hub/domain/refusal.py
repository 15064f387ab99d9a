"""A rule that says no: one class, its rows in ``refusals.csv`` beside it (architecture, Trouble).

The web face shows the sentence and the remedy, the FHIR face answers an OperationOutcome, the CLI prints both.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hub.domain.typography import typeset

TABLE = Path(__file__).with_name("refusals.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``system`` names the CodeSystem of the code: ``refusal`` or ``sas-handoff-error``."""

    code: str
    http: int
    fhir_issue: str
    system: str
    french: str
    remedy: str


@cache
def rows() -> dict[str, Row]:
    """Every refusal by code."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {line["code"]: _row(line) for line in csv.DictReader(file)}


def _row(line: dict[str, str]) -> Row:
    return Row(
        code=line["code"],
        http=int(line["http"]),
        fhir_issue=line["fhir_issue"],
        system=line["system"],
        french=line["french"],
        remedy=line["remedy"],
    )


class Refusal(Exception):
    """Raised by a rule. ``code`` must have its row; ``words`` fill the braces of its sentence and remedy.

    ``expression`` is the FHIRPath of the element at fault, ``retry_after`` seconds, ``more`` the other faults found
    at the same time. Attributes ``http``, ``fhir_issue``, ``system`` come from the row; ``text`` and ``remedy`` are French.
    """

    def __init__(
        self,
        code: str,
        /,
        *,
        expression: str | None = None,
        retry_after: int | None = None,
        more: tuple[Refusal, ...] = (),
        **words: Any,
    ) -> None:
        row = rows()[code]
        self.code = code
        self.http = row.http
        self.fhir_issue = row.fhir_issue
        self.system = row.system
        self.words = words
        self.expression = expression
        self.retry_after = retry_after
        self.more = more
        self.text = typeset(row.french.format_map(words))
        self.remedy = typeset(row.remedy.format_map(words))
        super().__init__(f"{code}: {self.text}")
