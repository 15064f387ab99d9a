"""Organization as the API serves it: a place, its address in parts, and the legal entity above it."""

from sandbox.rpps import extraction, tables
from sandbox.rpps.api.shapes import mailbox, opened
from sandbox.rpps.api.systems import (
    ADDRESS_PART,
    ANNUAIRE,
    FINESS,
    FR_CORE,
    ORGANIZATION_TYPES,
    RPPS_RANG,
    SIRENE,
    STRUCTURES,
    Json,
    coding,
    identifier,
)
from sandbox.rpps.model import Structure

STREET = (
    ("house_number", "houseNumber"),
    ("house_number_suffix", "buildingNumberSuffix"),
    ("street_type_code", "streetNameType"),
    ("street", "streetNameBase"),
)
WHOLE_LINES = (("address_recipient", "careOf"), ("address_extra", "additionalLocator"))
PHARMACY = "SA33"
NAMED_LIKE_PLACES = " (ENTITE JURIDIQUE)"


def identifiers(place: Structure) -> list[Json]:
    found = (
        (STRUCTURES, place.structure_national_id, "IDNST", "official"),
        (FINESS, place.finess, "FINEG", "official"),
        (SIRENE, place.siren, "SIREN", "official"),
        (SIRENE, place.siret, "SIRET", "official"),
        (RPPS_RANG, place.structure_id, "RPPSRG", "official"),
    )
    return [identifier(uri, value, kind, use) for uri, value, kind, use in found if value]


def organization(id: str, place: Structure, sector: str, legal: str = "") -> Json:
    """A geographical place; `legal` is the id of its legal entity."""
    made = {**opened("Organization", id), "identifier": identifiers(place), "active": True}
    if sector == PHARMACY and place.finess:
        made["extension"] = [
            {"url": f"{ANNUAIRE}as-ext-organization-pharmacy-licence", "valueString": f"95#{place.finess[3:]}"}
        ]
    made["type"] = [_typed("organizationType", {"system": ORGANIZATION_TYPES, "code": "GEOGRAPHICAL-ENTITY"})]
    if sector:
        made["type"].append(_typed("secteurActiviteRASS", coding("sector", sector)))
    made["name"] = place.structure_name
    if place.structure_alias:
        made["alias"] = [place.structure_alias]
    if telecom := _telecom(place):
        made["telecom"] = telecom
    made["address"] = [_address(place)]
    if legal:
        made["partOf"] = {"reference": f"Organization/{legal}"}
    return made


def legal_entity(id: str, place: Structure) -> Json:
    made = {**opened("Organization", id), "identifier": legal_identifiers(place), "active": True}
    made["type"] = [_typed("organizationType", {"system": ORGANIZATION_TYPES, "code": "LEGAL-ENTITY"})]
    made["name"] = f"{place.structure_name}{NAMED_LIKE_PLACES}"
    return made


def legal_identifiers(place: Structure) -> list[Json]:
    return [
        identifier(STRUCTURES, f"1{place.finess_ej}", "IDNST"),
        identifier(FINESS, place.finess_ej, "FINEJ"),
    ]


def _typed(slice_name: str, code: Json) -> Json:
    return {"extension": [{"url": f"{ANNUAIRE}as-ext-organization-types", "valueCode": slice_name}], "coding": [code]}


def _telecom(place: Structure) -> list[Json]:
    phones = [
        {"system": "phone", "value": one, "rank": rank} for rank, one in enumerate((place.phone, place.phone2), 1)
    ]
    made = [phone for phone in phones if phone["value"]]
    made += [{"system": "fax", "value": place.fax}] if place.fax else []
    made += [{"system": "email", "value": place.email}] if place.email else []
    secure = extraction.organisation_mailbox(place)
    return made + ([mailbox(secure, "ORG", extraction.SERVICE)] if secure else [])


def _part(name: str, value: str) -> Json:
    return {"url": f"{ADDRESS_PART}{name}", "valueString": value}


def _address(place: Structure) -> Json:
    lines: list[str] = []
    details: list[Json | None] = []
    for key, name in WHOLE_LINES:
        if value := getattr(place, key):
            lines.append(value)
            details.append({"extension": [_part(name, value)]})
    parts = [_part(name, getattr(place, key)) for key, name in STREET if getattr(place, key)]
    if parts:
        words = (
            place.house_number,
            place.house_number_suffix,
            tables.label("street_type", place.street_type_code),
            place.street,
        )
        lines.append(" ".join(word for word in words if word))
        details.append({"extension": parts})
    if place.postal_box:
        lines.append(place.postal_box)
        details.append({"extension": [_part("postBox", place.postal_box)]})
    if place.post_office:
        lines.append(place.post_office)
        details.append(None)
    made: Json = {}
    if place.commune_code:
        insee = {"url": f"{FR_CORE}fr-core-address-insee-code", "valueCoding": coding("commune", place.commune_code)}
        made["extension"] = [insee]
    made |= {"line": lines, "_line": details} if lines else {}
    made |= {"city": place.commune} if place.commune else {}
    return made | ({"postalCode": place.postcode} if place.postcode else {})
