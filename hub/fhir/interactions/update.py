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
from hub.fhir.rules import RULES
from hub.r4 import json, validation
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import requests

Resource = dict[str, Any]

MOST_OPERATIONS = 100
LARGEST_RESULT = 1024 * 1024  # bytes: an operation that copies a whole into its part doubles it each time
UNTOUCHED = ("/id", "/resourceType", "/meta/versionId", "/meta/lastUpdated")


async def put(request: FhirRequest) -> FhirResponse:
    """Replace a resource by id."""
    type_name, id = request.segments
    after = validation.parse(request.body)
    if after["resourceType"] != type_name:
        raise Refusal("type-mismatch", expression="resourceType", expected=type_name, found=after["resourceType"])
    if after.get("id") != id:
        raise Refusal("id-mismatch", expression=f"{type_name}.id")
    if is_cut(after):
        raise Refusal("not-a-move", state="REDACTED", event="update")
    return await _write(request, type_name, id, lambda _before: after)


async def patch(request: FhirRequest) -> FhirResponse:
    """Change a resource by JSON Patch (RFC 6902)."""
    type_name, id = request.segments
    operations = _operations(request)
    return await _write(request, type_name, id, lambda before: patched(before, operations))


def _operations(request: FhirRequest) -> list[dict[str, Any]]:
    try:
        operations = msgspec.json.decode(request.body)
    except msgspec.DecodeError as trouble:
        raise Refusal("bad-body", why="ce n'est pas du JSON") from trouble
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise Refusal("bad-body", why="un JSON Patch est une liste d'opérations")
    if len(operations) > MOST_OPERATIONS:
        raise Refusal("patch-failed", why=f"plus de {MOST_OPERATIONS} opérations")
    for one in operations:
        paths = (str(one.get("path", "")), str(one.get("from", "")))
        if any(path == fixed or path.startswith(f"{fixed}/") for path in paths for fixed in UNTOUCHED):
            raise Refusal("patch-failed", why=f"{paths[0]} ne se change pas")
    return operations


# What the library raises on operations that do not apply, or are not operations.
PATCH_TROUBLE = (
    jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError, IndexError, AttributeError, ValueError,
)  # fmt: skip


def patched(before: Resource, operations: list[dict[str, Any]]) -> Resource:
    """The resource after all operations, or none: raises ``Refusal("patch-failed")``; the result is validated like a PUT."""
    after: Resource = copy.deepcopy(before)
    body = b""
    for one in operations:
        try:
            after = jsonpatch.apply_patch(after, [one], in_place=True)
            body = json.dumps(after)
        except PATCH_TROUBLE as trouble:
            raise Refusal("patch-failed", why=type(trouble).__name__) from trouble
        if len(body) > LARGEST_RESULT:
            raise Refusal("too-large", limit=LARGEST_RESULT // 1024 // 1024)
    return validation.parse(body) if operations else after


async def _write(request: FhirRequest, type_name: str, id: str, change: Any) -> FhirResponse:
    viewer = request.caller
    async with request.database.transaction() as session:
        before = await _held(session, viewer, type_name, id)
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
    """What a write by id would lose is refused; who it is about and who asks never changes (fhir.md 9.1)."""
    is_revoked = after.get("status") != before["status"]
    may_change = {"meta", "status"} if is_revoked else {"meta", *requests.CHANGEABLE}
    different = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    lost = [name for name in different if name not in may_change or (name != "meta" and name not in after)]
    if lost or (is_revoked and after.get("status") != "revoked"):
        where = f"ServiceRequest.{lost[0] if lost else 'status'}"
        raise Refusal("not-a-move", expression=where, state=before["status"], event="update")
    await _inform(session, viewer, before["id"], before, after)


EDITS = {"Subscription": subscriptions.update, "ServiceRequest": _edit_request}


async def _held(session: Session, viewer: Viewer, type_name: str, id: str) -> Resource:
    """The resource as the viewer sees it, held until the end of the transaction, so that the version compared is the version
    written over. A Task is held by its own moves, after its request."""
    seen = await _visible(session, viewer, type_name, id)
    if type_name == "Task":
        return seen
    await resources.lock(session, type_name, id)
    return await _visible(session, viewer, type_name, id)


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
    if after["resourceType"] != request.segments[0]:
        found = after["resourceType"]
        raise Refusal("type-mismatch", expression="resourceType", expected=request.segments[0], found=found)
    return await _conditional(request, lambda _before: after)


async def conditional_patch(request: FhirRequest) -> FhirResponse:
    """``PATCH Task?identifier=…``: the same by JSON Patch."""
    operations = _operations(request)
    return await _conditional(request, lambda before: patched(before, operations))


async def _conditional(request: FhirRequest, change: Any) -> FhirResponse:
    (type_name,) = request.segments
    act = CONDITIONAL[type_name]
    viewer = request.caller
    async with request.database.transaction() as session:
        id = await _only_match(session, request, type_name)
        before = await _held(session, viewer, type_name, id)
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
        await requests.cancel(session, viewer, id, "withdrawn-by-issuer")
    else:
        await requests.inform(session, viewer, id, after)


CONDITIONAL = {"Task": _withdraw, "ServiceRequest": _inform}


async def _only_match(session: Session, request: FhirRequest, type_name: str) -> str:
    criteria = [(name, value) for name, value in request.query if name != "_format"]
    if len(criteria) != 1 or criteria[0][0] != "identifier" or "|" not in criteria[0][1] or "\x00" in criteria[0][1]:
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
