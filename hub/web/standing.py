"""The rules of a session (psc.md 11.1) and what a signed-in person carries through one request. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.storage.accounts import Account
from hub.storage.sign_ins import BrowserSession


class Standing(StrEnum):
    """Where a session stands at an instant."""

    OPEN = "open"
    IDLE = "idle"  # no act of the person for too long
    OVER = "over"  # its whole life is spent
    ENDED = "ended"  # signed out, or ended by the issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """``idle`` without an act, ``life`` since the real sign-in, ``check`` between two confirmations by the issuer."""

    idle: timedelta = timedelta(minutes=30)
    life: timedelta = timedelta(hours=4)
    check: timedelta = timedelta(minutes=5)
    secure: bool = True
    accepts_test_identities: bool = False

    @property
    def cookie(self) -> str:
        """Name of the session cookie; the prefix binds it to this host, and asks for a secure one."""
        return "__Host-colibri" if self.secure else "colibri"

    @property
    def departure_cookie(self) -> str:
        """Name of the cookie that binds a sign-in under way to this browser."""
        return f"{self.cookie}-depart"


def standing(one: BrowserSession, now: datetime, policy: Policy) -> Standing:
    """Where a session stands. Its life counts from ``auth_time``, whatever a refresh says."""
    if one.ended_at is not None:
        return Standing.ENDED
    if now >= one.auth_time + policy.life:
        return Standing.OVER
    return Standing.IDLE if now >= one.active_at + policy.idle else Standing.OPEN


def needs_check(one: BrowserSession, now: datetime, policy: Policy) -> bool:
    """Whether the issuer should confirm the session, given that the person is acting now."""
    is_due = now >= one.checked_at + policy.check or one.is_unconfirmed
    is_free = one.checking_until is None or now >= one.checking_until
    return one.means == "psc" and one.tokens is not None and is_due and is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody signed in, at one request. ``viewer`` is ``None`` until a capacity is chosen, or when there is none to choose;
    ``is_unconfirmed``: the national service does not answer; ``until``: when the session ends at the latest.
    """

    session: BrowserSession
    account: Account
    viewer: Viewer | None
    until: datetime

    @property
    def csrf(self) -> str:
        """What every form of this session must send back."""
        return self.session.csrf

    @property
    def is_unconfirmed(self) -> bool:
        """For the discreet notice « Pro Santé Connect ne répond pas »."""
        return self.session.is_unconfirmed

    def require_viewer(self) -> Viewer:
        """The viewer, or ``Refusal("capacity-required")``."""
        if self.viewer is None:
            raise Refusal("capacity-required")
        return self.viewer

    def require_form(self, csrf: str | None) -> None:
        """Raise ``Refusal("form-too-old")`` unless the form came from a page of this session."""
        if csrf is None or not hmac.compare_digest(self.session.csrf.encode(), csrf.encode()):
            raise Refusal("form-too-old")

    def require_fresh(self, within: timedelta, now: datetime) -> None:
        """For sensitive acts: the person signed in for real less than ``within`` ago, else ``Refusal("fresh-sign-in")``."""
        if now - self.session.auth_time > within:
            raise Refusal("fresh-sign-in")
