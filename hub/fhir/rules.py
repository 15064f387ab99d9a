"""What the hub offers for each type: interactions, search parameters, includes. The router, the scopes and the CapabilityStatement
all read this table, so that none of them can lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRule:
    """``writes``: which of create, update, patch, delete; ``needs_match``: PUT and PATCH demand ``If-Match``."""

    writes: frozenset[str] = frozenset()
    needs_match: bool = False
    includes: tuple[str, ...] = ()
    revincludes: tuple[str, ...] = ()


READ_ONLY = TypeRule()

RULES: Mapping[str, TypeRule] = {
    "Appointment": TypeRule(
        needs_match=True, includes=("Appointment:patient", "Appointment:based-on", "Appointment:actor")
    ),
    "CareTeam": TypeRule(includes=("CareTeam:patient", "CareTeam:participant")),
    "Consent": TypeRule(includes=("Consent:patient",)),
    "DocumentReference": TypeRule(
        writes=frozenset({"create"}), includes=("DocumentReference:subject", "DocumentReference:author")
    ),
    "HealthcareService": TypeRule(includes=("HealthcareService:organization", "HealthcareService:coverage-area")),
    "Location": TypeRule(includes=("Location:organization",)),
    "Organization": TypeRule(includes=("Organization:partof",)),
    "Patient": TypeRule(
        includes=("Patient:general-practitioner",), revincludes=("Task:patient", "ServiceRequest:patient")
    ),
    "Practitioner": TypeRule(revincludes=("PractitionerRole:practitioner",)),
    "PractitionerRole": TypeRule(includes=("PractitionerRole:practitioner", "PractitionerRole:organization")),
    "ServiceRequest": TypeRule(
        writes=frozenset({"update"}),
        needs_match=True,
        includes=("ServiceRequest:patient", "ServiceRequest:requester"),
        revincludes=("Task:focus", "Appointment:based-on"),
    ),
    "Subscription": TypeRule(writes=frozenset({"create", "update", "delete"})),
    "Task": TypeRule(
        writes=frozenset({"update", "patch"}),
        needs_match=True,
        includes=("Task:patient", "Task:focus", "Task:owner", "Task:part-of"),
        revincludes=("Task:part-of",),
    ),
}


def offers(type_name: str, write: str) -> bool:
    """Whether a client may make that write on that type."""
    return type_name in RULES and write in RULES[type_name].writes


LETTERS: Mapping[str, str] = {
    "read": "r", "vread": "r", "history": "r", "search": "s", "create": "c", "update": "u", "patch": "u", "delete": "d",
}  # fmt: skip
