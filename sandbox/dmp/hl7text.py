"""HL7 v2 strings and times of the XDS metadata: XCN (people), XON (structures), DTM in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

PEOPLE, STRUCTURES = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"
OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Xcn:
    id: str
    family: str
    given: str
    authority: str
    name_type: str
    id_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Xon:
    name: str
    authority: str
    id_type: str
    id: str


def _authority(component: str) -> str:
    found = re.fullmatch(r"&([0-9.]+)&ISO", component)
    return found[1] if found else ""


def xcn(text: str) -> Xcn | None:
    """None when the shape is not `id^family^given^^^^^^&oid&ISO^type^^^idtype`."""
    parts = text.split("^")
    if len(parts) != 13 or any(parts[3:8]) or any(parts[10:12]):
        return None
    return Xcn(
        id=parts[0],
        family=parts[1],
        given=parts[2],
        authority=_authority(parts[8]),
        name_type=parts[9],
        id_type=parts[12],
    )


def xon(text: str) -> Xon | None:
    """None when the shape is not `name^^^^^&oid&ISO^IDNST^^^id`."""
    parts = text.split("^")
    if len(parts) != 10 or any(parts[1:5]) or any(parts[7:9]):
        return None
    return Xon(name=parts[0], authority=_authority(parts[5]), id_type=parts[6], id=parts[9])


PERSON_TYPES = {  # XCN-13: authorities lawful with it, XCN-10
    "IDNPS": ({PEOPLE}, "D"),
    "EI": ({PEOPLE}, "D"),
    "RI": ({PEOPLE}, "U"),
    "NH": ({f"1.2.250.1.213.1.4.{n}" for n in (8, 9, 10, 11)}, "D"),
}


def person_is_lawful(text: str) -> bool:
    person = xcn(text)
    if person is None or not person.id or not person.family or person.id_type not in PERSON_TYPES:
        return False
    authorities, name_type = PERSON_TYPES[person.id_type]
    national = person.id_type != "IDNPS" or re.fullmatch(r"8\d{11}|0[0-9A-Za-z]{9}", person.id) is not None
    return person.authority in authorities and person.name_type == name_type and national


def structure_is_lawful(text: str) -> bool:
    structure = xon(text)
    return (
        structure is not None
        and bool(structure.name and structure.id)
        and (structure.authority == STRUCTURES and structure.id_type == "IDNST")
    )


def is_oid(text: str) -> bool:
    return len(text) <= 64 and OID.fullmatch(text) is not None


def instant(text: str) -> datetime | None:
    """A DTM of the metadata: fourteen digits, UTC."""
    if not re.fullmatch(r"\d{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def cda_instant(text: str) -> datetime | None:
    """A CDA timestamp with its offset, to the minute or the second, as UTC."""
    found = re.fullmatch(r"(\d{12})(\d{2})?([+-]\d{4})", text)
    if found is None:
        return None
    try:
        return datetime.strptime(f"{found[1]}{found[2] or '00'}{found[3]}", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except ValueError:
        return None
