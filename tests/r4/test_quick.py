"""The quick yes against the walk: it may leave a right resource to the walk, it never takes what the walk would blame."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.r4 import json as r4_json
from hub.r4 import quick, validation
from hub.r4.validation import Invalid
from sandbox.sas.bundle import build
from sandbox.sas.wish import Regulator, Wish

MOMENT = datetime(2026, 11, 13, 8, tzinfo=UTC)
HANDOFF = json.loads(json.dumps(build(Wish(dossier="DOSSIER1", gp="899700999917"), Regulator(), MOMENT)))
PARTS = [entry["resource"] for entry in HANDOFF["entry"]]
QUESTIONNAIRE_ANSWER = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "item": [{"linkId": "1", "answer": [{"valueDecimal": 1, "item": [{"linkId": "1.1"}]}]}],
}
STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 10**30, 1.5, "", "x", "a b", " a", "a\n", "é\u00a0b", "\x00", "\x0b", "1.5", [], {}, [None], [[]],
    "2024-02-29", "2023-02-29", "2023-02-30", "2023-04-31", "0000-01-01", "2024-13-01", "2024-01-01T10:00:00Z",
    "2024-01-01T10:00:60Z", "2024-01-01T10:00:00+14:00", "2024-01-01T25:00:00Z", "#", "#a", "Patient/1", "Patient/1 ", "Group/1",
    "urn:uuid:x", "urn:uuid:", "urn:uuid: a", "https://a/Patient/2", "https://a b/Patient/2", "Patient?a=b", {"id": "x"},
    {"extension": []}, {"extension": [{"url": "urn:a:b", "valueString": "c"}]}, {"extension": [{"url": "a", "valueString": "b"}]},
    {"extension": [{"_url": {"id": "a"}, "valueString": "b"}]}, {"url": "urn:a:b", "_url": {"id": "a"}}, {"reference": "Patient/1"},
    {"coding": [{}]}, '"""', '\\u0022"', '<div xmlns="http://www.w3.org/1999/xhtml">a</div>',
)  # fmt: skip
NAMES = (
    "id", "_id", "extension", "modifierExtension", "contained", "resourceType", "reference", "type", "text", "status", "_status",
    "valueString", "_valueString", "valueBoolean", "given", "_given", "identifier", "name", "inconnu",
)  # fmt: skip


def judged(body: bytes) -> dict[str, Any] | None:
    """What the walk makes of a body: the resource, or nothing when it has a fault."""
    try:
        resource = validation.read(body)
    except Invalid:
        return None
    return None if validation.check(resource) else resource


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, item in members for found in ((*path, name), *places(item, (*path, name)))]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A right resource with one to three places changed, in some spelling of JSON, maybe with a member written twice."""
    mutant = copy.deepcopy(draw(st.sampled_from([HANDOFF, *PARTS, QUESTIONNAIRE_ANSWER])))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(mutant) or [("status",)]))
        holder = mutant
        for step in place[:-1]:
            holder = holder[step]
        name = draw(st.sampled_from([place[-1], *(NAMES if isinstance(holder, dict) else [])]))
        holder[name] = copy.deepcopy(draw(st.sampled_from(STRANGE)))
    body = json.dumps(mutant, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))).encode()
    start = body.find(b'"', draw(st.integers(0, len(body) * 4)))  # mostly beyond its end
    end = body.find(b",", start)
    return body[:end] + b"," + body[start:end] + body[end:] if 0 <= start < end else body


@given(body=mutants())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_taken_at_once_is_what_the_walk_takes(body: bytes) -> None:
    found = quick.read(body)
    if found is not None:
        same = judged(body)
        assert same is not None
        assert json.dumps(found, default=repr) == json.dumps(same, default=repr)  # members in their order, digits kept


@pytest.mark.parametrize("resource", [HANDOFF, *PARTS, QUESTIONNAIRE_ANSWER], ids=lambda one: str(one["resourceType"]))
@pytest.mark.parametrize("indent", [None, 2])
def test_the_resources_of_every_day_are_taken_at_once(resource: dict[str, Any], indent: int | None) -> None:
    body = json.dumps(resource, indent=indent).encode()
    found = quick.read(body)
    assert found is not None
    assert found == judged(body)


def test_published_examples_are_taken_as_the_walk_takes_them(conformance: Path) -> None:
    taken = 0
    for path in sorted((conformance / "fhir").rglob("*.json")):
        body = path.read_bytes()
        found = quick.read(body)
        if found is not None:
            taken += 1
            assert json.dumps(found, default=repr) == json.dumps(judged(body), default=repr), path
    assert taken > 500


def test_decimals_keep_their_digits() -> None:
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"T"},"valueQuantity":{"value":37.10,"unit":"C"},'
        b'"component":[{"code":{"text":"a"},"valueQuantity":{"value":37}},{"code":{"text":"b"},"valueQuantity":{"value":1e2}}]}'
    )
    found = quick.read(body)
    assert found is not None
    assert found["valueQuantity"]["value"] == Decimal("37.10")
    assert str(found["valueQuantity"]["value"]) == "37.10"
    assert type(found["component"][0]["valueQuantity"]["value"]) is int
    assert r4_json.dumps(found).count(b"37.10") == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Patient","gender":"male","gender":"female"}',
        b'{"resourceType":"Patient","gender":"male","inconnu":1}',
        b'{"resourceType":"Patient","name":[{"text":"\\u0022\\u0022"}],"active":true,"active":true}',
        b'{"resourceType":"Patient","birthDate":"1979-02-30"}',
        b'{"resourceType":"Patient","name":[{"family":"\\u0007"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
        b'{"resourceType":"Patient","multipleBirthInteger":1.0}',
        b'{"resourceType":"Observation","status":"final","code":{"text":"T"},"valueQuantity":{"value":"37.1"}}',
        b'{"resourceType":"Patient","contact":[' + b'{"extension":[' * 60 + b"]}" * 60 + b"]}",
        b"\xef\xbb\xbf" + b'{"resourceType":"Patient"}',
        b"[]",
        b"",
    ],
)
def test_what_has_a_fault_is_left_to_the_walk(body: bytes) -> None:
    assert quick.read(body) is None


def test_texts_seen_lately_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "REMEMBERED", 3)
    for number in range(20):
        body = json.dumps({"resourceType": "Patient", "identifier": [{"system": f"urn:s:{number}", "value": "1"}]})
        assert quick.read(body.encode()) is not None
        assert len(quick._seen) <= 3 + 1
