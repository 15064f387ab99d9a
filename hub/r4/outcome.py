"""OperationOutcome from a refusal, from the faults of a resource, or from a bug of ours (fhir.md 2.5)."""

from __future__ import annotations

from collections.abc import Iterable

from hub.domain.refusal import Refusal
from hub.r4.json import Resource
from hub.r4.validation import Issue

# The code of CodeSystem ``refusal`` that stands for a fault of each IssueType.
REFUSAL_OF = {
    "structure": "bad-body",
    "required": "field-required",
    "value": "bad-value",
    "code-invalid": "bad-code",
    "invariant": "unprocessable",
    "business-rule": "unprocessable",
    "too-long": "too-large",
}


def _outcome(issues: list[Resource]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _details(canonical_base: str, system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": f"{canonical_base}/CodeSystem/{system}", "code": code}], "text": text}


def _of_one(refusal: Refusal, canonical_base: str) -> Resource:
    text = f"{refusal.text} {refusal.remedy}".strip()
    issue: Resource = {
        "severity": "error",
        "code": refusal.fhir_issue,
        "details": _details(canonical_base, refusal.system, refusal.code, text),
    }
    if refusal.expression:
        issue["expression"] = [refusal.expression]
    return issue


def of_refusal(refusal: Refusal, canonical_base: str) -> Resource:
    """One issue for the refusal, then one for each of ``more``; the sentence and its remedy in ``details.text``."""
    return _outcome([_of_one(one, canonical_base) for one in (refusal, *refusal.more)])


def of_issues(issues: Iterable[Issue], canonical_base: str) -> Resource:
    """The faults of a resource, or ``All OK`` when there are none (as $validate answers)."""
    found = []
    for one in issues:
        code = REFUSAL_OF.get(one.code, "bad-body")
        issue: Resource = {
            "severity": one.severity,
            "code": one.code,
            "details": _details(canonical_base, "refusal", code, one.text),
        }
        if one.diagnostics:
            issue["diagnostics"] = one.diagnostics
        if one.expression:
            issue["expression"] = [one.expression]
        found.append(issue)
    return _outcome(found) if found else informational("Rien à redire : cette ressource est conforme à FHIR R4.")


def informational(text: str) -> Resource:
    """An informational outcome."""
    return _outcome([{"severity": "information", "code": "informational", "details": {"text": text}}])


def of_bug(reference: str) -> Resource:
    """Our fault: a reference to the log, nothing else."""
    text = f"Quelque chose a cassé de notre côté. Rien n’est perdu. Au téléphone, donnez la référence {reference}."
    return _outcome([{"severity": "fatal", "code": "exception", "details": {"text": text}}])
