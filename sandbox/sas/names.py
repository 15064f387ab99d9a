"""Identifier systems, code systems and canonicals of a level-2 handoff (SAS specification 7 and 17, FHIR 9.5)."""

CANONICAL = "https://hub.example.org/fhir"
DOSSIER = f"{CANONICAL}/ns/sas-dossier"
SAS_PATIENT = f"{CANONICAL}/ns/sas-patient"
HUBSANTE_CLIENT = f"{CANONICAL}/ns/hubsante-client"

IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"
SAS_TECHNICAL = "urn:oid:1.2.250.1.213.3.6"
IDENTIFIER_TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
CORE = "https://hl7.fr/ig/fhir/core"
COMMUNES = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
SPECIALITIES = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
ORIENTATION = "https://interop.esante.gouv.fr/ig/fhir/sas/CodeSystem/categorie-orientation-sas-codesystem"
STRUCTURE_KINDS = "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement"

CLIENT = "fr.health.samu950"  # of this SAS, at the token door and on the Hub Santé
CERTIFICATE = "sas-client"
FHIR_JSON = "application/fhir+json"


def code_system(name: str) -> str:
    return f"{CANONICAL}/CodeSystem/{name}"
