"""The national directory in FHIR: Practitioner, PractitionerRole, Organization as the Annuaire Santé publishes them (rpps.md 11.4).

Pure, and never stored. Each function takes what the extraction says, by the keys of rpps.md 4, with beside them ``load``, ``stamp``
and ``loaded_at`` of the load that last changed it, and lists: ``skills`` ([type, code]), ``diplomas`` ([type, code, authorisation,
its field]), ``mailboxes`` ([address, kind, service]). ``labels`` gives the words of codes that our tables do not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.r4 import elements, names
from hub.r4.shapes import directory_ids
from hub.r4.shapes.directory_codes import Coding, Labels, profession, role_code, section, skill
from hub.r4.shapes.professional import CORE, FINESS, IDENTIFIER_TYPES, SIRENE, nos

Resource = dict[str, Any]
Row = Mapping[str, Any]

ANNUAIRE = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition"
ISO21090 = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP"
RPPSRANG = "https://rppsrang.esante.gouv.fr"
SECURE = nos("TRE_R256-TypeMessagerie")
MAILBOX_KIND = nos("TRE_R257-TypeBAL")
LINE = (  # column -> extension of Address.line
    ("address_recipient", "careOf"), ("address_extra", "additionalLocator"), ("house_number", "houseNumber"),
    ("house_number_suffix", "buildingNumberSuffix"), ("street_type_code", "streetNameType"), ("street", "streetNameBase"),
    ("postal_box", "postBox"),
)  # fmt: skip


def load_system() -> str:
    """The code system of the tag by which a resource of the directory is known: its code is the stamp of a load."""
    return names.system("directory-load")


def practitioner_id(row: Row) -> str:
    """The id of an exercise: person, profession, category. ``exercise``: the number of its row."""
    return directory_ids.id_of_part(row["national_id"], (row["profession_code"], row["category_code"]), row["exercise"])


def role_parts(row: Row) -> tuple[str, ...]:
    """What distinguishes an activity among those of a person (rpps.md 5.1)."""
    place = row["structure_key"] or str(row["structure"])
    exercise = (row["profession_code"], row["category_code"])
    work = (row["mode_code"], row["role_code"], row["activity_kind_code"], row["pharmacist_section_code"])
    return (*exercise, place, *work)


def role_id(row: Row) -> str:
    """The id of an activity. ``situation``: the number of its row."""
    return directory_ids.id_of_part(row["national_id"], role_parts(row), row["situation"])


def organization_id(row: Row) -> str:
    """The id of a structure: its key, else the number of its row."""
    return directory_ids.id_of_text(row["structure_key"], row["structure"])


def _begun(kind: str, id: str, row: Row, *profiles: str, authority: str) -> Resource:
    """A resource with its meta: profiles, where it comes from, which load."""
    trace: list[Resource] = [{"url": "systeme-information", "valueCode": "RPPS"}]
    if authority:
        said = {"coding": [{"code": authority}], "text": authority}
        trace.insert(0, {"url": "autorite-enregistrement", "valueCodeableConcept": said})
    stamp = row["stamp"] or f"{row['loaded_at']:%Y%m%d%H%M}"
    tag = {"system": load_system(), "code": stamp, "display": f"Extraction {stamp[6:8]}/{stamp[4:6]}/{stamp[:4]}"}
    meta = {
        "extension": [{"url": f"{ANNUAIRE}/as-ext-data-trace", "extension": trace}],
        "versionId": str(row["load"]),
        "lastUpdated": elements.written(row["loaded_at"]),
        "source": names.base(),
        "profile": list(profiles),
        "tag": [tag],
    }
    return {"resourceType": kind, "id": id, "meta": meta, "language": "fr", "active": True}


def _authority(row: Row, place: int) -> str:
    """One of the three names of column 48: who registers the person, the activity, the structure (rpps.md 5.3)."""
    parts = (row["authority"] or "").split("/")
    return parts[place].strip() if place < len(parts) else ""


def _identifiers(wanted: Iterable[tuple[str, str, str]]) -> list[Resource]:
    """From (type, system, value), those that have a value."""
    return [
        {"use": "official", "type": elements.concept(IDENTIFIER_TYPES, code), "system": system, "value": value}
        for code, system, value in wanted
        if value
    ]


def _mailboxes(row: Row) -> list[Resource]:
    """Secure mailboxes: the only e-mails that are marked so (rpps.md 11.4)."""
    found = []
    for address, kind, service in row["mailboxes"] or ():
        about: list[Resource] = (
            [{"url": "type", "valueCodeableConcept": elements.concept(MAILBOX_KIND, kind)}] if kind else []
        )
        about += [{"url": "service", "valueString": service}] if service else []
        marks: list[Resource] = [{"url": f"{CORE}/StructureDefinition/fr-core-contact-point-email-type",
                  "valueCoding": {"system": SECURE, "code": "MSSANTE"}}]  # fmt: skip
        marks += [{"url": f"{ANNUAIRE}/as-ext-mailbox-mss-metadata", "extension": about}] if about else []
        found.append({"extension": marks, "system": "email", "value": address})
    return found


def _filled(resource: Resource, more: Mapping[str, Any]) -> Resource:
    return {**resource, **{name: value for name, value in more.items() if value}}


def practitioner(row: Row, labels: Labels) -> Resource:
    """A person in one exercise: the profile has room for one profession in one category (rpps.md 11.6)."""
    rpps = row["identifier"] if row["id_type"] == "8" else ""
    # as-dp-practitioner demands an RPPS number: the old register has none.
    profiles = [f"{CORE}/StructureDefinition/fr-core-practitioner"] + (
        [f"{ANNUAIRE}/as-dp-practitioner"] if rpps else []
    )
    made = _begun("Practitioner", practitioner_id(row), row, *profiles, authority=_authority(row, 0))
    name = _filled(
        {"use": "usual"},
        {
            "family": row["family"],
            "given": [row["given"]] if row["given"] else [],
            "prefix": [row["title_code"]] if row["title_code"] else [],
            "suffix": [row["practice_title_code"]] if row["practice_title_code"] else [],
        },
    )
    numbers = (("IDNPS", names.IDNPS, row["national_id"]), ("RPPS", names.RPPS, rpps))
    return _filled(
        made,
        {
            "extension": [_authorization(one, labels) for one in row["diplomas"] or () if one[2] or one[3]],
            "identifier": _identifiers(numbers),
            "name": [name],
            "telecom": _mailboxes(row),
            "qualification": _qualifications(row, labels),
        },
    )


def _qualifications(row: Row, labels: Labels) -> list[Resource]:
    work = [profession(row["profession_code"], labels), labels.coding("TRE_R09", "category", row["category_code"])]
    slices: list[list[Coding | None]] = [[one for one in work if one]]
    slices += [[labels.coding("TRE_R04", "skill_type", kind), skill(code)] for kind, code in row["skills"] or ()]
    slices += [
        [labels.coding("TRE_R14", "diploma_type", kind), labels.coding("TRE_R48", "diploma", code, known_only=True)]
        for kind, code, _, _ in row["diplomas"] or ()
        if kind or code
    ]
    texts = [labels.said("profession", row["profession_code"])]
    texts += [labels.said("skill", code) for _, code in row["skills"] or ()]
    texts += [labels.said("diploma", code) for kind, code, _, _ in row["diplomas"] or () if kind or code]
    found = []
    for codings, text in zip(slices, texts, strict=True):
        kept = [one for one in codings if one]
        concept = _filled({}, {"coding": kept, "text": text if len(kept) < 2 else ""})
        found += [{"code": concept}] if concept else []
    return found


def _authorization(diploma: Sequence[str], labels: Labels) -> Resource:
    _, _, kind, field = diploma
    parts: list[Resource] = []
    coding = labels.coding("TRE_R17", "authorization_type", kind)
    if coding:
        parts.append({"url": "type", "valueCodeableConcept": {"coding": [coding]}})
    if field:
        said = labels.said("authorization_field", field)
        concept = _filled({"coding": [_filled({"code": field}, {"display": said})]}, {"text": said})
        parts.append({"url": "field", "valueCodeableConcept": concept})
    return {"url": f"{ANNUAIRE}/as-ext-practitioner-authorization", "extension": parts}


def role(row: Row, labels: Labels) -> Resource:
    """One activity. It says fr-core alone: as-dp-practitionerrole demands a number that the extraction does not hold."""
    made = _begun(
        "PractitionerRole",
        role_id(row),
        row,
        f"{CORE}/StructureDefinition/fr-core-practitioner-role",
        authority=_authority(row, 1),
    )
    who = " ".join(part for part in (row["given"], row["family"]) if part)
    codings = [
        labels.coding("TRE_R22", "activity_kind", row["activity_kind_code"]),
        labels.coding("TRE_R23", "mode", row["mode_code"]),
        role_code(row["role_code"], labels),
        section(row["pharmacist_section_code"], labels),
    ]
    where: Resource = {}
    if row["structure"]:
        where = {"reference": f"Organization/{organization_id(row)}"}
        where = _filled(where, {"display": row["structure_name"] or row["structure_alias"]})
    specialties = [
        {"coding": [coding]}
        for _, code in row["skills"] or ()
        if (coding := skill(code)) and coding["system"] == names.SPECIALTY
    ]
    return _filled(
        made,
        {
            "practitioner": _filled({"reference": f"Practitioner/{practitioner_id(row)}"}, {"display": who}),
            "organization": where,
            "code": [{"coding": [one]} for one in codings if one],
            "specialty": specialties,
            "telecom": _mailboxes(row),
        },
    )


def organization(row: Row, labels: Labels) -> Resource:
    """One structure, with its legal entity as a reference by number: the directory holds no more of it."""
    profiles = (f"{CORE}/StructureDefinition/fr-core-organization", f"{ANNUAIRE}/as-dp-organization")
    made = _begun("Organization", organization_id(row), row, *profiles, authority=_authority(row, 2))
    numbers = (
        ("IDNST", names.IDNST, row["structure_national_id"]),
        ("FINEG", FINESS, row["finess"]),
        ("SIRET", SIRENE, row["siret"]),
        ("SIREN", SIRENE, row["siren"]),
        ("INTRN", RPPSRANG, row["structure_id"]),
    )
    sector = labels.coding("TRE_R02", "sector", row["sector_code"] or "")
    mark = {"url": f"{ANNUAIRE}/as-ext-organization-types", "valueCode": "secteurActiviteRASS"}
    entity = _identifiers([("FINEJ", FINESS, row["finess_ej"])])
    title = row["structure_name"] or row["structure_alias"]
    return _filled(
        made,
        {
            "identifier": _identifiers(numbers),
            "type": [{"extension": [mark], "coding": [sector]}] if sector else [],
            "name": title or (f"Structure {row['structure_key']}".strip()),
            "alias": [row["structure_alias"]] if row["structure_alias"] else [],
            "telecom": [*_phones(row), *_mailboxes(row)],
            "address": _addresses(row, labels),
            "partOf": {"type": "Organization", "identifier": entity[0]} if entity else {},
        },
    )


def _phones(row: Row) -> list[Resource]:
    found: list[Resource] = [
        {"system": "phone", "value": row[column], "rank": rank}
        for rank, column in enumerate(("phone", "phone2"), start=1)
        if row[column]
    ]
    found += [{"system": "fax", "value": row["fax"]}] if row["fax"] else []
    found += [{"system": "email", "value": row["email"]}] if row["email"] else []  # ordinary mail: no mark
    return found


def _addresses(row: Row, labels: Labels) -> list[Resource]:
    """The address in parts, and as lines of an envelope; nothing when nothing is known."""
    parts: list[Resource] = [
        {"url": f"{ISO21090}-{name}", "valueString": row[column]} for column, name in LINE if row[column]
    ]
    line = " ".join(envelope(row, labels))
    lines: Resource = {"line": [line]} if line else {}
    if line and parts:
        lines["_line"] = [{"extension": parts}]
    if row["post_office"]:
        lines["line"] = [*lines.get("line", []), row["post_office"]]
        if "_line" in lines:
            lines["_line"] = [*lines["_line"], None]
    commune = {"system": names.COMMUNE, "code": row["commune_code"]}
    address = _filled(
        {},
        {
            "extension": [{"url": names.COMMUNE_EXTENSION, "valueCoding": commune}] if row["commune_code"] else [],
            **lines,
            "city": row["commune"],
            "district": row["department_code"],
            "postalCode": row["postcode"],
            "country": row["country_code"],
        },
    )
    return [address] if address else []


def envelope(row: Row, labels: Labels) -> list[str]:
    """The parts of the street line, in the order of an envelope. The type of street is not printed twice (rpps.md 7)."""
    kind = labels.words("TRE_R35", "street_type", row["street_type_code"])
    street = row["street"]
    if street.upper().split(" ")[0] in {kind.upper(), row["street_type_code"].upper()}:
        kind = ""
    parts = (
        row["address_recipient"],
        row["address_extra"],
        row["house_number"],
        row["house_number_suffix"],
        kind,
        street,
    )
    return [part for part in (*parts, row["postal_box"]) if part]
