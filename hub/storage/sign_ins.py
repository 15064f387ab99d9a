"""Signing in and staying signed in: attempts on their way to the issuer, sessions of browsers, one-time codes, logout tokens."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.storage import rows
from hub.storage.session import Session
from hub.storage.tables.accounts import browser_session, logout_token, one_time_code, sign_in_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A browser sent to the issuer. Hashes of ``state`` and of the browser's cookie; ``verifier`` sealed; ``not_before``: the
    ``auth_time`` that a fresh sign-in must reach.
    """

    state_hash: bytes
    browser_hash: bytes
    nonce: str
    verifier: bytes
    return_to: str
    created_at: datetime
    not_before: datetime | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A person in a browser. ``role`` or ``capacity`` is the choice made; ``tokens`` sealed; ``active_at`` the last act of the
    person, ``checked_at`` the last time the issuer confirmed, ``is_unconfirmed`` when it could not be reached since.
    """

    id: str
    token_hash: bytes
    account: str
    means: str
    csrf: str
    auth_time: datetime
    created_at: datetime
    active_at: datetime
    checked_at: datetime
    checking_until: datetime | None = None
    role: str | None = None
    capacity: int | None = None
    issuer: str = ""
    sub: str = ""
    sid: str | None = None
    acr: str | None = None
    auth_mode: str | None = None
    tokens: bytes | None = None
    refresh_expires_at: datetime | None = None
    is_unconfirmed: bool = False
    ended_at: datetime | None = None
    ended_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A one-time code or link. ``sealed`` holds it until it was sent; ``address``: where, hence what it confirms."""

    id: str
    account: str
    purpose: str
    channel: str
    address: str
    code_hash: bytes
    created_at: datetime
    expires_at: datetime
    browser_hash: bytes | None = None
    sealed: bytes | None = None
    subject: str | None = None
    tries: int = 0
    used_at: datetime | None = None


def digest(text: str) -> bytes:
    """What the database keeps of an opaque value that a browser holds."""
    return hashlib.sha256(text.encode()).digest()


# -------------------------------------------------------------------------------- attempts


async def begin(session: Session, one: Attempt) -> None:
    """Remember an attempt."""
    await session.execute(insert(sign_in_attempt).values(asdict(one)))


async def use_attempt(session: Session, state_hash: bytes, at: datetime) -> Attempt | None:
    """The attempt of that state, used by this call: the second caller gets ``None``."""
    taken = (
        update(sign_in_attempt)
        .where(sign_in_attempt.c.state_hash == state_hash, sign_in_attempt.c.used_at.is_(None))
        .values(used_at=at)
        .returning(*sign_in_attempt.c)
    )
    row = (await session.execute(taken)).one_or_none()
    return rows.record(Attempt, row) if row else None


async def forget_attempts(session: Session, before: datetime) -> None:
    """Attempts older than that serve nobody."""
    await session.execute(delete(sign_in_attempt).where(sign_in_attempt.c.created_at < before))


# -------------------------------------------------------------------------------- sessions


async def open_session(session: Session, one: BrowserSession) -> None:
    """A new session."""
    await session.execute(insert(browser_session).values(asdict(one)))


async def session_of(session: Session, token_hash: bytes, *, lock: bool = False) -> BrowserSession | None:
    """The session of a cookie, ended or not. ``lock``: hold it until the end of the transaction."""
    query = select(browser_session).where(browser_session.c.token_hash == token_hash)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return rows.record(BrowserSession, row) if row else None


async def change_session(session: Session, id: str, **values: Any) -> None:
    """Change columns of a session that has not ended."""
    still = browser_session.c.ended_at.is_(None)
    await session.execute(update(browser_session).where(browser_session.c.id == id, still).values(**values))


async def claim_check(session: Session, one: BrowserSession, *, at: datetime, until: datetime) -> BrowserSession | None:
    """The session as it is now, when it is up to the caller to ask the issuer about it, until ``until``; ``None`` when somebody
    else is asking, or has asked since ``one`` was read: a refresh token serves once.
    """
    free = or_(browser_session.c.checking_until.is_(None), browser_session.c.checking_until <= at)
    same = (browser_session.c.id == one.id) & (browser_session.c.checked_at == one.checked_at)
    claiming = (
        update(browser_session)
        .where(same, browser_session.c.ended_at.is_(None), free)
        .values(checking_until=until)
        .returning(*browser_session.c)
    )
    return await rows.one(session, BrowserSession, claiming)


async def last_choice(session: Session, account: str) -> tuple[str | None, int | None]:
    """The situation, or else the capacity, chosen in the latest session of an account that chose one."""
    chose = or_(browser_session.c.role.is_not(None), browser_session.c.capacity.is_not(None))
    query = select(browser_session.c.role, browser_session.c.capacity).where(
        browser_session.c.account == account, chose
    )
    row = (await session.execute(query.order_by(browser_session.c.created_at.desc()).limit(1))).first()
    return (row.role, row.capacity) if row else (None, None)


async def end_session(session: Session, id: str, *, why: str, at: datetime) -> None:
    """End a session; its tokens are forgotten."""
    await change_session(session, id, ended_at=at, ended_why=why, tokens=None)


async def end_sessions(
    session: Session, *, at: datetime, why: str, issuer: str, sid: str | None = None, sub: str | None = None
) -> list[str]:
    """End every session of that ``sid``, or of that ``sub`` when there is no ``sid``; the ids of those ended."""
    same = browser_session.c.sid == sid if sid is not None else browser_session.c.sub == sub
    ending = (
        update(browser_session)
        .where(browser_session.c.issuer == issuer, same, browser_session.c.ended_at.is_(None))
        .values(ended_at=at, ended_why=why, tokens=None)
        .returning(browser_session.c.id)
    )
    return [row.id for row in await session.execute(ending)]


async def end_account_sessions(
    session: Session, account: str, *, at: datetime, why: str, but: str | None = None
) -> None:
    """End every session of an account, except ``but``."""
    ending = update(browser_session).where(browser_session.c.account == account, browser_session.c.ended_at.is_(None))
    if but is not None:
        ending = ending.where(browser_session.c.id != but)
    await session.execute(ending.values(ended_at=at, ended_why=why, tokens=None))


async def sessions_of(session: Session, account: str) -> list[BrowserSession]:
    """The sessions of an account that are open, the latest first."""
    query = select(browser_session).where(browser_session.c.account == account, browser_session.c.ended_at.is_(None))
    return [
        rows.record(BrowserSession, row)
        for row in await session.execute(query.order_by(browser_session.c.active_at.desc()))
    ]


async def first_seen(session: Session, *, issuer: str, jti: str, at: datetime) -> bool:
    """Remember the number of a logout token; false when it was seen before."""
    row = {"issuer": issuer, "jti": jti, "seen_at": at}
    added = upsert(logout_token).values(row).on_conflict_do_nothing().returning(logout_token.c.jti)
    return (await session.execute(added)).first() is not None


# -------------------------------------------------------------------------------- one-time codes


async def keep_code(session: Session, one: Code) -> None:
    """A new code; the unused ones of the same account and purpose stop being good."""
    older = (one_time_code.c.account == one.account) & (one_time_code.c.purpose == one.purpose)
    await session.execute(
        update(one_time_code).where(older, one_time_code.c.used_at.is_(None)).values(used_at=one.created_at)
    )
    await session.execute(insert(one_time_code).values(asdict(one)))


async def asked_since(session: Session, account: str, purpose: str, since: datetime) -> int:
    """How many codes an account has asked for one purpose since that instant."""
    same = (one_time_code.c.account == account) & (one_time_code.c.purpose == purpose)
    query = select(func.count()).select_from(one_time_code).where(same, one_time_code.c.created_at > since)
    return int((await session.execute(query)).scalar_one())


async def code(session: Session, id: str, *, lock: bool = False) -> Code | None:
    """One code. ``lock``: hold it until the end of the transaction."""
    query = select(one_time_code).where(one_time_code.c.id == id)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return rows.record(Code, row) if row else None


async def change_code(session: Session, id: str, **values: Any) -> None:
    """Change columns of a code."""
    await session.execute(update(one_time_code).where(one_time_code.c.id == id).values(**values))


async def forget_codes(session: Session, before: datetime) -> None:
    """Codes that ended before that instant."""
    old = or_(one_time_code.c.used_at < before, one_time_code.c.expires_at < before)
    await session.execute(delete(one_time_code).where(old))
