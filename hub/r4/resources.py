"""Resources we make ourselves, judged twice before they leave: our walk, and the R4B models of fhir.resources.

The only import of fhir.resources in the house, module by module (fhir.md 12.1: R4B has the element names of R4). The models
coerce and reorder, so what comes back is the data as given, never a dump of the model.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from hub.r4 import validation
from hub.r4.json import Resource


@cache
def _model(kind: str) -> Any:
    """The class of one type. Raises ``ValueError`` for a type the library does not have."""
    try:
        return getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no R4B model of {kind}") from error


def build(type: str, data: Resource) -> Resource:
    """``data`` with its ``resourceType`` in front. Raises ``ValueError`` that names the faults: a bug of ours."""
    resource = {"resourceType": type, **data}
    issues = validation.check(resource)
    if issues:
        raise ValueError("; ".join(f"{issue.expression}: {issue.rule}" for issue in issues))
    _model(type).model_validate(resource)
    return resource


def warm(*types: str) -> None:
    """Import the models of these types and compile their tables, at start: the first use costs up to 20 ms each."""
    for kind in types:
        _model(kind)
        validation.check({"resourceType": kind})
