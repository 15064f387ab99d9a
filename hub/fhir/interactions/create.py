"""create (https://hl7.org/fhir/R4/http.html#create): a Subscription, or a liaison note through the notebook's own workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.domain.notebook import Mask
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.fhir import answers, subscriptions
from hub.fhir.message import FhirRequest, FhirResponse
from hub.fhir.rules import offers
from hub.r4 import elements, names, validation
from hub.r4.shapes import note as notes
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import notebook

Resource = dict[str, Any]
Writer = Callable[[Session, Viewer, Resource], Awaitable[str]]


async def _note(session: Session, viewer: Viewer, resource: Resource) -> str:
    """A CdL note (fhir.md 10.5): its text, type, mask and mother note; the author is the situation the token acts for."""
    claimed = elements.reference_id((resource.get("author") or [{}])[0], "PractitionerRole")
    if viewer.role is None or claimed not in (None, viewer.role):
        raise Refusal("not-allowed", expression="DocumentReference.author")
    mask = next((part["coding"][0]["code"] for part in resource.get("securityLabel", [])), None)
    appended = [part["target"] for part in resource.get("relatesTo", []) if part.get("code") == "appends"]
    text = notes.text_of(resource)
    if text is None:
        raise Refusal("note-empty", expression="DocumentReference.content")
    written = await notebook.add(
        session,
        viewer,
        elements.reference_id(resource.get("subject"), "Patient") or "",
        kind=elements.code(resource.get("type"), names.NOTE_TYPE) or "GEN",
        text=text,
        title=resource.get("description", ""),
        is_urgent=(elements.extension(resource, names.EMERGENCY_EXTENSION) or {}).get("valueBoolean", False),
        mask=Mask(mask) if mask in set(Mask) else None,
        replies_to=elements.reference_id(appended[0], "DocumentReference") if appended else None,
    )
    return written.id


WRITERS: Mapping[str, Writer] = {"Subscription": subscriptions.create, "DocumentReference": _note}


async def handle(request: FhirRequest) -> FhirResponse:
    """201 with the location of what was made."""
    (type_name,) = request.segments
    if not offers(type_name, "create"):
        raise Refusal("not-supported", what=f"create {type_name}")
    resource = validation.parse(request.body)
    if resource["resourceType"] != type_name:
        raise Refusal("id-mismatch", expression="resourceType")
    async with request.database.transaction() as session:
        id = await WRITERS[type_name](session, request.caller, resource)
        stored = await resources.read(session, request.caller, type_name, id)
    assert stored is not None
    return answers.of_stored(request, stored, status=201)
