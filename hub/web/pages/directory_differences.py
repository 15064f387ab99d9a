"""/supervision/annuaire: on what the national directory and the accounts disagree, for the operators (rpps.md 10.5)."""

from __future__ import annotations

from starlette.responses import Response

from hub.domain.people import Capacity
from hub.domain.refusal import Refusal
from hub.storage import differences
from hub.web.call import Call
from hub.web.reads import differences as reads

PAGE = 50
PATH = "/supervision/annuaire"
MOST = 2**63  # numbers of rows are below


def _network(call: Call) -> str:
    """The CPTS that the operator serves. Raises ``not-found`` for anybody else."""
    if call.viewer.capacity is not Capacity.OPERATOR or not call.viewer.organization:
        raise Refusal("not-found")
    return call.viewer.organization


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < MOST else None


async def show(call: Call) -> Response:
    """The open ones, newest first."""
    network = _network(call)
    async with call.reading() as session:
        found = await differences.open_ones(session, network, count=PAGE + 1, before=_number(call.query("apres")))
        shown = await reads.worded(session, found[:PAGE])
    return await call.page(
        "supervision/differences.html",
        title="Écarts avec l’annuaire",
        shown=shown,
        more=found[PAGE - 1].id if len(found) > PAGE else None,
    )


async def seen(call: Call) -> Response:
    """The operator has seen one: it leaves the list, also if a colleague was faster."""
    network, number = _network(call), _number(call.form.get("ecart", ""))
    if number is None:
        raise Refusal("not-found")
    async with call.transaction() as session:
        await differences.seen(session, number, network, by=call.viewer.id, at=call.now)
    return call.see(PATH, "difference-seen")
