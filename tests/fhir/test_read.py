"""read, vread, history, conditional reads, content negotiation, preferences, methods (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from hub.fhir.app import LARGEST_BODY
from hub.storage import clients
from tests.fhir.conftest import JSON_TYPE, Face, Story, issue


async def test_read_gives_the_stored_bytes_with_their_version(story: Story) -> None:
    answer = await story.get(f"ServiceRequest/{story.request}", story.face.sas)
    assert answer.status_code == 200
    body = answer.json()
    assert answer.headers["ETag"] == f'W/"{body["meta"]["versionId"]}"'
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert parsedate_to_datetime(answer.headers["Last-Modified"])
    assert answer.headers["X-Request-Id"]
    named = await story.get(f"ServiceRequest/{story.request}", story.face.sas, **{"X-Request-Id": "abc-1"})
    assert named.headers["X-Request-Id"] == "abc-1"
    strange = await story.get(
        f"ServiceRequest/{story.request}", story.face.sas, **{"X-Request-Id": "<script>", "X-Correlation-Id": "file-1"}
    )
    assert strange.headers["X-Request-Id"] != "<script>"
    assert strange.headers["X-Correlation-Id"] == "file-1"


@pytest.mark.parametrize("tag", ['W/"{}"', '"{}"', 'W/"99", W/"{}"', "*"])
async def test_304_when_the_client_has_it_already(story: Story, tag: str) -> None:
    path = f"Task/{story.task}"
    seen = await story.get(path, story.face.sas)
    version = seen.json()["meta"]["versionId"]
    again = await story.get(path, story.face.sas, **{"If-None-Match": tag.format(version)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == seen.headers["ETag"]


async def test_200_when_it_changed_or_the_condition_cannot_be_read(story: Story) -> None:
    path = f"Task/{story.task}"
    seen = await story.get(path, story.face.sas)
    for condition in (
        {"If-None-Match": 'W/"99"'},
        {"If-Modified-Since": "Mon, 16 Nov 2026 07:59:59 GMT"},
        {"If-Modified-Since": "hier"},
        {"If-None-Match": 'W/"99"', "If-Modified-Since": seen.headers["Last-Modified"]},  # the tag goes first
    ):
        assert (await story.get(path, story.face.sas, **condition)).status_code == 200
    unchanged = {"If-Modified-Since": seen.headers["Last-Modified"]}
    assert (await story.get(path, story.face.sas, **unchanged)).status_code == 304


async def test_the_same_address_is_another_copy_for_another_viewer(story: Story) -> None:
    path = f"Patient/{story.patient}"
    whole = await story.get(path, story.face.software("VASSEUR"))
    assert whole.json()["meta"]["security"][0]["code"] == "REDACTED"
    assert "name" not in whole.json()


async def test_vread_and_history(story: Story) -> None:
    path = f"Task/{story.task}"
    current = (await story.get(path, story.face.sas)).json()
    last = int(current["meta"]["versionId"])
    assert last > 1
    first = await story.get(f"{path}/_history/1", story.face.sas)
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"1"')
    assert (await story.get(f"{path}/_history/{last}", story.face.sas)).json() == current
    for wrong in (str(last + 1), "0", "-1", "abc", "1e0", "99999999999999999999"):
        assert (await story.get(f"{path}/_history/{wrong}", story.face.sas)).status_code == 404, wrong
    bundle = (await story.get(f"{path}/_history", story.face.sas)).json()
    assert bundle["type"] == "history"
    versions = [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]]
    assert versions == [str(number) for number in range(last, 0, -1)]
    assert bundle["entry"][-1]["request"] == {"method": "POST", "url": "Task"}
    assert bundle["entry"][0]["request"] == {"method": "PUT", "url": path}
    assert all(entry["response"]["etag"] and entry["response"]["lastModified"] for entry in bundle["entry"])


async def test_history_in_pages_gives_each_version_once(story: Story) -> None:
    url: str | None = f"/fhir/Task/{story.task}/_history?_count=1"
    seen: list[str] = []
    while url:
        bundle = (await story.face.http.get(url, headers=story.face.sas)).json()
        seen += [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    assert seen == sorted(seen, key=int, reverse=True)
    assert len(seen) == len(set(seen)) > 1


async def test_unknown_and_hidden_are_one_answer(story: Story) -> None:
    software = story.face.software("VASSEUR")
    hidden = await story.get(f"Task/{story.task}", software)  # the coordinating Task: not for who is asked
    unknown = await story.get("Task/0b9e34a3-0000-4000-8000-000000000000", software)
    assert issue(hidden) == issue(unknown) == (404, "not-found", "not-found")
    assert hidden.json() == unknown.json()
    for tail in ("/_history", "/_history/1"):
        assert (await story.get(f"Task/{story.task}{tail}", software)).json() == unknown.json()


NOWHERE = (
    "Nothing/1", "patient/1", "Observation/1", "Patient/1/2", "Patient/1/_history/1/2", "Patient/_history", "$everything",
    "Patient/$match", "_history", "%00", "Patient/%00", "Patient/..%2f..", "Patient/" + "a" * 500, "Task/a%27b", "AuditEvent",
    "Patient/é", "Basic/1",
)  # fmt: skip


async def test_addresses_that_lead_nowhere(story: Story) -> None:
    for path in NOWHERE:
        answer = await story.get(path, story.face.software("VASSEUR"))
        assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome"), path


ACCEPTS = {
    "application/fhir+json": 200, "application/json": 200, "text/json": 200, "application/json+fhir": 200, "*/*": 200,
    "application/*": 200, "text/html, application/fhir+json;q=0.5": 200, "application/fhir+json; fhirVersion=4.0": 200,
    "application/fhir+json; fhirVersion=5.0": 406, "application/fhir+xml": 406, "text/csv": 406, "image/png, text/html": 406,
    "application/fhir+json;q=0": 406,
}  # fmt: skip
FORMATS = {
    "json": 200, "application/json": 200, "application/fhir+json": 200, "application/fhir%2Bjson": 200, "xml": 406, "html": 406,
    "text/csv": 406,
}  # fmt: skip


async def test_accept(story: Story) -> None:
    for accept, status in ACCEPTS.items():
        answer = await story.get(f"Task/{story.task}", story.face.sas, Accept=accept)
        assert answer.status_code == status, accept
        assert answer.headers["Content-Type"].startswith("application/fhir+json")
        assert status == 200 or issue(answer)[1] == "not-supported"


async def test_format_goes_before_accept(story: Story) -> None:
    for format, status in FORMATS.items():
        for accept in ("text/csv", "application/fhir+json"):
            answer = await story.get(f"Task/{story.task}?_format={format}", story.face.sas, Accept=accept)
            assert answer.status_code == status, (format, accept)
        assert (await story.get(f"Task?_format={format}", story.face.sas)).status_code == status, format


UNREADABLE = (
    ("PUT", "Task/1", "application/json-patch+json"), ("PUT", "Task/1", "text/plain"), ("PUT", "Task/1", ""),
    ("PATCH", "Task/1", "application/fhir+json"), ("PATCH", "Task/1", "application/xml-patch+xml"),
    ("POST", "", "application/fhir+xml"), ("POST", "Subscription", "application/x-www-form-urlencoded"),
    ("POST", "Subscription", "*/*"), ("POST", "Task/_search", "application/fhir+json"),
    ("PUT", "Task/1", "application/fhir+json; charset=iso-8859-1"),
)  # fmt: skip


async def test_415(face: Face) -> None:
    for method, path, media in UNREADABLE:
        headers = {**face.sas, **({"Content-Type": media} if media else {})}
        answer = await face.http.request(method, f"/fhir/{path}", content=b"{}", headers=headers)
        assert issue(answer) == (415, "not-supported", "unsupported-media-type"), (method, path, media)


NOT_FHIR = (
    b"", b"{", b"[]", b"null", b"1", b'"a"', b"\xff\xfe", b'{"resourceType":"Task","resourceType":"Task"}', b'{"a":1}',
    b'{"resourceType":7}', b'{"resourceType":"Nothing"}', b"{" * 5000, b'{"a":' * 5000,
    b'{"resourceType":"Task","description":"a\\ud800b"}', b'{"resourceType":"Task","\\udc00":"a"}',
)  # fmt: skip


async def test_bodies_that_are_not_fhir(face: Face) -> None:
    for body in NOT_FHIR:
        for method, path in (("PUT", "Task/1"), ("POST", "Subscription"), ("POST", "")):
            answer = await face.http.request(method, f"/fhir/{path}", content=body, headers={**JSON_TYPE, **face.sas})
            assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome"), (body[:50], path)


async def test_a_body_too_large(face: Face) -> None:
    body = b'{"resourceType":"Task","description":"' + b"a" * LARGEST_BODY + b'"}'
    answer = await face.http.put("/fhir/Task/1", content=body, headers={**JSON_TYPE, **face.sas})
    assert issue(answer)[:2] == (413, "too-long")


async def test_head_is_get_without_body(story: Story) -> None:
    for path in (f"Task/{story.task}", "Task", f"Task/{story.task}/_history", "metadata"):
        got = await story.get(path, story.face.sas)
        head = await story.face.http.head(f"/fhir/{path}", headers=story.face.sas)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
        assert head.headers.get("ETag") == got.headers.get("ETag")
    missing = await story.face.http.head("/fhir/Task/unknown", headers=story.face.sas)
    assert (missing.status_code, missing.content) == (404, b"")


ALLOWED = (
    ("DELETE", "Task/1", "GET, HEAD, PATCH, PUT"), ("DELETE", "Appointment/1", "GET, HEAD"),
    ("DELETE", "ServiceRequest/1", "GET, HEAD, PUT"), ("POST", "Patient", "GET, HEAD"), ("PUT", "Patient/1", "GET, HEAD"),
    ("PATCH", "Patient/1", "GET, HEAD"), ("POST", "Task", "GET, HEAD, PATCH, PUT"), ("PUT", "Practitioner/1", "GET, HEAD"),
    ("DELETE", "Subscription", "GET, HEAD, POST"), ("PATCH", "ServiceRequest?identifier=a|b", "GET, HEAD, PUT"),
    ("POST", "Task/1/_history", "GET, HEAD"), ("POST", "metadata", "GET, HEAD"), ("GET", "", "POST"), ("PUT", "", "POST"),
    ("DELETE", "Bundle", "POST"), ("GET", "Task/_search", "POST"), ("DELETE", "Task/1/_history/1", "GET, HEAD"),
)  # fmt: skip


async def test_405_says_what_is_offered(face: Face) -> None:
    for method, path, allow in ALLOWED:
        media = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else JSON_TYPE
        answer = await face.http.request(method, f"/fhir/{path}", content=b"{}", headers={**media, **face.sas})
        assert issue(answer) == (405, "not-supported", "not-supported"), (method, path)
        assert answer.headers["Allow"] == allow, (method, path)


async def test_a_scope_that_is_too_narrow(story: Story) -> None:
    token = story.face.token("software-vasseur", "system/Task.r", "system/Patient.s")
    assert (await story.get(f"Task/{story.invitations['VASSEUR']}", token)).status_code == 200
    for path, scope in (
        ("Task", "system/Task.s"),
        (f"Patient/{story.patient}", "system/Patient.r"),
        (f"Patient/{story.patient}/_history", "system/Patient.r"),
        ("ServiceRequest", "system/ServiceRequest.s"),
    ):
        answer = await story.get(path, token)
        assert issue(answer) == (403, "forbidden", "scope-missing")
        assert scope in answer.text
    assert (await story.get("Patient", token)).status_code == 200
    task, tag = await story.invitation("VASSEUR")
    refused = await story.put({**task, "status": "accepted"}, token, **{"If-Match": tag})
    assert issue(refused) == (403, "forbidden", "scope-missing")


async def test_a_scope_gives_no_more_than_the_grants(story: Story) -> None:
    everything = story.face.token("software-vasseur", "system/*.cruds")
    seen = (await story.get(f"Patient/{story.patient}", everything)).json()
    assert "name" not in seen
    assert (await story.get(f"Task/{story.task}", everything)).status_code == 404


async def test_metadata_and_options_need_no_token(face: Face) -> None:
    for answer in (await face.http.get("/fhir/metadata"), await face.http.options("/fhir")):
        assert answer.status_code == 200
        assert answer.json()["resourceType"] == "CapabilityStatement"
    for path in ("Task", "Task/1", "Practitioner", "Organization", "Task/1/_history"):
        assert issue(await face.http.get(f"/fhir/{path}"))[0] == 401


async def test_the_database_does_not_answer(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    from hub.fhir.interactions import read

    async def gone(*_: Any) -> None:
        raise OperationalError("SELECT", {}, ConnectionError("closed"))

    monkeypatch.setattr(read.resources, "current", gone)
    answer = await face.http.get("/fhir/Task/1", headers=face.sas)
    assert issue(answer) == (503, "transient", "service-unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_bug_of_ours_is_an_outcome_with_a_reference_and_nothing_else(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.fhir.interactions import read

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("CANARI-7F3A")

    monkeypatch.setattr(read.resources, "current", broken)
    answer = await face.http.get("/fhir/Task/1", headers=face.sas)
    body = answer.json()
    assert (answer.status_code, body["issue"][0]["code"]) == (500, "exception")
    assert "CANARI" not in answer.text


async def test_a_client_nobody_knows_any_more(story: Story) -> None:
    async with story.face.database.transaction() as session:
        assert await clients.revoke(session, "software-vasseur")
    answer = await story.get("Task", story.face.software("VASSEUR"))
    assert issue(answer)[0] == 401


async def test_deleted_is_410_to_who_could_see_it_and_404_to_others(story: Story) -> None:
    from hub.r4 import names

    subscription = {
        "resourceType": "Subscription", "status": "requested", "reason": "suivi",
        "criteria": f"Task?group-identifier={names.ns('sas-dossier')}|",
        "channel": {"type": "rest-hook", "endpoint": "https://localhost:8103/notifications"},
    }  # fmt: skip
    made = await story.face.http.post(
        "/fhir/Subscription", content=json.dumps(subscription), headers={**JSON_TYPE, **story.face.sas}
    )
    path = f"Subscription/{made.json()['id']}"
    for _ in range(2):  # deleting twice is no error
        gone = await story.face.http.delete(f"/fhir/{path}", headers=story.face.sas)
        assert (gone.status_code, gone.content) == (204, b"")
    assert issue(await story.get(path, story.face.sas)) == (410, "deleted", "gone")
    assert (await story.get(f"{path}/_history/1", story.face.sas)).status_code == 200
    assert issue(await story.get(f"{path}/_history/2", story.face.sas))[0] == 410
    entries = (await story.get(f"{path}/_history", story.face.sas)).json()["entry"]
    assert [entry["request"]["method"] for entry in entries] == ["DELETE", "POST"]
    assert "resource" not in entries[0]
    assert "entry" not in (await story.get("Subscription", story.face.sas)).json()
    other = story.face.token("software-vasseur", "system/Subscription.rs", "system/Task.rs")
    assert (await story.get(path, other)).status_code == 404
    never = await story.face.http.delete("/fhir/Subscription/never-was", headers=story.face.sas)
    assert never.status_code == 204
