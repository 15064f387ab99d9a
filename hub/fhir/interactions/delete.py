"""delete (https://hl7.org/fhir/R4/http.html#delete): a client's own Subscription; nothing else of the record is deleted."""

from __future__ import annotations

from hub.fhir.message import FhirRequest, FhirResponse
from hub.storage import resources


async def handle(request: FhirRequest) -> FhirResponse:
    """204, also for an id that never was."""
    type_name, id = request.segments
    async with request.database.transaction() as session:
        stored = await resources.read(session, request.caller, type_name, id)
        if stored is not None and not stored.deleted:
            await resources.delete(session, request.caller, type_name, id)
    return FhirResponse(status=204)
