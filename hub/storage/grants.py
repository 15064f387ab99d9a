"""Who may see the data of a care request or of a patient, and at which level. Workflows give and withdraw; storage asks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert

from hub import clock
from hub.domain.people import Viewer
from hub.domain.visibility import Level
from hub.storage import swift
from hub.storage.session import Session
from hub.storage.tables.records import grant

_given = (
    insert(grant)
    .inline()
    .values({name: bindparam(name) for name in ("audience", "level", "request", "patient", "until")})
)
_fresh = _given.excluded
_over = and_(grant.c.until.is_not(None), grant.c.until <= bindparam("now"))
GIVE = swift.order(
    _given.on_conflict_do_update(
        index_elements=["audience", "request", "patient"],
        set_={
            "level": case((_over, _fresh.level), else_=func.greatest(grant.c.level, _fresh.level)),
            "until": case(
                (or_(_over, _fresh.level > grant.c.level), _fresh.until),
                (_fresh.level < grant.c.level, grant.c.until),
                (or_(grant.c.until.is_(None), _fresh.until.is_(None)), None),
                else_=func.greatest(grant.c.until, _fresh.until),
            ),
        },
    )
)


async def give(
    session: Session,
    *,
    audience: str,
    level: Level,
    request: str | None = None,
    patient: str | None = None,
    until: datetime | None = None,
) -> None:
    """Let an audience see a care request (``request`` with its ``patient``), or a patient's notebook (``patient`` alone).

    Given twice, the higher level and the later end stay: to lower, withdraw first.
    """
    values = {"audience": audience, "level": int(level), "request": request, "patient": patient, "until": until}
    await swift.later(session, GIVE, {**values, "now": clock.now()})


async def withdraw(
    session: Session,
    *,
    audience: str,
    request: str | None = None,
    patient: str | None = None,
    level: Level | None = None,
) -> None:
    """Take back what was given on a request, or on a patient's notebook (``patient`` alone). ``level`` spares other levels."""
    target = grant.c.request == request if request else and_(grant.c.request.is_(None), grant.c.patient == patient)
    order = delete(grant).where(grant.c.audience == audience, target)
    await session.execute(order if level is None else order.where(grant.c.level == int(level)))


_prolonged = (
    update(grant)
    .where(
        grant.c.audience == bindparam("its_audience"),
        grant.c.patient == bindparam("its_patient"),
        grant.c.level == int(Level.FULL),
        grant.c.until < bindparam("new"),
    )
    .values(until=bindparam("new"))
)
PROLONG = swift.order(_prolonged)
PROLONG_CURRENT = swift.order(_prolonged.where(grant.c.until > bindparam("now")))


async def prolong(session: Session, *, audience: str, patient: str, until: datetime, with_ended: bool = False) -> None:
    """Move the end of every full grant of an audience that concerns a patient, requests and notebook; those without an end keep
    none. ``with_ended``: those that had ended live again, too.
    """
    words = {"its_audience": audience, "its_patient": patient, "new": until}
    if with_ended:
        await swift.later(session, PROLONG, words)
    else:
        await swift.later(session, PROLONG_CURRENT, {**words, "now": clock.now()})


FOREVER = datetime.max.replace(tzinfo=UTC)


async def end_of(session: Session, *, audience: str, patient: str) -> datetime | None:
    """When the notebook of a patient closes to an audience: ``FOREVER`` without an end, ``None`` when it is not open to them."""
    mine = and_(grant.c.audience == audience, grant.c.patient == patient, grant.c.request.is_(None))
    found = (await session.execute(select(grant.c.until).where(mine, grant.c.level == int(Level.FULL)))).one_or_none()
    return None if found is None else found.until or FOREVER


async def withdraw_level(session: Session, request: str, level: Level, keep: Collection[str] = ()) -> None:
    """Take back every grant of that level on a request, except from the audiences to ``keep``."""
    await session.execute(
        delete(grant).where(
            grant.c.request == request, grant.c.level == int(level), grant.c.audience.not_in(list(keep))
        )
    )


def is_current() -> ColumnElement[bool]:
    """The condition that a grant has not ended; needs the parameter ``now``."""
    return or_(grant.c.until.is_(None), grant.c.until > bindparam("now"))


KEYS = bindparam("keys", type_=ARRAY(TEXT))

LEVEL_OF = swift.order(
    select(func.coalesce(func.max(grant.c.level), 0)).where(
        grant.c.request == bindparam("request"), grant.c.audience == func.any(KEYS), is_current()
    )
)

COVERS = swift.order(
    select(
        exists().where(
            grant.c.patient == bindparam("patient"),
            grant.c.request.is_(None),
            grant.c.level == int(Level.FULL),
            grant.c.audience == func.any(KEYS),
            is_current(),
        )
    )
)


async def level_of(session: Session, viewer: Viewer, request: str) -> Level:
    """How much of a request this viewer sees now."""
    if viewer.sees_all:
        return Level.FULL
    words = {"request": request, "keys": list(viewer.keys), "now": clock.now()}
    (found,) = await swift.values(session, LEVEL_OF, words)
    return Level(found)


async def covers_patient(session: Session, viewer: Viewer, patient: str) -> bool:
    """Whether this viewer reads the notebook of that patient: member of the circle of care, or an emergency access."""
    if viewer.sees_all:
        return True
    words = {"patient": patient, "keys": list(viewer.keys), "now": clock.now()}
    (found,) = await swift.values(session, COVERS, words)
    return bool(found)


AUDIENCES = (
    select(grant.c.audience)
    .where(grant.c.request == bindparam("request"), grant.c.level >= bindparam("level"), is_current())
    .order_by(grant.c.audience)
)


async def audiences(session: Session, request: str, level: Level) -> list[str]:
    """Who sees a request at that level or more."""
    words = {"request": request, "level": int(level), "now": clock.now()}
    return list((await session.execute(AUDIENCES, words)).scalars())
