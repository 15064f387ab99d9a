"""search at the FHIR door: forms, pages, cursors, includes, strict and lenient, scopes (https://hl7.org/fhir/R4/search.html)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from hub.domain.people import Viewer
from hub.storage import clients, resources
from tests.conftest import FrozenClock
from tests.fhir.conftest import Face, Story, issue

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FAMILY = "PAT-TROIS"


async def organizations(face: Face, count: int) -> None:
    async with face.database.transaction() as session:
        for number in range(count):
            made = {"resourceType": "Organization", "name": f"Cabinet {number:02d}", "active": True}
            await resources.create(session, Viewer.hub(), made)


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


async def test_a_search_is_a_searchset_with_absolute_addresses(story: Story) -> None:
    answer = await story.get("Task?status=requested,received", story.face.software("VASSEUR"))
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    (entry,) = bundle["entry"]
    assert entry["fullUrl"] == f"https://hub.test/fhir/Task/{story.invitations['VASSEUR']}"
    assert entry["search"] == {"mode": "match"}
    assert parse_qs(urlsplit(link(bundle, "self") or "").query) == {"status": ["requested,received"]}


async def test_the_form_and_the_query_are_one_search(story: Story) -> None:
    headers = {**FORM, **story.face.sas}
    by_form = await story.face.http.post(
        "/fhir/Task/_search?status=accepted", content="_id=" + story.task, headers=headers
    )
    by_query = await story.get(f"Task?status=accepted&_id={story.task}", story.face.sas)
    assert by_form.status_code == 200
    assert ids(by_form.json()) == ids(by_query.json()) == [story.task]
    other = await story.face.http.post("/fhir/Task/_search?status=draft", content=f"_id={story.task}", headers=headers)
    assert ids(other.json()) == []
    for body in (b"\xff\xfe=1", "nom=é".encode()):
        bad = await story.face.http.post("/fhir/Task/_search", content=body, headers=headers)
        assert issue(bad)[0] == 400


async def test_an_unknown_parameter_is_refused_or_left_out_and_told(story: Story) -> None:
    for headers in (story.face.sas, {**story.face.sas, "Prefer": "handling=strict"}):
        assert issue(await story.get("Task?couleur=bleu", headers)) == (400, "invalid", "bad-search")
    answer = await story.get(f"Task?couleur=bleu&_id={story.task}&gout=x", story.face.sas, Prefer="handling=lenient")
    bundle = answer.json()
    assert ids(bundle) == [story.task]
    (said,) = [one for one in bundle["entry"] if one["search"]["mode"] == "outcome"]
    assert {one["severity"] for one in said["resource"]["issue"]} == {"warning"}
    assert len(said["resource"]["issue"]) == 2
    assert "couleur" not in (link(bundle, "self") or "")
    assert story.task in (link(bundle, "self") or "")
    bad_value = await story.get("Task?_lastUpdated=hier", story.face.sas)
    assert issue(bad_value)[0] == 400


STRANGE = (
    "Task?status=", "Task?_count=x", "Task?_count=-1", "Task?_sort=couleur", "Task?_include=Task", "Task?_include:iterate=x",
    "Task?_include=Patient:organization", "Task?status:exact=a", "Task?_text=a", "Task?_content=a", "Task?_filter=a",
    "Task?_total=combien", "Task?_summary=peut-etre", "Task?patient.patient.patient.patient.patient.patient.name=a",
    "Task?_has:Task:owner", "Task?_has:Nothing:owner:x=1", "Task?_lastUpdated=2026-13-40", "Task?authored-on=xx2026",
    "Task?status:not-a-modifier=a", "Task?_cursor=abc", "Task?_cursor=%00", "Task?_cursor=", "Task?due=gt",
    "Organization?name%00=a",
)  # fmt: skip


async def test_what_cannot_be_searched_is_a_400_never_a_500(story: Story) -> None:
    for path in STRANGE:
        answer = await story.get(path, story.face.sas if path.startswith("Task") else story.face.software("VASSEUR"))
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"


VALUES = ("%00", "a%00b", "%ff", "\\", "%5C%2C", "'; DROP TABLE resource; --", "%25", "_", "é", "a" * 3000, "%ED%A0%80")


async def test_values_that_are_only_strange_find_nothing(story: Story) -> None:
    for value in VALUES:
        for name in ("name", "identifier", "_id", "organization.name", "practitioner.identifier"):
            kind = "PractitionerRole" if "." in name else "Organization"
            answer = await story.get(f"{kind}?{name}={value}", story.face.software("VASSEUR"))
            assert answer.status_code in (200, 400), (name, value, answer.text)
            assert answer.status_code == 400 or "%00" not in value


async def test_pages_give_each_match_once_while_others_write(face: Face, clock: FrozenClock) -> None:
    await organizations(face, 12)
    headers = face.token("fr.health.samu950", "system/Organization.rs")
    for sort in ("", "&_sort=-name", "&_sort=name,_id"):
        url: str | None = f"/fhir/Organization?name=Cabinet&_count=5{sort}"
        seen: list[str] = []
        pages = 0
        while url:
            bundle = (await face.http.get(url, headers=headers)).json()
            seen += ids(bundle)
            pages += 1
            url = link(bundle, "next")
            assert url is None or "Cabinet" not in url  # sealed: a place says nothing
            if pages == 1:
                await organizations(face, 1)
        assert len(seen) == len(set(seen)) >= 12
        assert pages >= 3


async def test_count_zero_and_totals(face: Face) -> None:
    await organizations(face, 3)
    headers = face.token("fr.health.samu950", "system/Organization.rs")
    for query in ("_count=0", "_summary=count"):
        bundle = (await face.http.get(f"/fhir/Organization?name=Cabinet&{query}", headers=headers)).json()
        assert (bundle["total"], "entry" in bundle) == (3, False)
    first = (await face.http.get("/fhir/Organization?name=Cabinet&_count=2", headers=headers)).json()
    assert "total" not in first
    asked = (await face.http.get("/fhir/Organization?name=Cabinet&_count=2&_total=accurate", headers=headers)).json()
    assert asked["total"] == 3


async def test_a_cursor_serves_one_viewer_one_list_and_one_hour(story: Story, clock: FrozenClock) -> None:
    face = story.face
    await organizations(face, 5)
    mine, theirs = face.software("VASSEUR"), face.software("LEBRUN")
    bundle = (await face.http.get("/fhir/Organization?_count=2", headers=mine)).json()
    following = link(bundle, "next")
    assert following is not None
    assert (await face.http.get(following, headers=mine)).status_code == 200
    assert issue(await face.http.get(following, headers=theirs)) == (403, "forbidden", "forbidden")
    cursor = quote(parse_qs(urlsplit(following).query)["_cursor"][0])
    for other in (f"Patient?_cursor={cursor}", f"Task/{story.invitations['VASSEUR']}/_history?_cursor={cursor}"):
        assert issue(await story.get(other, mine)) == (400, "invalid", "bad-search")
    history = link((await story.get(f"Task/{story.task}/_history?_count=1", face.sas)).json(), "next") or ""
    of_history = quote(parse_qs(urlsplit(history).query)["_cursor"][0])
    assert issue(await story.get(f"Task?_cursor={of_history}", face.sas))[0] == 400
    assert issue(await story.get(f"Organization?_cursor={cursor[:-2]}AA", mine))[0] == 400
    clock.advance(timedelta(minutes=61))
    assert issue(await face.http.get(following, headers=face.software("VASSEUR"))) == (410, "deleted", "gone")


async def test_includes_bring_what_the_viewer_sees(story: Story) -> None:
    software = story.face.software("VASSEUR")
    query = "Task?_include=Task:patient&_include=Task:focus&_include=Task:owner&_include=Task:part-of"
    bundle = (await story.get(query, software)).json()
    included = {
        one["resource"]["resourceType"]: one["resource"]
        for one in bundle["entry"]
        if one["search"]["mode"] == "include"
    }
    assert set(included) == {"Patient", "ServiceRequest", "PractitionerRole"}  # the coordinating Task is hidden
    assert FAMILY not in str(bundle)
    assert bundle["total"] == 1
    narrow = story.face.token("software-vasseur", "system/Task.rs")
    alone = (await story.get(query, narrow)).json()
    assert {one["resource"]["resourceType"] for one in alone["entry"]} == {"Task"}
    back = (await story.get("ServiceRequest?_revinclude=Task:focus", software)).json()
    assert ids(back, "include") == [story.invitations["VASSEUR"]]


async def test_a_chain_does_not_reach_beyond_the_scope(story: Story) -> None:
    narrow = story.face.token("software-vasseur", "system/Task.rs", "system/Organization.rs")
    refused = (
        "Task?patient.gender=female", "Task?focus:ServiceRequest.priority=routine", "Task?part-of.patient.gender=female",
        "Organization?_has:PractitionerRole:organization:active=true",
    )  # fmt: skip
    for path in refused:
        assert issue(await story.get(path, narrow)) == (403, "forbidden", "scope-missing"), path
    wide = story.face.software("VASSEUR")
    assert ids((await story.get("Task?patient.gender=female", wide)).json()) == [story.invitations["VASSEUR"]]
    assert ids((await story.get("Task?patient.gender=male", wide)).json()) == []


async def test_a_cursor_does_not_widen_a_scope(story: Story) -> None:
    await organizations(story.face, 4)
    wide = story.face.token("software-vasseur", "system/Organization.rs", "system/PractitionerRole.rs")
    first = await story.get("Organization?_has:PractitionerRole:organization:active=true&_count=1", wide)
    following = link(first.json(), "next")
    assert following is not None
    narrow = story.face.token("software-vasseur", "system/Organization.rs")
    answer = await story.face.http.get(following, headers=narrow)
    assert issue(answer) == (403, "forbidden", "scope-missing")


async def test_two_offices_ask_at_once(story: Story) -> None:
    """A search of many viewers at once mixes nobody's results."""
    import asyncio

    async def one(family: str) -> tuple[str, httpx.Response]:
        return family, await story.get("Task", story.face.software(family))

    answers = await asyncio.gather(*(one(family) for family in ("VASSEUR", "LEBRUN") * 5))
    for family, answer in answers:
        assert ids(answer.json()) == [story.invitations[family]]


async def test_a_search_asked_again_is_answered_as_the_first_time(story: Story) -> None:
    everyone = {
        "sas": story.face.sas,
        "VASSEUR": story.face.software("VASSEUR"),
        "LEBRUN": story.face.software("LEBRUN"),
    }
    searches = (
        "Task", "Task?status=requested,received&_count=1", "Task?_sort=-_lastUpdated", "Task?_sort=status&_count=1",
        f"Task?focus={story.request}", "Patient?family=PAT", "Patient?gender=female&family=PAT", "ServiceRequest?status=active",
        "Task?patient.family=PAT", "Task?_id=inconnu", "Practitioner?name=O%27Neil%25%5C%22", "Organization?name=a%27%29--",
        "Task?_total=accurate", "Task?_summary=count", "Task?_include=Task:patient", "Task?authored-on=ap2026-11-13",
    )  # fmt: skip
    for name, headers in everyone.items():
        for words in searches:
            first, *others = [(await story.get(words, headers)) for _ in range(3)]
            assert first.status_code in (200, 403), (name, words, first.text)
            for other in others:
                assert without_cursor(other.json()) == without_cursor(first.json()), (name, words)


def without_cursor(bundle: dict[str, Any]) -> dict[str, Any]:
    return {**bundle, "link": [{**one, "url": one["url"].split("_cursor=")[0]} for one in bundle.get("link", [])]}


async def test_a_search_asked_again_finds_what_was_written_meanwhile_and_pages_on(face: Face) -> None:
    await organizations(face, 2)
    everyone = face.token("software-x", "system/*.rs")
    async with face.database.transaction() as session:
        await clients.keep(session, clients.Client(id="software-x", name="X", kind="software", scopes=("system/*.rs",)))
    path = "/fhir/Organization?name=Cabinet&_count=3"
    for _ in range(3):
        assert len(ids((await face.http.get(path, headers=everyone)).json())) == 2
    await organizations(face, 2)
    page = (await face.http.get(path, headers=everyone)).json()
    assert len(ids(page)) == 3
    rest = (await face.http.get(link(page, "next") or "", headers=everyone)).json()
    assert len({*ids(page), *ids(rest)}) == 4


async def test_an_unknown_parameter_asked_again_is_still_left_out_and_told(story: Story) -> None:
    for _ in range(3):
        lenient = await story.get("Task?couleur=vert", story.face.sas, Prefer="handling=lenient")
        assert lenient.status_code == 200
        assert [one["search"]["mode"] for one in lenient.json()["entry"]][-1] == "outcome"
        assert issue(await story.get("Task?couleur=vert", story.face.sas))[0] == 400
