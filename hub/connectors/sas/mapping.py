"""What goes to a SAS platform: rest-hook notifications of a Task (FHIR R4, Subscription), appointments (INT_R03). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from hub.domain.appointment import Appointment, Standing
from hub.r4 import elements, names

Resource = Mapping[str, Any]

CONTENT_TYPE = "application/fhir+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One request to make: a resource, or nothing at all when a subscription asked for no payload."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def criteria_match(criteria: str, task: Resource) -> bool:
    """Whether a Task meets ``Task?group-identifier=system|value``; an empty value takes any number of that system."""
    kind, _, query = criteria.partition("?")
    if kind != "Task":
        return False
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        system, _, number = value.partition("|")
        group = task.get("groupIdentifier", {})
        if name != "group-identifier" or group.get("system") != system or number not in ("", group.get("value")):
            return False
    return True


def to_notification(subscription: Resource, task: Resource, content: bytes) -> Notification:
    """What to send for one version of a Task. ``content``: the resource as this subscriber may see it."""
    channel = subscription["channel"]
    endpoint = str(channel["endpoint"]).rstrip("/")
    headers = dict(line.split(":", 1) for line in channel.get("header", []))
    headers = {name.strip(): value.strip() for name, value in headers.items()}
    if not channel.get("payload"):
        return Notification(method="POST", url=endpoint, headers=headers, body="")
    headers["Content-Type"] = f"{CONTENT_TYPE}; charset=utf-8"
    return Notification(
        method="PUT", url=f"{endpoint}/Task/{task['id']}", headers=headers, body=content.decode("utf-8")
    )


def is_allowed(endpoint: str, allowed_hosts: list[str]) -> bool:
    """Notifications go by https to a host of the list only (sas.md 17.10)."""
    address = urlsplit(endpoint)
    return address.scheme == "https" and address.hostname in allowed_hosts


# ---------------------------------------------------------------------------------------- appointments (INT_R03)

APPOINTMENT = "http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS"
OPERATOR = "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator"
ORIENTATION = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/sas-categorie-orientation"
IDENTIFIER_TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
SAS_TECHNICAL = "urn:oid:1.2.250.1.213.3.6"
OPERATOR_TYPES = {names.IDNPS: "IDNPS", SAS_TECHNICAL: "INTRN"}  # in the order of preference
CATEGORIES = {  # sas.md 7: a community asked through its own software (PDM), or a CPTS
    "002": "https://interop.esante.gouv.fr/ig/fhir/sas/CodeSystem/categorie-orientation-sas-codesystem",
    "604": "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement",
}
AFTER_AGREEMENT = frozenset({Standing.BOOKED, Standing.FULFILLED, Standing.NO_SHOW})


def _is_told(appointment: Appointment, *, tells_pending: bool) -> bool:
    """Whether a version is news by itself: it has its hours, and the patient agreed or the platform takes proposals too."""
    has_hours = appointment.start is not None and appointment.end is not None
    is_news = appointment.standing in AFTER_AGREEMENT or (tells_pending and appointment.standing is Standing.PENDING)
    return has_hours and is_news


def method(versions: Sequence[Appointment], *, tells_pending: bool) -> str:
    """How the last of the versions of an appointment goes to the platform: ``POST`` the first time, then ``PUT``; empty when it
    does not go: no hours yet, a proposal that is not told, the end of one that was never told (sas.md 10).
    """
    *before, last = versions
    if any(_is_told(one, tells_pending=tells_pending) for one in before):
        return "PUT"
    return "POST" if _is_told(last, tells_pending=tells_pending) else ""


def regulator(practitioner: Resource) -> Resource | None:
    """The identifier by which the platform knows the regulator, as it gave it; ``None`` when there is none."""
    for system, kind in OPERATOR_TYPES.items():
        value = elements.identifier(dict(practitioner), system)
        if value:
            return _identifier(kind, system, value)
    return None


def _identifier(kind: str, system: str, value: str) -> Resource:
    return {"type": elements.concept(IDENTIFIER_TYPES, kind), "system": system, "value": value}


def to_appointment(
    appointment: Appointment, *, doctor: str, operator: Resource, category: str, zone: ZoneInfo
) -> dict[str, Any]:
    """FrAppointmentSAS (sas.md 6.7) from an appointment with its hours: no patient, one participant.

    ``doctor``: national identifier with its prefix; ``operator``: what :func:`regulator` gave; ``category``: of CATEGORIES.
    """
    answer = "needs-action" if appointment.standing is Standing.PENDING else "accepted"
    coding = elements.concept(CATEGORIES[category], category)
    return {
        "resourceType": "Appointment",
        "meta": {"profile": [APPOINTMENT]},
        "extension": [
            {"url": OPERATOR, "valueReference": {"identifier": operator}},
            {"url": ORIENTATION, "valueCodeableConcept": coding},
        ],
        "identifier": [{"system": names.ns("appointment"), "value": appointment.id}],
        "status": appointment.standing.value,
        "start": _instant(appointment.start, zone),
        "end": _instant(appointment.end, zone),
        "created": _instant(appointment.created_at, zone),
        "participant": [{"actor": {"identifier": _identifier("IDNPS", names.IDNPS, doctor)}, "status": answer}],
    }


def _instant(moment: datetime | None, zone: ZoneInfo) -> str:
    """Three digits of milliseconds and an offset in figures, never ``Z`` (sas.md 7)."""
    if moment is None:
        raise ValueError("an appointment without its hours is not sent")
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def to_exchange(base: str, method: str, appointment: Resource) -> Notification:
    """The request that carries an appointment: a creation that does nothing the second time, or an update by identifier."""
    (identifier,) = appointment["identifier"]
    query = f"identifier={identifier['system']}|{identifier['value']}"
    headers = {"Content-Type": f"{CONTENT_TYPE}; charset=utf-8", "Accept": CONTENT_TYPE}
    address = f"{base.rstrip('/')}/Appointment"
    if method == "POST":
        headers["If-None-Exist"] = query
    else:
        address = f"{address}?{quote(query, safe='=:/')}"
    body = json.dumps(appointment, ensure_ascii=False, separators=(",", ":"))
    return Notification(method=method, url=address, headers=headers, body=body)
