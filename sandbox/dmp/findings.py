"""What a check found: a French sentence, whether it holds, the place of the rule, the code the DMP would answer."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: str
    passed: bool
    where: str
    detail: str = ""
    code: str = ""

    def sentence(self) -> str:
        """The French text of a refusal: the rule, what was received, the place of the rule."""
        received = f" Reçu : {self.detail}." if self.detail else ""
        rule = self.what.rstrip(".")
        return f"Règle non respectée : {rule}.{received} [{self.where}]"


def finding(passed: object, what: str, where: str, *, detail: object = "", code: str = "") -> Finding:
    """`detail` is kept only when the check fails: a journal of what went well stays short."""
    text = "" if passed or detail is None else str(detail)[:300]
    return Finding(what=what, passed=bool(passed), where=where, detail=text, code=code)


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    return [one for one in findings if not one.passed]
