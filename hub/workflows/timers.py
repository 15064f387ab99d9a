"""The messages we send to ourselves: each settles by one workflow call, and each checks that it still matters."""

from __future__ import annotations

from hub.storage.outbox import Delivery, Message
from hub.workflows import appointments, circle, directory_changes, dispatch, requests
from hub.workflows.topics import (
    FormLate,
    MembershipOver,
    ResponseNear,
    ResponseOver,
    SituationEnded,
    UnreachableOver,
    WaveOver,
)


def timer(settle: object) -> Delivery:
    """A delivery that only settles: nobody outside is told anything."""
    return Delivery(connector="hub", settle=settle)  # type: ignore[arg-type]


TOPICS: dict[type[Message], Delivery] = {
    WaveOver: timer(dispatch.wave_over),
    ResponseOver: timer(dispatch.response_over),
    ResponseNear: timer(dispatch.response_near),
    FormLate: timer(requests.form_late),
    MembershipOver: timer(circle.membership_over),
    SituationEnded: timer(directory_changes.situation_ended),
    UnreachableOver: timer(appointments.unreachable_over),
}
