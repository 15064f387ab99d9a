"""Waves: open one, close one, and what happens at the response deadline (workflow.md 4.2, sas.md 17.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub import clock, log
from hub.domain import care_request as rules
from hub.domain import places, waves
from hub.domain.care_request import CareRequest, State
from hub.domain.people import Viewer
from hub.domain.waves import Candidate, Wave
from hub.r4 import elements
from hub.r4.shapes import care_request as shape
from hub.r4.shapes import patient as patients
from hub.storage import audit, candidates, outbox, resources, territories
from hub.storage.session import Session
from hub.workflows import announce, board, duplicates, invitations, record
from hub.workflows.record import Record
from hub.workflows.topics import ResponseNear, ResponseOver, WaveOver

Resource = dict[str, Any]

WIDEST_KM = 60  # beyond, nobody is near (Choice)


async def begin(session: Session, request: CareRequest) -> None:
    """Start the search of a request just stored: its deadline as a timer, the word to the issuer, the first wave."""
    await watch_delay(session, request)
    await duplicates.look(session, request)
    found = await record.lock(session, request.id)
    await board.refresh(session, found.request, found.service_request)
    await announce.outcome(session, found.request, version=int(found.task["meta"]["versionId"]))
    await open_next(session, found)


async def watch_delay(session: Session, request: CareRequest) -> None:
    """The timers of one attempt: its response deadline, and the reminders to the operators before it."""
    over = ResponseOver(request=request.id, attempt=request.attempt)
    await outbox.put(session, over, due_at=request.response_due)
    for percent in waves.REMINDERS:
        near = ResponseNear(request=request.id, attempt=request.attempt, percent=percent)
        at = waves.reminder_at(percent, request.issued_at, request.response_due)
        await outbox.put(session, near, due_at=at)


async def open_next(session: Session, found: Record) -> None:
    """Open the next wave that finds somebody; after the last one, the operators are told and the request keeps searching.

    A wave whose hour has passed meanwhile (a late release, a worker that was away) is skipped: who was asked in it would read of
    a deadline already over, and would hear nothing in the next one.
    """
    request, now = found.request, clock.now()
    if now >= request.response_due:
        return  # the timer of the response deadline says the rest
    partners = await territories.neighbours(session, request.network)
    people_by_wave = await _people(session, found, partners)
    number = request.wave + 1
    while (wave := waves.by_number(number)) is not None:
        asked = waves.in_order(people_by_wave, wave, request.network, partners)
        if asked and waves.ends_at(number, request.issued_at, request.response_due) > now:
            await _open(session, found, wave, asked)
            return
        number += 1
    await _nobody_left(session, found)


async def _open(session: Session, found: Record, wave: Wave, asked: list[Candidate]) -> None:
    until = waves.ends_at(wave.number, found.request.issued_at, found.request.response_due)
    request = replace(found.request, wave=wave.number)
    await invitations.close(session, request, "wave-over", keep=frozenset(person.role for person in asked))
    fresh = await invitations.ask(session, request, asked, wave=wave.number, until=until)
    await _keep_wave(session, found, request)
    await announce.candidates(session, request, fresh, due=until)
    over = WaveOver(request=request.id, attempt=request.attempt, number=wave.number)
    await outbox.put(session, over, due_at=until)
    log.event("wave.opened", request=request.id, wave=wave.number, asked=len(asked), fresh=len(fresh))


async def _keep_wave(session: Session, found: Record, request: CareRequest) -> None:
    """The wave number is our own business: saved without a word to the SAS."""
    shape.write(request, found.service_request, found.task, modified=elements.written(clock.now()))
    await resources.save(session, Viewer.hub(), found.task)
    await board.refresh(session, request, found.service_request)


async def _nobody_left(session: Session, found: Record) -> None:
    request = replace(found.request, wave=max(found.request.wave, len(waves.DEFAULT)))
    await invitations.close(session, request, "wave-over")
    await _keep_wave(session, found, request)
    await announce.operators(session, "nobody-left", request)
    log.event("wave.nobody-left", request=request.id)


async def _people(session: Session, found: Record, partners: list[str]) -> list[Candidate]:
    """Everybody who could take the request and has not declined it in this attempt: one indexed query, then distances."""
    request = found.request
    origin = await _origin(session, found)
    declined = {
        invitations.owner(task)
        for task in await invitations.of_request(session, request)
        if task["status"] in {"rejected", "failed"}
    }
    usual = await _usual_gp(session, request)
    near = places.around(origin, WIDEST_KM) if origin is not None else {request.commune: 0}
    rows = await candidates.able(
        session,
        profession=request.profession,
        specialty=request.specialty,
        near=near,
        networks=[request.network, *partners],
        kind=request.kind,
        care_type=request.care_type,
        is_handoff=request.is_handoff,
        usual=usual,
        at=clock.now(),
        origin=origin,
        declined=declined,
    )
    people = [_candidate(row, origin, usual) for row in rows]
    return [person for person, row in zip(people, rows, strict=True) if _in_reach(person, row)]


def _in_reach(person: Candidate, row: Any) -> bool:
    return person.is_usual or person.metres is None or person.metres <= row.radius_km * 1000


def _candidate(row: Any, origin: places.Place | None, usual: str | None) -> Candidate:
    metres, precision = None, places.Precision.NONE
    if origin is not None and row.longitude is not None:
        point = places.Place(
            longitude=row.longitude, latitude=row.latitude, commune=row.commune, precision=_precision(row)
        )
        metres, precision = places.metres(origin, point), places.worse(origin.precision, point.precision)
    is_usual = usual is not None and row.national_id == usual
    return Candidate(
        role=row.role,
        account=row.account,
        network=row.network,
        metres=metres,
        precision=precision,
        is_usual=is_usual,
        is_usual_gp=is_usual,
    )


def _precision(row: candidates.Row) -> places.Precision:
    """Of the point where somebody works: an address, else the middle of the commune."""
    known = None if row.is_exact else places.commune(row.commune)
    return known.precision if known else places.Precision.ADDRESS


async def _origin(session: Session, found: Record) -> places.Place | None:
    """Where care is wanted: the point of the Location when it has one, else the centre of the commune."""
    commune = places.commune(found.request.commune)
    for reference in found.service_request.get("locationReference", []):
        place = await resources.peek(session, "Location", elements.reference_id(reference, "Location") or "")
        position = (place or {}).get("position")
        if position:
            return places.Place(
                longitude=float(position["longitude"]),
                latitude=float(position["latitude"]),
                commune=found.request.commune,
                precision=places.Precision.ADDRESS,
            )
    return commune.place if commune else None


async def _usual_gp(session: Session, request: CareRequest) -> str | None:
    patient = await resources.peek(session, "Patient", request.patient)
    return patients.usual_gp(patient) if patient else None


async def wave_over(session: Session, message: WaveOver) -> None:
    """The delay of a wave has passed: does nothing to a request that moved on."""
    found = await record.lock(session, message.request)
    request = found.request
    if request.state is State.SEARCHING and (request.attempt, request.wave) == (message.attempt, message.number):
        await open_next(session, found)


async def response_over(session: Session, message: ResponseOver) -> None:
    """The response deadline: a handoff goes back to the SAS in the same transaction, exactly once, even after a restart."""
    found = await record.lock(session, message.request)
    request = found.request
    if request.attempt != message.attempt or request.state is not State.SEARCHING:
        return
    if clock.now() < request.response_due:  # the deadline was moved: its own timer will come
        return
    ended = rules.run_out(request, reason=await _why(session, request))
    await invitations.close(session, request, "wave-over")
    await record.keep(session, Viewer.hub(), found, ended)
    if ended.state is State.UNANSWERED:
        await announce.operators(session, "unanswered", ended)
    await audit.record(
        session, viewer=Viewer.hub(), event="request.run-out", request=request.id, patient=request.patient
    )
    log.event("request.run-out", request=request.id, state=ended.state)


async def response_near(session: Session, message: ResponseNear) -> None:
    """The delay passes and nobody has accepted: the operators are told. After an absence the last reminder speaks for all."""
    request = (await record.lock(session, message.request)).request
    is_same = request.attempt == message.attempt and request.state is State.SEARCHING
    if is_same and waves.reminder_passed(request.issued_at, request.response_due, clock.now()) == message.percent:
        await announce.operators(session, "response-near", request, due=request.response_due)
        log.event("response.near", request=request.id)


async def _why(session: Session, request: CareRequest) -> str:
    tasks = await invitations.of_request(session, request)
    everybody_declined = bool(tasks) and all(task["status"] == "rejected" for task in tasks)
    return "all-declined" if everybody_declined else "no-answer-in-time"


async def all_declined(session: Session, found: Record) -> None:
    """Everybody asked in this wave has declined: the next one starts at once."""
    if not any(invitations.is_open(task) for task in await invitations.of_request(session, found.request)):
        await open_next(session, found)
