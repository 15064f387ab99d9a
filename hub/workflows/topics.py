"""The outbox topics, and what each message carries: references and wire identifiers, no clinical content and no patient name."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from hub.storage.outbox import Message


class WaveOver(Message):
    """The delay of a wave has passed. Does nothing when the request is no longer searching."""

    topic: ClassVar[str] = "wave.over"
    request: str
    attempt: int
    number: int


class ResponseOver(Message):
    """The response deadline of one attempt has passed."""

    topic: ClassVar[str] = "response.over"
    request: str
    attempt: int


class ResponseNear(Message):
    """A part of the response delay has passed, in percent: the operators are told if nobody has accepted (sas.md 17.8)."""

    topic: ClassVar[str] = "response.near"
    request: str
    attempt: int
    percent: int


class FormLate(Message):
    """Accepted, and no appointment proposed for a while: the operators are told (workflow.md 4.4)."""

    topic: ClassVar[str] = "form.late"
    request: str
    attempt: int
    performer: str


class UnreachableOver(Message):
    """Half an hour before the appointment of a patient nobody could reach: the request ends (workflow.md 4.4)."""

    topic: ClassVar[str] = "unreachable.over"
    request: str
    appointment: str


class MembershipOver(Message):
    """A year after somebody entered a circle of care: they left it, unless acts of theirs have moved the end (workflow.md 4.3)."""

    topic: ClassVar[str] = "membership.over"
    patient: str
    role: str


class SituationEnded(Message):
    """A load of the directory, at an instant, no longer has a situation of an account; a sign-in after it vouches for it."""

    topic: ClassVar[str] = "situation.ended"
    account: str
    role: str
    load: int
    at: datetime


class SasOutcome(Message):
    """One version of a coordinating Task, for the SAS that handed the request over (sas.md 17.10)."""

    topic: ClassVar[str] = "sas.outcome"
    client: str
    request: str
    task: str
    version: int


class SasAppointment(Message):
    """One version of the appointment of a handoff, for the SAS platform (INT_R03, sas.md 10)."""

    topic: ClassVar[str] = "sas.appointment"
    request: str
    appointment: str
    version: int


class SendMail(Message):
    """A mail to the holder of an account. ``template`` says what; ``due``: the hour it speaks of; ``role``: the situation."""

    topic: ClassVar[str] = "mail.send"
    account: str
    template: str
    reference: str
    request: str | None = None
    role: str | None = None
    due: datetime | None = None


class SendSms(Message):
    """A text message to the holder of an account."""

    topic: ClassVar[str] = "sms.send"
    account: str
    template: str
    reference: str
    request: str | None = None
    due: datetime | None = None


class SendCodeMail(Message):
    """A one-time code or link by mail. The code itself stays in the table of codes, encrypted, until the message is prepared."""

    topic: ClassVar[str] = "mail.code"
    account: str
    code: str


class SendCodeSms(Message):
    """A one-time code by text message."""

    topic: ClassVar[str] = "sms.code"
    account: str
    code: str


def send_code(channel: Literal["sms", "email"], *, account: str, code: str) -> Message:
    """The message that carries the one-time code of that id to the holder of the account."""
    return SendCodeSms(account=account, code=code) if channel == "sms" else SendCodeMail(account=account, code=code)


class DmpSubmission(Message):
    """One version of a note for the DMP, with the identifiers by which the DMP recognises a repeat."""

    topic: ClassVar[str] = "dmp.submission"
    note: str
    version: int
    unique_id: str
    set_id: str
    submission_id: str
    asked_by: str
