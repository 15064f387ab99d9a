"""Numbers people say on the phone: the request number, with the month it was issued in (``2026-11-0412``)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hub.storage import swift
from hub.storage.session import Session
from hub.storage.tables.sequences import request_number

NEXT = swift.order(select(request_number.next_value()))


async def next_request(session: Session, now: datetime) -> str:
    """The next number. A sequence, so that handoffs do not wait for one another: gaps are possible, repetitions are not."""
    (number,) = await swift.values(session, NEXT, {})
    return f"{now:%Y-%m}-{number:04d}"
