"""Is this FHIR R4? Bytes, then shape, references, required codes and invariants, in the order of fhir.md 12.4.

``parse`` for bytes that come from outside, ``check`` for a resource already parsed. All faults are named, up to 100.
"""

from __future__ import annotations

import csv
import json as standard_json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from hub.domain.typography import typeset
from hub.r4 import quick
from hub.r4.json import Resource
from hub.r4.walk import Fault, Walk

MESSAGES = Path(__file__).with_name("messages.csv")
LARGEST_BODY = 10 * 1024 * 1024  # bytes (Choice); attachments beyond it go through Binary
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
DEEPEST = 50  # levels of nesting

# An invariant breaks what the resource says, the rest how it is written (fhir.md 2.5).
HTTP = {"invariant": 422, "business-rule": 422, "too-long": 413}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One fault. ``code`` is an IssueType; ``rule`` the name of the rule, which becomes the code of ``details``."""

    severity: str
    code: str
    expression: str
    text: str
    http: int
    rule: str = ""
    diagnostics: str = ""


class Invalid(Exception):
    """The body or resource cannot be taken: at least one issue. ``http`` is the status to answer with."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = issues
        self.http = min(issue.http for issue in issues)
        super().__init__("; ".join(f"{issue.expression}: {issue.rule}" for issue in issues[:5]))


@cache
def _messages() -> Mapping[str, tuple[str, str]]:
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        return {line["rule"]: (line["code"], line["french"]) for line in csv.DictReader(file)}


def _issue(fault: Fault) -> Issue:
    code, french = _messages().get(fault.rule) or (
        "invariant",
        f"La règle {fault.rule} de FHIR R4 n'est pas respectée.",
    )
    return Issue(
        severity="error",
        code=code,
        expression=fault.expression,
        text=typeset(french.format_map(fault.words)),
        http=HTTP.get(code, 400),
        rule=fault.rule,
    )


def check(resource: Resource) -> list[Issue]:
    """The faults of a resource, empty when it is right FHIR R4. Profiles and rules of the workflow are looked at elsewhere."""
    walk = Walk()
    walk.resource(resource, str(resource.get("resourceType") or "Resource"))
    return [_issue(fault) for fault in walk.faults]


def _unreadable(text: str, *, http: int = 400, code: str = "structure", diagnostics: str = "") -> Invalid:
    issue = Issue(
        severity="error", code=code, expression="", text=typeset(text), http=http, rule="body", diagnostics=diagnostics
    )
    return Invalid([issue])


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _unreadable(f"Le membre « {twice} » est écrit deux fois dans le même objet.", diagnostics=twice)
    return found


def _no_constant(name: str) -> Any:
    raise _unreadable(f"« {name} » n'est pas un nombre en JSON.")


def _depth(value: Any, left: int) -> bool:
    """Whether the nesting stays within ``left`` levels."""
    if isinstance(value, dict):
        return left > 0 and all(_depth(item, left - 1) for item in value.values() if isinstance(item, (dict, list)))
    if isinstance(value, list):
        return left > 0 and all(_depth(item, left - 1) for item in value if isinstance(item, (dict, list)))
    return True


def _is_text(value: Any) -> bool:
    """Whether every text can be written in UTF-8: an escape may name half of a character."""
    try:
        standard_json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def read(body: bytes) -> Resource:
    """The JSON object in the body, its shape not yet judged. Raises ``Invalid``."""
    if not body.strip():
        raise _unreadable("Le contenu est vide.")
    if len(body) > LARGEST_BODY:
        raise _unreadable(f"Le contenu dépasse {LARGEST_BODY >> 20} Mo.", http=413, code="too-long")
    try:
        found = standard_json.loads(
            body.decode("utf-8"), object_pairs_hook=_members, parse_float=Decimal, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise _unreadable("Le contenu n'est pas en UTF-8.", diagnostics=f"octet {error.start}") from error
    except standard_json.JSONDecodeError as error:
        where = f"ligne {error.lineno}, colonne {error.colno}"
        raise _unreadable(f"Le contenu n'est pas du JSON ({where}).", diagnostics=where) from error
    except RecursionError as error:
        raise _unreadable(f"Le contenu est imbriqué sur plus de {DEEPEST} niveaux.") from error
    if SURROGATE.search(body) and not _is_text(found):
        raise _unreadable("Le contenu n'est pas en UTF-8.")
    if not isinstance(found, dict):
        raise _unreadable("Une ressource FHIR est un objet JSON.")
    if not _depth(found, DEEPEST):
        raise _unreadable(f"Le contenu est imbriqué sur plus de {DEEPEST} niveaux.")
    return found


def parse(body: bytes) -> Resource:
    """The resource in the body, judged. Decimals keep their digits. Raises ``Invalid`` with every fault found."""
    right = quick.read(body)
    if right is not None:
        return right
    resource = read(body)
    issues = check(resource)
    if issues:
        raise Invalid(issues)
    return resource
