"""The proof that a form came from a page of ours when there is no session yet: a cookie only this browser holds, and in the form
something made from it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from starlette.responses import Response

from hub.domain.refusal import Refusal
from hub.web.call import Call

LIFE = 600  # seconds


def browser(call: Call) -> str | None:
    """The cookie of this browser, that also binds a sign-in under way to it."""
    return call.request.cookies.get(call.house.sessions.policy.departure_cookie)


def new_or_known(call: Call) -> str:
    """The cookie of this browser, or a fresh one."""
    return browser(call) or secrets.token_urlsafe(32)


def of(cookie: str) -> str:
    """What a form shown to that browser carries."""
    return hashlib.sha256(f"form/{cookie}".encode()).hexdigest()


def keep(call: Call, answer: Response, cookie: str) -> Response:
    """The answer, with the cookie."""
    policy = call.house.sessions.policy
    answer.set_cookie(
        policy.departure_cookie, cookie, max_age=LIFE, path="/", httponly=True, samesite="lax", secure=policy.secure
    )
    return answer


def require(call: Call) -> str:
    """The cookie of the browser whose form this is, else ``Refusal("form-too-old")``."""
    cookie = browser(call)
    if cookie is None or not hmac.compare_digest(of(cookie).encode(), call.form.get("csrf", "").encode()):
        raise Refusal("form-too-old")
    return cookie
