"""The side doors of the directory twin: its day, its nights, its persons. JSON, on the home port; no real service has them."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from sandbox.rpps import extraction, oddities
from sandbox.rpps.publication import DIRECTORY, Publication

MOST_NIGHTS = 30


def routes(current: Callable[[], Publication], next_day: Callable[[int], Publication]) -> APIRouter:
    """`current` tells what is published, `next_day` publishes so many days."""
    router = APIRouter()

    @router.get("/day")
    async def day() -> dict[str, Any]:
        return _shown(current())

    @router.post("/next-day")
    async def following(days: Annotated[int, Query(ge=1, le=MOST_NIGHTS)] = 1) -> dict[str, Any]:
        """Publish tomorrow's directory now: who came, changed, moved, stopped, left, was forgotten, came back."""
        return _shown(next_day(days))

    @router.get("/people/{id}")
    async def person(id: str) -> dict[str, Any]:
        """The rows of one person in Personne_activite, by national identifier; 404 for who is not there today."""
        found = current().directory.people.get(id)
        if found is None:
            raise HTTPException(404, f"nobody in the directory of today under {id!r}")
        return {"national_id": id, "mailbox": found.mailbox, "rows": extraction.activity_rows(found)}

    @router.get("/oddities")
    async def odd() -> dict[str, str]:
        return {name: one.national_id for name, one in oddities.ODDITIES.items()}

    return router


def _shown(publication: Publication) -> dict[str, Any]:
    directory = publication.directory
    return {
        "day": directory.day,
        "stamp": publication.stamp,
        "name": publication.name(DIRECTORY),
        "people": len(directory.people),
        "changes": directory.since.shown(),
    }
