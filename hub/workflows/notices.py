"""The words of a notice: what a template may say of a request, never a patient datum (sas.md 17.11)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from hub import clock
from hub.domain import hours
from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.storage import accounts, resources, situations
from hub.storage.session import Session

ZONE = "Europe/Paris"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Whom to write to and the facts a template may use: number of the request, hour of the deadline."""

    email: str
    mobile: str
    number: str = ""
    words: dict[str, str] = field(default_factory=dict)


async def of_request(session: Session, account_id: str, request: str | None, due: datetime | None) -> Notice:
    """The facts for one recipient. Raises ``Refusal("not-found")`` when the account is gone."""
    account = await accounts.by_id(session, account_id)
    if account is None:
        raise Refusal("not-found")
    number = ""
    if request is not None:
        service_request = await resources.peek(session, "ServiceRequest", request)
        number = elements.identifier(service_request or {}, names.ns("request-number")) or ""
    return Notice(email=account.email, mobile=account.mobile, number=number, words={"due": _spoken(due)})


async def of_situation(session: Session, notice: Notice, role: str) -> Notice:
    """The notice with the words of a situation: ``place``, the name of its structure."""
    situation = await situations.situation_of(session, role)
    place = situation.structure_name if situation is not None else ""
    return replace(notice, words={**notice.words, "place": place})


def _spoken(due: datetime | None) -> str:
    """« 15 h 02 » today, « demain à 9 h » later: always an hour, never « bientôt »."""
    if due is None:
        return ""
    now = clock.now()
    is_today = hours.day(due, now, ZONE) == hours.NEAR_DAYS[0]
    return hours.spoken_time(due, ZONE) if is_today else hours.moment(due, now, ZONE)


async def still_matters(session: Session, due: datetime | None) -> bool:
    """A notice whose hour has passed says nothing useful any more."""
    return due is None or clock.now() < due


async def still_true(session: Session, template: str, role: str) -> bool:
    """Whether a notice about a situation says what is so: it may have ended, or been given back, before the notice left."""
    situation = await situations.situation_of(session, role)
    is_over = situation is None or situation.ended_at is not None
    return is_over == (template == "situation-ended")
