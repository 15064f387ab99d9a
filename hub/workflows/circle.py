"""The circle of care of a patient: one CareTeam, whose members read the notebook (workflow.md 7, fhir.md 10.7)."""

from __future__ import annotations

from typing import Any

from hub import clock
from hub.domain.notebook import MEMBERSHIP
from hub.domain.people import Viewer, role_key
from hub.domain.visibility import Level
from hub.r4 import elements, names
from hub.r4.shapes import usual_gp
from hub.storage import grants, outbox, resources
from hub.storage.session import Session
from hub.workflows.topics import MembershipOver

Resource = dict[str, Any]

PROFILE = "https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-ihe-careteam"


async def of(session: Session, patient: str, *, lock: bool = False) -> Resource | None:
    """The CareTeam of a patient, uncut; ``None`` before the first acceptance."""
    teams = await resources.of_patient(session, "CareTeam", patient, lock=lock)
    return teams[0] if teams else None


async def _held(session: Session, patient: str) -> Resource | None:
    """The CareTeam, held until the end of the transaction, also when there is none yet: two first acceptances make one team."""
    found = await of(session, patient, lock=True)
    if found is None:
        await resources.find(session, "CareTeam", names.ns("circle"), patient)
        found = await of(session, patient, lock=True)
    return found


async def join(session: Session, patient: str, role: str) -> None:
    """A professional who accepted a request enters the circle: reads the notebook, and what they accepted for this patient, for
    a year after the last act.
    """
    now = clock.now()
    team = await _held(session, patient)
    member = {"member": {"reference": f"PractitionerRole/{role}"}, "period": {"start": elements.written(now)}}
    is_new = team is None or not any(_is_present(part, role) for part in team.get("participant", []))
    if team is None:
        await resources.create(session, Viewer.hub(), _team(patient, member))
    elif is_new:
        team["participant"] = [*team.get("participant", []), member]
        await resources.save(session, Viewer.hub(), team)
    audience, until = role_key(role), now + MEMBERSHIP
    await grants.give(session, audience=audience, level=Level.FULL, patient=patient, until=until)
    await grants.prolong(session, audience=audience, patient=patient, until=until, with_ended=True)
    if is_new:
        await outbox.put(session, MembershipOver(patient=patient, role=role), due_at=until)


async def welcome(session: Session, patient: str, member: Resource) -> None:
    """A participant whose membership has no end: the confirmed usual GP. What they read is given by who confirms."""
    team = await _held(session, patient)
    member = {**member, "period": {"start": elements.written(clock.now())}}
    if team is None:
        await resources.create(session, Viewer.hub(), _team(patient, member))
        return
    team["participant"] = [*team.get("participant", []), member]
    await resources.save(session, Viewer.hub(), team)


async def dismiss_usual_gp(session: Session, patient: str) -> None:
    """The usual GP is no longer confirmed: their participant ends; one they have by their acts stays."""
    team = await _held(session, patient)
    for part in (team or {}).get("participant", []):
        if usual_gp.is_usual_gp(part):
            part["period"]["end"] = elements.written(clock.now())
    if team is not None:
        await resources.save(session, Viewer.hub(), team)


async def acted(session: Session, patient: str, role: str) -> None:
    """An act for the patient by somebody of the circle: their year begins anew, for the notebook and for what they accepted."""
    await grants.prolong(session, audience=role_key(role), patient=patient, until=clock.now() + MEMBERSHIP)


async def membership_over(session: Session, message: MembershipOver) -> None:
    """A year after somebody joined: the team says that they left, or the timer waits for the end that later acts have moved."""
    team = await _held(session, message.patient)
    if team is None or not any(_is_present(part, message.role) for part in team.get("participant", [])):
        return
    ends = await grants.end_of(session, audience=role_key(message.role), patient=message.patient)
    if ends is None or ends <= clock.now():
        await _part(session, team, message.role)
    elif ends < grants.FOREVER:
        await outbox.put(session, message, due_at=ends)


async def _part(session: Session, team: Resource, role: str) -> None:
    """Write that a member left."""
    for part in team.get("participant", []):
        if _is_present(part, role):
            part["period"]["end"] = elements.written(clock.now())
    await resources.save(session, Viewer.hub(), team)


def _is_present(participant: Resource, role: str) -> bool:
    is_member = elements.reference_id(participant.get("member"), "PractitionerRole") == role
    is_here = "end" not in participant.get("period", {})
    return (
        is_member and is_here and not usual_gp.is_usual_gp(participant)
    )  # that one stands beside, and does not end so


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
    if team is not None:
        await _part(session, team, role)
    await grants.withdraw(session, audience=role_key(role), patient=patient)
