"""The confirmed link between a patient and the usual GP: Patient.generalPractitioner and the participant of the CareTeam."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.r4 import elements, names

Resource = dict[str, Any]

CONFIRMED = "confirmed"
FUNCTION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationFunction"
PRIMARY_CARE = "PCP"  # primary care physician


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who the usual GP is, since when it is confirmed and by whom; ``request``: the acceptance that did it, none when an operator
    asked the patient.
    """

    national_id: str
    at: datetime
    by: str
    request: str | None = None


def national_id(part: Resource) -> str | None:
    """The national identifier in one generalPractitioner, with its prefix when an RPPS number comes bare."""
    found = part.get("identifier", {})
    value = str(found.get("value", ""))
    if found.get("system") == names.IDNPS and value:
        return value
    return f"8{value}" if found.get("system") == names.RPPS and value else None


def _said(part: Resource) -> Confirmation | None:
    outer = elements.extension(part, names.structure(CONFIRMED))
    named = national_id(part)
    if outer is None or named is None:
        return None
    inner = {one["url"]: one for one in outer.get("extension", [])}
    at = elements.instant(inner["at"]["valueDateTime"])
    assert at is not None
    request = elements.reference_id(inner.get("request", {}).get("valueReference"), "ServiceRequest")
    return Confirmation(national_id=named, at=at, by=inner["by"]["valueString"], request=request)


def confirmed(patient: Resource) -> Confirmation | None:
    """The confirmed link, ``None`` without one."""
    return next((said for part in patient.get("generalPractitioner", []) if (said := _said(part))), None)


def confirm(patient: Resource, said: Confirmation | None) -> Resource:
    """The Patient with this link confirmed and first, the only one; ``None``: no link is, whoever is named."""
    made = copy.deepcopy(patient)
    parts: list[Resource] = made.get("generalPractitioner", [])
    for part in parts:
        elements.set_extension(part, names.structure(CONFIRMED), None)
    if said is not None:
        one = next((part for part in parts if national_id(part) == said.national_id), None)
        one = one or {"identifier": {"system": names.IDNPS, "value": said.national_id}}
        inner: list[Resource] = [
            {"url": "at", "valueDateTime": elements.written(said.at)}, {"url": "by", "valueString": said.by},
        ]  # fmt: skip
        if said.request is not None:
            inner.append({"url": "request", "valueReference": {"reference": f"ServiceRequest/{said.request}"}})
        elements.set_extension(one, names.structure(CONFIRMED), {"extension": inner})
        parts = [one, *(part for part in parts if part is not one)]
    if parts:
        made["generalPractitioner"] = parts
    return made


def member(national_id: str, role: str | None) -> Resource:
    """The participant of a CareTeam: the situation of the usual GP, or the national identifier of who has no account here."""
    who: Resource = {"type": "PractitionerRole", "identifier": {"system": names.IDNPS, "value": national_id}}
    if role is not None:
        who = {"reference": f"PractitionerRole/{role}"}
    return {"role": [elements.concept(FUNCTION, PRIMARY_CARE)], "member": who}


def is_usual_gp(participant: Resource) -> bool:
    """Whether a participant is there as the usual GP, now."""
    concepts = participant.get("role", [])
    return elements.code_among(concepts, FUNCTION) == PRIMARY_CARE and "end" not in participant.get("period", {})
