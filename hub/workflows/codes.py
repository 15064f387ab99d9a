"""One-time codes and links: made, sent through the outbox without lying in it, given back once (workflow.md 2)."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hub import clock
from hub.domain.refusal import Refusal
from hub.storage import crypto, outbox, sign_ins
from hub.storage.session import Session
from hub.storage.sign_ins import Code
from hub.workflows.topics import send_code

PURPOSE = "one_time_code.sealed"
TRIES = 5
MOST = 5  # codes an account may ask for one purpose in ``WINDOW`` (Choice)
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How long a code of one purpose and channel is good, the template that carries it, and for a link the page it opens."""

    life: timedelta
    template: str
    page: str = ""

    @property
    def is_link(self) -> bool:
        """A long token in an address, rather than four digits to type."""
        return bool(self.page)


SHORT = timedelta(minutes=5)
LINK = timedelta(hours=24)  # (Choice)
KINDS: Mapping[tuple[str, str], Kind] = {  # (purpose, channel)
    ("sign-in", "sms"): Kind(life=SHORT, template="sign-in-code"),
    ("sign-in", "email"): Kind(life=SHORT, template="sign-in-code"),
    ("sign-in", "totp"): Kind(life=SHORT, template=""),
    ("confirm", "sms"): Kind(life=SHORT, template="sign-in-code"),
    ("confirm", "email"): Kind(life=LINK, template="confirm-email", page="/connexion/confirmer"),
    ("join", "email"): Kind(life=LINK, template="join-accounts", page="/connexion/lier"),
    ("secret", "email"): Kind(life=LINK, template="set-secret", page="/secret"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSend:
    """What the sender of a code needs: where, the template, the digits and their minutes, or the path of the link."""

    address: str
    channel: str
    template: str
    code: str
    minutes: int
    path: str


async def put(
    session: Session,
    *,
    account: str,
    purpose: str,
    channel: str,
    address: str,
    browser: str | None = None,
    subject: str | None = None,
) -> str:
    """Make a code and promise to send it; its id. A former code of the same purpose stops being good. Nothing is sent for TOTP.

    Raises ``Refusal("too-many-tries")`` when too many were asked for lately.
    """
    now, kind = clock.now(), KINDS[purpose, channel]
    if await sign_ins.asked_since(session, account, purpose, now - WINDOW) >= MOST:
        minutes = int(WINDOW.total_seconds() // 60)
        raise Refusal("too-many-tries", retry_after=minutes * 60, minutes=minutes)
    id = str(uuid.uuid4())
    code = secrets.token_urlsafe(32) if kind.is_link else f"{secrets.randbelow(10_000):04}"
    made = Code(
        id=id,
        account=account,
        purpose=purpose,
        channel=channel,
        address=address,
        code_hash=_hash(id, code),
        created_at=now,
        expires_at=now + kind.life,
        browser_hash=sign_ins.digest(browser) if browser is not None else None,
        sealed=None if channel == "totp" else crypto.seal(code.encode(), purpose=PURPOSE),
        subject=subject,
    )
    await sign_ins.keep_code(session, made)
    if channel in ("sms", "email"):
        await outbox.put(session, send_code("sms" if channel == "sms" else "email", account=account, code=id))
    return id


def _hash(id: str, code: str) -> bytes:
    return sign_ins.digest(f"{id}/{code}")


def is_right(code: Code, given: str) -> bool:
    """Whether the code given is the one that was sent."""
    return hmac.compare_digest(code.code_hash, _hash(code.id, given.strip()))


async def to_send(session: Session, id: str) -> ToSend | None:
    """For the connector that sends it; ``None`` when it is too late to be of use."""
    code = await sign_ins.code(session, id)
    if code is None or code.sealed is None or code.used_at is not None or clock.now() >= code.expires_at:
        return None
    kind = KINDS[code.purpose, code.channel]
    text = crypto.unseal(code.sealed, purpose=PURPOSE).decode()
    return ToSend(
        address=code.address,
        channel=code.channel,
        template=kind.template,
        code="" if kind.is_link else text,
        minutes=int(kind.life.total_seconds() // 60),
        path=f"{kind.page}/{id}.{text}" if kind.is_link else "",
    )


async def sent(session: Session, id: str) -> None:
    """The code has left: only its hash stays."""
    await sign_ins.change_code(session, id, sealed=None)


async def give(session: Session, id: str, given: str, *, purpose: str) -> tuple[Code | None, Refusal | None]:
    """Use a code: the code when it is right, else why not. The caller commits before raising, so that the try counts."""
    code = await sign_ins.code(session, id, lock=True)
    now = clock.now()
    if (
        code is None
        or code.purpose != purpose
        or code.used_at is not None
        or now >= code.expires_at
        or code.tries >= TRIES
    ):
        return None, Refusal("code-expired")
    if not is_right(code, given):
        await sign_ins.change_code(session, id, tries=code.tries + 1)
        return None, Refusal("code-wrong")
    await sign_ins.change_code(session, id, used_at=now, sealed=None)
    return code, None
