"""The platform's own doors (mutual TLS): rest-hook notifications and appointments (FHIR R4; SAS 10, 17.10)."""

import hashlib
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.sas import appointments, names, tasks
from sandbox.sas.desk import Desk
from sandbox.sas.ledger import Appointment, Case
from sandbox.sas.tasks import Resource, must
from sandbox.sas.visits import HEADER, Visit, answer, gate, opened, read
from sandbox.sas.wish import Regulator

# Faults of a notification: HTTP code answered, before anything is read.
REFUSALS = {"refuse-notification": 503, "reject-notification": 422, "unknown-subscription": 404}
MALFORMED = (AttributeError, TypeError, KeyError, ValueError)  # an element of another shape than FHIR's


def build(desk: Desk) -> Starlette:
    async def notified(request: Request) -> Response:
        return await _notification(desk, await opened(request, "notification"))

    async def appointment(request: Request) -> Response:
        return await _appointment(desk, await opened(request, "appointment"))

    return Starlette(
        routes=[
            Route("/notifications/{opaque}/Task/{id}", notified, methods=["PUT"]),
            Route("/notifications/{opaque}", notified, methods=["POST"]),
            Route("/fhir/Appointment", appointment, methods=["POST", "PUT"]),
        ]
    )


async def _notification(desk: Desk, visit: Visit) -> Response:
    for kind, refusal in REFUSALS.items():
        if desk.faults.take(kind):
            return answer(desk, visit, refusal, f"panne voulue : {kind}")
    watch = desk.subscriber.watch
    opaque = visit.request.path_params["opaque"]
    visit.findings.append(gate("Adresse d’une de nos souscriptions", opaque == watch.opaque, 404, "FHIR 7.1"))
    header = visit.request.headers.get(HEADER, "")
    visit.findings.append(gate(f"En-tête {HEADER} de la souscription", header == watch.secret, 403, "SAS 17.10"))
    if visit.refusal:
        return answer(desk, visit, visit.refusal)
    task = read(visit, "Task")
    if visit.refusal:
        return answer(desk, visit, visit.refusal)
    digest = hashlib.sha256(visit.raw).hexdigest()
    try:
        case = _judged(desk, visit, task, digest)
    except MALFORMED as trouble:
        visit.findings.append(gate("Forme des éléments", False, 400, "FHIR R4", type(trouble).__name__))
        case = None
    if visit.refusal or case is None:
        return answer(desk, visit, visit.refusal)
    again = case.seen(str(task["id"]), tasks.version_of(task)) is not None
    first = case.last(str(task["id"])) is None
    visit.facts["repeat"] = str(again).lower()
    desk.ledger.receive(case, tasks.as_state(task, digest, desk.world.clock.now()))
    status, business = tasks.status_of(task)
    said = f"{status} {business}".strip() + (", copie déjà reçue" if again else "")
    reply = answer(desk, visit, 201 if first else 200, said)
    if desk.faults.take("lost-answer"):
        visit.request.scope["state"]["cut"]()
    return reply


def _judged(desk: Desk, visit: Visit, task: Resource, digest: str) -> Case | None:
    """Every check of the Task goes to the visit; the case it belongs to, if it is one of ours."""
    visit.findings += tasks.structure(task, visit.request.path_params.get("id", ""))
    visit.facts |= _task_facts(task, digest)
    case = _case(desk, visit, task)
    if case is not None:
        visit.findings += [*tasks.belonging(task, case), *tasks.order(task, digest, case)]
    return case


def _task_facts(task: Resource, digest: str) -> dict[str, str]:
    status, business = tasks.status_of(task)
    version = str(tasks.version_of(task))
    return {
        "task": str(task.get("id", "")),
        "version": version,
        "status": status,
        "business": business,
        "sha256": digest,
    }


def _case(desk: Desk, visit: Visit, task: Resource) -> Case | None:
    group = task.get("groupIdentifier", {})
    number = str(group.get("value", ""))
    mine = [case for case in desk.ledger.named(number) if group.get("system") == names.DOSSIER]
    keys = {one.get("value") for one in task.get("identifier", [])}
    case = next((case for case in mine if case.patient_id in keys), mine[0] if mine else None)
    visit.subject = visit.facts["dossier"] = case.wish.dossier if case else number
    visit.findings.append(gate("Dossier transmis par nous", case is not None, 404, "SAS 17.6", number))
    return case


async def _appointment(desk: Desk, visit: Visit) -> Response:
    resource = read(visit, "Appointment")
    if visit.refusal:
        return answer(desk, visit, visit.refusal)
    key = appointments.identifier_of(resource)
    held = desk.ledger.appointments.get(key)
    if visit.request.method == "PUT":
        query = {name.lower(): value for name, value in visit.request.query_params.items()}  # seen with a capital
        named = query.get("identifier", "") == "|".join(key)
        visit.findings.append(must("Même identifiant dans l’adresse et le corps", named, "SAS 10"))
    else:
        unknown = held is None or held.versions[-1] == resource
        visit.findings.append(gate("Rendez-vous inconnu, ou le même une seconde fois", unknown, 409, "SAS 10", key[1]))
    try:
        visit.findings += appointments.examine(resource, _operators(desk), held.versions[-1] if held else None)
    except MALFORMED as trouble:
        visit.findings.append(gate("Forme des éléments", False, 400, "FHIR R4", type(trouble).__name__))
    visit.subject = key[1]
    visit.facts |= {"identifier": "|".join(key), "status": str(resource.get("status", ""))}
    if visit.refusal:
        return answer(desk, visit, visit.refusal)
    number = str(len(desk.ledger.appointments) + 1)
    kept = held or Appointment(id=f"rdv-{number}", system=key[0], value=key[1], versions=())
    desk.ledger.appointments[key] = replace(kept, versions=(*kept.versions, resource))
    place = f"{desk.world.settings.url('sas')}/fhir/Appointment/{kept.id}"
    reply = answer(desk, visit, 200 if held else 201, str(resource.get("status", "")))
    reply.headers["Location"] = place
    return reply


def _operators(desk: Desk) -> frozenset[str]:
    return frozenset({Regulator().id} if desk.ledger.cases else ())
