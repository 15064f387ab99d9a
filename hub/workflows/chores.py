"""What the house does for itself now and then: chain the audit trail, forget what serves nobody, note who has an account."""

from __future__ import annotations

from datetime import timedelta

from hub import clock
from hub.storage import audit, clients, directory_accounts, outbox, sign_ins
from hub.storage.session import Session

KEEP_ATTEMPTS = timedelta(hours=1)  # a sign-in begun and never finished
KEEP_CODES = timedelta(days=7)


async def tidy(session: Session) -> None:
    """Safe to call at any time, by several workers at once."""
    now = clock.now()
    await audit.seal(session)
    await outbox.sweep(session)
    await clients.forget_assertions(session, now)
    await sign_ins.forget_attempts(session, now - KEEP_ATTEMPTS)
    await sign_ins.forget_codes(session, now - KEEP_CODES)
    await directory_accounts.know(session, is_patient=False)
