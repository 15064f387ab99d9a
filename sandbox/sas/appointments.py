"""INT_R03, the platform's side: what is verified in an appointment from the hub (SAS specification 6.7, 7, 10). Pure."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from sandbox.sas import names
from sandbox.sas.tasks import Finding, Resource, must

PROFILE = "http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS"
OPERATOR = "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator"
CATEGORY = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/sas-categorie-orientation"
CATEGORIES = frozenset(
    {
        *((names.ORIENTATION, code) for code in ("001", "002", "003")),
        *((names.STRUCTURE_KINDS, code) for code in ("604", "603", "124")),
    }
)
STATUSES = frozenset({"pending", "booked", "fulfilled", "noshow", "cancelled"})
# Nothing follows a final status.
FOLLOWING: dict[str, frozenset[str]] = {
    "pending": frozenset({"pending", "booked", "cancelled"}),
    "booked": frozenset({"booked", "fulfilled", "noshow", "cancelled"}),
}
# With a numeric offset, never Z; the platform wants three digits of milliseconds too, its own examples forget them.
INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?[+-]\d{2}:\d{2}$")
NATIONAL_ID = re.compile(r"^(8\d{11}|0[0-9A-Z]{9}|[13-6][0-9A-Z]+/.+)$")


def identifier_of(appointment: Resource) -> tuple[str, str]:
    """System and value of the first identifier, empty when absent."""
    first = next(iter(appointment.get("identifier", [])), None)
    found: Resource = first if isinstance(first, dict) else {}
    return str(found.get("system", "")), str(found.get("value", ""))


def examine(appointment: Resource, operators: frozenset[str], before: Resource | None) -> list[Finding]:
    """`operators` are the identifiers of regulators known to the platform; `before` the version it holds."""
    status = str(appointment.get("status", ""))
    system, value = identifier_of(appointment)
    profiles = appointment.get("meta", {}).get("profile", [])
    times = [str(appointment.get(name, "")) for name in ("start", "end")]
    found = [
        must("Profil FrAppointmentSAS, et lui seul", profiles == [PROFILE], "SAS 2", " ".join(map(str, profiles))),
        must("Un identifiant : système, UUID", bool(system) and _is_uuid(value), "SAS 6.7", f"{system}|{value}"),
        must("Statut permis", status in STATUSES, "SAS 6.7", status),
        must("Début puis fin, avec un décalage en chiffres", _in_order(times), "SAS 7", " ".join(times)),
        Finding(check=must("Début et fin à la milliseconde", all("." in one for one in times), "SAS 7").check),
        must("Aucune personne prise en charge", not _speaks_of_a_patient(appointment), "SAS 10"),
        *_operator(appointment, operators),
        *_category(appointment),
        *_participants(appointment, status),
    ]
    if before is not None:
        held = str(before.get("status", ""))
        allowed = status == held or status in FOLLOWING.get(held, ())
        found.append(must("Suite permise au statut connu", allowed, "SAS 10", f"{held} → {status}"))
    return found


def _operator(appointment: Resource, operators: frozenset[str]) -> list[Finding]:
    extensions = [one for one in appointment.get("extension", []) if one.get("url") == OPERATOR]
    identifier = extensions[0].get("valueReference", {}).get("identifier", {}) if extensions else {}
    kinds = {coding.get("code") for coding in identifier.get("type", {}).get("coding", [])}
    typed = kinds <= {"IDNPS", "INTRN"} and len(kinds) == 1 and bool(identifier.get("system"))
    value = str(identifier.get("value", ""))
    return [
        must("Un régulateur, identifié et typé", len(extensions) == 1 and typed, "SAS 6.7"),
        must("Régulateur connu de la plateforme", value in operators, "SAS 10", value),
    ]


def _category(appointment: Resource) -> list[Finding]:
    extensions = [one for one in appointment.get("extension", []) if one.get("url") == CATEGORY]
    codings = [
        (coding.get("system"), coding.get("code"))
        for one in extensions
        for coding in one.get("valueCodeableConcept", {}).get("coding", [])
    ]
    right = len(extensions) <= 1 and set(codings) <= CATEGORIES and len(codings) == len(extensions)
    return [must("Catégorie d’orientation de la liste", right, "SAS 7", str(codings))]


def _participants(appointment: Resource, status: str) -> list[Finding]:
    participants = appointment.get("participant", [])
    answers = {str(one.get("status", "")) for one in participants}
    wanted = {"needs-action"} if status == "pending" else {"accepted"}
    return [
        must("Un seul participant, le médecin, par IDNPS", _is_one_doctor(participants), "SAS 10"),
        must(
            "Réponse du participant selon le statut",
            answers <= {"accepted", "needs-action"},
            "SAS 6.7",
            " ".join(answers),
        ),
        Finding(check=must("needs-action tant que le patient n’a pas confirmé", answers == wanted, "SAS 10").check),
    ]


def _is_one_doctor(participants: list[Any]) -> bool:
    if len(participants) != 1:
        return False
    identifier = participants[0].get("actor", {}).get("identifier", {})
    kinds = {coding.get("code") for coding in identifier.get("type", {}).get("coding", [])}
    value = str(identifier.get("value", ""))
    return kinds == {"IDNPS"} and identifier.get("system") == names.IDNPS and bool(NATIONAL_ID.match(value))


def _speaks_of_a_patient(appointment: Resource) -> bool:
    references = [str(one.get("actor", {}).get("reference", "")) for one in appointment.get("participant", [])]
    return any(reference.startswith("Patient") for reference in references) or "contained" in appointment


def _in_order(times: list[str]) -> bool:
    return all(map(INSTANT.match, times)) and datetime.fromisoformat(times[0]) < datetime.fromisoformat(times[1])


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
