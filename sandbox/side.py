"""The side door common to all twins: faults, journal, reset, clock. JSON, on the home port; no real service has it."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from sandbox.faults import Fault
from sandbox.house import House
from sandbox.journal import Entry
from sandbox.twin import Twin


class WantedFault(BaseModel):
    """`times` calls (0 = until stopped); `value` of a `status` is the HTTP code."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    times: int = Field(default=1, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    value: str = ""


class Push(BaseModel):
    """Seconds to add to the offset of the clock."""

    model_config = ConfigDict(extra="forbid")
    advance: float = Field(allow_inf_nan=False)


def routes(house: House) -> APIRouter:
    router = APIRouter()
    _twin_routes(router, house)

    @router.post("/reset")
    async def reset() -> dict[str, list[str]]:
        return {"reset": house.reset()}

    @router.get("/clock")
    async def clock() -> dict[str, Any]:
        return {"now": house.world.clock.now(), "offset": house.world.clock.offset}

    @router.post("/clock")
    async def advance(push: Push) -> dict[str, Any]:
        house.world.clock.advance(push.advance)
        return await clock()

    for twin in house.twins.values():
        router.include_router(twin.side, prefix=f"/twins/{twin.name}")
    return router


def _twin_routes(router: APIRouter, house: House) -> None:
    def named(name: str) -> Twin:
        twin = house.twins.get(name)
        if twin is None:
            raise HTTPException(404, f"no twin named {name!r}, known: {', '.join(house.twins)}")
        return twin

    Named = Annotated[Twin, Depends(named)]

    @router.get("/twins")
    async def twins() -> dict[str, Any]:
        return {"twins": [_described(house, twin) for twin in house.twins.values()]}

    @router.post("/twins/{name}/faults", status_code=201)
    async def set_fault(twin: Named, wanted: WantedFault) -> dict[str, Any]:
        try:
            twin.faults.set(**wanted.model_dump())
        except ValueError as trouble:
            raise HTTPException(422, str(trouble)) from trouble
        return {"faults": _shown(twin.faults.active())}

    @router.delete("/twins/{name}/faults")
    async def stop_faults(twin: Named) -> dict[str, Any]:
        twin.faults.clear()
        return {"faults": []}

    @router.get("/twins/{name}/journal")
    async def journal(twin: Named, since: int = 0) -> dict[str, Any]:
        return {"entries": [asdict(entry) for entry in house.world.journal.entries(twin.name, since)]}

    @router.post("/twins/{name}/reset")
    async def reset_one(twin: Named) -> dict[str, list[str]]:
        return {"reset": house.reset(twin.name)}


def _described(house: House, twin: Twin) -> dict[str, Any]:
    entries: list[Entry] = house.entries(twin.name)
    return {
        "name": twin.name,
        "title": twin.title,
        "about": twin.about,
        "calls": len(entries),
        "last": entries[-1].at if entries else None,
        "faults": _shown(twin.faults.active()),
        "kinds": twin.faults.labels,
        "doors": [house.world.settings.url(listener.name) for listener in twin.listeners()],
    }


def _shown(faults: list[Fault]) -> list[dict[str, Any]]:
    return [asdict(fault) for fault in faults]
