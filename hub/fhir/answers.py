"""Ready answers: one resource with its version headers, a Bundle, an OperationOutcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from hub.domain.refusal import Refusal
from hub.fhir import subscriptions
from hub.fhir.message import JSON, FhirRequest, FhirResponse
from hub.r4 import json, names, outcome
from hub.storage.resources import Stored

Resource = dict[str, Any]


def version_headers(stored: Stored) -> dict[str, str]:
    """``ETag`` and ``Last-Modified`` of one version."""
    return {"ETag": f'W/"{stored.version}"', "Last-Modified": _written(stored.updated_at)}


@lru_cache(maxsize=4096)
def _written(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def of_stored(request: FhirRequest, stored: Stored, *, status: int = 200) -> FhirResponse:
    """The bytes as they were stored, or 304 when the client has this version already."""
    headers = {"Content-Type": JSON, **version_headers(stored)}
    if request.method in ("GET", "HEAD") and _is_known(request, stored):
        return FhirResponse(status=304, headers=version_headers(stored))
    if status == 201:
        headers["Location"] = f"{request.base}/{stored.type}/{stored.id}/_history/{stored.version}"
    return returning(request, FhirResponse(status=status, body=subscriptions.shown(stored), headers=headers))


def _is_known(request: FhirRequest, stored: Stored) -> bool:
    """Whether the client has this version: ``If-None-Match``, compared weakly, goes before ``If-Modified-Since`` (RFC 9110, 13)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        given = {tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")}
        return bool(given & {str(stored.version), "*"})
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and stored.updated_at.replace(microsecond=0) <= since


def returning(request: FhirRequest, answer: FhirResponse) -> FhirResponse:
    """Obey ``Prefer: return=minimal|representation|OperationOutcome`` on a write (RFC 7240, FHIR R4 3.1.0.1.4)."""
    wish = request.preference("return")
    if request.method in ("GET", "HEAD") or wish in (None, "representation"):
        return answer
    kept = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    if wish == "minimal":
        return FhirResponse(status=answer.status, headers=kept)
    said = outcome.informational("Enregistré.")
    return FhirResponse(status=answer.status, body=json.dumps(said), headers={**kept, "Content-Type": JSON})


def of_resource(resource: Resource, *, status: int = 200, headers: Mapping[str, str] | None = None) -> FhirResponse:
    """A resource made for this answer: a Bundle, a CapabilityStatement."""
    return FhirResponse(status=status, body=json.dumps(resource), headers={"Content-Type": JSON, **(headers or {})})


def of_refusal(refusal: Refusal, headers: Mapping[str, str] | None = None) -> FhirResponse:
    """The refusal as OperationOutcome, with ``Retry-After`` when it has one and ``WWW-Authenticate`` with a 401."""
    headers = dict(headers or {})
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.http == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return of_resource(outcome.of_refusal(refusal, names.base()), status=refusal.http, headers=headers)
