"""What one submission needs, read from the record when its turn comes: note, patient, author, act, version in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub import clock
from hub.domain.appointment import Appointment, Mode, Standing
from hub.domain.hours import zone_of
from hub.domain.notebook import Note
from hub.domain.people import Viewer
from hub.r4 import elements, names
from hub.r4.shapes import appointment as appointment_shape
from hub.r4.shapes import note as note_shape
from hub.r4.shapes import professional
from hub.storage import accounts, filings, resources, sign_ins
from hub.storage.session import Session
from hub.workflows import filing, patients
from hub.workflows.topics import DmpSubmission

Resource = dict[str, Any]

CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
UNKNOWN_SIGN_IN = f"{CLASSES}unspecified"
CARD = "CARD"  # auth_mode of Pro Santé Connect
SIGN_INS: Mapping[tuple[str, bool], str] = {  # (means, with the card) -> SAML class
    ("psc", True): f"{CLASSES}SmartcardPKI",
    ("psc", False): f"{CLASSES}MobileTwoFactorUnregistered",
    ("local", False): f"{CLASSES}Password",
}
SEEN = frozenset({Standing.PENDING, Standing.BOOKED, Standing.FULFILLED})


async def material(session: Session, message: DmpSubmission) -> dict[str, Any]:
    """The fields of :class:`hub.connectors.dmp.mapping.Filing`, wire identifiers excepted.

    Raises ``ValueError`` when the note, its author or the birth date of its patient is missing: nothing is invented.
    """
    stored = await resources.vread(session, Viewer.hub(), "DocumentReference", message.note, message.version)
    if stored is None or stored.deleted:
        raise ValueError(f"version {message.version} of the note is gone")
    resource = stored.json()
    note = note_shape.read(resource)
    asked = await filings.by_unique_id(session, message.unique_id)
    asked_at = asked.asked_at if asked else clock.now()
    patient = await _patient(session, note.patient)
    replaced = await filing.replaced_unique_id(session, message)
    number = await filing.version_number(session, message)
    return {
        "kind": note.kind,
        "title": note.title,
        "text": note.text,
        "is_urgent": note.is_urgent,
        "masks": (note.mask.value,) if note.mask else (),
        "written_at": note.written_at,
        "asked_at": asked_at,
        "zone": patient.pop("zone"),
        "patient": patient,
        "author": await _author(session, note.author, asked_at),
        "act": await _act(session, note, note_shape.episode(resource)),
        "replaces": {"unique_id": replaced, "number": number - 1} if replaced else None,
    }


async def _patient(session: Session, id: str) -> dict[str, Any]:
    patient = await patients.of_request(session, id)
    if patient.birth_date is None or patient.ins is None:
        raise ValueError("a patient without birth date or INS")
    return {
        "id": id,
        "ins": patient.ins[0],
        "ins_oid": patient.ins[1],
        "reliability": patient.reliability.value,
        "birth_name": patient.birth_name,
        "given": patient.given,
        "first_given": patient.first_given,
        "used_name": patient.used_name,
        "used_given": patient.used_given,
        "sex": patient.sex,
        "birth_date": patient.birth_date,
        "birth_place": patient.birth_place,
        "zone": zone_of(patient.address.commune).key,
    }


async def _author(session: Session, role_id: str, asked_at: datetime) -> dict[str, Any]:
    """The professional of a PractitionerRole, and when and how they signed in last."""
    role = await resources.peek(session, "PractitionerRole", role_id)
    person_id = elements.reference_id((role or {}).get("practitioner"), "Practitioner")
    person = await resources.peek(session, "Practitioner", person_id) if person_id else None
    if role is None or person is None:
        raise ValueError("an author who is not in the record")
    name: Resource = next(iter(person.get("name", [])), {})
    signed_in_at, how = await _sign_in(session, role_id, asked_at)
    codes, specialties = role.get("code", []), role.get("specialty", [])
    section = elements.code_among(codes, professional.ROLE_CODES["section"])
    return {
        "identifier": elements.identifier(person, names.IDNPS) or "",
        "family": name.get("family", ""),
        "given": " ".join(name.get("given", [])),
        "civility": next(iter(name.get("prefix", [])), ""),
        "title": next(iter(name.get("suffix", [])), ""),
        "profession": elements.code_among(codes, names.PROFESSION) or "",
        "skill": elements.code_among(specialties, names.SPECIALTY) or section or "",
        "signed_in_at": signed_in_at,
        "authentication_class": how,
    }


async def _sign_in(session: Session, role_id: str, asked_at: datetime) -> tuple[datetime, str]:
    """Of the author's open browser session; of the request itself when another software spoke for them."""
    account = await accounts.of_role(session, role_id)
    for one in await sign_ins.sessions_of(session, account) if account else ():
        return one.auth_time, SIGN_INS.get((one.means, one.auth_mode == CARD), UNKNOWN_SIGN_IN)
    return asked_at, UNKNOWN_SIGN_IN


async def _act(session: Session, note: Note, episode: str | None) -> dict[str, Any]:
    """The last appointment of the episode before the note; without one the act is the observation the note records."""
    made: list[Appointment] = []
    if episode is not None:
        found = await resources.of_request(session, "Appointment", episode)
        read = (appointment_shape.read(one) for one in found)
        made = [one for one in read if one.standing in SEEN and one.start is not None and one.start <= note.written_at]
    if not made:
        return {"start": note.written_at, "end": None, "at_home": False}
    last = max(made, key=lambda one: (one.start is not None and one.start, one.id))
    is_over = last.end is not None and last.end <= note.written_at
    return {"start": last.start, "end": last.end if is_over else None, "at_home": last.mode is Mode.HOME_VISIT}
