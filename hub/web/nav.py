"""The header: who is there in which capacity, and at most five places for each role (portal, Navigation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.domain.people import Capacity, Viewer
from hub.storage import board, situations, territories
from hub.storage.search import search
from hub.storage.session import Session
from hub.web.standing import Visit

if TYPE_CHECKING:
    from hub.web.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One entry of the bar. ``count`` is work for this person, never a total; ``counted`` says of what, for screen readers."""

    href: str
    label: str
    icon: str
    counted: str = ""
    count: int = 0
    is_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The name, and the line under it: capacity, place."""

    name: str
    line: str


REQUESTS = Place(href="/demandes", label="Demandes", icon="list", counted="à prendre")
PATIENTS = Place(href="/patients", label="Patients", icon="person")
COLLEAGUES = Place(href="/annuaire", label="Annuaire", icon="people")
SETTINGS = Place(href="/reglages/soins", label="Réglages", icon="gear")
SUPERVISION = Place(href="/supervision", label="Supervision", icon="list", counted="à traiter")

BARS: Mapping[Capacity, tuple[Place, ...]] = {
    Capacity.PROFESSIONAL: (REQUESTS, PATIENTS, COLLEAGUES, SETTINGS),
    Capacity.SECRETARY: (REQUESTS, PATIENTS, COLLEAGUES, SETTINGS),
    Capacity.OPERATOR: (SUPERVISION, PATIENTS),
    Capacity.COORDINATOR: (SUPERVISION,),
    Capacity.THIRD_PARTY: (REQUESTS,),
}
ACTS = ("to-qualify", "proposed", "unreachable", "unanswered")  # states in which an operator must act


def home(viewer: Viewer) -> str:
    """Where a role lands."""
    bar = BARS.get(viewer.capacity)
    return bar[0].href if bar else "/situation"


async def who(call: Call, visit: Visit) -> Who:
    """« Dr Hélène VASSEUR », « Médecin · Cabinet des Tilleuls · CPTS du Vexin »; the civil name before a capacity is chosen."""
    viewer = visit.viewer
    if viewer is None:
        name = f"{visit.account.given} {visit.account.family}".strip()
        return Who(name=name, line="Choisissez à quel titre vous agissez")
    name, _, capacity = viewer.name.partition(", ")
    async with call.reading() as session:
        place, network = await _place(session, viewer)
    parts = (capacity[:1].upper() + capacity[1:], place, network)
    return Who(name=name, line=" · ".join(part for part in parts if part))


async def _place(session: Session, viewer: Viewer) -> tuple[str, str]:
    """The structure and the CPTS that a viewer acts for; empty when there is none."""
    if viewer.role is None:
        served = await territories.by_id(session, viewer.organization) if viewer.organization else None
        return "", served.name if served else ""
    situation = await situations.situation_of(session, viewer.role)
    wish = await situations.preference_of(session, viewer.role)
    joined = await territories.by_id(session, wish.network) if wish and wish.network else None
    return situation.structure_name if situation else "", joined.name if joined else ""


async def bar(call: Call, viewer: Viewer) -> tuple[Place, ...]:
    """The places of the viewer, with the work that waits in the first one."""
    here = call.request.url.path
    places = [replace(place, is_here=_is_here(place, here)) for place in BARS.get(viewer.capacity, ())]
    if places and places[0].counted:
        places[0] = replace(places[0], count=await _work(call, viewer))
    return tuple(places)


def _is_here(place: Place, here: str) -> bool:
    folder = f"/{place.href.split('/')[1]}"
    return here == folder or here.startswith(f"{folder}/")


async def _work(call: Call, viewer: Viewer) -> int:
    async with call.reading() as session:
        if viewer.capacity is Capacity.OPERATOR:
            return len(await board.rows(session, viewer, filters=board.Filters(states=ACTS), count=100))
        if viewer.role is None:
            return 0
        wanted = [("owner", f"PractitionerRole/{viewer.role}"), ("status", "requested,received"), ("_summary", "count")]
        return (await search(session, viewer, "Task", wanted)).total or 0
