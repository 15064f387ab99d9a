"""Our own names in FHIR: identifier systems, code systems, extensions (fhir.md 9.5), and the few national ones used beside them.

All of ours begin with the setting ``fhir.canonical_base``, fixed once and for all and independent of the host name. It is given
to the process once, at start, by :func:`use`.
"""

from __future__ import annotations

SANDBOX_BASE = "https://hub.example.org/fhir"

IDNPS = "urn:oid:1.2.250.1.71.4.2.1"  # national identifier of a professional, with its prefix
RPPS = "https://rpps.esante.gouv.fr"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"  # national identifier of a structure, with its prefix
PROFESSION = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
SPECIALTY = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
COMMUNE = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
COMMUNE_EXTENSION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
RELIABILITY_EXTENSION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"
BIRTH_GIVEN_EXTENSION = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name"
BIRTH_PLACE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
NOTE_TYPE = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
VISIBILITY = "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
EMERGENCY_EXTENSION = "https://interop.esante.gouv.fr/ig/fhir/cdl/StructureDefinition/cdl-ext-is-emergency"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


class _Canonical:
    """Where :func:`use` keeps the base of this process."""

    value: str = SANDBOX_BASE


def use(canonical_base: str) -> None:
    """Fix the base of all our names for this process; called once by the composition floor."""
    _Canonical.value = canonical_base.rstrip("/")


def base() -> str:
    """``{canonical_base}``, without a final slash."""
    return _Canonical.value


def ns(name: str) -> str:
    """One of our identifier systems, ``{canonical_base}/ns/<name>``."""
    return f"{_Canonical.value}/ns/{name}"


def system(name: str) -> str:
    """One of our code systems, ``{canonical_base}/CodeSystem/<name>``."""
    return f"{_Canonical.value}/CodeSystem/{name}"


def structure(name: str) -> str:
    """One of our profiles or extensions, ``{canonical_base}/StructureDefinition/hub-<name>``."""
    return f"{_Canonical.value}/StructureDefinition/hub-{name}"
