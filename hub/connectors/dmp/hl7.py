"""People, structures and patients as HL7v2 strings inside XDS metadata (CI-SIS profile of XCN, XON, CX and PID)."""

from __future__ import annotations

from hub.connectors.dmp.cda import PERSONS, STRUCTURES, Author, Patient
from hub.connectors.dmp.xmltext import hl7

EXTERNAL = ("3", "5")  # FINESS/... or SIRET/...: an identifier inside a structure


def cx(matricule: str, oid: str) -> str:
    """An INS, without the date of qualification (queries must not carry it)."""
    return f"{matricule}^^^&{oid}&ISO^NH"


def person(author: Author) -> str:
    """A professional (XCN): ``899700000017^MARTIN^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS``."""
    kind = "EI" if author.identifier.startswith(EXTERNAL) else "IDNPS"
    name = f"{hl7(author.family)}^{hl7(author.given)}"
    return f"{hl7(author.identifier)}^{name}^^^^^^&{PERSONS}&ISO^D^^^{kind}"


def institution(author: Author) -> str:
    """A structure (XON): name, then its national identifier."""
    return f"{hl7(author.structure.name)}^^^^^&{STRUCTURES}&ISO^IDNST^^^{hl7(author.structure.identifier)}"


def specialty(author: Author) -> str:
    """``code^label^system`` of JDV_J01."""
    code = author.specialty
    return f"{hl7(code.code)}^{hl7(code.display)}^{code.system}"


def patient_info(patient: Patient) -> tuple[str, ...]:
    """The traits of ``sourcePatientInfo``: birth name, birth date, sex."""
    return (
        f"PID-5|{hl7(patient.birth_name)}^{hl7(patient.first_given)}^^^^^L",
        f"PID-7|{patient.birth_date:%Y%m%d}",
        f"PID-8|{patient.sex.code}",
    )
