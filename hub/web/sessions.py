"""Sessions of browsers (psc.md 11.1): an opaque cookie here, everything else in the database.

Thirty minutes without an act of the person, four hours since the real sign-in, never more. A session opened with Pro Santé Connect
is confirmed there following an act of the person, never from a timer; when the national service cannot be reached it lives on
within the same limits.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from hub import clock, log
from hub.connectors.failure import ConnectorFailure
from hub.connectors.psc.answers import SignedIn, Tokens
from hub.connectors.psc.client import PscClient
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage import accounts, crypto, sign_ins
from hub.storage.accounts import Account
from hub.storage.session import Database, Session
from hub.storage.sign_ins import BrowserSession
from hub.web.standing import Policy, Standing, Visit, needs_check, standing
from hub.workflows import capacities
from hub.workflows.capacities import Choice

PURPOSE = "browser_session.tokens"
CHECK_LEASE = timedelta(
    seconds=30
)  # longer than the timeout of Pro Santé Connect; also the pause after it did not answer
WRITE_EVERY = timedelta(seconds=10)  # an act closer than that to the last one is not written
TOKEN_BYTES = 32


class Kept(msgspec.Struct, frozen=True):
    """The tokens of a session as they are sealed; the access token, good for two minutes, is not kept."""

    refresh: str | None
    id_token: str | None


def _sealed(tokens: Tokens, *, before: Kept | None = None) -> bytes | None:
    former = before or Kept(refresh=None, id_token=None)
    kept = Kept(refresh=tokens.refresh or former.refresh, id_token=tokens.id_token or former.id_token)
    return crypto.seal(msgspec.json.encode(kept), purpose=PURPOSE) if kept.refresh or kept.id_token else None


def kept(one: BrowserSession) -> Kept:
    """The tokens of a session; none when it has ended or came without."""
    if one.tokens is None:
        return Kept(refresh=None, id_token=None)
    return msgspec.json.decode(crypto.unseal(one.tokens, purpose=PURPOSE), type=Kept)


class Sessions:
    """Opens, recognises and ends the sessions of browsers."""

    def __init__(self, database: Database, psc: PscClient, policy: Policy) -> None:
        self.database = database
        self.psc = psc
        self.policy = policy

    @classmethod
    def of(cls, database: Database, psc: PscClient, *, secure_cookies: bool = True) -> Sessions:
        """With the delays of the settings of Pro Santé Connect."""
        told = psc.settings
        policy = Policy(
            idle=timedelta(seconds=told.session_idle),
            life=timedelta(seconds=told.session_life),
            check=timedelta(seconds=told.session_check),
            secure=secure_cookies,
            accepts_test_identities=told.accept_test_identities,
        )
        return cls(database, psc, policy)

    async def visit(self, token: str | None, *, is_act: bool = True) -> Visit | Standing:
        """Who holds this cookie, or why nobody does any more. ``is_act``: a person did something; false for polling and streams,
        which neither prolong a session nor ask the issuer.
        """
        if not token:
            return Standing.ENDED
        async with self.database.reading() as reading:
            one = await sign_ins.session_of(reading, sign_ins.digest(token))
        now = clock.now()
        found = Standing.ENDED if one is None else standing(one, now, self.policy)
        if one is None or found is not Standing.OPEN:
            if one is not None and found is not Standing.ENDED:
                await self.end(one, why=found)
            return found
        if is_act:
            one = await self._acted(one, now)
        if is_act and needs_check(one, now, self.policy):
            one = await self._confirmed(one, now)
        return Standing.ENDED if one.ended_at is not None else await self._seen(one)

    async def _seen(self, one: BrowserSession) -> Visit | Standing:
        async with self.database.reading() as reading:
            account = await accounts.by_id(reading, one.account)
            if account is None or account.state != "active":
                return Standing.ENDED
            viewer = await capacities.viewer(reading, account, role=one.role, held=one.capacity, since=one.created_at)
        return Visit(session=one, account=account, viewer=viewer, until=one.auth_time + self.policy.life)

    async def _acted(self, one: BrowserSession, now: datetime) -> BrowserSession:
        if now - one.active_at < WRITE_EVERY:
            return one
        async with self.database.transaction() as session:
            await sign_ins.change_session(session, one.id, active_at=now)
        return replace(one, active_at=now)

    async def _confirmed(self, one: BrowserSession, now: datetime) -> BrowserSession:
        """Ask the issuer, one request at a time for a session; the others go on with what is known."""
        if kept(one).refresh is None:
            return one
        async with self.database.transaction() as session:
            claimed = await sign_ins.claim_check(session, one, at=now, until=now + CHECK_LEASE)
        if claimed is None:
            return one
        one, before = claimed, kept(claimed)
        try:
            fresh = await self.psc.refresh(before.refresh or "", sub=one.sub)
        except ConnectorFailure as failure:
            return await self._not_confirmed(one, failure, now)
        changes = {
            "tokens": _sealed(fresh, before=before),
            "refresh_expires_at": fresh.refresh_expires_at,
            "checked_at": now,
            "checking_until": None,
            "is_unconfirmed": False,
        }
        async with self.database.transaction() as session:
            await sign_ins.change_session(session, one.id, **changes)
        return replace(one, **changes)  # type: ignore[arg-type]

    async def _not_confirmed(self, one: BrowserSession, failure: ConnectorFailure, now: datetime) -> BrowserSession:
        """``invalid_grant`` ends the session; anything else is a service out of reach, not a refusal."""
        log.event("session.not-confirmed", service=failure.service, kind=failure.kind, code=failure.code)
        if failure.code == "invalid_grant":
            await self.end(one, why="issuer")
            return replace(one, ended_at=now)
        async with self.database.transaction() as session:
            await sign_ins.change_session(session, one.id, is_unconfirmed=True)
        return replace(one, is_unconfirmed=True)

    async def end(self, one: BrowserSession, *, why: str) -> None:
        """End our session; the national one is left alone."""
        async with self.database.transaction() as session:
            await sign_ins.end_session(session, one.id, why=why, at=clock.now())
        log.event("session.ended", account=one.account, outcome=why)

    async def choices(self, visit: Visit) -> list[Choice]:
        """What the person may act as."""
        async with self.database.reading() as reading:
            return await capacities.choices(reading, visit.account.id)

    async def choose(self, visit: Visit, value: str) -> Viewer:
        """Take a capacity among :meth:`choices`, by its ``value``. Raises ``Refusal("not-allowed")``."""
        chosen = next((one for one in await self.choices(visit) if one.value == value), None)
        if chosen is None:
            raise Refusal("not-allowed")
        async with self.database.transaction() as session:
            await sign_ins.change_session(session, visit.session.id, role=chosen.role, capacity=chosen.held)
            viewer = await capacities.viewer(session, visit.account, role=chosen.role, held=chosen.held)
        if viewer is None:
            raise Refusal("not-allowed")
        return viewer

    async def sign_out(self, token: str | None) -> str | None:
        """End ours, then say where to send the browser so that the national session ends too; ``None`` to stay here (no such
        session, a local one, or the national service does not answer).
        """
        if not token:
            return None
        async with self.database.reading() as reading:
            one = await sign_ins.session_of(reading, sign_ins.digest(token))
        if one is None or one.ended_at is not None:
            return None
        id_token = kept(one).id_token
        await self.end(one, why="signed-out")
        if one.means != "psc":
            return None
        try:
            return await self.psc.end_session_url(id_token=id_token, state=secrets.token_urlsafe(16))
        except ConnectorFailure:
            return None

    async def ended_by_issuer(self, logout_token: str) -> int:
        """Back-channel logout (psc.md 11.3): end every session of that ``sid``, else of that ``sub``; how many ended. Raises
        ``ConnectorFailure`` when the token must not be believed; a token seen before ends nothing.
        """
        claims = await self.psc.logout_claims(logout_token)
        sid, sub, issuer = claims.get("sid"), claims.get("sub"), self.psc.settings.issuer
        now = clock.now()
        async with self.database.transaction() as session:
            if not await sign_ins.first_seen(session, issuer=issuer, jti=claims["jti"], at=now):
                return 0
            ended = await sign_ins.end_sessions(session, at=now, why="issuer", issuer=issuer, sid=sid, sub=sub)
        return len(ended)


async def open_session(
    session: Session, account: Account, signed: SignedIn | None, *, now: datetime
) -> tuple[str, bool]:
    """A new session, with Pro Santé Connect (``signed``) or local: the cookie's value, and whether a capacity must be chosen.

    The capacity of last time is taken again when it still exists, and the only one when there is one only; who has
    lost the situation of last time is asked again, even with one left (rpps.md 10.5).
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    chosen = await _capacity(session, account)
    one = BrowserSession(
        id=str(uuid.uuid4()),
        token_hash=sign_ins.digest(token),
        account=account.id,
        means="psc" if signed else "local",
        csrf=secrets.token_urlsafe(TOKEN_BYTES),
        auth_time=signed.auth_time if signed else now,
        created_at=now,
        active_at=now,
        checked_at=now,
        role=chosen.role if chosen else None,
        capacity=chosen.held if chosen else None,
    )
    if signed is not None:
        one = replace(
            one,
            issuer=signed.identity.issuer,
            sub=signed.identity.sub,
            sid=signed.sid,
            acr=signed.acr,
            auth_mode=signed.auth_mode,
            tokens=_sealed(signed.tokens),
            refresh_expires_at=signed.tokens.refresh_expires_at,
        )
    await sign_ins.open_session(session, one)
    return token, chosen is None


async def _capacity(session: Session, account: Account) -> Choice | None:
    offered = await capacities.choices(session, account.id)
    role, held = await sign_ins.last_choice(session, account.id)
    again = next((one for one in offered if (one.role, one.held) == (role, held)), None)
    has_lost_it = role is not None and again is None
    return offered[0] if len(offered) == 1 and not has_lost_it else again
