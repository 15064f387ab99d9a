"""update and patch (https://hl7.org/fhir/R4/http.html#update): a change to a Task is a move, one to a Subscription an edit.

The conditional forms on Task are those of the SAS for what it handed over (sas.md 17.2); they need no ``If-Match``.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer
import msgspec

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.domain.visibility import is_cut
from hub.fhir import answers, commands, subscriptions
from hub.fhir.message import FhirRequest, FhirResponse
from hub.fhir.rules import RULES, offers
from hub.r4 import json, validation
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import requests

Resource = dict[str, Any]

PATCH_TYPES = ("application/json-patch+json",)
UNTOUCHED = ("/id", "/resourceType", "/meta/versionId", "/meta/lastUpdated")


async def put(request: FhirRequest) -> FhirResponse:
    """Replace a resource by id."""
    type_name, id = request.segments
    _require_offered(type_name, "update")
    after = validation.parse(request.body)
    if after["resourceType"] != type_name:
        raise Refusal("id-mismatch")
    if after.get("id") != id:
        raise Refusal("id-mismatch", expression=f"{type_name}.id")
    if is_cut(after):
        raise Refusal("not-a-move", state="REDACTED", event="update")
    return await _write(request, type_name, id, lambda _before: after)


async def patch(request: FhirRequest) -> FhirResponse:
    """Change a resource by JSON Patch (RFC 6902)."""
    type_name, id = request.segments
    _require_offered(type_name, "patch")
    operations = _operations(request)
    return await _write(request, type_name, id, lambda before: patched(before, operations))


def _require_offered(type_name: str, write: str) -> None:
    if not offers(type_name, write):
        raise Refusal("not-supported", what=f"{write} {type_name}")


def _operations(request: FhirRequest) -> list[dict[str, Any]]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise Refusal("unsupported-media-type", type=content_type or "aucun")
    try:
        operations = msgspec.json.decode(request.body)
    except msgspec.DecodeError as trouble:
        raise Refusal("bad-body", why="ce n'est pas du JSON") from trouble
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise Refusal("bad-body", why="un JSON Patch est une liste d'opérations")
    for one in operations:
        paths = (str(one.get("path", "")), str(one.get("from", "")))
        if any(path == fixed or path.startswith(f"{fixed}/") for path in paths for fixed in UNTOUCHED):
            raise Refusal("patch-failed", why=f"{paths[0]} ne se change pas")
    return operations


def patched(before: Resource, operations: list[dict[str, Any]]) -> Resource:
    """The resource after all operations, or none: raises ``Refusal("patch-failed")``; the result is validated like a PUT."""
    try:
        after: Resource = jsonpatch.apply_patch(copy.deepcopy(before), operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as trouble:
        raise Refusal("patch-failed", why=type(trouble).__name__) from trouble
    return validation.parse(json.dumps(after))


async def _write(request: FhirRequest, type_name: str, id: str, change: Any) -> FhirResponse:
    viewer = request.caller
    async with request.database.transaction() as session:
        before = await _visible(session, viewer, type_name, id)
        after = change(before)
        if type_name == "Task":
            await _move(session, request, before, after)
        else:
            _require_version(request, before, type_name)
            await EDITS[type_name](session, viewer, before, after)
        stored = await resources.read(session, viewer, type_name, id)
    if stored is None:  # a person who declines, or gives back, no longer sees the request
        return FhirResponse(status=200 if request.preference("return") != "minimal" else 204)
    return answers.of_stored(request, stored)


async def _edit_request(session: Session, viewer: Viewer, before: Resource, after: Resource) -> None:
    await _inform(session, viewer, before["id"], before, after)


EDITS = {"Subscription": subscriptions.update, "ServiceRequest": _edit_request}


async def _visible(session: Session, viewer: Viewer, type_name: str, id: str) -> Resource:
    stored = await resources.read(session, viewer, type_name, id)
    if stored is None:
        raise Refusal("not-found")
    if stored.deleted:
        raise Refusal("gone")
    return stored.json()


async def _move(session: Session, request: FhirRequest, before: Resource, after: Resource) -> None:
    """Which of 409 and 412 wins in a race: a version stale only because somebody was faster is a conflict (fhir.md 9.1)."""
    if before["status"] == "cancelled" and after.get("status") != "cancelled":
        await commands.task(session, request.caller, before, after)
    _require_version(request, before, "Task")
    await commands.task(session, request.caller, before, after)


def _require_version(request: FhirRequest, before: Resource, type_name: str) -> None:
    expected = request.headers.get("if-match")
    if expected is None:
        if RULES[type_name].needs_match:
            raise Refusal("if-match-required")
        return
    if expected.removeprefix("W/").strip('"') != before["meta"]["versionId"]:
        raise Refusal("version-conflict")


async def conditional_put(request: FhirRequest) -> FhirResponse:
    """``PUT Task?identifier=…`` withdraws, ``PUT ServiceRequest?identifier=…`` gives new information: the SAS, on its own."""
    after = validation.parse(request.body)
    return await _conditional(request, lambda _before: after)


async def conditional_patch(request: FhirRequest) -> FhirResponse:
    """``PATCH Task?identifier=…``: the same by JSON Patch."""
    operations = _operations(request)
    return await _conditional(request, lambda before: patched(before, operations))


async def _conditional(request: FhirRequest, change: Any) -> FhirResponse:
    (type_name,) = request.segments
    act = CONDITIONAL.get(type_name)
    if act is None:
        raise Refusal("not-supported", what=f"conditional update {type_name}")
    viewer = request.caller
    async with request.database.transaction() as session:
        id = await _only_match(session, request, type_name)
        before = await _visible(session, viewer, type_name, id)
        after = change(before)
        if request.headers.get("if-match"):
            _require_version(request, before, type_name)
        await act(session, viewer, id, before, after)
        stored = await resources.read(session, viewer, type_name, id)
    assert stored is not None
    return answers.of_stored(request, stored)


async def _withdraw(session: Session, viewer: Viewer, id: str, before: Resource, after: Resource) -> None:
    if after.get("status") != "cancelled":
        raise Refusal("not-a-move", expression="Task.status", state=before["status"], event=after.get("status"))
    await commands.withdraw(session, viewer, id, after)


async def _inform(session: Session, viewer: Viewer, id: str, before: Resource, after: Resource) -> None:
    if after.get("status") == "revoked" and before.get("status") != "revoked":
        await requests.cancel(session, viewer, id, "autre")
    else:
        await requests.inform(session, viewer, id, after)


CONDITIONAL = {"Task": _withdraw, "ServiceRequest": _inform}


async def _only_match(session: Session, request: FhirRequest, type_name: str) -> str:
    criteria = [(name, value) for name, value in request.query if name != "_format"]
    if len(criteria) != 1 or criteria[0][0] != "identifier" or "|" not in criteria[0][1]:
        raise Refusal(
            "bad-search", parameter=criteria[0][0] if criteria else "", why="identifier=système|valeur est attendu"
        )
    system, _, value = criteria[0][1].partition("|")
    found = []
    for id in await resources.find(session, type_name, system, value):
        stored = await resources.read(session, request.caller, type_name, id)
        if stored is not None and not stored.deleted and not stored.json().get("partOf"):
            found.append((stored.updated_at, id))
    if not found:
        raise Refusal("not-found")
    return max(found)[1]  # the latest attempt: the earlier ones have ended
