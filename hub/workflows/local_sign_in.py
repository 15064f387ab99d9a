"""Signing in without Pro Santé Connect: a five-digit identifier, a secret, then always a second factor (workflow.md 2).

A try is counted before it is judged, so that many at once do not get more than five. Argon2 takes a whole core for a moment: it
runs in a thread, a few at a time, with no transaction open.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub import clock
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage import accounts, audit, crypto, sign_ins
from hub.storage.accounts import Account, Method
from hub.storage.session import Database, Session
from hub.workflows import codes

TRIES = 5
FIRST_DELAY = timedelta(minutes=1)  # then doubling (Choice)
LONGEST_DELAY = timedelta(hours=1)
TOTP_PURPOSE = "sign_in_method.totp_secret"
TOTP_STEP = 30  # seconds, RFC 6238

HASHER = PasswordHasher(parallelism=1)
AT_ONCE = 2  # hashes computed at the same time in one process


class _Room:
    """Where the hashes in progress are counted; made in the running loop."""

    seats: asyncio.Semaphore | None = None


def _room() -> asyncio.Semaphore:
    _Room.seats = _Room.seats or asyncio.Semaphore(AT_ONCE)
    return _Room.seats


async def hash_secret(secret: str) -> str:
    """The argon2id hash of a secret good enough, made off the event loop. Raises ``Refusal("password-too-weak")``."""
    if not is_strong(secret):
        raise Refusal("password-too-weak")
    async with _room():
        return await asyncio.to_thread(HASHER.hash, secret)


@cache
def _nobodys() -> str:
    """A hash that no secret matches: an unknown identifier costs the same time as a known one."""
    return HASHER.hash(secrets.token_hex(16))


def _verify(hashed: str | None, secret: str) -> bool:
    return HASHER.verify(hashed or _nobodys(), secret)


async def _matches(hashed: str | None, secret: str) -> bool:
    async with _room():
        try:
            return await asyncio.to_thread(_verify, hashed, secret)
        except (VerificationError, InvalidHashError):
            return False


def is_strong(secret: str) -> bool:
    """Twelve characters with variety, or four words, or a six-digit code that is neither a run nor a repetition."""
    if re.fullmatch(r"[0-9]{6}", secret):
        steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(secret)}
        return len(steps) > 1 and secret[:3] != secret[3:]
    if len(secret) > 200:
        return False
    return (len(secret) >= 12 and len(set(secret)) >= 6) or len({word for word in secret.split() if len(word) > 2}) >= 4


def delay_after(tries: int) -> timedelta:
    """How long the door closes after that many failures in a row."""
    if tries < TRIES:
        return timedelta()
    return min(FIRST_DELAY * (1 << min(tries - TRIES, 10)), LONGEST_DELAY)


def _require_open(closed_until: datetime | None, now: datetime) -> None:
    if closed_until is not None and now < closed_until:
        left = (closed_until - now).total_seconds()
        raise Refusal("too-many-tries", retry_after=int(left) + 1, minutes=max(1, round(left / 60)))


# -------------------------------------------------------------------------------- first factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The second factor asked: id of the code, its channel (sms, email, totp), and the address with most of it hidden."""

    id: str
    channel: str
    hint: str


async def first_factor(database: Database, identifier: str, secret: str, *, browser: str) -> Challenge:
    """Check identifier and secret, then ask the second factor of this browser (an opaque cookie).

    Raises ``Refusal``: ``bad-credentials`` (also for an unknown identifier), ``too-many-tries``, ``account-closed``,
    ``account-waiting``.
    """
    async with database.transaction() as session:
        method = await _count_try(session, identifier.strip())
    is_right = await _matches(method.secret_hash if method is not None else None, secret)
    if method is None or not is_right:
        raise Refusal("bad-credentials")
    async with database.transaction() as session:
        await accounts.change_method(session, method.id, tries=0, closed_until=None)
        account = await accounts.by_id(session, method.account)
        if account is None or account.state != "active":
            raise Refusal("account-waiting" if account and account.state == "waiting" else "account-closed")
        return await challenge(session, account, browser=browser)


async def _count_try(session: Session, identifier: str) -> Method | None:
    method = await accounts.method(session, "local", identifier)
    if method is None:
        return None
    now = clock.now()
    _require_open(method.closed_until, now)
    tries = method.tries + 1
    await accounts.change_method(session, method.id, tries=tries, closed_until=now + delay_after(tries))
    return method


# -------------------------------------------------------------------------------- second factor


async def challenge(session: Session, account: Account, *, browser: str, channel: str | None = None) -> Challenge:
    """Ask the second factor: TOTP when the account has one, else a code by SMS, else by mail; ``channel`` chooses another one.

    Raises ``Refusal("too-many-tries")``, or ``account-waiting`` when the account has no confirmed address.
    """
    method = await _local(session, account.id)
    _require_open(method.code_closed_until, clock.now())
    offered = channels(account, method)
    chosen = channel if channel in offered else next(iter(offered), None)
    if chosen is None:
        raise Refusal("account-waiting")
    id = await codes.put(
        session, account=account.id, purpose="sign-in", channel=chosen, address=offered[chosen], browser=browser
    )
    return Challenge(id=id, channel=chosen, hint=hint(offered[chosen]))


def channels(account: Account, method: Method) -> dict[str, str]:
    """The second factors an account may use, the best first: channel -> address (empty for TOTP)."""
    found = {"totp": ""} if method.totp_secret else {}
    if account.mobile_confirmed_at is not None:
        found["sms"] = account.mobile
    if account.email_confirmed_at is not None:
        found["email"] = account.email
    return found


def hint(address: str) -> str:
    """Enough of an address for its owner: the last two digits of a phone, the first letter and the domain of a mail."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…@{domain}" if at else address[-2:]


async def second_factor(database: Database, id: str, given: str, *, browser: str) -> Account:
    """The account when the code is right, given by the browser that gave the secret, in time, and for the first time.

    Raises ``Refusal``: ``code-wrong``, ``code-expired``, ``too-many-tries``.
    """
    async with database.transaction() as session:
        account, refusal = await _judge(session, id, given, browser=browser)
    if refusal is not None or account is None:  # the failed try is committed before it is refused
        raise refusal or Refusal("code-expired")
    return account


async def _judge(session: Session, id: str, given: str, *, browser: str) -> tuple[Account | None, Refusal | None]:
    code = await sign_ins.code(session, id, lock=True)
    now = clock.now()
    if code is None or code.purpose != "sign-in" or code.browser_hash != sign_ins.digest(browser):
        return None, Refusal("code-expired")
    method = await _local(session, code.account)
    _require_open(method.code_closed_until, now)
    if code.used_at is not None or now >= code.expires_at or code.tries >= TRIES:
        return None, Refusal("code-expired")
    step = _totp_step(method, given, now) if code.channel == "totp" else None
    is_right = step is not None if code.channel == "totp" else codes.is_right(code, given)
    if not is_right:
        tries = method.code_tries + 1
        await sign_ins.change_code(session, id, tries=code.tries + 1)
        await accounts.change_method(session, method.id, code_tries=tries, code_closed_until=now + delay_after(tries))
        await _trace(session, code.account, "refused")
        return None, Refusal("code-wrong")
    await sign_ins.change_code(session, id, used_at=now, sealed=None)
    await accounts.change_method(
        session,
        method.id,
        code_tries=0,
        code_closed_until=None,
        totp_step=step if step is not None else method.totp_step,
    )
    await accounts.change(session, code.account, signed_in_at=now)
    await _trace(session, code.account, "ok")
    return await accounts.by_id(session, code.account), None


async def _trace(session: Session, account: str, outcome: str) -> None:
    await audit.record(
        session, viewer=Viewer.hub(), event="sign-in.local", outcome=outcome, details={"account": account}
    )


def _totp_step(method: Method, given: str, now: datetime) -> int | None:
    """The time step whose code was given, one step of drift allowed, never one already used."""
    if method.totp_secret is None or not re.fullmatch(r"[0-9]{6}", given.strip()):
        return None
    totp = pyotp.TOTP(crypto.unseal(method.totp_secret, purpose=TOTP_PURPOSE).decode(), interval=TOTP_STEP)
    present = int(now.timestamp()) // TOTP_STEP
    for step in (present, present - 1, present + 1):
        is_same = hmac.compare_digest(totp.generate_otp(step), given.strip())
        if is_same and (method.totp_step is None or step > method.totp_step):
            return step
    return None


# -------------------------------------------------------------------------------- secrets of an account


async def set_secret(session: Session, account: str, hashed: str) -> None:
    """Give an account its secret, hashed by :func:`hash_secret` before the transaction; its open sessions end."""
    method = await _local(session, account)
    await accounts.change_method(session, method.id, secret_hash=hashed, tries=0, closed_until=None)
    await sign_ins.end_account_sessions(session, account, at=clock.now(), why="secret-changed")
    await audit.record(session, viewer=Viewer.hub(), event="secret.changed", details={"account": account})


def new_totp() -> str:
    """A fresh TOTP secret, base32, to show once as a QR code."""
    return pyotp.random_base32()


async def set_totp(session: Session, account: str, secret: str, given: str) -> None:
    """Make TOTP the second factor of an account once its owner has given a code of it. Raises ``Refusal("code-wrong")``."""
    method = await _local(session, account)
    sealed = crypto.seal(secret.encode(), purpose=TOTP_PURPOSE)
    proposed = Method(
        account=account, kind="local", subject=method.subject, created_at=method.created_at, totp_secret=sealed
    )
    step = _totp_step(proposed, given, clock.now())
    if step is None:
        raise Refusal("code-wrong")
    await accounts.change_method(session, method.id, totp_secret=sealed, totp_step=step)
    await audit.record(session, viewer=Viewer.hub(), event="totp.set", details={"account": account})


async def _local(session: Session, account: str) -> Method:
    """The local means of sign-in of an account, held until the end of the transaction."""
    for method in await accounts.methods(session, account):
        if method.kind == "local":
            found = await accounts.method(session, "local", method.subject)
            if found is not None:
                return found
    raise Refusal("not-found")
