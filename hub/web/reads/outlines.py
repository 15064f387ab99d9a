"""A care request before acceptance: what its outline lets somebody asked know, and the list of those who wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub import clock
from hub.domain import hours
from hub.domain.care_request import State, state_of
from hub.domain.people import Viewer
from hub.domain.places import Precision
from hub.r4 import elements, names
from hub.r4.shapes import care_request as requests
from hub.r4.shapes import patient as patients
from hub.storage import ages, resources
from hub.storage.ages import Age
from hub.storage.search import search
from hub.storage.session import Session
from hub.web import words

Resource = dict[str, Any]

RISKS = {"R33": "Violence possible sur place", "R35": "Risque de contagion"}
ASKED = "requested,received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """No name, no birth date, no address, no phone: the viewer was not given them. ``due`` is the end of one's own invitation;
    ``state`` is known to coordinators only.
    """

    id: str
    number: str
    who: str
    city: str
    reason: str
    care_type: str
    kind: str
    kind_icon: str
    kilometres: int | None
    precision: Precision
    from_sas: bool
    issued_at: datetime
    wanted_before: datetime | None
    zone: ZoneInfo
    notes: tuple[str, ...]
    risks: tuple[str, ...]
    due: datetime | None = None
    asked_at: datetime | None = None
    is_asked: bool = False
    was_closed: str = ""
    state: State | None = None

    @property
    def title(self) -> str:
        """« Femme de 84 ans, Les Essartines »."""
        return f"{self.who}, {self.city}" if self.city else self.who

    @property
    def distance(self) -> str:
        """« 3 km », « ≈ 3 km »."""
        return words.kilometres(self.kilometres, self.precision)

    @property
    def measured(self) -> str:
        """From where the distance is measured, empty from an address."""
        return words.measured(self.precision) if self.kilometres is not None else ""

    def left(self, now: datetime) -> words.TimeLeft | None:
        """The time left to answer."""
        if self.due is None or self.asked_at is None:
            return None
        return words.time_left(self.asked_at, self.due, now, self.zone)


def outline(
    service_request: Resource,
    *,
    patient: Resource,
    age: Age | None = None,
    invitation: Resource | None = None,
    coordinating: Resource | None = None,
    flags: tuple[Resource, ...] = (),
) -> Outline:
    """Put together from resources cut to level outline; works on whole ones too."""
    home = patients.home(patient)
    kind = elements.code_among(service_request.get("category", []), names.system("kind-of-care")) or ""
    issued = elements.instant(service_request.get("authoredOn")) or clock.now()
    period = service_request.get("occurrencePeriod", {})
    codes = {part.get("code") for flag in flags for part in flag.get("code", {}).get("coding", [])}
    return Outline(
        id=service_request["id"],
        number=elements.identifier(service_request, names.ns("request-number")) or "",
        who=words.outline_of(patient.get("gender", ""), age),
        city=home.get("city", ""),
        reason=requests.reason(service_request),
        care_type=words.display("hub-care-type", elements.code(service_request.get("code"), names.system("care-type"))),
        kind=words.display("hub-kind-of-care", kind),
        kind_icon=words.KIND_ICONS.get(kind, "practice"),
        kilometres=given["valueInteger"] if (given := _given(invitation, "distance-km")) else None,
        precision=Precision(_given(invitation, "distance-precision").get("valueCode", Precision.ADDRESS)),
        from_sas=elements.code_among(service_request.get("category", []), names.system("sas-level")) is not None,
        issued_at=issued,
        wanted_before=elements.instant(period.get("end") or service_request.get("occurrenceDateTime")),
        zone=hours.zone_of(patients.commune_of(home)),
        notes=tuple(note["text"] for note in service_request.get("note", [])),
        risks=tuple(RISKS[code] for code in sorted(codes & RISKS.keys())),
        **_asked(invitation),
        state=_state(service_request, coordinating),
    )


def _asked(invitation: Resource | None) -> dict[str, Any]:
    if invitation is None:
        return {}
    period = invitation.get("restriction", {}).get("period", {})
    return {
        "due": elements.instant(period.get("end")),
        "asked_at": elements.instant(period.get("start")),
        "is_asked": invitation["status"] in ASKED.split(","),
        "was_closed": invitation["status"],
    }


def _given(invitation: Resource | None, what: str) -> Resource:
    """One of the inputs of an invitation, empty when it has not got it."""
    inputs: list[Resource] = (invitation or {}).get("input", [])
    return next((one for one in inputs if elements.code(one.get("type"), names.system("task-input")) == what), {})


def _state(service_request: Resource, coordinating: Resource | None) -> State | None:
    if coordinating is None:
        return None
    business = elements.code(coordinating.get("businessStatus"), names.system("handoff-business-status"))
    return state_of(coordinating["status"], business, service_request["status"])


async def waiting(session: Session, viewer: Viewer, *, count: int = 50) -> list[Outline]:
    """The requests that wait for an answer of the viewer's situation, the shortest delay first."""
    if viewer.role is None:
        return []
    wanted = [
        ("owner", f"PractitionerRole/{viewer.role}"),
        ("status", ASKED),
        ("_include", "Task:focus"),
        ("_include", "Task:patient"),
    ]
    page = await search(session, viewer, "Task", wanted, count=count)
    around = {(one.type, one.id): one.json() for one in page.includes}
    now = clock.now()
    known = await ages.of(session, viewer, [id for kind, id in around if kind == "Patient"], now.date())
    found = [_waiting(task.json(), around, known) for task in page.matches]
    still = [one for one in found if one is not None and one.due is not None and one.due > now]
    return sorted(still, key=lambda one: one.due or now)


def _waiting(task: Resource, around: dict[tuple[str, str], Resource], known: Mapping[str, Age]) -> Outline | None:
    focus = around.get(("ServiceRequest", elements.reference_id(task.get("focus"), "ServiceRequest") or ""))
    patient = around.get(("Patient", elements.reference_id(task.get("for"), "Patient") or ""))
    if focus is None or patient is None:
        return None
    return outline(focus, patient=patient, age=known.get(patient["id"]), invitation=task)


async def one(session: Session, viewer: Viewer, service_request: Resource) -> Outline:
    """The outline of one request the viewer may see at that level, with the viewer's own invitation when there is one."""
    id = service_request["id"]
    patient = elements.reference_id(service_request.get("subject"), "Patient") or ""
    stored = await resources.read(session, viewer, "Patient", patient)
    tasks = [
        task.json() for task in (await search(session, viewer, "Task", [("focus", f"ServiceRequest/{id}")])).matches
    ]
    mine = [
        task
        for task in tasks
        if task.get("partOf") and elements.reference_id(task.get("owner"), "PractitionerRole") == viewer.role
    ]
    coordinating = [task for task in tasks if not task.get("partOf")]
    flags = await search(session, viewer, "Flag", [("patient", f"Patient/{patient}")])
    known = await ages.of(session, viewer, [patient], clock.now().date())
    return outline(
        service_request,
        age=known.get(patient),
        patient=stored.json() if stored else {"resourceType": "Patient"},
        invitation=max(mine, key=lambda task: str(task.get("authoredOn", "")), default=None),
        coordinating=max(coordinating, key=lambda task: str(task.get("authoredOn", "")), default=None),
        flags=tuple(flag.json() for flag in flags.matches),
    )
