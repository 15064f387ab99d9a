"""What the SAS verifies in a Task that comes back (SAS specification 17.5, 17.6, 17.10; FHIR R4 Task). Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.journal import Check
from sandbox.sas import names
from sandbox.sas.ledger import Case, State

Resource = dict[str, Any]
# Allowed moves of Task.status (17.5); nothing leaves the states that are not named. `received` lasts an instant, and the
# version after `requested` may already be the one that follows it.
MOVES: dict[str, frozenset[str]] = {
    "draft": frozenset({"requested"}),
    "requested": frozenset({"received", "accepted", "rejected", "cancelled"}),
    "received": frozenset({"accepted", "rejected", "cancelled"}),
    "accepted": frozenset({"in-progress", "failed", "cancelled"}),
    "in-progress": frozenset({"accepted", "on-hold", "completed", "failed", "cancelled"}),
    "on-hold": frozenset({"in-progress", "accepted", "failed", "cancelled"}),
}
# businessStatus that go with each status (17.5); an empty one means that the element is absent.
BUSINESS: dict[str, frozenset[str]] = {
    "requested": frozenset({""}),
    "received": frozenset({"stored", "to-qualify"}),
    "accepted": frozenset({"searching", "widened", "redirected"}),
    "in-progress": frozenset({"taken", "appointment-proposed"}),
    "on-hold": frozenset({"patient-unreachable"}),
    "completed": frozenset({"confirmed", "done", "no-show", "withdrawn"}),
    "failed": frozenset({"no-answer", "handed-back", "redirected-amu"}),
    "rejected": frozenset({"out-of-scope", "closed", "quota"}),
    "cancelled": frozenset({"withdrawn"}),
}
REASONED = frozenset({"failed", "rejected", "cancelled", "on-hold"})
ENDED_BADLY = frozenset({"failed", "rejected"})
FAILURE_CODES = (
    "no-answer-in-time all-declined patient-unreachable released-too-late out-of-scope closed quota worsening"
)
TRIED_AGAIN = frozenset({"failed", "rejected", "cancelled"})
TAKEN_ON = frozenset({"accepted", "in-progress", "on-hold", "completed"})
TASK = (
    "resourceType id meta implicitRules language text extension modifierExtension identifier instantiatesCanonical "
    "instantiatesUri basedOn groupIdentifier partOf status statusReason businessStatus intent priority code description "
    "focus for encounter executionPeriod authoredOn lastModified requester performerType owner location reasonCode "
    "reasonReference insurance note relevantHistory restriction input output"
)
MEMBERS, FAILURES = frozenset(TASK.split()), frozenset(FAILURE_CODES.split())
INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`refusal` is the HTTP code answered when the check fails; 0 for a mere remark."""

    check: Check
    refusal: int = 0


def must(what: str, passed: bool, where: str = "SAS 17.5", detail: str = "") -> Finding:
    """A check that refuses with 422 when it fails; `detail` is only told then."""
    return Finding(check=Check(what=what, passed=passed, where=where, detail="" if passed else detail), refusal=422)


def status_of(task: Resource) -> tuple[str, str]:
    """Task.status and the code of businessStatus, empty when absent."""
    return str(task.get("status", "")), _code(task.get("businessStatus"), "handoff-business-status")


def version_of(task: Resource) -> int:
    """Number of the version, 0 when there is none."""
    text = str(task.get("meta", {}).get("versionId", ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def structure(task: Resource, id_in_address: str) -> list[Finding]:
    """The Task by itself; `id_in_address` is empty when the resource came without one."""
    status, business = status_of(task)
    strangers = sorted(set(task) - MEMBERS)
    meta = task.get("meta", {})
    dates = [str(task.get("authoredOn", "")), str(task.get("lastModified", ""))]
    fulfil = [(coding.get("code")) for coding in task.get("code", {}).get("coding", [])]
    return [
        must("Aucun membre inconnu, aucune ressource contenue", not strangers, "FHIR R4 Task", " ".join(strangers)),
        must("Identifiant de l’adresse et de la ressource égaux", id_in_address in ("", task.get("id")), "FHIR 7.1"),
        must("meta.versionId et meta.lastUpdated", version_of(task) > 0 and _is_instant(meta.get("lastUpdated"))),
        must("intent order, code fulfill", task.get("intent") == "order" and "fulfill" in fulfil, "FHIR 9.1"),
        must("Tâche de coordination, sans partOf", "partOf" not in task, "SAS 17.5"),
        must(
            "status et businessStatus vont ensemble",
            business in BUSINESS.get(status, ()),
            "SAS 17.5",
            f"{status} {business}",
        ),
        must(
            "authoredOn puis lastModified",
            all(map(_is_instant, dates)) and _ordered(*dates),
            "FHIR R4 inv-1",
            " ".join(dates),
        ),
        must(
            "Motif présent pour un échec, un refus, un retrait",
            status not in REASONED or bool(task.get("statusReason")),
        ),
        Finding(
            check=Check(
                what="Motif codé pour un échec ou un refus",
                passed=status not in ENDED_BADLY or _code(task.get("statusReason"), "handoff-failure") in FAILURES,
                where="FHIR 9.5",
            )
        ),
        must("CPTS nommée dès la prise en charge", status not in TAKEN_ON or bool(task.get("owner")), "SAS 17.2"),
        must("Rendez-vous confirmé dans output", business != "confirmed" or _has_appointment(task), "SAS 17.5"),
    ]


def belonging(task: Resource, case: Case) -> list[Finding]:
    """The Task against the case it speaks of: numbers, references, deadline, and no patient data (17.6, 17.10)."""
    numbers = {one.get("value") for one in task.get("identifier", []) if one.get("system") == names.SAS_PATIENT}
    pairs = (("focus", "ServiceRequest"), ("for", "Patient"), ("requester", "Organization"))
    wrong = [
        f"{member} {task.get(member, {}).get('reference', '')}"
        for member, kind in pairs
        if case.target(kind) and task.get(member, {}).get("reference") != case.target(kind)
    ]
    told = sorted(set(personal_data(task, case)))
    asked = case.bundle["entry"][-1]["resource"]["restriction"]["period"]["end"]
    end = str(task.get("restriction", {}).get("period", {}).get("end", ""))
    return [
        must("Numéro du patient dans le dossier", numbers == {case.patient_id}, "SAS 17.6"),
        must("Références : celles données à la création", not wrong, "SAS 17.6", " ; ".join(wrong)),
        must("Aucune donnée du patient", not told, "SAS 17.10", ", ".join(told)),
        must(
            "Échéance présente, jamais après celle demandée", _is_instant(end) and _ordered(end, asked), "SAS 17.8", end
        ),
    ]


def order(task: Resource, digest: str, case: Case) -> list[Finding]:
    """The Task against what came before: order of versions, copies, allowed moves (17.5, 17.10)."""
    id, version = str(task.get("id", "")), version_of(task)
    known, last = case.seen(id, version), case.last(id)
    if known is not None:
        return [
            must("Une copie est identique à la première", known.digest == digest, "SAS 17.10", f"version {version}")
        ]
    if last is None:
        started = next((state for state in reversed(case.states)), None)
        fresh = started is None or started.status in TRIED_AGAIN
        return [must("Nouvelle tâche : la précédente est finie sans rendez-vous", fresh, "SAS 17.5")]
    status = status_of(task)[0]
    return [
        must("Versions dans l’ordre", version > last.version, "SAS 17.10", f"{version} après {last.version}"),
        must(
            "Mouvement permis",
            reachable(last.status, status, version - last.version),
            "SAS 17.5",
            f"{last.status} → {status} en {version - last.version} version(s)",
        ),
    ]


def reachable(start: str, end: str, steps: int) -> bool:
    """Whether `end` can be reached from `start` in at most `steps` moves, staying allowed."""
    found = {start}
    for _ in range(min(max(steps, 0), len(MOVES))):
        found |= {after for state in found for after in MOVES.get(state, ())}
    return end in found


def personal_data(task: Resource, case: Case) -> Iterator[str]:
    """What the Task tells of the patient, by name of the datum. The callback phone may come back where the SAS put it."""
    wish = case.wish
    texts = json.dumps({**task, "input": [_without_phone(one) for one in task.get("input", [])]}, ensure_ascii=False)
    data = {"nom": wish.family, "prénom": wish.given, "INS": wish.ins or "", "date de naissance": wish.birth_date}
    data |= {"téléphone": wish.phone, "adresse": wish.line, "précision d’adresse": wish.access}
    for label, value in data.items():
        if value and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", texts, re.IGNORECASE):
            yield label


def _without_phone(given: Resource) -> Resource:
    return {} if _code(given.get("type"), "task-input") == "callback-phone" else given


def _has_appointment(task: Resource) -> bool:
    references = [str(one.get("valueReference", {}).get("reference", "")) for one in task.get("output", [])]
    return any(reference.startswith("Appointment/") for reference in references)


def _code(concept: Any, system: str) -> str:
    codings = concept.get("coding", []) if isinstance(concept, dict) else []
    uri = names.code_system(system)
    return next((str(coding.get("code", "")) for coding in codings if coding.get("system") == uri), "")


def _is_instant(text: Any) -> bool:
    return isinstance(text, str) and bool(INSTANT.match(text))


def _ordered(first: str, second: str) -> bool:
    if not (_is_instant(first) and _is_instant(second)):
        return False
    return datetime.fromisoformat(first) <= datetime.fromisoformat(second)


def as_state(task: Resource, digest: str, at: datetime) -> State:
    status, business = status_of(task)
    return State(
        at=at,
        task=str(task["id"]),
        version=version_of(task),
        status=status,
        business=business,
        digest=digest,
        resource=task,
    )
