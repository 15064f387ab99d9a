"""A level-2 handoff as the SAS sends it: a transaction Bundle (sas.md 17.2). Pure: reads, checks, and hashes.

``read`` collects every fault before it refuses; ``fingerprint`` is the canonical content by which a repetition is recognised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.r4.shapes import patient as patients

Resource = dict[str, Any]

WANTED = ("Patient", "Organization", "ServiceRequest", "Task")
URGENT_PRIORITIES = frozenset({"P0", "P1"})
URGENT_LEVELS = frozenset({"R1", "R2"})
# Places of the transaction that carry no content: message identifiers and send times (sas.md 17.7).
NOT_CONTENT = frozenset({"fullUrl", "id", "lastUpdated", "versionId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What the SAS handed over. ``entries`` maps each resource type to its position in the Bundle."""

    key: str  # value of the file's patient identifier: one request for each
    dossier: str
    patient: Resource
    organization: Resource
    service_request: Resource
    task: Resource
    practitioner: Resource | None
    location: Resource | None
    entries: Mapping[str, int]
    commune: str
    priority: str
    care_level: str


def is_handoff(bundle: Resource) -> bool:
    """A transaction whose ServiceRequest is of category ``sas-level|level-2``."""
    for entry in bundle.get("entry", []):
        resource = entry.get("resource", {})
        if resource.get("resourceType") == "ServiceRequest":
            return elements.code_among(resource.get("category", []), names.system("sas-level")) == "level-2"
    return False


def _positions(bundle: Resource) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, entry in enumerate(bundle.get("entry", [])):
        found.setdefault(entry.get("resource", {}).get("resourceType", ""), index)
    return found


def _missing(code: str, where: str, what: str) -> Refusal:
    return Refusal(code, expression=where, what=what)


def faults(bundle: Resource) -> list[Refusal]:
    """Every missing datum, all at once (``missing-data``); empty when the handoff is complete."""
    at = _positions(bundle)
    absent = [_missing("missing-data", "Bundle.entry", name) for name in WANTED if name not in at]
    if absent:
        return absent
    entries = bundle["entry"]
    patient = entries[at["Patient"]]["resource"]
    request = entries[at["ServiceRequest"]]["resource"]
    task = entries[at["Task"]]["resource"]
    place, ask, job = (f"Bundle.entry[{at[name]}].resource" for name in ("Patient", "ServiceRequest", "Task"))
    person = patients.read(patient)
    wanted: list[tuple[bool, str, str]] = [
        (
            bool(elements.identifier(patient, names.ns("sas-patient"))),
            f"{place}.identifier",
            "l'identifiant du patient dans le dossier",
        ),
        (bool(person.birth_name or person.used_name), f"{place}.name", "le nom du patient"),
        (bool(person.first_name), f"{place}.name", "le prénom du patient"),
        ("gender" in patient, f"{place}.gender", "le sexe du patient"),
        ("birthDate" in patient, f"{place}.birthDate", "la date de naissance du patient"),
        (bool(person.phone), f"{place}.telecom", "un téléphone pour rappeler le patient"),
        (bool(person.address.commune), f"{place}.address[0]", "la commune de résidence (code INSEE)"),
        (bool(request.get("requisition", {}).get("value")), f"{ask}.requisition", "le numéro de dossier"),
        (bool(request.get("reasonCode")), f"{ask}.reasonCode", "le motif"),
        (
            elements.identifier(request, names.ns("sas-patient"))
            == elements.identifier(patient, names.ns("sas-patient")),
            f"{ask}.identifier",
            "le même identifiant de dossier que le patient",
        ),
        ("focus" in task, f"{job}.focus", "la demande que la tâche coordonne"),
        ("for" in task, f"{job}.for", "le patient de la tâche"),
    ]
    return [_missing("missing-data", where, what) for is_there, where, what in wanted if not is_there]


def read(bundle: Resource) -> Handoff:
    """The handoff. Raises ``Refusal("missing-data")`` that carries all faults in ``more``."""
    found = faults(bundle)
    if found:
        first, *others = found
        raise Refusal(first.code, expression=first.expression, more=tuple(others), **first.words)
    at = _positions(bundle)
    entries = bundle["entry"]

    def resource(kind: str) -> Resource | None:
        return entries[at[kind]]["resource"] if kind in at else None

    request = entries[at["ServiceRequest"]]["resource"]
    patient = entries[at["Patient"]]["resource"]
    details = request.get("orderDetail", [])
    return Handoff(
        key=elements.identifier(patient, names.ns("sas-patient")) or "",
        dossier=request["requisition"]["value"],
        patient=patient,
        organization=entries[at["Organization"]]["resource"],
        service_request=request,
        task=entries[at["Task"]]["resource"],
        practitioner=resource("Practitioner"),
        location=resource("Location"),
        entries=at,
        commune=patients.commune_of(patients.home(patient)),
        priority=elements.code_among(details, names.system("hubsante-priorite")) or "",
        care_level=elements.code_among(details, names.system("hubsante-niveau-soin")) or "",
    )


LINKS = (("ServiceRequest", "subject", "Patient"), ("Task", "for", "Patient"), ("Task", "focus", "ServiceRequest"))


def require_links(bundle: Resource, handoff: Handoff) -> None:
    """The request is about the patient of the bundle, and the Task coordinates its request; a Task that is part of another one
    was never handed over. Raises ``Refusal("bad-reference")``.
    """
    entries = bundle["entry"]
    for kind, element, target in LINKS:
        said = entries[handoff.entries[kind]]["resource"].get(element, {}).get("reference")
        if said is None or said != entries[handoff.entries[target]].get("fullUrl"):
            where = f"Bundle.entry[{handoff.entries[kind]}].resource.{element}"
            raise Refusal("bad-reference", expression=where, reference=said or element)
    if "partOf" in handoff.task:
        where = f"Bundle.entry[{handoff.entries['Task']}].resource.partOf"
        raise Refusal("bad-reference", expression=where, reference="partOf")


def unmarked(notes: list[Resource]) -> list[Resource]:
    """Notes of the regulation, none of them marked as shown before acceptance: only an operator does that (sas.md 17.11)."""
    kept = [dict(note) for note in notes]
    for note in kept:
        elements.set_extension(note, names.structure("pre-acceptance"), None)
    return kept


def require_not_urgent(handoff: Handoff) -> None:
    """Emergencies never come by this road (sas.md 17.2): the refusal says to phone the 15."""
    where = f"Bundle.entry[{handoff.entries['ServiceRequest']}].resource.orderDetail[0]"
    urgent = handoff.priority in URGENT_PRIORITIES or handoff.care_level in URGENT_LEVELS
    if urgent or handoff.service_request.get("priority") in {"stat", "asap"}:
        raise Refusal("urgent-case", expression=where, priority=handoff.priority or handoff.care_level or "asap")


def _kind(entry: Resource) -> str:
    return str(entry.get("resource", {}).get("resourceType", ""))


def _content(value: Any, aliases: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _content(part, aliases) for key, part in value.items() if key not in NOT_CONTENT}
    if isinstance(value, list):
        return [_content(part, aliases) for part in value]
    if isinstance(value, Decimal):
        return str(value)
    return aliases.get(value, value) if isinstance(value, str) else value


def fingerprint(bundle: Resource) -> str:
    """SHA-256 of the canonical content: no message ids nor send times, keys sorted, local names replaced by their type."""
    entries = sorted(bundle["entry"], key=_kind)  # the order of the entries says nothing: there is one of each type
    aliases = {entry["fullUrl"]: f"#{_kind(entry)}" for entry in entries if "fullUrl" in entry}
    content = _content({"entry": entries}, aliases)
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
