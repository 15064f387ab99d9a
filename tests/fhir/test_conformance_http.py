"""The published HTTP sequences, as far as they apply to a server whose patients come in by handoffs alone.

A step that writes a Patient is carried out below the door, by the storage, where the sequence only prepares with it; a
sequence that is *about* such a write does not apply, and the same rule is proved on the types that clients may write.
"""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from hub.domain.people import Viewer, client_key
from hub.domain.visibility import Level
from hub.storage import grants, resources
from tests.fhir.conftest import Face, Story
from tests.workflows.conftest import SAS

# Where the same rule is proved when the sequence itself does not apply.
ELSEWHERE = {
    "create-201": "test_writes: a note, 201 with Location, ETag",
    "update-200": "test_writes: a subscription changed",
    "if-match-ok": "test_moves: If-Match obeyed on Task",
    "if-match-stale": "test_moves: 412 and nothing changes",
    "cond-create-none": "conditionalCreate is not offered",
    "cond-create-one": "conditionalCreate is not offered; a repeated handoff in test_handoff",
    "patch-json": "test_moves: JSON Patch on Task",
    "prefer-minimal": "test_writes: return=minimal on a note",
    "tx-urn": "test_handoff: urn:uuid references of a handoff",
    "batch-mixed": "batch is not offered",
    "create-wrong-type": "test_writes: type-mismatch on DocumentReference",
    "create-invalid-json": "test_read: bodies that are not FHIR",
}
APPLIED = {
    "read-404", "read-200", "accept-406", "vread", "history-order", "search-strict", "search-summary-count", "search-post",
    "metadata", "tx-rollback",
}  # fmt: skip


@pytest.fixture(scope="module")
def cases(conformance: Path) -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in json.loads((conformance / "fhir" / "http" / "cases.json").read_text("utf-8"))}


def test_every_sequence_is_accounted_for(cases: dict[str, dict[str, Any]]) -> None:
    assert APPLIED | set(ELSEWHERE) == set(cases)
    assert not APPLIED & set(ELSEWHERE)


async def _prepare(face: Face, step: dict[str, Any], saved: dict[str, str]) -> None:
    """A Patient written by the storage, as a handoff or the portal would."""
    body = step["body"]
    async with face.database.transaction() as session:
        if step["method"] == "POST":
            made = await resources.create(session, Viewer.hub(), body)
            saved["id"] = made["id"]
            await grants.give(session, audience=client_key(SAS), level=Level.FULL, request="r", patient=made["id"])
        else:
            current = await resources.lock(session, "Patient", saved["id"])
            await resources.save(session, Viewer.hub(), {**body, "id": current["id"], "meta": current["meta"]})


def _filled(value: Any, saved: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, one in saved.items():
        text = text.replace("{" + name + "}", one)
    return json.loads(text)


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else (value or {}).get(part)
    return value


def _judge(answer: Any, expect: dict[str, Any]) -> None:
    assert answer.status_code in expect["status"], answer.text
    for name, pattern in expect.get("headers", {}).items():
        assert re.search(pattern, answer.headers.get(name, "")), name
    if expect.get("no_body"):
        assert answer.content == b""
    if not {"body", "count", "has", "first_entry"} & set(expect):
        return
    body = answer.json()
    for path, value in expect.get("body", {}).items():
        assert _at(body, path) == value, path
    for path, count in expect.get("count", {}).items():
        assert len(_at(body, path) or []) == count, path
    for path in expect.get("has", []):
        assert _at(body, path) is not None, path
    for path, value in expect.get("first_entry", {}).items():
        assert _at(body["entry"][0], path) == value, path


@pytest.mark.parametrize("name", sorted(APPLIED))
async def test_a_published_sequence(story: Story, cases: dict[str, dict[str, Any]], name: str) -> None:
    face = story.face
    saved = {"uuid": str(uuid.uuid4())}
    scopes = ("system/*.rs", "system/Patient.cruds", "system/ServiceRequest.c")
    asked = 0
    for step in _filled(cases[name]["steps"], saved):
        step = _filled(step, saved)
        if step["method"] in ("POST", "PUT") and step["url"].split("/")[0] == "Patient" and "raw_body" not in step:
            await _prepare(face, step, saved)
            continue
        content = step["raw_body"] if "raw_body" in step else json.dumps(step["body"]) if "body" in step else None
        headers = {**face.token(SAS, *scopes), **step.get("headers", {})}
        answer = await face.http.request(step["method"], f"/fhir/{step['url']}", content=content, headers=headers)
        _judge(answer, step["expect"])
        asked += 1
    assert asked
