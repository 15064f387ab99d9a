"""history of an instance (https://hl7.org/fhir/R4/http.html#history), each version cut to what the viewer may see today."""

from __future__ import annotations

from typing import Any

from hub.domain.refusal import Refusal
from hub.fhir import answers, directory, search_pages, subscriptions
from hub.fhir.message import FhirRequest, FhirResponse
from hub.r4 import elements
from hub.storage import resources
from hub.storage.resources import Stored

MOST = 200
USUAL = 50


async def of_instance(request: FhirRequest) -> FhirResponse:
    """Versions newest first; pages by a sealed cursor. Of what the national directory serves there is one, the present one."""
    type_name, id, _ = request.segments
    words = dict(request.query)
    count = search_pages.count(words.get("_count"), usual=USUAL, most=MOST)
    listed = f"{type_name}/{id}/_history"
    before = search_pages.position(request.caller, listed, words["_cursor"]) if "_cursor" in words else None
    async with request.database.reading() as session:
        versions = await resources.history(session, request.caller, type_name, id, count=count + 1, before=before)
        if not versions and before is None:
            served = await directory.read(session, type_name, id)
            versions = [served] if served is not None else []
    if not versions:
        raise Refusal("not-found")
    page = versions[:count]
    here = f"{request.base}/{listed}"
    links = [{"relation": "self", "url": here}]
    if len(versions) > count:
        cursor = search_pages.sealed(request.caller, listed, page[-1].position)
        links.append({"relation": "next", "url": f"{here}?_count={count}&_cursor={cursor}"})
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "link": links,
        "entry": [_entry(request, one) for one in page],
    }
    return answers.of_resource(bundle)


def _entry(request: FhirRequest, stored: Stored) -> dict[str, Any]:
    local = f"{stored.type}/{stored.id}"
    is_first = stored.version == 1 and not directory.may_hold(
        stored.type, stored.id
    )  # there a version is the load that brought it
    method = "DELETE" if stored.deleted else ("POST" if is_first else "PUT")
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    return {
        "fullUrl": f"{request.base}/{local}",
        **({} if stored.deleted else {"resource": subscriptions.seen(stored)}),
        "request": {"method": method, "url": stored.type if method == "POST" else local},
        "response": {
            "status": status,
            "etag": f'W/"{stored.version}"',
            "lastModified": elements.written(stored.updated_at),
        },
    }
