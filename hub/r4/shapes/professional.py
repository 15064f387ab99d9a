"""A professional in FHIR: Practitioner, PractitionerRole, Organization of the French profiles (fhir.md 10.4, rpps.md 11.4).

Each function fills a new resource, or edits the given one and leaves what it does not know as it is.
"""

from __future__ import annotations

from typing import Any

from hub.domain.identity import Activity, Exercise, Identity, Situation
from hub.r4 import elements, names

Resource = dict[str, Any]

CORE = "https://hl7.fr/ig/fhir/core"
IDENTIFIER_TYPES = f"{CORE}/CodeSystem/fr-core-cs-v2-0203"
FINESS = "https://finess.esante.gouv.fr"
SIRENE = "https://sirene.fr"


def nos(table: str) -> str:
    """URI of a national code system, from its official name: ``TRE_R23-ModeExercice``."""
    return f"https://mos.esante.gouv.fr/NOS/{table}/FHIR/{table.replace('_', '-')}"


CATEGORY = nos("TRE_R09-CategorieProfessionnelle")
SECTOR = nos("TRE_R02-SecteurActivite")
ROLE_CODES = {  # field of an activity -> code system of its slice of PractitionerRole.code
    "kind": nos("TRE_R22-GenreActivite"),
    "mode": nos("TRE_R23-ModeExercice"),
    "role": nos("TRE_R21-Fonction"),
    "section": nos("TRE_R06-SectionTableauCNOP"),
}


def _new(resource: Resource | None, kind: str, profile: str) -> Resource:
    if resource is not None:
        return resource
    return {"resourceType": kind, "meta": {"profile": [f"{CORE}/StructureDefinition/{profile}"]}, "active": True}


def _set_identifiers(resource: Resource, wanted: dict[tuple[str, str], str]) -> None:
    """``wanted``: (type code, system) -> value. Others of these systems go, those of other systems stay."""
    ours = {system for _, system in wanted}
    kept = [part for part in resource.get("identifier", []) if part.get("system") not in ours]
    made = [
        {"use": "official", "type": elements.concept(IDENTIFIER_TYPES, code), "system": system, "value": value}
        for (code, system), value in wanted.items()
        if value
    ]
    if made or kept:
        resource["identifier"] = [*made, *kept]


def practitioner(who: Identity, resource: Resource | None = None) -> Resource:
    """The person: national identifiers, the name in use in the first exercise, qualifications."""
    made = _new(resource, "Practitioner", "fr-core-practitioner")
    rpps = who.national_id[1:] if who.national_id.startswith("8") and len(who.national_id) == 12 else ""
    _set_identifiers(made, {("IDNPS", names.IDNPS): who.national_id, ("RPPS", names.RPPS): rpps})
    first = who.exercises[0] if who.exercises else Exercise(profession="", category="")
    name = {"use": "usual", "family": first.family or who.family, "given": [first.given or who.given]}
    affixes = {"prefix": [who.civility] if who.civility else [], "suffix": [first.title] if first.title else []}
    made["name"] = [name | {key: value for key, value in affixes.items() if value}]
    qualifications = [part for exercise in who.exercises[:1] for part in _qualifications(exercise)]
    if qualifications:
        made["qualification"] = qualifications
    return made


def _qualifications(exercise: Exercise) -> list[Resource]:
    codings = [
        {"system": system, "code": code}
        for system, code in ((names.PROFESSION, exercise.profession), (CATEGORY, exercise.category))
        if code
    ]
    found = [{"code": {"coding": codings}}] if codings else []
    found += [
        {"code": elements.concept(names.SPECIALTY, code)} for _, code in exercise.know_how if code.startswith("SM")
    ]
    return found


def role(situation: Situation, *, who: Resource, where: Resource | None, resource: Resource | None = None) -> Resource:
    """One situation. ``who`` and ``where``: the stored Practitioner and Organization."""
    made = _new(resource, "PractitionerRole", "fr-core-practitioner-role")
    exercise, activity = situation.exercise, situation.activity or Activity()
    made["practitioner"] = {"reference": f"Practitioner/{who['id']}", "display": shown(exercise, who)}
    if where is not None:
        made["organization"] = {"reference": f"Organization/{where['id']}", "display": where.get("name", "")}
    codes = [(names.PROFESSION, exercise.profession), (CATEGORY, exercise.category)]
    codes += [(system, getattr(activity, field)) for field, system in ROLE_CODES.items()]
    made["code"] = [elements.concept(system, code) for system, code in codes if code]
    specialties = [elements.concept(names.SPECIALTY, code) for _, code in exercise.know_how if code.startswith("SM")]
    if specialties:
        made["specialty"] = specialties
    if activity.phone and "telecom" not in made:
        made["telecom"] = [{"system": "phone", "value": activity.phone, "use": "work"}]
    return {name: value for name, value in made.items() if value != []}


def shown(exercise: Exercise, who: Resource) -> str:
    """« Dr Hélène VASSEUR »: the names of exercise, else those of the Practitioner."""
    name = who["name"][0]
    title = {"DR": "Dr ", "PR": "Pr "}.get(exercise.title, "")
    return f"{title}{exercise.given or name['given'][0]} {exercise.family or name['family']}"


def organization(activity: Activity, resource: Resource | None = None) -> Resource:
    """The structure where an activity takes place."""
    made = _new(resource, "Organization", "fr-core-organization")
    wanted = {
        ("IDNST", names.IDNST): activity.structure_id,
        ("FINEG", FINESS): activity.finess,
        ("SIRET", SIRENE): activity.siret,
    }
    _set_identifiers(made, wanted)
    made["name"] = activity.name or activity.trade_name or made.get("name") or "Structure sans nom"
    if activity.sector:
        made["type"] = [elements.concept(SECTOR, activity.sector)]
    if activity.commune:
        made["address"] = [_address(activity)]
    if activity.phone:
        made["telecom"] = [{"system": "phone", "value": activity.phone, "use": "work"}]
    return made


def _address(activity: Activity) -> Resource:
    known = {
        "line": [activity.street] if activity.street else [],
        "postalCode": activity.postal_code,
        "city": activity.city,
    }
    coding = {"system": names.COMMUNE, "code": activity.commune}
    marked = {"extension": [{"url": names.COMMUNE_EXTENSION, "valueCoding": coding}], "use": "work", "country": "FRA"}
    return {**marked, **{name: value for name, value in known.items() if value}}
