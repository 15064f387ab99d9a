"""/supervision: every open request of the territory, the most pressing first, one next act a row, the sheet of one beside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response, StreamingResponse

from hub import codes
from hub.domain import hours, places, waves
from hub.domain.care_request import State
from hub.domain.people import Capacity, Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.storage import board, duplicates, grants, resources
from hub.storage.board import BoardRow, Filters, Position
from hub.storage.session import Session
from hub.web import words
from hub.web.call import Call
from hub.web.pages.requests import parts
from hub.web.reads import requests as reads
from hub.web.standing import Visit

PAGE = 50
SEES_BOARD = (Capacity.OPERATOR, Capacity.COORDINATOR)
UNBUFFERED = {"X-Accel-Buffering": "no"}  # asks a proxy to let each word through at once


class Tab(NamedTuple):
    """One tab: the word of the address, its label, the states it keeps."""

    name: str
    label: str
    states: tuple[str, ...]


TABS = (
    Tab("", "Toutes", ()),
    Tab("a-traiter", "À traiter", (State.TO_QUALIFY, State.PROPOSED, State.UNREACHABLE, State.UNANSWERED)),
    Tab("recherche", "Recherche", (State.SEARCHING,)),
    Tab("acceptees", "Acceptées", (State.ACCEPTED,)),
    Tab("a-confirmer", "RDV à confirmer", (State.PROPOSED, State.UNREACHABLE)),
    Tab("confirmes", "RDV confirmés", (State.CONFIRMED,)),
    Tab("sans-reponse", "Sans réponse", (State.UNANSWERED,)),
)


class Next(NamedTuple):
    """The one act of a row: where, words, icon, and whether a person must do it now (solid button)."""

    path: str
    label: str
    icon: str
    must: bool


NEXT: Mapping[str, Next] = {
    State.PROPOSED: Next("", "Appeler", "phone", True),
    State.UNREACHABLE: Next("", "Rappeler", "phone", True),
    State.UNANSWERED: Next("relancer", "Relancer", "refresh", True),
}


class Row(NamedTuple):
    """A row with its words."""

    row: BoardRow
    left: words.TimeLeft
    city: str
    what: str
    who: str
    detail: str
    next: Next | None
    kind_icon: str
    is_doubtful: bool = False


async def show(call: Call) -> Response:
    """The list, filtered by the address alone; ``?fiche=`` opens one request beside it."""
    viewer = call.viewer
    if viewer.capacity not in SEES_BOARD:
        return call.see("/demandes")
    tab = next((one for one in TABS if one.name == call.query("etat")), TABS[0])
    filters = _filters(call, tab)
    async with call.reading() as session:
        found = await board.rows(session, viewer, filters=filters, count=PAGE + 1, after=_after(call))
        waiting = await board.rows(session, viewer, filters=Filters(states=TABS[1].states), count=100)
        sheet = await _sheet(call, session, call.query("fiche"))
        doubtful = await duplicates.of(session, viewer, [one.request for one in found[:PAGE]])
    rows = [_row(one, call.now)._replace(is_doubtful=one.request in doubtful) for one in found[:PAGE]]
    return await call.page(
        "supervision/board.html",
        title="Supervision",
        serves=viewer.capacity is Capacity.OPERATOR,
        rows=rows,
        tabs=TABS,
        tab=tab,
        more=_place(found[PAGE - 1]) if len(found) > PAGE else "",
        to_call=sum(one.state in (State.PROPOSED, State.UNREACHABLE) for one in waiting),
        unanswered=sum(one.state == State.UNANSWERED for one in waiting),
        query={name: call.query(name) for name in ("q", "soin", "demandeur", "operateur")},
        care_types=[(row.code, row.display) for row in codes.table("hub-care-type")],
        origins=list(words.ORIGINS.items()),
        sheet=sheet,
        is_followed=any(one.request == call.query("fiche") and one.assignee == viewer.account for one in found),
        whole_sprite=True,
        **(parts(sheet) | {"back": None} if sheet else {}),
    )


def _filters(call: Call, tab: Tab) -> Filters:
    care, origin, mine = call.query("soin"), call.query("demandeur"), call.query("operateur") == "moi"
    return Filters(
        states=tuple(str(state) for state in tab.states),
        care_types=(care,) if care else (),
        origins=(origin,) if origin else (),
        assignee=call.viewer.account if mine else None,
        words=call.query("q"),
    )


def _place(row: BoardRow) -> str:
    """Where the next page begins, for the address: no patient datum in it."""
    due, request = row.position
    return f"{due.timestamp()}_{request}"


def _after(call: Call) -> Position | None:
    text, _, request = call.query("apres").partition("_")
    try:
        return (datetime.fromtimestamp(float(text), tz=call.now.tzinfo), request) if request else None
    except (ValueError, OverflowError, OSError):
        return None


def _row(one: BoardRow, now: datetime) -> Row:
    zone = hours.zone_of(one.commune)
    commune = places.commune(one.commune)
    issued = hours.clock_time(one.issued_at, zone)
    again = f", {one.attempt}e fois" if one.attempt > 1 else ""
    requester = one.requester_name or words.ORIGINS.get(one.origin, "")
    kind = words.display("hub-kind-of-care", one.kind)
    if one.performer_name:
        who = one.performer_name
        detail = words.moment(one.appointment_at, now, zone) if one.appointment_at else ""
    else:
        is_looking = one.state in (State.SEARCHING, State.UNANSWERED)
        passed = waves.reminder_passed(one.issued_at, one.response_due, now) if one.state == State.SEARCHING else 0
        wave = f"vague {one.wave}" if one.wave and is_looking else ""
        who, detail = (wave, f"{passed} % du délai passé") if passed else ("", wave)
    return Row(
        row=one,
        left=words.time_left(one.issued_at, one.response_due, now, zone),
        city=commune.name if commune else "",
        what=f"{requester} {issued}{again}" + (f" · {kind}" if kind else ""),
        who=who,
        detail=detail,
        next=NEXT.get(one.state),
        kind_icon=words.KIND_ICONS.get(one.kind, "practice"),
    )


async def _sheet(call: Call, session: Session, id: str) -> reads.Whole | None:
    """The request beside the list, for whoever sees it whole."""
    if not id:
        return None
    stored = await resources.read(session, call.viewer, "ServiceRequest", id)
    if stored is None or stored.deleted or stored.level is not Level.FULL:
        return None
    return await reads.whole(session, call.viewer, stored.json())


async def stream(call: Call) -> Response:
    """Says « something changed » each time the list of the viewer's CPTS does, until the session or the capacity ends; the browser
    then reads the list again as its own viewer.
    """
    viewer, live = call.viewer, call.house.live
    if viewer.capacity not in SEES_BOARD:
        raise Refusal("not-allowed")
    if live.is_full:
        return Response(status_code=503, headers={"Retry-After": "60"})
    token = call.request.cookies.get(call.house.sessions.policy.cookie)

    async def still() -> bool:
        found = await call.house.sessions.visit(token, is_act=False)
        return isinstance(found, Visit) and found.viewer is not None and _is_same(found.viewer, viewer)

    said = live.words(viewer.organization, still, is_back="last-event-id" in call.request.headers)
    return StreamingResponse(said, media_type="text/event-stream", headers=UNBUFFERED)


def _is_same(now: Viewer, before: Viewer) -> bool:
    return (now.account, now.capacity, now.organization) == (before.account, before.capacity, before.organization)


async def assign(call: Call) -> Response:
    """The operator takes a request on, or leaves it."""
    id, viewer = call.path("id"), call.viewer
    to = viewer.account if call.form.get("operateur") == "moi" else None
    async with call.transaction() as session:
        is_served = viewer.capacity is Capacity.OPERATOR and await grants.level_of(session, viewer, id) is Level.FULL
        if not is_served or not await board.assign(session, id, to):
            raise Refusal("not-found")
    return call.see(f"/supervision?fiche={id}")
