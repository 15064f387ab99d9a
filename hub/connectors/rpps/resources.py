"""Practitioner, PractitionerRole and Organization of the FHIR API, read into the columns of the extraction (rpps.md 4, 11.4). Pure.

Nothing here knows what is served: what the API does not tell is not made up. Raises ``Malformed``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hub.connectors.rpps import codings, reach
from hub.connectors.rpps.mapping import WHERE
from hub.connectors.rpps.reach import Malformed, Object
from hub.r4 import names
from hub.r4.shapes.directory import ANNUAIRE, ISO21090, LINE, RPPSRANG
from hub.r4.shapes.professional import CORE, FINESS, SIRENE

SECURE, SECURE_CODE = f"{CORE}/StructureDefinition/fr-core-contact-point-email-type", "MSSANTE"
ABOUT_MAILBOX = f"{ANNUAIRE}/as-ext-mailbox-mss-metadata"
STREET_SIDE = {f"{ISO21090}-{name}": key for key, name in LINE}
LOCALITY = f"{ANNUAIRE}/as-ext-lieu-dit"
RANG = re.compile(r"[FCR]\w{9,14}")  # the key of a structure, which stands under two systems
LEGAL = "FINEJ"
UNTOLD = ("country_code", "department_code")  # an address without them says nothing of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A secure mailbox as a resource bears it. ``kind``: TRE_R257."""

    address: str
    kind: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """A person in one exercise. ``cells``: by column; ``skills``: type and code; ``diplomas``: type, code, authorisation and its
    field; ``unread``: codings that no column takes.
    """

    id: str
    national_id: str
    is_active: bool
    authority: str
    cells: Mapping[str, str]
    skills: tuple[tuple[str, str], ...]
    diplomas: tuple[tuple[str, str, str, str], ...]
    mailboxes: tuple[Mailbox, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One activity. ``practitioner`` and ``organization``: ids, ``""`` when the resource names none."""

    id: str
    is_active: bool
    practitioner: str
    organization: str
    authority: str
    cells: Mapping[str, str]
    mailboxes: tuple[Mailbox, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One structure. ``cells``: the columns it tells, empty ones too; ``part_of``: id of its legal entity, whose own ``cells`` hold
    nothing but ``finess_ej``."""

    id: str
    is_active: bool
    is_legal: bool
    part_of: str
    authority: str
    sector: str
    cells: Mapping[str, str]
    mailboxes: tuple[Mailbox, ...]

    @property
    def key(self) -> str:
        """Of the structure: column 24, else column 47 (rpps.md 5.1)."""
        return self.cells["structure_id"] or self.cells["structure_national_id"]


def national_id(resource: Object) -> str:
    """Whom a Practitioner is about."""
    numbers = {
        reach.text(one, "system"): reach.text(one, "value").strip() for one in reach.objects(resource, "identifier")
    }
    found = numbers.get(names.IDNPS) or (f"8{numbers[names.RPPS]}" if numbers.get(names.RPPS) else "")
    if not found:
        raise Malformed("identifier tells nobody")
    return found


def practitioner(resource: Object) -> Practitioner:
    """Read a Practitioner; one that is not active holds little more than its numbers."""
    titles = reach.objects(resource, "name")
    name = next((one for one in titles if one.get("use") == "usual"), titles[0] if titles else {})
    numbers = {reach.text(one, "system"): reach.text(one, "value") for one in reach.objects(resource, "identifier")}
    cells = {
        "identifier": numbers.get(names.RPPS, ""),
        "family": reach.text(name, "family"),
        "given": (reach.texts(name, "given") or [""])[0],
        "title_code": (reach.texts(name, "prefix") or [""])[0],
        "practice_title_code": (reach.texts(name, "suffix") or [""])[0],
        "profession_code": "",
        "category_code": "",
    }
    skills, diplomas, unread = [], [], list[str]()
    for one in reach.objects(resource, "qualification"):
        found, left = codings.read(one.get("code"), codings.QUALIFICATION)
        unread += left
        if "profession" in found or "category" in found:
            cells["profession_code"] = found.get("profession", "")
            cells["category_code"] = found.get("category", "")
        if "skill" in found:
            skills.append((found.get("skill_type", ""), found["skill"]))
        if "diploma" in found or "diploma_type" in found:
            diplomas.append((found.get("diploma_type", ""), found.get("diploma", ""), "", ""))
    return Practitioner(
        id=reach.text(resource, "id"),
        national_id=national_id(resource),
        is_active=reach.flag(resource, "active"),
        authority=_authority(resource),
        cells=cells,
        skills=tuple(dict.fromkeys(skills)),
        diplomas=tuple(dict.fromkeys([*diplomas, *_authorizations(resource)])),
        mailboxes=_mailboxes(resource),
        unread=tuple(unread),
    )


def role(resource: Object) -> Role:
    """Read a PractitionerRole. A coding without any system is a function: theirs is the table that grows."""
    found, unread = dict[str, str](), list[str]()
    for concept in reach.objects(resource, "code"):
        known, left = codings.read(concept, codings.WORK)
        found |= {subject: code for subject, code in known.items() if subject not in found}
        bare = [one[1:] for one in left if one.startswith("|")]
        if bare and "role" not in found:
            found["role"] = bare[0]
        unread += [one for one in left if not one.startswith("|")]
    return Role(
        id=reach.text(resource, "id"),
        is_active=reach.flag(resource, "active"),
        practitioner=reach.reference(resource, "practitioner", "Practitioner"),
        organization=reach.reference(resource, "organization", "Organization"),
        authority=_authority(resource),
        cells={f"{subject}_code": found.get(subject, "") for subject in codings.WORK},
        mailboxes=_mailboxes(resource),
        unread=tuple(unread),
    )


def organization(resource: Object) -> Organization:
    """Read an Organization, geographical or legal."""
    cells = dict.fromkeys(WHERE, "") | _numbers(resource)
    is_legal = bool(cells["finess_ej"]) and not cells["finess"]
    cells |= {
        "structure_name": reach.text(resource, "name"),
        "structure_alias": (reach.texts(resource, "alias") or [""])[0],
        **_telephones(resource),
        **_address(next(iter(reach.objects(resource, "address")), {})),
    }
    types = [
        found["sector"]
        for concept in reach.objects(resource, "type")
        if "sector" in (found := codings.read(concept, ("sector",))[0])
    ]
    return Organization(
        id=reach.text(resource, "id"),
        is_active=reach.flag(resource, "active"),
        is_legal=is_legal,
        part_of=reach.reference(resource, "partOf", "Organization"),
        authority=_authority(resource),
        sector=types[0] if types else "",
        cells={key: value for key, value in cells.items() if value or key not in UNTOLD},
        mailboxes=_mailboxes(resource),
    )


def _numbers(resource: Object) -> dict[str, str]:
    """The identifiers of a structure, by column."""
    found: dict[str, str] = {}
    for one in reach.objects(resource, "identifier"):
        system, value = reach.text(one, "system"), reach.text(one, "value")
        kind = codings.first([one.get("type")])
        if system == names.IDNST:
            column = "structure_national_id"
        elif system == FINESS:
            column = "finess_ej" if kind == LEGAL else "finess"
        elif system == SIRENE:
            column = "siren" if kind == "SIREN" or (kind != "SIRET" and len(value) == 9) else "siret"
        elif system in (RPPSRANG, names.RPPS) and RANG.fullmatch(value):
            column = "structure_id"
        else:
            continue
        found.setdefault(column, value)
    return found


def _telephones(resource: Object) -> dict[str, str]:
    """Phones in the order of their rank, fax, and the ordinary mail: a secure mailbox is none."""
    phones: list[tuple[int, str]] = []
    found = {"phone": "", "phone2": "", "fax": "", "email": ""}
    for place, one in enumerate(reach.objects(resource, "telecom"), start=1):
        value, rank = reach.text(one, "value"), one.get("rank")
        match one.get("system"):
            case "phone":
                phones.append((rank if isinstance(rank, int) else place, value))
            case "fax":
                found["fax"] = found["fax"] or value
            case "email" if not _is_secure(one):
                found["email"] = found["email"] or value
    for rank, value in sorted(phones, key=lambda pair: pair[0]):
        column = "phone2" if rank == 2 or found["phone"] else "phone"
        found[column] = found[column] or value
    return found


def _address(address: Object) -> dict[str, str]:
    """The address in columns: parts of lines by their extension; the last line that has none is the post office."""
    found = {key: "" for key, _ in LINE} | {"post_office": ""}
    lines, details = reach.texts(address, "line"), reach.items(address, "_line")
    for place, line in enumerate(lines):
        parts = reach.objects(reach.object(details[place] if place < len(details) else None, "_line"), "extension")
        told = [(STREET_SIDE.get(str(one.get("url"))), reach.text(one, "valueString")) for one in parts]
        found |= {key: value for key, value in told if key}
        locality = next((reach.text(one, "valueString") for one in parts if one.get("url") == LOCALITY), "")
        found["postal_box"] = found["postal_box"] or locality
        if not parts:
            found["post_office"] = line
    communes = (reach.part(one, "valueCoding") for one in reach.extensions(address, names.COMMUNE_EXTENSION))
    return {
        **found,
        "postcode": reach.text(address, "postalCode"),
        "commune": reach.text(address, "city"),
        "commune_code": next((reach.text(one, "code") for one in communes), ""),
        "country_code": reach.text(address, "country"),
        "department_code": reach.text(address, "district"),
    }


def _is_secure(contact: Object) -> bool:
    return any(reach.part(one, "valueCoding").get("code") == SECURE_CODE for one in reach.extensions(contact, SECURE))


def _mailboxes(resource: Object) -> tuple[Mailbox, ...]:
    found = []
    for one in reach.objects(resource, "telecom"):
        if one.get("system") == "email" and _is_secure(one) and (address := reach.text(one, "value").strip()):
            about = [
                inner for outer in reach.extensions(one, ABOUT_MAILBOX) for inner in reach.objects(outer, "extension")
            ]
            kinds = (inner.get("valueCodeableConcept") for inner in about if inner.get("url") == "type")
            services = (reach.text(inner, "valueString") for inner in about if inner.get("url") == "service")
            found.append(Mailbox(address=address.lower(), kind=codings.first(kinds), service=next(services, "")))
    return tuple(found)


def _authorizations(resource: Object) -> list[tuple[str, str, str, str]]:
    found = []
    for one in reach.extensions(resource, f"{ANNUAIRE}/as-ext-practitioner-authorization"):
        parts = {str(inner.get("url")): inner.get("valueCodeableConcept") for inner in reach.objects(one, "extension")}
        pair = codings.first([parts.get("type")]), codings.first([parts.get("field")])
        found += [("", "", *pair)] if any(pair) else []
    return found


def _authority(resource: Object) -> str:
    """Who registered what the resource is about: one of the three names of column 48."""
    for trace in reach.extensions(reach.part(resource, "meta"), f"{ANNUAIRE}/as-ext-data-trace"):
        for one in reach.objects(trace, "extension"):
            if one.get("url") == "autorite-enregistrement":
                concept = one.get("valueCodeableConcept")
                return codings.first([concept]) or reach.text(reach.object(concept), "text")
    return ""
