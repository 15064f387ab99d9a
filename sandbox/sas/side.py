"""Doors the real platform does not have: be the regulator (mounted at /twins/sas on the home port)."""

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from sandbox.sas import handoffs
from sandbox.sas.desk import Desk
from sandbox.sas.handoffs import Told
from sandbox.sas.hub import Unreachable
from sandbox.sas.ledger import Case, State
from sandbox.sas.wish import Wish


class Named(BaseModel):
    """A file by its number; `ordinal` when it holds several patients."""

    model_config = ConfigDict(extra="forbid")
    dossier: str
    ordinal: int = 1


class Withdrawal(Named):
    reason: str = "Patient réorienté par la régulation"
    method: Literal["PATCH", "PUT"] = "PATCH"


class Repetition(Named):
    changed: bool = False
    renumbered: bool = False


class Information(Named):
    note: str = "Le patient est attendu par un proche à 18 h."


def routes(desk: Desk) -> APIRouter:
    router = APIRouter()

    @router.post("/handoffs")
    async def hand_over(wish: Wish | None = None) -> dict[str, Any]:
        """Without a body: the case of the demonstration."""
        return await _done(handoffs.hand_over(desk, wish or Wish()))

    @router.post("/withdraw")
    async def withdraw(asked: Withdrawal) -> dict[str, Any]:
        return await _done(handoffs.withdraw(desk, _case(desk, asked), reason=asked.reason, method=asked.method))

    @router.post("/repeat")
    async def repeat(asked: Repetition) -> dict[str, Any]:
        case = _case(desk, asked)
        return await _done(handoffs.repeat(desk, case, changed=asked.changed, renumbered=asked.renumbered))

    @router.post("/inform")
    async def inform(asked: Information) -> dict[str, Any]:
        return await _done(handoffs.inform(desk, _case(desk, asked), note=asked.note))

    @router.get("/dossiers")
    async def cases() -> dict[str, Any]:
        return {"dossiers": [_summary(case) for case in desk.ledger.cases.values()]}

    @router.get("/dossiers/{dossier}")
    async def one(dossier: str, ordinal: int = 1) -> dict[str, Any]:
        """The states received, in order, each with its version and how many copies came after the first."""
        case = _case(desk, Named(dossier=dossier, ordinal=ordinal))
        return {**_summary(case), "states": [_state(state) for state in case.states]}

    @router.get("/appointments")
    async def appointments() -> dict[str, Any]:
        return {"appointments": [asdict(one) for one in desk.ledger.appointments.values()]}

    return router


async def _done(act: Awaitable[Told]) -> dict[str, Any]:
    """502 when the hub cannot be reached; whatever the hub answers is a 200 here, told in the body."""
    try:
        told = await act
    except Unreachable as trouble:
        raise HTTPException(502, str(trouble)) from trouble
    return {
        "dossier": told.case.wish.dossier,
        "status": told.status,
        "detail": told.detail,
        "conformant": told.passed,
        "locations": told.case.locations or {},
        "body": told.body,
    }


def _case(desk: Desk, asked: Named) -> Case:
    found = [case for case in desk.ledger.named(asked.dossier) if case.wish.ordinal == asked.ordinal]
    if not found:
        raise HTTPException(404, f"no case {asked.dossier} ({asked.ordinal})")
    return found[0]


def _summary(case: Case) -> dict[str, Any]:
    last = case.states[-1] if case.states else None
    return {
        "dossier": case.wish.dossier,
        "case": case.id,
        "ordinal": case.wish.ordinal,
        "sent_at": case.sent_at,
        "status": case.status,
        "locations": case.locations or {},
        "withdrawn": case.withdrawn,
        "state": last.status if last else "",
        "business": last.business if last else "",
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "at": state.at,
        "task": state.task,
        "version": state.version,
        "status": state.status,
        "business": state.business,
        "repeats": state.repeats,
        "resource": state.resource,
    }
