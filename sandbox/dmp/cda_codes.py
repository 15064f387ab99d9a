"""Coded elements of the CDA header and the value set each one draws from (CI-SIS, Structuration minimale; DMP lists)."""

from dataclasses import dataclass

from sandbox.dmp import tables
from sandbox.dmp.cda_rules import ENCOUNTER, MAIN, PATIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    what: str
    path: str
    table: str
    attribute: str = "code"
    with_system: bool = True
    in_dmp: bool = False


_NOT_BODY = "[not(ancestor::h:structuredBody)]"
CODES: tuple[Codes, ...] = (
    Codes(what="Le type du document", path="h:code", table=tables.J66_TYPE),
    Codes(what="Le type du document", path="h:code", table=tables.J66_TYPE, in_dmp=True),
    Codes(what="Le sexe du patient", path=f"{PATIENT}/h:patient/h:administrativeGenderCode", table="cda-gender-J143"),
    Codes(what="Le code de l'auteur", path="h:author/h:assignedAuthor/h:code", table=tables.J01_AUTHOR),
    Codes(what="Le code du responsable", path="h:legalAuthenticator/h:assignedEntity/h:code", table=tables.J01_AUTHOR),
    Codes(what="Le code de l'exécutant", path=f"{MAIN}/h:performer/h:assignedEntity/h:code", table=tables.J01_AUTHOR),
    Codes(
        what="Le rôle fonctionnel",
        path="h:author/h:functionCode|h:participant/h:functionCode",
        table="cda-functioncode-J47",
    ),
    Codes(
        what="Le cadre d'exercice", path=f"{MAIN}/h:performer//h:standardIndustryClassCode", table=tables.J04_PRACTICE
    ),
    Codes(
        what="La modalité d'activité",
        path=f"{ENCOUNTER}/h:location/h:healthCareFacility/h:code",
        table=tables.J61_FACILITY,
    ),
    Codes(
        what="La modalité d'activité",
        path=f"{ENCOUNTER}/h:location/h:healthCareFacility/h:code",
        table=tables.J61_FACILITY,
        in_dmp=True,
    ),
    Codes(what="Le type de prise en charge", path=f"{ENCOUNTER}/h:code", table="cda-encounter-code-J142"),
    Codes(
        what="La participation à la prise en charge",
        path=f"{ENCOUNTER}/h:encounterParticipant",
        table="cda-encounter-participation-J140",
        attribute="typeCode",
        with_system=False,
    ),
    Codes(
        what="La participation",
        path="h:participant",
        table="cda-participation-J144",
        attribute="typeCode",
        with_system=False,
    ),
    Codes(what="La relation au patient", path="h:informant/h:relatedEntity/h:code", table="cda-relation-patient-J11"),
    Codes(
        what="La civilité", path=f"//h:prefix{_NOT_BODY}", table="cda-civilite-J245", attribute="", with_system=False
    ),
    Codes(
        what="Le titre d'exercice",
        path=f"//h:suffix{_NOT_BODY}",
        table="cda-titre-J246",
        attribute="",
        with_system=False,
    ),
)
