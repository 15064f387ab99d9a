"""/demandes and /demandes/{id}: what waits, what is in hand, one request as its viewer may see it, and the acts on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hub import codes
from hub.domain.care_request import State
from hub.domain.people import Capacity, Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import names
from hub.storage import resources
from hub.storage.search import search
from hub.storage.session import Session
from hub.web import forms
from hub.web.call import Call
from hub.web.reads import outlines
from hub.web.reads import requests as reads
from hub.web.reads.requests import Whole
from hub.workflows import requests

Resource = dict[str, Any]

IN_HAND = "accepted,in-progress"
OVER = "completed"
NUMBERS = ("zéro", "Une", "Deux", "Trois", "Quatre", "Cinq", "Six", "Sept", "Huit", "Neuf", "Dix")
# One touch declines: the usual reasons, in the order of the page, with the words of the button.
DECLINE_BUTTONS = (
    ("not-available", "Pas disponible"),
    ("too-far", "Trop loin"),
    ("not-my-scope", "Pas de ma compétence"),
    ("other", "Autre raison"),
)


async def listing(call: Call) -> Response:
    """What waits for an answer, what the person has in hand; ``?liste=terminees``: what is over."""
    viewer = call.viewer
    if viewer.capacity in (Capacity.OPERATOR, Capacity.COORDINATOR):
        return call.see("/supervision")
    is_over = call.query("liste") == "terminees"
    async with call.reading() as session:
        waiting = [] if is_over else await outlines.waiting(session, viewer)
        held = await _held(call, session, OVER if is_over else IN_HAND)
    return await call.page(
        "requests/list.html",
        title="Demandes terminées" if is_over else f"{len(waiting)} demandes" if waiting else "Demandes",
        heading="Demandes terminées" if is_over else headline(len(waiting)),
        waiting=waiting,
        held=held,
        is_over=is_over,
        whole_sprite=True,
    )


def headline(count: int) -> str:
    """« Deux demandes vous attendent »."""
    if count == 0:
        return "Aucune demande ne vous attend"
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{number} demande vous attend" if count == 1 else f"{number} demandes vous attendent"


async def _held(call: Call, session: Session, statuses: str) -> list[Whole]:
    """The requests of the invitations the viewer accepted."""
    if call.viewer.role is None:
        return []
    wanted = [("owner", f"PractitionerRole/{call.viewer.role}"), ("status", statuses), ("_include", "Task:focus")]
    page = await search(session, call.viewer, "Task", wanted, count=50)
    found = [one.json() for one in page.includes if one.type == "ServiceRequest" and one.level is Level.FULL]
    wholes = [await reads.whole(session, call.viewer, one) for one in found]
    kept = [one for one in wholes if one is not None and one.is_mine]
    return sorted(kept, key=lambda one: one.changed_at, reverse=statuses == OVER)


async def _service_request(call: Call, session: Session) -> tuple[Resource, Level]:
    """The request of the address, at the viewer's level. Raises ``not-found`` when it does not exist for this viewer."""
    stored = await resources.read(session, call.viewer, "ServiceRequest", call.path("id"))
    if stored is None or stored.deleted:
        raise Refusal("not-found")
    return stored.json(), stored.level


async def whole(call: Call, session: Session) -> Whole:
    """The request of the address at level full. Raises ``not-found``, also at level outline."""
    service_request, level = await _service_request(call, session)
    found = await reads.whole(session, call.viewer, service_request) if level is Level.FULL else None
    if found is None:
        raise Refusal("not-found")
    return found


async def show(call: Call) -> Response:
    """One address for a request: who looks decides how much it shows."""
    async with call.reading() as session:
        service_request, level = await _service_request(call, session)
        if level is Level.FULL:
            found = await whole(call, session)
            return await call.page("requests/whole.html", title=f"Demande {found.request.number}", **parts(found))
        outline = await outlines.one(session, call.viewer, service_request)
    if outline.is_asked:
        async with call.transaction() as session:
            await requests.opened(session, call.viewer, outline.id)
    return await call.page(
        "requests/outline.html",
        title=f"Demande {outline.number}",
        one=outline,
        left=outline.left(call.now),
        deciding=outline.is_asked,
        back={
            "href": "/supervision" if call.viewer.capacity is Capacity.COORDINATOR else "/demandes",
            "label": "Demandes",
        },
        decline_buttons=DECLINE_BUTTONS,
    )


def parts(found: Whole) -> dict[str, Any]:
    """What the page of a whole request needs beside the request itself."""
    state = found.request.state
    return {
        "one": found,
        "back": {
            "href": "/supervision" if found.is_operator else "/demandes",
            "label": "Supervision" if found.is_operator else "Demandes",
        },
        "may_propose": found.is_mine and state in (State.ACCEPTED, State.PROPOSED),
        "may_finish": state is State.CONFIRMED and (found.is_mine or found.is_operator),
        "may_call": state in (State.PROPOSED, State.UNREACHABLE) and (found.is_mine or found.is_operator),
    }


# -------------------------------------------------------------------------------- acts


async def accept(call: Call) -> Response:
    """First come, exactly one wins; whoever loses reads so, and what else waits."""
    async with call.transaction() as session:
        await requests.accept(session, call.viewer, call.path("id"))
    return call.see(f"/demandes/{call.path('id')}/rendez-vous", "accepted")


async def decline(call: Call) -> Response:
    """One touch on a reason declines."""
    reason = call.form.get("motif", "")
    if not codes.table("hub-decline-reason").offers(reason):
        raise Refusal("reason-required")
    async with call.transaction() as session:
        await requests.decline(session, call.viewer, call.path("id"), reason)
    return call.see("/demandes", "declined")


async def reissue_page(call: Call) -> Response:
    """What issuing again will do."""
    async with call.reading() as session:
        found = await whole(call, session)
    return await call.page("requests/reissue.html", title="Émettre à nouveau", deciding=True, **parts(found))


async def reissue(call: Call) -> Response:
    """A new attempt on the same request."""
    async with call.transaction() as session:
        await requests.reissue(session, call.viewer, call.path("id"))
    return call.see(f"/demandes/{call.path('id')}", "reissued")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonedAct:
    """An act that wants a reason from a list: a page that says what will happen, then the act and where it leads."""

    table: str
    template: str
    heading: str
    workflow: Callable[[Session, Viewer, str, str], Awaitable[object]]
    then: str
    flash: str

    async def page(self, call: Call, *, faults: tuple[forms.Fault, ...] = ()) -> Response:
        """What will happen, and the reasons."""
        async with call.reading() as session:
            found = await whole(call, session)
        return await call.page(
            self.template,
            status=422 if faults else 200,
            title=self.heading,
            deciding=True,
            reasons=[(row.code, row.display) for row in codes.table(self.table).offered],
            summary=faults or None,
            **parts(found),
        )

    async def act(self, call: Call) -> Response:
        """The act, or the page again when no reason of the list was chosen."""
        reason = call.form.get("raison", "")
        if not codes.table(self.table).offers(reason):
            fault = forms.Fault(field="raison", text="Choisissez une raison dans la liste.")
            return await self.page(call, faults=(fault,))
        async with call.transaction() as session:
            await self.workflow(session, call.viewer, call.path("id"), reason)
        return call.see(self.then, self.flash)


RELEASE = ReasonedAct(
    table="hub-decline-reason",
    template="requests/release.html",
    heading="Rendre la demande",
    workflow=requests.release,
    then="/demandes",
    flash="released",
)
CANCEL = ReasonedAct(
    table="hub-cancel-reason",
    template="requests/cancel.html",
    heading="Annuler la demande",
    workflow=requests.cancel,
    then="/supervision",
    flash="cancelled",
)
HAND_BACK = ReasonedAct(
    table="hub-handoff-failure",
    template="requests/hand-back.html",
    heading="Rendre au SAS",
    workflow=requests.hand_back,
    then="/supervision",
    flash="handed-back",
)


async def by_number(call: Call) -> Response:
    """The short address of the text messages: to the request, for whoever may see it."""
    wanted = [("identifier", f"{names.ns('request-number')}|{call.path('number')}")]
    async with call.reading() as session:
        page = await search(session, call.viewer, "ServiceRequest", wanted, count=1)
    if not page.matches:
        raise Refusal("not-found")
    return call.see(f"/demandes/{page.matches[0].id}")
