"""/ and /situation: where each role lands, and in which capacity somebody acts."""

from __future__ import annotations

from starlette.responses import Response

from hub.domain.refusal import Refusal
from hub.storage import differences
from hub.web import nav
from hub.web.call import Call
from hub.web.reads import differences as reads
from hub.web.sign_in import HOME, safe_path


async def home(call: Call) -> Response:
    """To the first page of the role."""
    return call.see(nav.home(call.viewer))


async def show(call: Call) -> Response:
    """What one may act as."""
    assert call.visit is not None
    choices = await call.house.sessions.choices(call.visit)
    async with call.reading() as session:
        changes = await reads.worded(session, await differences.of_account(session, call.visit.account.id, call.now))
    chosen = f"role/{call.visit.session.role}" if call.visit.session.role else f"capacity/{call.visit.session.capacity}"
    return await call.page(
        "situation.html",
        title="À quel titre agissez-vous ?",
        choices=choices,
        changes=changes,
        chosen=chosen,
        suite=safe_path(call.query("suite")),
        deciding=call.visit.viewer is None,
    )


async def choose(call: Call) -> Response:
    """Take a capacity, and go on."""
    assert call.visit is not None
    value = call.form.get("situation", "")
    if not value:
        raise Refusal("capacity-required")
    viewer = await call.house.sessions.choose(call.visit, value)
    suite = safe_path(call.form.get("suite"))
    return call.see(nav.home(viewer) if suite == HOME else suite)
