"""A patient as the viewer may see one: identity, circle of care, agreement about the DMP, notebook with the state of filings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.domain.notebook import Agreement, FilingState, Note
from hub.domain.patient import Patient, Reliability
from hub.domain.people import Viewer
from hub.r4 import elements, names
from hub.r4.shapes import note as notes
from hub.r4.shapes import patient as shape
from hub.storage import filings, grants, resources
from hub.storage.filings import Filing
from hub.storage.search import search
from hub.storage.session import Session
from hub.web import words
from hub.web.reads import contacts
from hub.web.reads.contacts import Contact, UsualGp
from hub.web.reads.people import Directory, Person

Resource = dict[str, Any]

RELIABILITY: Mapping[Reliability, str] = {
    Reliability.QUALIFIED: "INS qualifiée",
    Reliability.FETCHED: "INS récupérée, à vérifier avec une pièce d'identité",
    Reliability.CHECKED: "Identité vérifiée, INS à chercher",
    Reliability.PROVISIONAL: "Identité provisoire",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One note of the notebook. ``filing`` is ``None`` when nobody asked for one."""

    note: Note
    kind: str
    author: Person
    filing: Filing | None
    is_mine: bool
    request: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the patient answered about the DMP, when, to whom."""

    agreement: Agreement
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The page of a patient. ``notebook`` is ``None`` when the viewer is not of the circle."""

    patient: Patient
    name: str
    age: str
    born: str
    birth_place: str
    identity: str
    notebook: tuple[Entry, ...] | None
    circle: tuple[Person, ...]
    told: Told | None
    the_patient: str
    contacts: tuple[Contact, ...]
    usual_gp: UsualGp | None

    @property
    def why_not_filed(self) -> str:
        """What keeps notes out of the DMP now, empty when nothing does: the reason and the way to mend it."""
        if self.told is None or self.told.agreement is Agreement.NEVER_ASKED:
            return "Demandez d'abord si le dépôt au DMP convient, et notez la réponse."
        if self.told.agreement is Agreement.OBJECTS:
            return "Le patient s'oppose au dépôt dans son DMP."
        return "" if self.patient.is_qualified else "L'INS n'est pas qualifiée : le DMP refuserait la note."


async def record(session: Session, viewer: Viewer, id: str, today: date) -> Record | None:
    """Everything the page shows; ``None`` when the patient does not exist for this viewer."""
    stored = await resources.read(session, viewer, "Patient", id)
    if stored is None or stored.deleted or stored.level < 2:
        return None
    patient, resource = shape.read(stored.json()), stored.json()
    people = Directory(session, viewer)
    is_member = await grants.covers_patient(session, viewer, id)
    return Record(
        patient=patient,
        name=words.civil_name(patient, today),
        age=words.age_of(patient, today),
        born=words.born(patient),
        birth_place=words.commune_name(patient.birth_place),
        identity=RELIABILITY[patient.reliability],
        notebook=await notebook(session, viewer, id, people) if is_member else None,
        circle=await _circle(session, viewer, id, people) if is_member else (),
        told=await _told(session, viewer, id, people) if is_member else None,
        the_patient=words.the_patient(patient.sex),
        contacts=contacts.others(resource),
        usual_gp=await contacts.usual_gp(session, resource),
    )


async def notebook(session: Session, viewer: Viewer, id: str, people: Directory) -> tuple[Entry, ...]:
    """The notes, newest first, with where each stands with the DMP."""
    page = await search(
        session, viewer, "DocumentReference", [("patient", f"Patient/{id}"), ("_sort", "-date")], count=100
    )
    stored = [one.json() for one in page.matches]
    latest = await filings.latest(session, [one["id"] for one in stored])
    return tuple([await _entry(viewer, one, latest.get(one["id"]), people) for one in stored])


async def _entry(viewer: Viewer, resource: Resource, filing: Filing | None, people: Directory) -> Entry:
    note = notes.read(resource)
    return Entry(
        note=note,
        kind=words.display("JDV_J23", note.kind, "Note"),
        author=await people.person(note.author),
        filing=filing if filing is None or filing.state is not FilingState.NONE else None,
        is_mine=viewer.role is not None and viewer.role == note.author,
        request=notes.episode(resource),
    )


async def entry(session: Session, viewer: Viewer, id: str) -> Entry | None:
    """One note the viewer may read."""
    stored = await resources.read(session, viewer, "DocumentReference", id)
    if stored is None or stored.deleted:
        return None
    latest = await filings.latest(session, [id])
    return await _entry(viewer, stored.json(), latest.get(id), Directory(session, viewer))


async def versions(session: Session, viewer: Viewer, id: str) -> tuple[Note, ...]:
    """Every version of a note, newest first."""
    found = await resources.history(session, viewer, "DocumentReference", id, count=50)
    return tuple(notes.read(one.json()) for one in found if not one.deleted)


async def _circle(session: Session, viewer: Viewer, id: str, people: Directory) -> tuple[Person, ...]:
    page = await search(session, viewer, "CareTeam", [("patient", f"Patient/{id}")], count=5)
    roles = [
        elements.reference_id(part.get("member"), "PractitionerRole")
        for team in page.matches
        for part in team.json().get("participant", [])
        if "end" not in part.get("period", {})
    ]
    return tuple([await people.person(role) for role in dict.fromkeys(roles) if role])


async def _told(session: Session, viewer: Viewer, id: str, people: Directory) -> Told:
    page = await search(session, viewer, "Consent", [("patient", f"Patient/{id}"), ("_sort", "-date")], count=50)
    system = names.system("consent-category")
    for stored in page.matches:
        consent = stored.json()
        if elements.code_among(consent.get("category", []), system) != "dmp-feeding" or consent["status"] != "active":
            continue
        role = next((elements.reference_id(part, "PractitionerRole") for part in consent.get("performer", [])), None)
        return Told(
            agreement=Agreement.OBJECTS if consent["provision"]["type"] == "deny" else Agreement.INFORMED,
            at=elements.instant(consent.get("dateTime")),
            by=words.article((await people.person(role)).name) if role else "la cellule de coordination",
        )
    return Told(agreement=Agreement.NEVER_ASKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A line of the search of patients."""

    id: str
    name: str
    detail: str


async def find(session: Session, viewer: Viewer, *, name: str, born: date | None, today: date) -> list[Found]:
    """Patients the viewer sees whole, by name and birth date; the latest ones when nothing is asked."""
    wanted = [("name", part) for part in name.replace(",", " ").split()]
    if born is not None:
        wanted.append(("birthdate", born.isoformat()))
    wanted.append(("_sort", "family" if wanted else "-_lastUpdated"))
    page = await search(session, viewer, "Patient", wanted, count=30)
    whole = [shape.read(one.json()) for one in page.matches if one.level >= 2]
    return [
        Found(
            id=one.id,
            name=words.civil_name(one, today),
            detail=", ".join(part for part in (words.age_of(one, today), one.address.city) if part),
        )
        for one in whole
    ]
