"""For each event, who hears about it and how: a table, and the three ways to say it (grants, outcome to the SAS, notices)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.domain.care_request import CareRequest
from hub.domain.people import client_key, coordinators_key, operators_key, role_key
from hub.domain.visibility import Level
from hub.domain.waves import Candidate
from hub.storage import accounts, grants, outbox
from hub.storage.session import Session
from hub.workflows.topics import SasAppointment, SasOutcome, SendMail, SendSms


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """How people hear of an event: the template of the mail and of the text message; empty says nothing on that channel."""

    mail: str = ""
    sms: str = ""


# Who is asked, the performer, or the operators of the territory; none of these texts holds a patient datum.
NOTICES: Mapping[str, Notice] = {
    "asked": Notice(mail="request-waiting", sms="request-waiting"),
    "proposal-refused": Notice(mail="proposal-refused", sms="proposal-refused"),
    "confirmed": Notice(mail="appointment-confirmed", sms="appointment-confirmed"),
    "withdrawn": Notice(mail="request-withdrawn", sms="request-withdrawn"),
    "changed": Notice(mail="request-changed"),
    "nobody-left": Notice(mail="nobody-left"),
    "response-near": Notice(mail="response-near"),
    "form-late": Notice(mail="form-late"),
    "unanswered": Notice(mail="request-unanswered"),
    "sas-untold": Notice(mail="sas-untold"),
    "to-call-back": Notice(mail="to-call-back"),
}


async def grant_issuer(session: Session, request: CareRequest) -> None:
    """Those who see a request from its first instant: the operators (full), the coordinators (outline), who issued it (full)."""
    audiences = {operators_key(request.network): Level.FULL, coordinators_key(request.network): Level.OUTLINE}
    if request.client is not None:
        audiences[client_key(request.client)] = Level.FULL
    if request.requester and request.requester.startswith("PractitionerRole/"):
        audiences[role_key(request.requester.removeprefix("PractitionerRole/"))] = Level.FULL
    for audience, level in audiences.items():
        await grants.give(session, audience=audience, level=level, request=request.id, patient=request.patient)


async def move_territory(session: Session, before: CareRequest, after: CareRequest) -> None:
    """Another territory takes the request on: its people see it from now on, those of the former one no longer."""
    for audience in (operators_key(before.network), coordinators_key(before.network)):
        await grants.withdraw(session, audience=audience, request=before.id)
    await grant_issuer(session, after)


async def outcome(session: Session, request: CareRequest, *, version: int) -> None:
    """Every version of the coordinating Task goes back by the road the request came in, in order."""
    if request.client is not None:
        message = SasOutcome(client=request.client, request=request.id, task=request.task, version=version)
        await outbox.put(session, message, lane=f"request/{request.id}")


async def appointment(session: Session, request: CareRequest, resource: Mapping[str, Any]) -> None:
    """Every version of the appointment of a handoff goes to the platform, in the lane of the other news of the request."""
    if request.is_handoff:
        version = int(resource["meta"]["versionId"])
        message = SasAppointment(request=request.id, appointment=resource["id"], version=version)
        await outbox.put(session, message, lane=f"request/{request.id}")


async def candidates(session: Session, request: CareRequest, people: Iterable[Candidate], *, due: datetime) -> None:
    """Tell those who were just asked."""
    for person in people:
        await to_account(session, "asked", person.account, request, due=due)


async def performer(session: Session, event: str, request: CareRequest, role: str) -> None:
    """Tell the professional who holds, or held, the request."""
    account = await accounts.of_role(session, role)
    if account is not None:
        await to_account(session, event, account, request)


async def operators(session: Session, event: str, request: CareRequest, *, due: datetime | None = None) -> None:
    """Tell the operators of the territory. ``due``: the hour that the notice speaks of, after which it is no use."""
    for account in await accounts.operators_of(session, request.network):
        await to_account(session, event, account, request, due=due)


async def to_account(
    session: Session, event: str, account: str, request: CareRequest, *, due: datetime | None = None
) -> None:
    """One notice on every channel the person wants. The reference is the key by which a repeat is recognised."""
    notice = NOTICES[event]
    channels = await accounts.channels_of(session, account)
    if notice.mail and channels.email:
        mail = SendMail(account=account, template=notice.mail, reference=str(uuid.uuid4()), request=request.id, due=due)
        await outbox.put(session, mail, due_at=channels.opens_at)
    if notice.sms and channels.sms:
        sms = SendSms(account=account, template=notice.sms, reference=str(uuid.uuid4()), request=request.id, due=due)
        await outbox.put(session, sms, due_at=channels.opens_at)
