"""What the SAS does at the hub: hand over, send again, tell more, withdraw (SAS specification 17.2, 17.7)."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sandbox.journal import Check
from sandbox.sas import answers, names
from sandbox.sas.bundle import Resource, build, instant
from sandbox.sas.desk import NAME, Desk
from sandbox.sas.hub import Call, Exchange, shown_answer
from sandbox.sas.ledger import Case
from sandbox.sas.wish import Note, Regulator, Wish

URGENT = frozenset({"P0", "P1", "R1", "R2"})
JSON_PATCH = "application/json-patch+json"
LATE_NOTE = Note(text="Complément : douleur thoracique à l’effort.")
STRANGER = "fr.health.samu780"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The outcome of one act: the case as it is now, and what the hub answered."""

    case: Case
    status: int
    body: Any
    detail: str
    passed: bool


async def hand_over(desk: Desk, wish: Wish) -> Told:
    """A new case. Raises hub.Unreachable."""
    now = desk.world.clock.now()
    numbered = wish if wish.dossier else wish.model_copy(update={"dossier": desk.ledger.new_number(now)})
    case = Case(wish=numbered, bundle=build(numbered, Regulator(), now), sent_at=now)
    await desk.subscriber.ensure()
    known = desk.ledger.cases.get(case.patient_id)
    if known is None:
        desk.ledger.keep(case)  # before the call: the hub may notify before it has answered
    expected = "urgent" if URGENT & {numbered.priority, numbered.care_level} else "created"
    return await _send(desk, case, expected)


async def repeat(desk: Desk, case: Case, *, changed: bool, renumbered: bool) -> Told:
    """The same case once more; `changed` adds a note to it, `renumbered` gives its entries other fullUrls."""
    wish = case.wish
    if changed:
        wish = wish.model_copy(update={"notes": (*wish.notes, LATE_NOTE)})
    bundle = build(wish, Regulator(), case.sent_at, copy=1 if renumbered else 0)
    again = replace(case, bundle=bundle)
    return await _send(desk, again, "conflict" if changed else "same")


async def withdraw(desk: Desk, case: Case, *, reason: str, method: str) -> Told:
    """Cancel by a conditional PATCH (JSON Patch), or by PUT of the Task read just before."""
    why = {"text": reason}
    path = f"/Task?{_key(case)}"
    if method == "PATCH":
        change = [
            {"op": "replace", "path": "/status", "value": "cancelled"},
            {"op": "add", "path": "/statusReason", "value": why},
        ]
        call = Call(method="PATCH", path=path, body=_json(change), content_type=JSON_PATCH)
    else:
        task = await _found(desk, path)
        call = Call(method="PUT", path=path, body=_json({**task, "status": "cancelled", "statusReason": why}))
    exchange = await desk.line.fhir(call)
    status = exchange.body.get("status", "") if isinstance(exchange.body, dict) else ""
    checks = (*_updated(exchange), _ends(status))
    desk.ledger.keep(replace(desk.ledger.cases[case.patient_id], withdrawn=exchange.status == 200))
    return _told(desk, case, exchange, checks=checks, act="withdraw")


async def inform(desk: Desk, case: Case, *, note: str) -> Told:
    """New information on a known case: one note more on its ServiceRequest, by conditional PUT."""
    path = f"/ServiceRequest?{_key(case)}"
    request = await _found(desk, path)
    now = instant(desk.world.clock.now())
    notes = [*request.get("note", []), {"authorString": "MEDECIN", "time": now, "text": note}]
    exchange = await desk.line.fhir(Call(method="PUT", path=path, body=_json({**request, "note": notes})))
    return _told(desk, case, exchange, checks=_updated(exchange), act="inform")


async def _send(desk: Desk, case: Case, wanted: str) -> Told:
    body, expected = _spoiled(desk, case.bundle, wanted)
    call = Call(method="POST", path="", body=body)
    double = wanted == "created" and desk.faults.take("twice") is not None
    exchanges = await asyncio.gather(*(desk.line.fhir(call) for _ in range(2 if double else 1)))
    before = case.locations if expected == "same" else None
    first, *others = [answers.read(exchange, expected, before) for exchange in exchanges]
    _keep(desk, case, exchanges[0], first, expected)
    for exchange, outcome in zip(exchanges[1:], others, strict=True):
        one = Check(what="Deux envois simultanés, une seule demande", passed=outcome.locations == first.locations)
        _told(desk, case, exchange, checks=(*outcome.checks, one), act="created")
    return _told(desk, case, exchanges[0], checks=first.checks, act=expected, detail=first.detail)


def _keep(desk: Desk, case: Case, exchange: Exchange, outcome: answers.Outcome, expected: str) -> None:
    """A case the hub has taken replaces what was known of it; a refusal is kept for a case that was never taken."""
    held = desk.ledger.cases.get(case.patient_id, case)
    taken = exchange.status == 200 and expected == "created"
    if taken or held.locations is None:
        known = replace(case, states=held.states, withdrawn=held.withdrawn)
        desk.ledger.keep(replace(known, status=exchange.status, locations=outcome.locations or None))


def _spoiled(desk: Desk, bundle: Resource, expected: str) -> tuple[bytes, str]:
    """The body to send and what it must be answered, with the faults asked for."""
    if desk.faults.take("no-token"):
        desk.line.lose_token()
        return _json(bundle), "anonymous"
    if desk.faults.take("broken-json"):
        return _json(bundle)[:-40], "broken"
    if desk.faults.take("unknown-reference"):
        nowhere = "urn:uuid:00000000-0000-4000-8000-000000000000"
        return _json(bundle).replace(bundle["entry"][3]["fullUrl"].encode(), nowhere.encode(), 1), "broken"
    if desk.faults.take("stranger"):
        return _json(bundle).replace(f'"{names.CLIENT}"'.encode(), f'"{STRANGER}"'.encode()), "foreign"
    return _json(bundle), expected


def _told(desk: Desk, case: Case, exchange: Exchange, *, checks: tuple[Check, ...], act: str, detail: str = "") -> Told:
    done = exchange.status < 400
    failed = [check.what for check in checks if not check.passed]
    verdict = f"{exchange.status} {detail}".strip() + (f", {len(failed)} écart(s)" if failed else ", conforme")
    desk.world.journal.add(
        twin=NAME,
        direction="out",
        title=exchange.request.split("\n", 1)[0].replace(desk.world.settings.hub_machine_url, ""),
        verdict=verdict,
        accepted=done and not failed,
        subject=case.wish.dossier,
        request=exchange.request,
        answer=shown_answer(exchange),
        checks=checks,
        milliseconds=exchange.milliseconds,
        facts=_facts(case, exchange, act, detail),
    )
    kept = desk.ledger.cases.get(case.patient_id, case)
    return Told(case=kept, status=exchange.status, body=exchange.body, detail=detail, passed=not failed)


def _facts(case: Case, exchange: Exchange, act: str, detail: str) -> dict[str, str]:
    facts = {"kind": act, "dossier": case.wish.dossier, "status": str(exchange.status)}
    return {**facts, "detail": detail, "request": exchange.request_id}


def _updated(exchange: Exchange) -> tuple[Check, ...]:
    kind = exchange.headers.get("content-type", "").split(";")[0].strip()
    tag = exchange.headers.get("etag", "")
    return (
        Check(what="Réponse 200", passed=exchange.status == 200, where="SAS 17.2", detail=str(exchange.status)),
        Check(what="Content-Type application/fhir+json", passed=kind == names.FHIR_JSON, where="SAS 2", detail=kind),
        Check(what="ETag faible de la nouvelle version", passed=tag.startswith('W/"'), where="FHIR 2.1", detail=tag),
    )


def _ends(status: str) -> Check:
    """A withdrawal cancels the Task, or finds it completed and leaves it so (17.5)."""
    ended = status in ("cancelled", "completed")
    return Check(what="Tâche annulée, ou déjà achevée", passed=ended, where="SAS 17.5", detail=status)


async def _found(desk: Desk, path: str) -> Resource:
    """The one resource of a search; an empty one when the hub does not show exactly one."""
    exchange = await desk.line.fhir(Call(method="GET", path=path))
    body = exchange.body if isinstance(exchange.body, dict) else {}
    matches = [
        entry["resource"] for entry in body.get("entry", []) if entry.get("search", {}).get("mode", "match") == "match"
    ]
    return matches[0] if len(matches) == 1 else {}


def _key(case: Case) -> str:
    return urlencode({"identifier": f"{names.SAS_PATIENT}|{case.patient_id}"}, safe=":/|")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
