"""Who may do which event, in which capacity and relation to the request: one table, asked first by every workflow."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from hub.domain.care_request import CareRequest, Event
from hub.domain.people import Capacity, Viewer, operators_key
from hub.domain.refusal import Refusal


class Relation(StrEnum):
    """How a viewer stands to a request."""

    ASKED = "asked"  # holds an open invitation
    PERFORMER = "performer"  # accepted it
    ISSUER = "issuer"  # issued it, or handed it over
    OPERATOR = "operator"  # serves its territory
    HUB = "hub"  # the hub itself: deadlines
    STRANGER = "stranger"


R = Relation
ACTING = frozenset({R.PERFORMER, R.OPERATOR})

MAY: Mapping[Event, frozenset[Relation]] = {
    Event.ISSUE: frozenset({R.ISSUER, R.OPERATOR}),
    Event.QUALIFY: frozenset({R.OPERATOR}),
    Event.REFUSE: frozenset({R.OPERATOR, R.HUB}),
    Event.ACCEPT: frozenset({R.ASKED}),
    Event.RELEASE: frozenset({R.PERFORMER}),
    Event.PROPOSE: frozenset({R.PERFORMER}),
    Event.COUNTER: ACTING,
    Event.CONFIRM: ACTING,
    Event.PATIENT_REFUSES: ACTING,
    Event.WITHDRAW: frozenset({R.PERFORMER}),
    Event.NOT_REACHED: ACTING,
    Event.REACHED: ACTING,
    Event.FINISH: ACTING,
    Event.MISS: ACTING,
    Event.RUN_OUT: frozenset({R.HUB, R.OPERATOR}),
    Event.HAND_BACK: frozenset({R.OPERATOR, R.HUB}),
    Event.WORSEN: ACTING,
    Event.CANCEL: frozenset({R.ISSUER, R.OPERATOR}),
    Event.REISSUE: frozenset({R.OPERATOR, R.ISSUER}),
}


def relations(viewer: Viewer, request: CareRequest, *, is_asked: bool = False) -> frozenset[Relation]:
    """All the relations of a viewer to a request. ``is_asked``: holds an invitation that is still open."""
    found = {R.STRANGER}
    if viewer.capacity is Capacity.HUB:
        found.add(R.HUB)
    if is_asked:
        found.add(R.ASKED)
    if viewer.role is not None and viewer.role == request.performer:
        found.add(R.PERFORMER)
    if viewer.capacity is Capacity.OPERATOR and operators_key(request.network) in viewer.keys:
        found.add(R.OPERATOR)
    if viewer.client is not None and viewer.client == request.client:
        found.add(R.ISSUER)
    if viewer.role is not None and request.requester == f"PractitionerRole/{viewer.role}":
        found.add(R.ISSUER)
    return frozenset(found)


def require(viewer: Viewer, event: Event, request: CareRequest, *, is_asked: bool = False) -> None:
    """Let the viewer through, or raise: ``already-taken`` when an invitation was lost to somebody else, else ``not-allowed``."""
    if MAY[event] & relations(viewer, request, is_asked=is_asked):
        return
    raise Refusal("not-allowed")
