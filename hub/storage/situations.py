"""In which situations and capacities an account acts, and what a professional wants in each situation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.storage import rows
from hub.storage.session import Session
from hub.storage.tables.accounts import account, capacity, preference, situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A professional situation of an account; ``role`` is its PractitionerRole, ``ended_at`` when it is no longer declared."""

    role: str
    account: str
    key: str
    seen_at: datetime
    profession: str = ""
    category: str = ""
    title: str = ""
    given: str = ""
    family: str = ""
    specialties: list[str] = field(default_factory=list)
    structure_key: str = ""
    structure_id: str = ""
    structure_name: str = ""
    organization: str | None = None
    commune: str = ""
    mode: str = ""
    sector: str = ""
    role_code: str = ""
    kind: str = ""
    section: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A capacity other than professional: operator or coordinator of a CPTS, third party, administrator, secretary for ``role``."""

    account: str
    capacity: str
    since: datetime
    organization: str | None = None
    role: str | None = None
    until: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a professional wants in one situation (workflow.md 3). ``hours``: when notices may
    arrive, as :mod:`hub.domain.hours` reads them, empty for any time; ``absences``: pairs of
    dates, both included; ``addresses``: places of practice, the first one is where distances start.
    """

    role: str
    radius_km: int
    kinds: list[str]
    hours: dict[str, list[str]]
    network: str | None = None
    care_types: list[str] = field(default_factory=list)
    sas_networks: list[str] = field(default_factory=list)
    max_open: int | None = None
    absences: list[list[str]] = field(default_factory=list)
    by_email: bool = True
    by_sms: bool = True
    addresses: list[dict[str, Any]] = field(default_factory=list)


async def _keep(session: Session, table: Table, record: Any, *, key: Iterable[str]) -> None:
    values, names = asdict(record), list(key)
    changed = {name: value for name, value in values.items() if name not in names}
    await session.execute(upsert(table).values(values).on_conflict_do_update(index_elements=names, set_=changed))


async def situations(session: Session, id: str, *, ended: bool = False) -> list[Situation]:
    """The situations of an account, those still declared unless ``ended``."""
    query = select(situation).where(situation.c.account == id).order_by(situation.c.structure_name, situation.c.role)
    return await rows.every(session, Situation, query if ended else query.where(situation.c.ended_at.is_(None)))


async def situation_of(session: Session, role: str) -> Situation | None:
    """The situation of a PractitionerRole."""
    return await rows.one(session, Situation, select(situation).where(situation.c.role == role))


async def keep_situation(session: Session, one: Situation) -> None:
    """Add or replace a situation."""
    await _keep(session, situation, one, key=("role",))


async def end_situation(session: Session, role: str, at: datetime) -> None:
    """The national side no longer declares it."""
    await session.execute(update(situation).where(situation.c.role == role).values(ended_at=at))


async def capacities(session: Session, id: str, at: datetime) -> list[Capacity]:
    """The capacities an account has at that instant, other than professional."""
    valid = and_(capacity.c.since <= at, or_(capacity.c.until.is_(None), capacity.c.until > at))
    query = select(capacity).where(capacity.c.account == id, valid).order_by(capacity.c.id)
    return await rows.every(session, Capacity, query)


async def give_capacity(session: Session, one: Capacity) -> int:
    """Give a capacity; the number of its row."""
    values = {name: value for name, value in asdict(one).items() if name != "id"}
    given = await session.execute(insert(capacity).values(values).returning(capacity.c.id))
    return int(given.scalar_one())


async def withdraw_capacity(session: Session, id: int, at: datetime) -> None:
    """End a capacity."""
    await session.execute(update(capacity).where(capacity.c.id == id).values(until=at))


async def preference_of(session: Session, role: str) -> Preference | None:
    """The preferences of a situation; ``None`` before the first sign-in has set the defaults."""
    return await rows.one(session, Preference, select(preference).where(preference.c.role == role))


async def keep_preference(session: Session, one: Preference) -> None:
    """Add or replace the preferences of a situation."""
    await _keep(session, preference, one, key=("role",))


async def forget_preference(session: Session, role: str) -> None:
    """Back to the defaults."""
    await session.execute(delete(preference).where(preference.c.role == role))


async def wishes(session: Session, id: str) -> list[tuple[Preference, str]]:
    """The preferences of every situation still declared of an account, with its commune."""
    query = select(preference, situation.c.commune).join(situation, situation.c.role == preference.c.role)
    found = await session.execute(query.where(situation.c.account == id, situation.c.ended_at.is_(None)))
    return [(rows.record(Preference, row), row.commune) for row in found]


async def role_of_person(session: Session, national_id: str) -> str | None:
    """The first situation now of the professional with that national identifier; ``None`` without an active account."""
    found = (
        select(situation.c.role)
        .join(account, account.c.id == situation.c.account)
        .where(account.c.national_id == national_id, account.c.state == "active", situation.c.ended_at.is_(None))
        .order_by(situation.c.seen_at, situation.c.role)
        .limit(1)
    )
    return (await session.execute(found)).scalar_one_or_none()
