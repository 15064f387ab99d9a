"""What the pages need from the composition floor, in one value, and what they make of it once."""

from __future__ import annotations

from dataclasses import dataclass

from hub.connectors.psc.client import PscClient
from hub.connectors.psc.settings import PscSettings
from hub.storage.session import Database
from hub.web.live import Live
from hub.web.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """``banner`` is the sentence on top of every page, empty without one; ``phone`` the coordination cell, in any form."""

    database: Database
    psc: PscClient
    psc_settings: PscSettings
    public_url: str
    banner: str = ""
    phone: str = ""
    secure_cookies: bool = True
    stream_life: float = 900.0  # seconds after which a stream ends, and its browser comes back by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The context and the sessions of browsers: what every page is given."""

    context: WebContext
    sessions: Sessions
    live: Live

    @classmethod
    def of(cls, context: WebContext) -> House:
        """With the delays of the settings of Pro Santé Connect."""
        sessions = Sessions.of(context.database, context.psc, secure_cookies=context.secure_cookies)
        live = Live(context.database, life=context.stream_life)
        return cls(context=context, sessions=sessions, live=live)
