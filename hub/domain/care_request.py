"""The life of a care request: states, events, the table of moves, and the few rules around it (workflow.md 4.4).

How each state lies in FHIR and on the wire is one table, ``STATUS_OF`` (sas.md 17.5), used by the shape and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hub.domain.refusal import Refusal


class State(StrEnum):
    """Where a request stands."""

    DRAFT = "draft"
    TO_QUALIFY = "to-qualify"
    SEARCHING = "searching"
    ACCEPTED = "accepted"
    PROPOSED = "proposed"
    UNREACHABLE = "unreachable"
    CONFIRMED = "confirmed"
    DONE = "done"
    NO_SHOW = "no-show"
    UNANSWERED = "unanswered"
    HANDED_BACK = "handed-back"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a request."""

    ISSUE = "issue"
    QUALIFY = "qualify"
    REFUSE = "refuse"
    ACCEPT = "accept"
    RELEASE = "release"
    PROPOSE = "propose"
    COUNTER = "counter"  # the patient wants another time
    CONFIRM = "confirm"
    PATIENT_REFUSES = "patient-refuses"
    WITHDRAW = "withdraw"  # the acceptor takes the proposal back
    NOT_REACHED = "not-reached"  # three calls without answer
    REACHED = "reached"
    FINISH = "finish"
    MISS = "miss"  # the patient did not come
    RUN_OUT = "run-out"  # response deadline over with nobody
    HAND_BACK = "hand-back"
    WORSEN = "worsen"
    CANCEL = "cancel"
    REISSUE = "reissue"


class Origin(StrEnum):
    """Which door the request came in by: outcomes go back by the same road."""

    SAS = "sas"
    PHONE = "phone"
    PROFESSIONAL = "professional"
    THIRD_PARTY = "third-party"


S, E = State, Event

MOVES: Mapping[State, Mapping[Event, State]] = {
    S.DRAFT: {E.ISSUE: S.SEARCHING, E.CANCEL: S.CANCELLED},
    S.TO_QUALIFY: {E.QUALIFY: S.SEARCHING, E.REFUSE: S.REFUSED, E.CANCEL: S.CANCELLED},
    S.SEARCHING: {
        E.ACCEPT: S.ACCEPTED,
        E.RUN_OUT: S.UNANSWERED,
        E.HAND_BACK: S.HANDED_BACK,
        E.WORSEN: S.HANDED_BACK,
        E.CANCEL: S.CANCELLED,
    },
    S.ACCEPTED: {
        E.PROPOSE: S.PROPOSED,
        E.RELEASE: S.SEARCHING,
        E.HAND_BACK: S.HANDED_BACK,
        E.WORSEN: S.HANDED_BACK,
        E.CANCEL: S.CANCELLED,
    },
    S.PROPOSED: {
        E.PROPOSE: S.PROPOSED,
        E.COUNTER: S.PROPOSED,
        E.CONFIRM: S.CONFIRMED,
        E.PATIENT_REFUSES: S.SEARCHING,
        E.WITHDRAW: S.SEARCHING,
        E.NOT_REACHED: S.UNREACHABLE,
        E.HAND_BACK: S.HANDED_BACK,
        E.WORSEN: S.HANDED_BACK,
        E.CANCEL: S.CANCELLED,
    },
    S.UNREACHABLE: {
        E.REACHED: S.PROPOSED,
        E.CONFIRM: S.CONFIRMED,
        E.HAND_BACK: S.HANDED_BACK,
        E.RUN_OUT: S.UNANSWERED,
        E.WORSEN: S.HANDED_BACK,
        E.CANCEL: S.CANCELLED,
    },
    S.CONFIRMED: {E.FINISH: S.DONE, E.MISS: S.NO_SHOW, E.CANCEL: S.CANCELLED},
    S.DONE: {},
    S.NO_SHOW: {E.REISSUE: S.SEARCHING},
    S.UNANSWERED: {E.REISSUE: S.SEARCHING, E.HAND_BACK: S.HANDED_BACK, E.CANCEL: S.CANCELLED},
    S.HANDED_BACK: {E.REISSUE: S.SEARCHING},
    S.REFUSED: {E.REISSUE: S.SEARCHING},
    S.CANCELLED: {E.REISSUE: S.SEARCHING},
}

# A request that goes back to the search finds the deadline over: it ends as if the deadline had just passed.
BACK_TO_SEARCH = frozenset({E.RELEASE, E.PATIENT_REFUSES, E.WITHDRAW})
OPEN = frozenset({S.DRAFT, S.TO_QUALIFY, S.SEARCHING, S.ACCEPTED, S.PROPOSED, S.UNREACHABLE, S.CONFIRMED, S.UNANSWERED})
TAKEN = frozenset({S.ACCEPTED, S.PROPOSED, S.UNREACHABLE, S.CONFIRMED, S.DONE, S.NO_SHOW})


class Status(NamedTuple):
    """A row of sas.md 17.5: coordinating Task status and businessStatus, ServiceRequest status."""

    task: str
    business: str | None
    request: str


STATUS_OF: Mapping[State, Status] = {
    S.DRAFT: Status("draft", None, "draft"),
    S.TO_QUALIFY: Status("received", "to-qualify", "active"),
    S.SEARCHING: Status("accepted", "searching", "active"),
    S.ACCEPTED: Status("in-progress", "taken", "active"),
    S.PROPOSED: Status("in-progress", "appointment-proposed", "active"),
    S.UNREACHABLE: Status("on-hold", "patient-unreachable", "active"),
    S.CONFIRMED: Status("completed", "confirmed", "active"),
    S.DONE: Status("completed", "done", "completed"),
    S.NO_SHOW: Status("completed", "no-show", "completed"),
    S.UNANSWERED: Status("failed", "no-answer", "active"),
    S.HANDED_BACK: Status("failed", "handed-back", "revoked"),
    S.REFUSED: Status("rejected", "out-of-scope", "revoked"),
    S.CANCELLED: Status("cancelled", "withdrawn", "revoked"),
}
# Several businessStatus words for one state (sas.md 17.5): the second ones, read back to the same state.
BUSINESS_VARIANTS: Mapping[str, State] = {
    "widened": S.SEARCHING,
    "redirected": S.SEARCHING,
    "redirected-amu": S.HANDED_BACK,
    "closed": S.REFUSED,
    "quota": S.REFUSED,
}
CANCELLED_AFTER_CONFIRMATION = Status("completed", "withdrawn", "revoked")
CLOSED_UNANSWERED = Status("failed", "no-answer", "revoked")  # nothing leaves failed: the ServiceRequest alone ends


@dataclass(frozen=True, slots=True, kw_only=True)
class CareRequest:
    """What we decide with. Ids are those of the FHIR resources that carry each part.

    ``id`` ServiceRequest, ``task`` coordinating Task, ``patient`` Patient, ``network`` the CPTS (Organization) in charge,
    ``performer`` the PractitionerRole who accepted, ``client`` the machine that handed it over, ``commune`` INSEE code of the
    place of care, ``wave`` the last one opened (0: none yet), ``attempt`` the number of coordinating Tasks so far.
    """

    id: str
    task: str
    number: str
    state: State
    patient: str
    network: str
    origin: Origin
    issued_at: datetime
    response_due: datetime
    commune: str = ""
    business: str | None = None
    profession: str = "10"
    specialty: str | None = None
    care_type: str = ""
    kind: str = ""
    reason: str = ""
    client: str | None = None
    requester: str | None = None
    performer: str | None = None
    appointment: str | None = None
    dossier: str | None = None
    wave: int = 0
    attempt: int = 1
    confirmed_once: bool = False
    failure: str | None = None  # code of handoff-failure or cancel-reason, when the request ended badly

    @property
    def is_open(self) -> bool:
        """Still on the supervision list."""
        return self.state in OPEN

    @property
    def is_handoff(self) -> bool:
        """Handed over by a SAS: it goes back to it at the deadline."""
        return self.origin is Origin.SAS


def move(request: CareRequest, event: Event) -> CareRequest:
    """The request after the event. Raises ``Refusal("not-a-move")`` when the table has no such move."""
    target = MOVES[request.state].get(event)
    if target is None:
        raise Refusal("not-a-move", state=request.state, event=event)
    return replace(request, state=target, business=None)


def accept(request: CareRequest, performer: str) -> CareRequest:
    """First come, exactly one wins: whoever comes later, whatever happened since, reads that it was taken."""
    if request.performer is not None or request.state in TAKEN:
        raise Refusal("already-taken")
    return replace(move(request, Event.ACCEPT), performer=performer)


def back_to_search(request: CareRequest, event: Event, now: datetime) -> CareRequest:
    """Released, withdrawn, or refused by the patient: searching again while time is left, else as at the deadline."""
    freed = replace(move(request, event), performer=None, appointment=None)
    return run_out(freed, reason="released-too-late") if now >= request.response_due else freed


def run_out(request: CareRequest, reason: str = "no-answer-in-time") -> CareRequest:
    """The response deadline is over with nobody: a handoff goes back to the SAS in the same instant (sas.md 17.5)."""
    ended = replace(move(request, Event.RUN_OUT), failure=reason)
    return replace(move(ended, Event.HAND_BACK), failure=reason) if request.is_handoff else ended


def cancel(request: CareRequest, reason: str) -> CareRequest:
    """Withdrawn by the issuer, the SAS or an operator; a Task completed or failed stays so (sas.md 17.5)."""
    if request.state is State.UNANSWERED:
        return replace(move(request, Event.CANCEL), business=CLOSED_UNANSWERED.business)
    confirmed = request.state is State.CONFIRMED
    return replace(move(request, Event.CANCEL), failure=reason, confirmed_once=request.confirmed_once or confirmed)


def status_of(request: CareRequest) -> Status:
    """How the request's state is written in FHIR."""
    if request.state is State.CANCELLED and request.confirmed_once:
        return CANCELLED_AFTER_CONFIRMATION
    if request.state is State.CANCELLED and request.business == CLOSED_UNANSWERED.business:
        return CLOSED_UNANSWERED
    row = STATUS_OF[request.state]
    return row._replace(business=request.business) if request.business else row


def state_of(task_status: str, business: str | None, request_status: str) -> State:
    """The state written by :func:`status_of`. Raises ``ValueError`` on a combination the hub never writes."""
    if task_status == "completed" and business == "withdrawn":
        return State.CANCELLED
    if (task_status, business, request_status) == CLOSED_UNANSWERED:
        return State.CANCELLED
    if business is not None and business in BUSINESS_VARIANTS:
        return BUSINESS_VARIANTS[business]
    for state, row in STATUS_OF.items():
        if (row.task, row.business) == (task_status, business):
            return state
    raise ValueError(f"no state of a care request is written {task_status} / {business} / {request_status}")
