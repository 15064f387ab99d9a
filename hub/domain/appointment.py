"""Proposals, what may be confirmed, and how an appointment stands in FHIR (workflow.md 4.5, fhir.md 9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.refusal import Refusal


class Mode(StrEnum):
    """How the patient is seen; words of CodeSystem kind-of-care."""

    HOME_VISIT = "visite"
    PRACTICE = "consultation"
    TELECONSULTATION = "teleconsultation"


class Standing(StrEnum):
    """Where an appointment stands; values are those of FHIR ``Appointment.status``."""

    PROPOSED = "proposed"  # a range or words: no start yet
    PENDING = "pending"
    BOOKED = "booked"
    FULFILLED = "fulfilled"
    NO_SHOW = "noshow"
    CANCELLED = "cancelled"


USUAL_LENGTH = timedelta(minutes=20)  # (Choice) length of an appointment given by its start alone
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A proposal and what became of it.

    Exactly one of: ``start`` and ``end`` (an exact time), ``range_start`` and ``range_end``, or ``words``. ``place`` is a
    Location id when the performer's practice was chosen. ``tells_name`` and ``phone_told``: what the patient may know.
    """

    id: str
    request: str
    patient: str
    performer: str
    mode: Mode
    standing: Standing
    created_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    range_start: datetime | None = None
    range_end: datetime | None = None
    words: str = ""
    place: str | None = None
    tells_name: bool = True
    phone_told: str | None = None
    comment: str = ""
    cancel_reason: str | None = None


def proposed(appointment: Appointment, now: datetime) -> Appointment:
    """A checked proposal with its standing. Raises ``Refusal`` on a time in the past, an empty or upside-down range."""
    if appointment.start is not None:
        if appointment.start <= now:
            raise Refusal("appointment-in-the-past", expression="Appointment.start")
        end = appointment.end or appointment.start + USUAL_LENGTH
        if end <= appointment.start:
            raise Refusal("appointment-range", expression="Appointment.end")
        return replace(appointment, end=end, standing=Standing.PENDING)
    if appointment.range_start is not None and appointment.range_end is not None:
        if appointment.range_end <= appointment.range_start:
            raise Refusal("appointment-range", expression="Appointment.requestedPeriod")
        if appointment.range_end <= now:
            raise Refusal("appointment-in-the-past", expression="Appointment.requestedPeriod")
        return replace(appointment, standing=Standing.PROPOSED)
    if not appointment.words.strip():
        raise Refusal("appointment-without-time", expression="Appointment.start")
    return replace(appointment, words=appointment.words.strip()[:LONGEST_WORDS], standing=Standing.PROPOSED)


def confirmed(appointment: Appointment, start: datetime | None, end: datetime | None) -> Appointment:
    """The patient agreed. A range becomes start and end; words need the start and end given by who called (fhir.md 9.2)."""
    if appointment.standing not in (Standing.PENDING, Standing.PROPOSED):
        raise Refusal("not-a-move", state=appointment.standing, event="confirm")
    begins = start or appointment.start or appointment.range_start
    ends = end or appointment.end or appointment.range_end
    if begins is None or ends is None:
        raise Refusal("appointment-without-time", expression="Appointment.start")
    if ends <= begins:
        raise Refusal("appointment-range", expression="Appointment.end")
    return replace(appointment, start=begins, end=ends, standing=Standing.BOOKED)


ENDINGS: Mapping[Standing, frozenset[Standing]] = {
    Standing.CANCELLED: frozenset({Standing.PROPOSED, Standing.PENDING, Standing.BOOKED}),
    Standing.FULFILLED: frozenset({Standing.BOOKED}),
    Standing.NO_SHOW: frozenset({Standing.BOOKED}),
}


def ended(appointment: Appointment, standing: Standing, reason: str | None = None) -> Appointment:
    """Cancelled, done or missed. Raises ``Refusal("not-a-move")`` when it does not stand where it should."""
    if appointment.standing not in ENDINGS[standing]:
        raise Refusal("not-a-move", state=appointment.standing, event=standing)
    return replace(appointment, standing=standing, cancel_reason=reason)
