"""The CapabilityStatement, generated from the tables the router uses (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from __future__ import annotations

from functools import cache
from typing import Any

from hub.fhir import directory
from hub.fhir.interactions.update import CONDITIONAL
from hub.fhir.rules import RULES, TypeRule
from hub.storage import parameters

Resource = dict[str, Any]

VERSION = "0.1.0"
RELEASED = "2026-11-21"
ALWAYS = ("read", "vread", "history-instance", "search-type")
OF_DIRECTORY = (
    "Lecture seule. Les ressources de l’annuaire national sont faites à chaque lecture, d’après l’extraction en service : "
    "une seule version, la présente, et 410 quand l’annuaire n’a plus rien sous un identifiant."
)


def _type(name: str, rule: TypeRule) -> Resource:
    writes = sorted(rule.writes)
    searched = [
        {"name": one.code, "type": one.kind, "definition": one.canonical}
        for one in parameters.of(name).values()
        if not one.code.startswith("_")
    ]
    said: Resource = {
        "type": name,
        "interaction": [{"code": code} for code in (*ALWAYS, *writes)],
        "documentation": OF_DIRECTORY if name in directory.TYPES else "",
        "versioning": "versioned-update" if rule.needs_match and writes else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "full-support",
        "conditionalUpdate": name in CONDITIONAL,
        "conditionalDelete": "not-supported",
        "searchInclude": list(rule.includes),
        "searchRevInclude": list(rule.revincludes),
        "searchParam": searched,
    }
    return {key: value for key, value in said.items() if value not in ([], "")}


@cache
def statement(base: str) -> Resource:
    """The statement of this server. Dates without time, searched or stored, are read in UTC."""
    security = {
        "cors": False,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
        "description": "OAuth 2.0 client credentials: private_key_jwt or tls_client_auth.",
    }
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": "Colibri", "version": VERSION},
        "implementation": {"description": "Colibri, unscheduled care of the territories", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Dates without time are read in UTC.",
                "security": security,
                "resource": [_type(name, rule) for name, rule in sorted(RULES.items())],
                "interaction": [{"code": "transaction"}],
                "searchParam": [
                    {"name": one.code, "type": one.kind, "definition": one.canonical}
                    for one in parameters.of("Resource").values()
                ],
            }
        ],
    }
