"""create (https://hl7.org/fhir/R4/http.html#create): a Subscription, or a liaison note through the notebook's own workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.fhir import answers, notes, subscriptions
from hub.fhir.message import FhirRequest, FhirResponse
from hub.r4 import validation
from hub.storage import resources
from hub.storage.session import Session

Resource = dict[str, Any]
Writer = Callable[[Session, Viewer, Resource], Awaitable[str]]

WRITERS: Mapping[str, Writer] = {"Subscription": subscriptions.create, "DocumentReference": notes.create}


async def handle(request: FhirRequest) -> FhirResponse:
    """201 with the location of what was made."""
    (type_name,) = request.segments
    resource = validation.parse(request.body)
    if resource["resourceType"] != type_name:
        raise Refusal("type-mismatch", expression="resourceType", expected=type_name, found=resource["resourceType"])
    async with request.database.transaction() as session:
        id = await WRITERS[type_name](session, request.caller, resource)
    stored = await resources.current(request.database, request.caller, type_name, id)
    if stored is None or stored.deleted:  # since the commit: what was made is told all the same
        return FhirResponse(status=201, headers={"Location": f"{request.base}/{type_name}/{id}/_history/1"})
    return answers.of_stored(request, stored, status=201)
