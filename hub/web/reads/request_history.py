"""What happened to a care request, oldest first, from the versions of its coordinating Tasks that the viewer may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub import clock
from hub.domain.care_request import CareRequest, State
from hub.domain.people import Viewer
from hub.r4 import elements
from hub.r4.shapes import care_request as shape
from hub.storage import resources
from hub.storage.session import Session
from hub.web import words
from hub.web.reads.people import Directory, Person

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the history; ``day`` when it is not today's."""

    at: datetime
    what: str
    detail: str = ""
    day: bool = False


Sentence = Callable[[CareRequest, Person | None], tuple[str, str]]


def _name(person: Person | None) -> str:
    return words.article(person.name) if person else "un professionnel"


# What a state says when the request enters it: the line, and the smaller one under it.
ENTERED: Mapping[State, Sentence] = {
    State.DRAFT: lambda one, who: ("Brouillon enregistré", ""),
    State.TO_QUALIFY: lambda one, who: ("Reçue, à compléter", ""),
    State.SEARCHING: lambda one, who: ("Recherche en cours", ""),
    State.ACCEPTED: lambda one, who: (f"Acceptée par {_name(who)}", who.capacity if who else ""),
    State.PROPOSED: lambda one, who: ("Rendez-vous proposé", f"par {_name(who)}"),
    State.UNREACHABLE: lambda one, who: ("Patient injoignable", ""),
    State.CONFIRMED: lambda one, who: ("Rendez-vous confirmé", "avec l'accord du patient"),
    State.DONE: lambda one, who: ("Patient vu", f"par {_name(who)}"),
    State.NO_SHOW: lambda one, who: ("Le patient n'est pas venu", ""),
    State.UNANSWERED: lambda one, who: ("Délai passé sans réponse", ""),
    State.HANDED_BACK: lambda one, who: ("Rendue au SAS", words.display("hub-handoff-failure", one.failure)),
    State.REFUSED: lambda one, who: ("Refusée", words.display("hub-handoff-failure", one.failure)),
    State.CANCELLED: lambda one, who: ("Annulée", words.display("hub-cancel-reason", one.failure)),
}
ISSUED = {"sas": "Remise par le SAS", "phone": "Reçue par téléphone", "professional": "Émise", "third-party": "Émise"}


async def history(
    session: Session,
    viewer: Viewer,
    coordinating: list[Resource],
    *,
    people: Directory,
    zone: ZoneInfo,
) -> tuple[Event, ...]:
    """One line for each change of state. ``coordinating``: the Tasks of every attempt."""
    today = clock.now().astimezone(zone).date()
    events: list[Event] = []
    for task in sorted(coordinating, key=lambda one: str(one.get("authoredOn"))):
        versions = await resources.history(session, viewer, "Task", task["id"], count=100)
        before: State | None = None
        for stored in sorted(versions, key=lambda one: one.version):
            seen = _at_that_time(stored.json())
            if before is seen.state:
                continue
            performer = await people.person(seen.performer) if seen.performer else None
            what, detail = _first(seen) if before is None else ENTERED[seen.state](seen, performer)
            if seen.state is State.SEARCHING and before in (State.ACCEPTED, State.PROPOSED):
                what, detail = "Rendue, la recherche reprend", ""
            at = elements.instant(stored.json().get("lastModified")) or stored.updated_at
            events.append(Event(at=at, what=what, detail=detail, day=at.astimezone(zone).date() != today))
            before = seen.state
    return tuple(events)


def _first(seen: CareRequest) -> tuple[str, str]:
    words_of_issue = ISSUED.get(seen.origin.value, "Émise")
    return (words_of_issue, "") if seen.attempt == 1 else (f"Émise à nouveau ({seen.attempt}e fois)", "")


def _at_that_time(task: Resource) -> CareRequest:
    """The request as one version of its Task tells it; the ServiceRequest only lends its form."""
    stand_in = {"id": "", "status": "active", "subject": {"reference": "Patient/-"}}
    return shape.read(stand_in, task)
