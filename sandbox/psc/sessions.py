"""Single sign-on sessions: absolute life, idle life, real sign-in time (PSC specification 3 and 11.1)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.psc.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Times are seconds since the epoch, by the sandbox's clock."""

    sid: str
    person: str
    started: float
    active: float
    auth_time: float
    auth_mode: str


class Sessions:
    """`ended` hears of each session that somebody ended; one that ran out of time ends in silence."""

    def __init__(
        self, now: Callable[[], float], options: Callable[[], Options], ended: Callable[[Session], None]
    ) -> None:
        self._now = now
        self._options = options
        self._ended = ended
        self._open: dict[str, Session] = {}

    def sign_in(self, person: str, auth_mode: str, *, former: str | None = None) -> Session:
        """A new session, or the browser's former one with a fresh `auth_time` when it is the same person's."""
        now = self._now()
        known = self.alive(former) if former else None
        if known and known.person == person:
            session = replace(known, active=now, auth_time=now, auth_mode=auth_mode)
        else:
            if known:
                self.end(known.sid)
            session = Session(
                sid=str(uuid.uuid4()), person=person, started=now, active=now, auth_time=now, auth_mode=auth_mode
            )
        self._open[session.sid] = session
        return session

    def alive(self, sid: str) -> Session | None:
        """The session if neither of its limits has passed; one that has passed is forgotten."""
        session = self._open.get(sid)
        if session is None or self._now() < self.ends_at(session):
            return session
        del self._open[sid]
        return None

    def touch(self, sid: str) -> None:
        """A sign-in by the browser or a refresh counts as activity."""
        session = self.alive(sid)
        if session:
            self._open[sid] = replace(session, active=self._now())

    def end(self, sid: str) -> bool:
        """False when there was nothing to end."""
        session = self.alive(sid)
        if session is None:
            return False
        del self._open[sid]
        self._ended(session)
        return True

    def end_all(self, person: str | None) -> list[str]:
        """End every session, or every session of one person; the sids that were alive."""
        alive = [session for sid in list(self._open) if (session := self.alive(sid))]
        ended = [session.sid for session in alive if person in (None, session.person)]
        for sid in ended:
            self.end(sid)
        return ended

    def ends_at(self, session: Session) -> float:
        options = self._options()
        return min(session.started + options.session_seconds, session.active + options.idle_seconds)

    def last_moment(self, session: Session) -> float:
        """The absolute end, which no activity pushes back."""
        return session.started + self._options().session_seconds
