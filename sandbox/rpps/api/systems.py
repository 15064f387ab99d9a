"""Which code system a code of the directory belongs to (directory specification 8), and the other fixed addresses of the API."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from sandbox.rpps import tables

Json = dict[str, Any]
ANNUAIRE = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/"
FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
ADDRESS_PART = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-"
IDENTIFIER_TYPES = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
SOURCE = "https://annuaire.sante.fr"
RPPS, RPPS_RANG = "https://rpps.esante.gouv.fr", "https://rppsrang.esante.gouv.fr"
PERSONS, STRUCTURES = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.71.4.2.2"
FINESS, SIRENE = "https://finess.esante.gouv.fr", "https://sirene.fr"
ORGANIZATION_TYPES = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307"
ARHGOS = "https://arhgos.ars.sante.fr"
NOS = "https://mos.esante.gouv.fr/NOS/"


@cache
def _systems() -> Mapping[tuple[str, str], str]:
    """(table, code) -> name of the system; an empty code stands for the whole table."""
    text = resources.files(__package__).joinpath("systems.csv").read_text(encoding="utf-8")
    return {(row["table"], row["code"]): row["system"] for row in csv.DictReader(text.splitlines())}


def system(table: str, code: str = "") -> str:
    """Empty for a code that no published table has."""
    known = _systems()
    name = known.get((table, code)) or known.get((table, ""), "")
    return f"{NOS}{name}/FHIR/{name.replace('_', '-')}" if name else ""


def coding(table: str, code: str) -> Json:
    """Displays are absent, as in the API; a code without a system keeps its label instead."""
    uri = system(table, code)
    return {"system": uri, "code": code} if uri else {"code": code, "display": tables.label(table, code) or code}


def concept(table: str, code: str) -> Json:
    return {"coding": [coding(table, code)]}


def identifier(uri: str, value: str, kind: str, use: str = "official") -> Json:
    kinds = {"coding": [{"system": IDENTIFIER_TYPES, "code": kind}]}
    return {"use": use, "type": kinds, "system": uri, "value": value}


def extension(name: str, *parts: Json) -> Json:
    return {"url": f"{ANNUAIRE}{name}", "extension": list(parts)}
