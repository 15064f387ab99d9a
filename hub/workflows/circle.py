"""The circle of care of a patient: one CareTeam, whose members read the notebook (workflow.md 7, fhir.md 10.7)."""

from __future__ import annotations

from typing import Any

from hub import clock
from hub.domain.notebook import MEMBERSHIP
from hub.domain.people import Viewer, role_key
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.storage import grants, resources
from hub.storage.session import Session

Resource = dict[str, Any]

PROFILE = "https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-ihe-careteam"


async def of(session: Session, patient: str, *, lock: bool = False) -> Resource | None:
    """The CareTeam of a patient, uncut; ``None`` before the first acceptance."""
    teams = await resources.of_patient(session, "CareTeam", patient, lock=lock)
    return teams[0] if teams else None


async def _held(session: Session, patient: str) -> Resource | None:
    """The CareTeam, held until the end of the transaction, also when there is none yet: two first acceptances make one team."""
    await resources.find(session, "CareTeam", names.ns("circle"), patient)
    return await of(session, patient, lock=True)


async def join(session: Session, patient: str, role: str) -> None:
    """A professional who accepted a request enters the circle, and reads the notebook for a year after the last act."""
    now = clock.now()
    team = await _held(session, patient)
    member = {"member": {"reference": f"PractitionerRole/{role}"}, "period": {"start": elements.written(now)}}
    if team is None:
        await resources.create(session, Viewer.hub(), _team(patient, member))
    elif not any(_is_present(part, role) for part in team.get("participant", [])):
        team["participant"] = [*team.get("participant", []), member]
        await resources.save(session, Viewer.hub(), team)
    await grants.give(session, audience=role_key(role), level=Level.FULL, patient=patient, until=now + MEMBERSHIP)


def _is_present(participant: Resource, role: str) -> bool:
    is_member = elements.reference_id(participant.get("member"), "PractitionerRole") == role
    return is_member and "end" not in participant.get("period", {})


def _team(patient: str, member: Resource) -> Resource:
    return {
        "resourceType": "CareTeam",
        "meta": {"profile": [PROFILE]},
        "identifier": [{"system": names.ns("circle"), "value": patient}],
        "status": "active",
        "name": "Cercle de soins",
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": member["period"]["start"]},
        "participant": [member],
    }


async def leave_unless_written(session: Session, patient: str, role: str) -> None:
    """Somebody who gives a request back leaves the circle, unless another act or a note of theirs keeps them in."""
    team = await _held(session, patient)  # before looking for acts: an acceptance under way counts once it is committed
    notes = await resources.of_patient(session, "DocumentReference", patient)
    has_written = any(note["author"][0].get("reference") == f"PractitionerRole/{role}" for note in notes)
    tasks = await resources.of_patient(session, "Task", patient)
    acts = [
        task
        for task in tasks
        if task.get("partOf") and elements.reference_id(task.get("owner"), "PractitionerRole") == role
        and task["status"] in {"accepted", "in-progress", "completed"}
    ]  # fmt: skip
    if has_written or acts:
        return
    for part in (team or {}).get("participant", []):
        if _is_present(part, role):
            part["period"]["end"] = elements.written(clock.now())
    if team is not None:
        await resources.save(session, Viewer.hub(), team)
    await grants.withdraw(session, audience=role_key(role), patient=patient)
