"""Accounts: who they are, how they sign in, and how they like to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub import clock
from hub.domain import hours
from hub.storage import rows, situations
from hub.storage.session import Session
from hub.storage.tables.accounts import (
    account,
    account_review,
    browser_session,
    candidate,
    capacity,
    other_id,
    sign_in_method,
    situation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who may sign in. ``state``: active, waiting, closed."""

    id: str
    created_at: datetime
    identifier: str | None = None
    national_id: str | None = None
    practitioner: str | None = None
    civility: str = ""
    given: str = ""
    family: str = ""
    email: str = ""
    email_confirmed_at: datetime | None = None
    mobile: str = ""
    mobile_confirmed_at: datetime | None = None
    contact_phone: str = ""
    state: str = "active"
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """How a person may be told now. ``opens_at``: not before, ``None`` at once. An unconfirmed address is never used."""

    email: bool
    sms: bool
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A means of sign-in. ``subject``: SubjectNameID with ``kind`` psc, the five digits with ``kind`` local."""

    account: str
    kind: str
    subject: str
    created_at: datetime
    issuer: str = ""
    sub: str = ""
    secret_hash: str | None = None
    totp_secret: bytes | None = None
    totp_step: int | None = None
    tries: int = 0
    closed_until: datetime | None = None
    code_tries: int = 0
    code_closed_until: datetime | None = None
    id: int | None = None


# -------------------------------------------------------------------------------- accounts


async def create(session: Session, one: Account) -> None:
    """A new account."""
    await session.execute(insert(account).values(asdict(one)))


async def change(session: Session, id: str, **values: Any) -> None:
    """Change columns of an account."""
    await session.execute(update(account).where(account.c.id == id).values(**values))


async def by_id(session: Session, id: str) -> Account | None:
    """One account."""
    return await rows.one(session, Account, select(account).where(account.c.id == id))


async def lock(session: Session, id: str) -> Account | None:
    """One account, held until the end of the transaction."""
    return await rows.one(session, Account, select(account).where(account.c.id == id).with_for_update())


async def in_line(session: Session, national_ids: Iterable[str]) -> None:
    """Let only one transaction at a time decide about a person: held until its end."""
    for number in sorted(set(national_ids)):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(number, 20260401))))


async def by_email(session: Session, address: str) -> list[Account]:
    """Accounts whose confirmed e-mail is that one, without case."""
    same = and_(func.lower(account.c.email) == address.lower(), account.c.email_confirmed_at.is_not(None))
    return await rows.every(session, Account, select(account).where(same))


async def matching(session: Session, national_ids: Iterable[str]) -> list[Account]:
    """Accounts that bear one of these national identifiers: as their own, as one of a sign-in method, or as another identifier."""
    wanted = list(national_ids)
    by_method = select(sign_in_method.c.account).where(
        sign_in_method.c.kind == "psc", sign_in_method.c.subject.in_(wanted)
    )
    by_other = select(other_id.c.account).where(other_id.c.value.in_(wanted))
    bears: ColumnElement[bool] = or_(
        account.c.national_id.in_(wanted), account.c.id.in_(by_method), account.c.id.in_(by_other)
    )
    return await rows.every(session, Account, select(account).where(bears).order_by(account.c.created_at))


async def merge(session: Session, *, source: str, target: str) -> None:
    """Everything ``source`` had is ``target``'s; ``source`` is closed. Roles keep their ids, hence their grants."""
    for table in (sign_in_method, situation, candidate, capacity, browser_session):
        await session.execute(update(table).where(table.c.account == source).values(account=target))
    moved = select(other_id.c.value, other_id.c.origin).where(other_id.c.account == source)
    await add_other_ids(session, target, {row.value: row.origin for row in await session.execute(moved)})
    await session.execute(delete(other_id).where(other_id.c.account == source))
    await change(session, source, state="closed", national_id=None)


async def free_identifier(session: Session, tried: str) -> bool:
    """Whether nobody has these five digits."""
    found = await session.execute(select(account.c.id).where(account.c.identifier == tried))
    return found.first() is None


# -------------------------------------------------------------------------------- means of sign-in and other identifiers


async def method(session: Session, kind: str, subject: str, *, issuer: str = "") -> Method | None:
    """A means of sign-in by what the person presents, held until the end of the transaction."""
    same = and_(sign_in_method.c.kind == kind, sign_in_method.c.issuer == issuer, sign_in_method.c.subject == subject)
    return await rows.one(session, Method, select(sign_in_method).where(same).with_for_update())


async def methods(session: Session, id: str) -> list[Method]:
    """Every means of sign-in of an account."""
    query = select(sign_in_method).where(sign_in_method.c.account == id).order_by(sign_in_method.c.id)
    return await rows.every(session, Method, query)


async def keep_method(session: Session, one: Method) -> None:
    """Add a means of sign-in, or replace the one with the same kind, issuer and subject."""
    values = {name: value for name, value in asdict(one).items() if name != "id"}
    changed = {name: value for name, value in values.items() if name != "created_at"}
    keys = ["kind", "issuer", "subject"]
    await session.execute(
        upsert(sign_in_method).values(values).on_conflict_do_update(index_elements=keys, set_=changed)
    )


async def change_method(session: Session, id: int | None, **values: Any) -> None:
    """Change columns of a means of sign-in."""
    await session.execute(update(sign_in_method).where(sign_in_method.c.id == id).values(**values))


async def add_other_ids(session: Session, id: str, others: Mapping[str, str]) -> None:
    """Remember other identifiers of the person: value -> origin."""
    for value, origin in others.items():
        row = {"account": id, "value": value, "origin": origin}
        await session.execute(upsert(other_id).values(row).on_conflict_do_nothing())


async def ask_review(session: Session, *, kind: str, national_id: str, accounts: list[str], at: datetime) -> None:
    """Leave a case to an operator: accounts that should perhaps be one."""
    row = {"kind": kind, "national_id": national_id, "accounts": accounts, "created_at": at}
    known = select(account_review.c.id).where(
        account_review.c.national_id == national_id, account_review.c.kind == kind, account_review.c.done_at.is_(None)
    )
    if (await session.execute(known)).first() is None:
        await session.execute(insert(account_review).values(row))


# -------------------------------------------------------------------------------- who to tell


async def of_role(session: Session, role: str) -> str | None:
    """The account that acts in a PractitionerRole."""
    found = (await session.execute(select(situation.c.account).where(situation.c.role == role))).first()
    return str(found.account) if found else None


async def operators_of(session: Session, network: str) -> list[str]:
    """The accounts that are operators of a CPTS now."""
    at = clock.now()
    valid = and_(capacity.c.since <= at, or_(capacity.c.until.is_(None), capacity.c.until > at))
    serves = and_(capacity.c.capacity == "operator", capacity.c.organization == network)
    query = select(capacity.c.account).join(account, account.c.id == capacity.c.account)
    found = await session.execute(
        query.where(serves, valid, account.c.state == "active").distinct().order_by(capacity.c.account)
    )
    return [row.account for row in found]


async def channels_of(session: Session, id: str) -> Channels:
    """How and when an account wants its notices. Somebody without situation is told by mail, at any hour; somebody with
    several, by the channels wanted in one of them, at the first hour one of them opens.
    """
    one = await by_id(session, id)
    if one is None or one.state != "active":
        return Channels(email=False, sms=False)
    wanted = await situations.wishes(session, id)
    now = clock.now()
    openings = [hours.next_opening(wish.hours, now, hours.zone_of(commune)) for wish, commune in wanted if wish.hours]
    is_open = len(openings) < len(wanted) or not openings or min(openings) <= now
    return Channels(
        email=one.email_confirmed_at is not None and (not wanted or any(wish.by_email for wish, _ in wanted)),
        sms=one.mobile_confirmed_at is not None and any(wish.by_sms for wish, _ in wanted),
        opens_at=None if is_open else min(openings),
    )
