"""A care request seen whole: state, patient, performer, appointment, who was asked, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub import clock
from hub.domain import hours, rights
from hub.domain.appointment import Appointment
from hub.domain.care_request import MOVES, CareRequest, State
from hub.domain.care_request import Event as E
from hub.domain.patient import Patient
from hub.domain.people import Capacity, Viewer
from hub.r4 import elements
from hub.r4.shapes import appointment as appointments
from hub.r4.shapes import care_request as shape
from hub.r4.shapes import patient as patients
from hub.storage import duplicates, resources
from hub.storage.search import search
from hub.storage.session import Session
from hub.web import words
from hub.web.reads import contacts
from hub.web.reads.contacts import Contact
from hub.web.reads.people import Directory, Person
from hub.web.reads.request_history import Event, history

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One of the other acts: the last segment of its address, its words, its icon, the look of its button."""

    path: str
    label: str
    icon: str
    look: str = "second"


# In the order of the page; each is offered when the table of moves and the table of rights let it through.
ACTS = (
    (E.RELEASE, Act(path="rendre", label="Rendre la demande", icon="reply")),
    (E.WITHDRAW, Act(path="rendre", label="Rendre la demande", icon="reply")),
    (E.REISSUE, Act(path="relancer", label="Émettre à nouveau", icon="refresh")),
    (E.HAND_BACK, Act(path="rendre-au-sas", label="Rendre au SAS", icon="reply")),
    (E.CANCEL, Act(path="annuler", label="Annuler…", icon="cross-ring")),
)


def acts(viewer: Viewer, request: CareRequest) -> tuple[Act, ...]:
    """What else this viewer may do with the request now."""
    mine = rights.relations(viewer, request)
    return tuple(
        act
        for event, act in ACTS
        if event in MOVES[request.state]
        and rights.MAY[event] & mine
        and (event is not E.HAND_BACK or request.is_handoff)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another request, of the same person it seems: its id, its number, when it came, what became of it."""

    id: str
    number: str
    at: datetime
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A request at level full."""

    request: CareRequest
    patient: Patient
    contacts: tuple[Contact, ...]
    zone: ZoneInfo
    wanted_before: datetime | None
    care_type: str
    kind: str
    kind_icon: str
    notes: tuple[str, ...]
    performer: Person | None
    appointment: Appointment | None
    asked: int
    declined: int
    changed_at: datetime
    history: tuple[Event, ...]
    is_mine: bool
    is_operator: bool
    acts: tuple[Act, ...]
    duplicates: tuple[Other, ...] = ()

    @property
    def id(self) -> str:
        """ServiceRequest id: the address of the page."""
        return self.request.id

    def left(self, now: datetime) -> words.TimeLeft | None:
        """The time left to find somebody, while we look for one."""
        if self.request.state not in (State.SEARCHING, State.UNANSWERED, State.TO_QUALIFY):
            return None
        return words.time_left(self.request.issued_at, self.request.response_due, now, self.zone)

    @property
    def today(self) -> date:
        """The day it is where care is wanted."""
        return clock.now().astimezone(self.zone).date()

    @property
    def age(self) -> str:
        """« 84 ans »."""
        return words.age_of(self.patient, self.today)

    @property
    def name(self) -> str:
        """« Mme Colette CHARPENTIER »."""
        return words.civil_name(self.patient, self.today)

    @property
    def short_name(self) -> str:
        """« Mme Charpentier »."""
        return words.short_name(self.patient, self.today)

    @property
    def born(self) -> str:
        """« née MOREL le 2 mai 1942 »."""
        return words.born(self.patient)

    @property
    def the_patient(self) -> str:
        """« la patiente »."""
        return words.the_patient(self.patient.sex)

    @property
    def seen_word(self) -> str:
        """The word of the button: « Vue », « Vu »."""
        return "Vue" if self.patient.sex == "female" else "Vu"

    @property
    def come_word(self) -> str:
        """« N'est pas venue »."""
        return "venue" if self.patient.sex == "female" else "venu"

    @property
    def origin(self) -> str:
        """What kind of issuer asks."""
        return words.ORIGINS[self.request.origin.value]

    @property
    def dossier(self) -> str:
        """The file number as regulators say it: the last part of the identifier."""
        return (self.request.dossier or "").rsplit(".", 1)[-1]

    @property
    def declined_words(self) -> str:
        """« aucun n'a décliné », « 2 ont décliné »."""
        if self.declined == 0:
            return "aucun n'a décliné"
        return f"{self.declined} {'ont' if self.declined > 1 else 'a'} décliné"

    @property
    def mode_words(self) -> str:
        """« à domicile »."""
        return words.MODE_WORDS[self.appointment.mode] if self.appointment else ""

    def when(self, now: datetime) -> str:
        """« demain, 9:30 »."""
        return words.appointment_words(self.appointment, now, self.zone) if self.appointment else ""

    def is_past(self, now: datetime) -> bool:
        """The hour of the appointment has passed."""
        begins = self.appointment.start if self.appointment else None
        return begins is not None and begins <= now

    def script(self, now: datetime) -> str:
        """The sentence to say on the phone, as the performer's form allows."""
        if self.appointment is None:
            return ""
        is_told = self.appointment.tells_name and self.performer is not None
        who = (
            words.article(self.performer.name) if is_told and self.performer else "Un professionnel proche de chez vous"
        )
        return words.script(who, self.appointment, now, self.zone)


async def _tasks(session: Session, viewer: Viewer, id: str) -> list[Resource]:
    found = await search(session, viewer, "Task", [("focus", f"ServiceRequest/{id}")], count=500)
    return [stored.json() for stored in found.matches]


async def whole(session: Session, viewer: Viewer, service_request: Resource) -> Whole | None:
    """Everything a viewer at level full sees of a request; ``None`` when its coordinating Task is not visible."""
    id = service_request["id"]
    tasks = await _tasks(session, viewer, id)
    coordinating = [task for task in tasks if not task.get("partOf")]
    if not coordinating:
        return None
    request = max((shape.read(service_request, task) for task in coordinating), key=lambda one: one.attempt)
    stored = await resources.read(session, viewer, "Patient", request.patient)
    person = patients.read(stored.json()) if stored else patients.read({"id": request.patient})
    people = Directory(session, viewer)
    zone = hours.zone_of(request.commune)
    period = service_request.get("occurrencePeriod", {})
    children = [task for task in tasks if _is_of(task, request)]
    latest = next(task for task in coordinating if task["id"] == request.task)
    return Whole(
        request=request,
        patient=person,
        contacts=contacts.others(stored.json()) if stored else (),
        zone=zone,
        wanted_before=elements.instant(period.get("end") or service_request.get("occurrenceDateTime")),
        care_type=words.display("hub-care-type", request.care_type),
        kind=words.display("hub-kind-of-care", request.kind),
        kind_icon=words.KIND_ICONS.get(request.kind, "practice"),
        notes=tuple(note["text"] for note in service_request.get("note", [])),
        performer=await people.person(request.performer) if request.performer else None,
        appointment=await _appointment(session, viewer, request),
        asked=len(children),
        declined=sum(task["status"] == "rejected" for task in children),
        changed_at=elements.instant(latest.get("lastModified")) or request.issued_at,
        history=await history(session, viewer, coordinating, people=people, zone=zone),
        is_mine=viewer.role is not None and viewer.role == request.performer,
        is_operator=viewer.capacity is Capacity.OPERATOR,
        acts=acts(viewer, request),
        duplicates=await _duplicates(session, viewer, request),
    )


async def _duplicates(session: Session, viewer: Viewer, request: CareRequest) -> tuple[Other, ...]:
    """For operators: the requests of the same person that came within the same day."""
    if viewer.capacity is not Capacity.OPERATOR:
        return ()
    found: list[Other] = []
    for id in (await duplicates.of(session, viewer, [request.id])).get(request.id, ()):
        stored = await resources.read(session, viewer, "ServiceRequest", id)
        coordinating = [task for task in await _tasks(session, viewer, id) if not task.get("partOf")]
        if stored is not None and not stored.deleted and coordinating:
            service_request = stored.json()
            one = max((shape.read(service_request, task) for task in coordinating), key=lambda read: read.attempt)
            found.append(Other(id=id, number=one.number, at=one.issued_at, state=one.state.value))
    return tuple(found)


def _is_of(task: Resource, request: CareRequest) -> bool:
    return any(part.get("reference") == f"Task/{request.task}" for part in task.get("partOf", []))


async def _appointment(session: Session, viewer: Viewer, request: CareRequest) -> Appointment | None:
    if request.appointment is None:
        return None
    stored = await resources.read(session, viewer, "Appointment", request.appointment)
    return appointments.read(stored.json()) if stored and not stored.deleted else None
