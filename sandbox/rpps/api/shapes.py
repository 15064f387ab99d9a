"""Practitioner and PractitionerRole as the API serves them (profiles as-dp-*, guide ans.fhir.fr.annuaire 1.1.0)."""

from sandbox.rpps import extraction
from sandbox.rpps.api.systems import (
    ANNUAIRE,
    FR_CORE,
    PERSONS,
    RPPS,
    Json,
    coding,
    concept,
    extension,
    identifier,
)
from sandbox.rpps.model import Activity, Exercise, Person

CARDS = 3  # one person in so many has a card in the answers
PROFILES = {
    "Practitioner": ("fr-core-practitioner", "as-dp-practitioner"),
    "PractitionerRole": ("fr-core-practitioner-role", "as-dp-practitionerrole"),
    "Organization": ("fr-core-organization", "as-dp-organization"),
    "HealthcareService": ("fr-core-healthcare-service", "as-dp-healthcareservice-healthcare-activity"),
    "Device": ("", "as-dp-device"),
}


def opened(kind: str, id: str, own: str = "") -> Json:
    """A resource that is there; its version and dates are put in by the register. `own` replaces the usual as-dp profile."""
    core, usual = PROFILES[kind]
    profiles = [f"{FR_CORE}{core}"] if core else []
    meta = {"profile": [*profiles, f"{ANNUAIRE}{own or usual}"]}
    return {"resourceType": kind, "id": id, "meta": meta, "language": "fr"}


def mailbox(address: str, kind: str, service: str = "") -> Json:
    """An e-mail that is a secure mailbox: only the coding MSSANTE says so."""
    facts: list[Json] = [{"url": "type", "valueCodeableConcept": concept("mailbox", kind)}]
    if service:
        facts.append({"url": "service", "valueString": service})
    mark = {"url": f"{FR_CORE}fr-core-contact-point-email-type", "valueCoding": coding("messaging", "MSSANTE")}
    more = [mark, extension("as-ext-mailbox-mss-metadata", *facts)]
    return {"extension": more, "system": "email", "value": address}


def practitioner(id: str, person: Person, exercise: Exercise) -> Json:
    """One exercise of one person."""
    made = {**opened("Practitioner", id), "identifier": person_identifiers(person), "active": True}
    extensions = [*_cards(person, exercise), *_authorisations(exercise)]
    if extensions:
        made["extension"] = extensions
    name: Json = {"use": "usual", "family": exercise.family, "given": [exercise.given]}
    if person.title:
        name["prefix"] = [person.title]
    if exercise.practice_title:
        name["suffix"] = [exercise.practice_title]
    made["name"] = [name]
    if None in extraction.attachments(person):
        made["telecom"] = [mailbox(person.mailbox, "PER")]
    made["qualification"] = _qualifications(exercise)
    return made


def person_identifiers(person: Person) -> list[Json]:
    return [
        identifier(PERSONS, person.national_id, "IDNPS"),
        identifier(RPPS, person.identifier, "RPPS"),
    ]


def role_identifiers(situation: str) -> list[Json]:
    """The situation of exercise: the same system as RPPS numbers, another thing."""
    return [identifier(RPPS, situation, "INTRN")]


def role(id: str, person: Person, activity: Activity, references: Json) -> Json:
    """One activity; `references` are its `practitioner` and, mostly, its `organization`."""
    made = {**opened("PractitionerRole", id), "identifier": role_identifiers(id.rpartition("-")[2]), "active": True}
    made.update(references)
    codes = (
        ("activity_kind", activity.kind),
        ("mode", activity.mode),
        ("role", activity.raw.get("role_code", activity.role)),
        ("pharmacist_section", activity.section),
    )
    made["code"] = [concept(table, code) for table, code in codes if code]
    if activity in extraction.attachments(person):
        made["telecom"] = [mailbox(person.mailbox, "PER")]
    return made


def _qualifications(exercise: Exercise) -> list[Json]:
    pairs = [(("profession", exercise.profession), ("category", exercise.category))]
    pairs += [(("skill_type", extraction.skill_type(code)), ("skill", code)) for code in exercise.skills]
    degree = extraction.DEGREES.get(exercise.profession)
    if degree and exercise.category == "C":
        pairs.append((("degree_type", "DE"), ("degree", degree)))
    return [{"code": {"coding": [coding(table, code) for table, code in pair if code]}} for pair in pairs]


def _authorisations(exercise: Exercise) -> list[Json]:
    """As printed in Dipl_AutExerc."""
    if (exercise.profession, exercise.category) != ("10", "C"):
        return []
    parts = [
        {"url": "type", "valueCodeableConcept": concept("authorisation", "AM01")},
        {"url": "profession", "valueCodeableConcept": concept("profession", exercise.profession)},
    ]
    return [extension("as-ext-practitioner-authorization", *parts)]


def _cards(person: Person, exercise: Exercise) -> list[Json]:
    """A card for some of them; its number is invented."""
    if extraction.drawn(person) % CARDS:
        return []
    number = f"99{extraction.drawn(person) % 100_000_000:08d}"
    kind = "CPF" if exercise.category == "E" else "CPS"
    parts: list[Json] = [
        {"url": "type", "valueCodeableConcept": concept("card", kind)},
        {"url": "number", "valueString": number},
        {"url": "period", "valuePeriod": {"start": "2025-02-03", "end": "2028-02-02"}},
    ]
    return [extension("as-ext-smartcard", *parts)]
