"""Patients: find or create, join by a qualified INS only, and the questions others ask about one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub import clock
from hub.domain import facets
from hub.domain.identifiers import Ins, is_usable
from hub.domain.notebook import Agreement
from hub.domain.patient import Patient, Reliability
from hub.domain.people import Capacity, Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.r4.shapes import patient as shape
from hub.r4.shapes import shared_patient as shared
from hub.storage import audit, resources
from hub.storage.session import Session
from hub.workflows import board, record

Resource = dict[str, Any]


class _Environment:
    """Whether this is the production, where test identities do not count; elsewhere the real ones do not (fhir.md 10.3)."""

    is_production: bool = False


def use(*, is_production: bool) -> None:
    """Say once, at start, which INS authorities count in this process."""
    _Environment.is_production = is_production


def judged(patient: Resource, *, is_trusted: bool) -> Reliability:
    """The hub's own status for an identity that arrives: a peer's QUAL is QUAL only when its registration says so, and the
    INS must be usable in this environment with a right key (fhir.md 10.3).
    """
    claimed = shape.claimed_reliability(patient)
    pair = shape.ins_of(patient)
    if claimed is not Reliability.QUALIFIED or pair is None:
        return Reliability.CHECKED if claimed is Reliability.QUALIFIED else claimed
    if not Ins.check(*pair) or not is_usable(pair[1], _Environment.is_production):
        return Reliability.PROVISIONAL
    return Reliability.QUALIFIED if is_trusted else Reliability.FETCHED


async def receive(session: Session, viewer: Viewer, patient: Resource, *, is_trusted: bool) -> tuple[str, bool]:
    """The id of the patient and whether it was created. Joined to a known one by an INS qualified on both sides, else new.

    A joined record keeps its identity and what it says first; it gains what the sender adds, under the sender's name.
    """
    status = judged(patient, is_trusted=is_trusted)
    pair = shape.ins_of(patient)
    if status is Reliability.QUALIFIED and pair is not None:
        for candidate in await resources.find(session, "Patient", f"urn:oid:{pair[1]}", pair[0]):
            known = await resources.lock(session, "Patient", candidate)
            if shape.read(known).is_qualified:
                await resources.save(session, viewer, shared.joined(known, patient, viewer.sender, clock.now()))
                return candidate, False
    made = shared.first(patient, viewer.sender)
    shape.set_reliability(made, status)
    created = await resources.create(session, viewer, made)
    return created["id"], True


async def retell(session: Session, viewer: Viewer, id: str, patient: Resource, *, is_trusted: bool) -> None:
    """The sender of a request says anew who it is about: its former words go, those of others and the operators' choices stay."""
    known = await resources.lock(session, "Patient", id)
    if viewer.sender is None:
        await resources.save(session, viewer, shared.joined(known, patient, None, clock.now()))
        return
    told = shared.retold(known, patient, viewer.sender, clock.now())
    if facets.only_sender(known) == viewer.sender:
        status, pair = judged(patient, is_trusted=is_trusted), shape.ins_of(patient)
        if status is Reliability.QUALIFIED and pair is not None:
            others = set(await resources.find(session, "Patient", f"urn:oid:{pair[1]}", pair[0])) - {id}
            status = Reliability.FETCHED if others else status  # the same person twice: an operator joins them
        shape.set_reliability(told, status)
    await resources.save(session, viewer, told)


async def choose(session: Session, viewer: Viewer, patient: str, element: str, key: str) -> None:
    """An operator says which phone (``telecom``) or ``address`` comes first. Raises ``not-allowed``, and ``not-found`` when it is
    no longer there.
    """
    seen = await resources.read(session, viewer, "Patient", patient)
    if seen is None or seen.deleted or seen.level is not Level.FULL:
        raise Refusal("not-found")
    if viewer.capacity is not Capacity.OPERATOR:
        raise Refusal("not-allowed")
    requests = [one["id"] for one in await resources.of_patient(session, "ServiceRequest", patient, lock=True)]
    known = await resources.lock(session, "Patient", patient)
    made = shared.chosen(known, element, key, clock.now())
    if made is None:
        raise Refusal("not-found")
    await resources.save(session, viewer, made)
    await audit.record(session, viewer=viewer, event="patient.contact-chosen", patient=patient)
    for request in requests:
        found = await record.lock(session, request)
        await board.refresh(session, found.request, found.service_request)


async def of_request(session: Session, patient: str) -> Patient:
    """The uncut patient, for a workflow or a connector that prepares a message. Raises ``Refusal("not-found")``."""
    found = await resources.peek(session, "Patient", patient)
    if found is None:
        raise Refusal("not-found")
    return replace(shape.read(found), id=patient)


CATEGORY = "consent-category"


async def agreement(session: Session, patient: str) -> Agreement:
    """What the patient was told about feeding the DMP: the latest Consent of category ``dmp-feeding`` (fhir.md 9.3)."""
    latest: Resource | None = None
    for consent in await resources.of_patient(session, "Consent", patient):
        if elements.code_among(consent.get("category", []), names.system(CATEGORY)) != "dmp-feeding":
            continue
        if consent.get("status") == "active" and (latest is None or consent["dateTime"] >= latest["dateTime"]):
            latest = consent
    if latest is None:
        return Agreement.NEVER_ASKED
    return Agreement.OBJECTS if latest["provision"]["type"] == "deny" else Agreement.INFORMED
