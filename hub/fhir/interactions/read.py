"""read and vread (https://hl7.org/fhir/R4/http.html#read): the stored bytes, without passing through a model."""

from __future__ import annotations

from hub.domain.refusal import Refusal
from hub.fhir import answers, directory
from hub.fhir.message import FhirRequest, FhirResponse
from hub.storage import resources

LONGEST_NUMBER = 9  # digits of a version


async def current(request: FhirRequest) -> FhirResponse:
    """The current version as the viewer may see it; 404 when unknown or not theirs, 410 when deleted."""
    type_name, id = request.segments
    stored = await resources.current(request.database, request.caller, type_name, id)
    if stored is None and directory.may_hold(type_name, id):
        async with request.database.reading() as session:
            stored = await directory.read(session, type_name, id)
    if stored is None:
        raise Refusal("not-found")
    if stored.deleted:
        raise Refusal("gone")
    return answers.of_stored(request, stored)


async def version(request: FhirRequest) -> FhirResponse:
    """One version, cut to what the viewer may see today."""
    type_name, id, _, number = request.segments
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
        raise Refusal("not-found")
    async with request.database.reading() as session:
        stored = await resources.vread(session, request.caller, type_name, id, int(number))
        if stored is None:
            stored = await directory.version(session, type_name, id, int(number))
    if stored is None:
        raise Refusal("not-found")
    if stored.deleted:
        raise Refusal("gone")
    return answers.of_stored(request, stored)
