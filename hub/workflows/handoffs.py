"""A request handed over by the SAS: checked, placed in a territory, stored, and put to the search, all or nothing (sas.md 17)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub import clock, log
from hub.domain import hours, places
from hub.domain.care_request import CareRequest, Origin, State
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.r4.references import replace_references
from hub.r4.shapes import care_request as shape
from hub.r4.shapes import handoff as bundles
from hub.r4.shapes.handoff import Handoff
from hub.storage import audit, clients, inbox, numbers, resources, territories
from hub.storage.session import Session
from hub.storage.territories import Network
from hub.workflows import announce, dispatch, patients, record, requests
from hub.workflows.record import Record

Resource = dict[str, Any]

RESPONSE_MINUTES = 120  # (Choice) whole budget of a SAS handoff, sas.md 17.8
KEY_SOURCE = "sas-handoff"
ENDED = frozenset({State.HANDED_BACK, State.CANCELLED, State.REFUSED, State.UNANSWERED})
KEPT = ("id", "meta", "subject", "requisition", "status")  # of the first try by a second one


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The outcome of a handoff: ``locations`` holds, for each entry, ``Type/id/_history/n``; ``created`` the types made by this
    message: none for a repetition, the Task alone for a second try.
    """

    request: str
    locations: tuple[str, ...]
    created: frozenset[str]


async def receive(session: Session, viewer: Viewer, bundle: Resource) -> Received:
    """Take a handoff in charge. Every refusal of the answers table of sas.md 17.2 is a :class:`Refusal`; nothing is kept then."""
    handoff = bundles.read(bundle)
    _require_same_identity(viewer, handoff)
    bundles.require_links(bundle, handoff)
    bundles.require_not_urgent(handoff)
    fingerprint = bundles.fingerprint(bundle)
    key = f"{viewer.client}|{handoff.key}"
    before = await inbox.recall(session, KEY_SOURCE, key)
    if before is not None:
        known = json.loads(before)
        if known["fingerprint"] == fingerprint:
            return await _repeated(session, viewer, known)
        received = await _second_try(session, viewer, bundle, handoff, known["request"])
        await inbox.replace(session, KEY_SOURCE, key, _kept(fingerprint, received))
        return received
    network, commune = await _territory(session, handoff)
    received = await _store(session, viewer, bundle, handoff, network=network, commune=commune)
    await inbox.remember(session, KEY_SOURCE, key, _kept(fingerprint, received))
    return received


def _kept(fingerprint: str, received: Received) -> bytes:
    kept = {"fingerprint": fingerprint, "request": received.request, "locations": list(received.locations)}
    return json.dumps(kept).encode()


def _require_same_identity(viewer: Viewer, handoff: Handoff) -> None:
    """The Organization must be the one the certificate and the token belong to (sas.md 17.2, 17.11)."""
    claimed = elements.identifier(handoff.organization, names.ns("hubsante-client"))
    if claimed != viewer.client:
        where = f"Bundle.entry[{handoff.entries['Organization']}].resource.identifier"
        raise Refusal("another-identity", expression=where)


async def _repeated(session: Session, viewer: Viewer, known: dict[str, Any]) -> Received:
    """The same file with the same content came before: the same answer, no second request, no second notice."""
    request = str(known["request"])
    await audit.record(session, viewer=viewer, event="handoff.repeated", request=request)
    return Received(request=request, locations=tuple(known["locations"]), created=frozenset())


async def _second_try(
    session: Session, viewer: Viewer, bundle: Resource, handoff: Handoff, request_id: str
) -> Received:
    """The same file with other content: a new attempt when the first has ended and this one is later, else a refusal that
    changes nothing (sas.md 17.7).
    """
    found = await record.lock(session, request_id)
    before, after = found.service_request.get("authoredOn", ""), handoff.service_request.get("authoredOn", "")
    is_later = bool(after) and (elements.instant(after) or found.request.issued_at) > (
        elements.instant(before) or found.request.issued_at
    )
    if found.request.state not in ENDED or not is_later:
        where = f"Bundle.entry[{handoff.entries['ServiceRequest']}].resource"
        raise Refusal("case-exists-with-other-content", expression=where)
    return await _anew(session, viewer, bundle, handoff, found)


async def _anew(session: Session, viewer: Viewer, bundle: Resource, handoff: Handoff, found: Record) -> Received:
    """The second try says everything anew: patient, territory, delay, reason, notes. Its subject and its number stay."""
    network, commune = await _territory(session, handoff)
    before = found.request
    is_trusted = await _is_trusted(session, viewer)
    await patients.retell(session, viewer, before.patient, handoff.patient, is_trusted=is_trusted)
    ids = {"ServiceRequest": before.id, "Task": str(uuid.uuid4()), "Patient": before.patient}
    references = await _place(session, viewer, bundle, handoff, ids)
    told = _service_request(handoff, before, references)
    told |= {name: found.service_request[name] for name in KEPT if name in found.service_request}
    await resources.save(session, viewer, told)
    anew = requests.Anew(
        task=_task(viewer, handoff, replace(before, task=ids["Task"]), references),
        network=network.id,
        commune=commune,
        response_due=_due(handoff, network, clock.now()),
    )
    await requests.reissue(session, viewer, before.id, anew)
    created = frozenset({"Task"} | ({"Location"} & ids.keys()))
    return Received(request=before.id, locations=await _locations(session, bundle, ids), created=created)


async def _locations(session: Session, bundle: Resource, ids: dict[str, str]) -> tuple[str, ...]:
    """Where each entry of the bundle now lies, with its version."""
    found = []
    for kind in (entry["resource"]["resourceType"] for entry in bundle["entry"]):
        stored = await resources.peek(session, kind, ids[kind])
        found.append(f"{kind}/{ids[kind]}/_history/{stored['meta']['versionId'] if stored else 1}")
    return tuple(found)


async def _is_trusted(session: Session, viewer: Viewer) -> bool:
    client = await clients.by_id(session, viewer.client or "")
    return client is not None and client.identity_trusted


async def _place(
    session: Session, viewer: Viewer, bundle: Resource, handoff: Handoff, ids: dict[str, str]
) -> dict[str, str]:
    """Complete ``ids`` with the sender, the regulator and the place of care; the local names of the bundle by reference."""
    ids["Organization"] = viewer.organization or ""
    if handoff.practitioner is not None:
        ids["Practitioner"] = await _known_or_new(session, viewer, handoff.practitioner)
    if handoff.location is not None:
        place = replace_references({**handoff.location}, _references(bundle, handoff, ids))
        about = {"patient": f"Patient/{ids['Patient']}", "request": f"ServiceRequest/{ids['ServiceRequest']}"}
        for name, reference in about.items():
            elements.set_extension(place, names.structure(name), {"valueReference": {"reference": reference}})
        ids["Location"] = (await resources.create(session, viewer, place))["id"]
    return _references(bundle, handoff, ids)


async def _territory(session: Session, handoff: Handoff) -> tuple[Network, str]:
    """The CPTS of the commune of residence, open now. Never a silent default (sas.md 17.9)."""
    where = f"Bundle.entry[{handoff.entries['Patient']}].resource.address[0]"
    commune = places.normalise(handoff.commune)
    now = clock.now()
    network = await territories.covering(session, commune, now.date())
    if network is None:
        known = places.commune(commune)
        raise Refusal("territory-not-served", expression=where, commune=known.name if known else handoff.commune)
    known = places.commune(commune)
    department = known.department if known else ""
    opening = hours.next_opening(network.rules.get("opening"), now, network.zone, department=department)
    if network.is_paused or opening > now:
        wait = max(60, int((opening - now).total_seconds()))
        raise Refusal(
            "cpts-closed",
            expression=where,
            retry_after=wait,
            network=network.name,
            opening=hours.moment(opening, now, network.zone),
        )
    return network, commune


async def untold(session: Session, request_id: str) -> None:
    """The SAS could not be told what became of a request: the operators hear that the regulation must be phoned."""
    found = await record.lock(session, request_id)
    await announce.operators(session, "sas-untold", found.request)
    await audit.record(
        session, viewer=Viewer.hub(), event="sas.untold", request=request_id, patient=found.request.patient
    )
    log.trouble("sas.untold", request=request_id)


def _due(handoff: Handoff, network: Network, now: datetime) -> datetime:
    """The shorter of the sender's wish and the CPTS's setting (sas.md 17.8), never less than ten minutes."""
    longest = now + timedelta(minutes=int(network.rules.get("response_minutes", RESPONSE_MINUTES)))
    wished = elements.instant(handoff.task.get("restriction", {}).get("period", {}).get("end"))
    return max(min(wished, longest), now + timedelta(minutes=10)) if wished else longest


async def _store(
    session: Session, viewer: Viewer, bundle: Resource, handoff: Handoff, *, network: Network, commune: str
) -> Received:
    """Create every resource of the bundle, the request in state searching, its grants, its first wave."""
    now = clock.now()
    ids = {name: str(uuid.uuid4()) for name in ("ServiceRequest", "Task")}
    is_trusted = await _is_trusted(session, viewer)
    patient, _ = await patients.receive(session, viewer, handoff.patient, is_trusted=is_trusted)
    ids["Patient"] = patient
    references = await _place(session, viewer, bundle, handoff, ids)
    request = CareRequest(
        id=ids["ServiceRequest"],
        task=ids["Task"],
        number=await numbers.next_request(session, now),
        state=State.SEARCHING,
        patient=patient,
        network=network.id,
        origin=Origin.SAS,
        issued_at=now,
        response_due=_due(handoff, network, now),
        commune=commune,
        client=viewer.client,
        dossier=handoff.dossier,
    )
    await _create_pair(session, viewer, handoff, request, references)
    await announce.grant_issuer(session, request)
    await audit.record(session, viewer=viewer, event="handoff.received", request=request.id, patient=patient)
    await dispatch.begin(session, request)
    log.event("handoff.received", request=request.id, network=network.id)
    locations = tuple(
        f"{kind}/{ids[kind]}/_history/1" for kind in (entry["resource"]["resourceType"] for entry in bundle["entry"])
    )
    return Received(request=request.id, locations=locations, created=frozenset(handoff.entries))


def _references(bundle: Resource, handoff: Handoff, ids: dict[str, str]) -> dict[str, str]:
    """From the local names of the bundle to the ids given here."""
    return {
        bundle["entry"][index]["fullUrl"]: f"{kind}/{ids[kind]}"
        for kind, index in handoff.entries.items()
        if kind in ids and "fullUrl" in bundle["entry"][index]
    }


async def _known_or_new(session: Session, viewer: Viewer, practitioner: Resource) -> str:
    """The regulator of that identifier. A number without its system names nobody; sorted, since each look holds its identifier."""
    said = {(part.get("system", ""), part.get("value", "")) for part in practitioner.get("identifier", [])}
    for system, value in sorted(said):
        known = await resources.find(session, "Practitioner", system, value) if system and value else []
        if known:
            return known[0]
    return str((await resources.create(session, viewer, practitioner))["id"])


async def _create_pair(
    session: Session, viewer: Viewer, handoff: Handoff, request: CareRequest, references: dict[str, str]
) -> None:
    """ServiceRequest and coordinating Task, as sent, with our number and state written over."""
    service_request = _service_request(handoff, request, references)
    task = _task(viewer, handoff, request, references)
    shape.write(request, service_request, task, modified=elements.written(clock.now()))
    await resources.create(session, viewer, service_request, id=request.id)
    await resources.create(session, viewer, task, id=request.task)


def _service_request(handoff: Handoff, request: CareRequest, references: dict[str, str]) -> Resource:
    """The ServiceRequest as sent, our number before those of the SAS, none of its notes shown before acceptance."""
    made: Resource = replace_references({**handoff.service_request, "id": request.id}, references)
    number = {"system": names.ns("request-number"), "value": request.number}
    made["identifier"] = [number, *made.get("identifier", [])]
    if "note" in made:
        made["note"] = bundles.unmarked(made["note"])
    return made


def _task(viewer: Viewer, handoff: Handoff, request: CareRequest, references: dict[str, str]) -> Resource:
    """The coordinating Task as sent, with the number of the file, by which the SAS moves it (sas.md 17.2)."""
    task: Resource = replace_references({**handoff.task, "id": request.task}, references)
    task.setdefault("authoredOn", elements.written(request.issued_at))
    own = {"system": names.ns("sas-patient"), "value": handoff.key}
    if own["value"] != elements.identifier(task, own["system"]):
        task["identifier"] = [*task.get("identifier", []), own]
    task["basedOn"] = [{"reference": f"ServiceRequest/{request.id}"}]
    task["requester"] = {"reference": f"Organization/{viewer.organization}"}
    return task
