"""The page of the directory twin: what it serves today, what the night changed, whom it knows, how to spoil it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse

from sandbox.house import House
from sandbox.pages import page
from sandbox.rpps import API_BASE, API_KEY, RppsTwin, oddities, tables
from sandbox.rpps.model import Person

MOST_NIGHTS = 30
SHOWN = 20  # persons of a search
NIGHTS = {
    "added": "arrivés",
    "changed": "modifiés",
    "moved": "ont changé de lieu",
    "ended": "sans activité désormais",
    "removed": "partis",
    "forgotten": "oubliés pour un jour",
    "returned": "revenus après un oubli",
    "through_structure": "touchés par un changement de leur structure",
    "mailbox_opened": "ont une boîte MSSanté de plus",
    "mailbox_closed": "n’ont plus leur boîte MSSanté",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person as the page shows them."""

    national_id: str
    name: str
    professions: str
    places: str


def routes(house: House) -> APIRouter:
    router = APIRouter(default_response_class=HTMLResponse)
    twin = house.rpps

    @router.get("/annuaire")
    async def directory(q: str = "", fait: str = "") -> HTMLResponse:
        current = twin.current()
        changes = current.directory.since.shown()
        return page(
            house,
            "annuaire.html",
            current=current,
            nights=[(words, changes[name]) for name, words in NIGHTS.items() if changes[name]],
            done=fait == "lendemain",
            q=q,
            found=search(twin, q),
            oddities=[(name, person.national_id) for name, person in oddities.ODDITIES.items()],
            faults=twin.faults,
            base=house.world.settings.url("rpps"),
            api=API_BASE,
            key=API_KEY,
        )

    @router.post("/annuaire/lendemain")
    async def nights(jours: Annotated[int, Form()] = 1) -> RedirectResponse:
        if not 1 <= jours <= MOST_NIGHTS:
            raise HTTPException(422)
        twin.next_day(jours)
        return RedirectResponse("/annuaire?fait=lendemain", status_code=303)

    return router


def search(twin: RppsTwin, words: str) -> list[Line]:
    """The first persons whose number or name begins with `words`; nobody without words."""
    wanted = words.strip().casefold()
    if not wanted:
        return []
    found = []
    for person in twin.current().directory.people.values():
        names = [name.casefold() for one in person.exercises for name in (one.family, one.given)]
        if any(text.startswith(wanted) for text in (person.national_id, person.identifier, *names)):
            found.append(_line(person))
        if len(found) == SHOWN:
            break
    return found


def _line(person: Person) -> Line:
    first = person.exercises[0]
    places = [activity.structure.structure_name for one in person.exercises for activity in one.activities]
    professions = [tables.label("profession", one.profession) or one.profession for one in person.exercises]
    return Line(
        national_id=person.national_id,
        name=f"{first.family} {first.given}",
        professions=", ".join(professions),
        places=", ".join(places) or "sans activité",
    )
