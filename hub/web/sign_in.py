"""The way to Pro Santé Connect and back (psc.md 4), and the two steps of a local sign-in. Pages call these and redirect."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from hub import clock, log
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc.answers import ERRORS, SignedIn
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage import audit, crypto, sign_ins
from hub.storage.session import Session
from hub.storage.sign_ins import Attempt
from hub.web.sessions import Sessions, open_session
from hub.workflows import accounts, local_sign_in
from hub.workflows.accounts import Arrival

PURPOSE = "sign_in_attempt.verifier"
ATTEMPT_LIFE = timedelta(minutes=10)  # psc.md 4.4, 1
FRESH_LEEWAY = timedelta(seconds=60)
HOME = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where to send the browser, and the value of ``policy.departure_cookie`` to set (ten minutes, same attributes as the
    session cookie).
    """

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Somebody came in: the value of the session cookie, where they were going, whether a capacity must be chosen first, and
    the local account of the same person that may be joined by mail.
    """

    cookie: str
    account: str
    return_to: str
    must_choose: bool
    same_person: str | None = None


def safe_path(wanted: str | None) -> str:
    """A path of this site, or the home page: never another host, whatever a link says."""
    path = wanted or HOME
    parts = urlsplit(path)
    strange = parts.scheme or parts.netloc or "\\" in path or any(ord(letter) < 33 for letter in path)
    return HOME if strange or not path.startswith("/") or path.startswith("//") else path


def challenge_of(verifier: str) -> str:
    """PKCE S256 (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def begin_sign_in(
    sessions: Sessions,
    *,
    browser: str | None,
    return_to: str | None,
    establishment: str | None = None,
    fresh: bool = False,
) -> Departure:
    """Prepare one sign-in with Pro Santé Connect. ``browser``: the departure cookie if there is one; ``fresh``: the person must
    sign in for real, even if the national session is open. Raises ``Refusal("service-unavailable")``.
    """
    cookie = browser or secrets.token_urlsafe(32)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    now = clock.now()
    try:
        url = await sessions.psc.authorization_url(
            state=state,
            nonce=nonce,
            challenge=challenge_of(verifier),
            prompt="login" if fresh else None,
            establishment=establishment,
        )
    except ConnectorFailure as failure:
        raise refusal_of(failure) from failure
    attempt = Attempt(
        state_hash=sign_ins.digest(state),
        browser_hash=sign_ins.digest(cookie),
        nonce=nonce,
        verifier=crypto.seal(verifier.encode(), purpose=PURPOSE),
        return_to=safe_path(return_to),
        created_at=now,
        not_before=now - FRESH_LEEWAY if fresh else None,
    )
    async with sessions.database.transaction() as session:
        await sign_ins.forget_attempts(session, now - ATTEMPT_LIFE)
        await sign_ins.begin(session, attempt)
    return Departure(url=url, cookie=cookie)


async def finish_sign_in(
    sessions: Sessions, *, query: Mapping[str, str], browser: str | None, former: str | None = None
) -> Entrance:
    """The browser is back from Pro Santé Connect. ``browser``: the departure cookie; ``former``: the session cookie it may still
    hold, whose session ends. Raises ``Refusal`` with a sentence for people; nothing is kept then but the trace of the attempt.
    """
    attempt = await _attempt(sessions, query.get("state"), browser)
    _require_issuer(sessions, query.get("iss"))
    if "error" in query:
        raise refusal_of_error(query["error"])
    if not query.get("code"):
        raise Refusal("sign-in-mismatch")
    verifier = crypto.unseal(attempt.verifier, purpose=PURPOSE).decode()
    try:
        obtained = await sessions.psc.exchange(code=query["code"], verifier=verifier)
        signed = await sessions.psc.signed_in(obtained, nonce=attempt.nonce)
    except ConnectorFailure as failure:
        log.event("sign-in.failed", service=failure.service, kind=failure.kind, code=failure.code)
        raise refusal_of(failure) from failure
    _require_recent(sessions, attempt, signed)
    async with sessions.database.transaction() as session:
        arrival = await accounts.arrive(
            session, signed.identity, accepts_test_identities=sessions.policy.accepts_test_identities
        )
        entrance = await _enter(session, arrival, signed, attempt)
    if entrance is None:
        raise Refusal("several-accounts")
    await _leave(sessions, former)
    return entrance


async def _attempt(sessions: Sessions, state: str | None, browser: str | None) -> Attempt:
    """The attempt this browser made, used now: once, and within ten minutes."""
    if not state or not browser:
        raise Refusal("sign-in-mismatch")
    now = clock.now()
    async with sessions.database.transaction() as session:
        attempt = await sign_ins.use_attempt(session, sign_ins.digest(state), now)
    if attempt is None or attempt.browser_hash != sign_ins.digest(browser) or now - attempt.created_at > ATTEMPT_LIFE:
        raise Refusal("sign-in-mismatch")
    return attempt


def _require_issuer(sessions: Sessions, said: str | None) -> None:
    if said is not None and said != sessions.psc.settings.issuer:
        raise Refusal("sign-in-mismatch")


def _require_recent(sessions: Sessions, attempt: Attempt, signed: SignedIn) -> None:
    """A fresh sign-in was really one, and the national session is not older than a session may be."""
    too_old = clock.now() >= signed.auth_time + sessions.policy.life
    if too_old or (attempt.not_before is not None and signed.auth_time < attempt.not_before):
        raise Refusal("fresh-sign-in")


async def _enter(session: Session, arrival: Arrival, signed: SignedIn, attempt: Attempt) -> Entrance | None:
    if arrival.account is None:
        return None
    cookie, must_choose = await open_session(session, arrival.account, signed, now=clock.now())
    details = {"account": arrival.account.id, "acr": signed.acr or "absent", "mode": signed.auth_mode or "absent"}
    details["auth_time"] = signed.auth_time.isoformat()
    await audit.record(session, viewer=Viewer.hub(), event="sign-in.psc", details=details)
    log.event("sign-in.done", account=arrival.account.id, outcome=arrival.outcome)
    return Entrance(
        cookie=cookie,
        account=arrival.account.id,
        return_to=attempt.return_to,
        must_choose=must_choose,
        same_person=arrival.same_person,
    )


async def _leave(sessions: Sessions, former: str | None) -> None:
    """The session this browser held before ends: a cookie never changes hands."""
    if not former:
        return
    async with sessions.database.transaction() as session:
        one = await sign_ins.session_of(session, sign_ins.digest(former))
        if one is not None:
            await sign_ins.end_session(session, one.id, why="replaced", at=clock.now())


def refusal_of(failure: ConnectorFailure) -> Refusal:
    """What a failure of Pro Santé Connect is for the person who waits."""
    if failure.code == "no-national-id":
        return Refusal("no-national-id")
    if failure.kind is Kind.GARBLED:
        return refusal_of_error("garbled")
    if failure.kind is not Kind.REFUSED and failure.code not in ERRORS:
        return Refusal("service-unavailable", service="Pro Santé Connect")
    return refusal_of_error(failure.code)


def refusal_of_error(error: str) -> Refusal:
    """The sentence of an OAuth error; one we do not know reads as a sign-in that did not end."""
    row = ERRORS.get(error)
    return Refusal("psc-refused", french=row.french, remedy=row.remedy) if row else Refusal("sign-in-abandoned")


async def local_sign_in_done(
    sessions: Sessions, *, code: str, given: str, browser: str, former: str | None = None, return_to: str | None = None
) -> Entrance:
    """The second step of a local sign-in: the code given by the browser that gave the secret. Raises ``Refusal``."""
    account = await local_sign_in.second_factor(sessions.database, code, given, browser=browser)
    async with sessions.database.transaction() as session:
        cookie, must_choose = await open_session(session, account, None, now=clock.now())
    await _leave(sessions, former)
    return Entrance(cookie=cookie, account=account.id, return_to=safe_path(return_to), must_choose=must_choose)
