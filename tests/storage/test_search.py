from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.refusal import Refusal
from hub.storage import resources
from hub.storage.search import query, search
from hub.storage.session import Database, Session
from tests.conftest import FrozenClock
from tests.storage.people import HUB, appointment, keep, note, patient, service_request, task


async def ids(session: Session, type: str, *params: tuple[str, str]) -> list[str]:
    return [one.id for one in (await search(session, HUB, type, list(params), count=100)).matches]


async def names(session: Session) -> None:
    await keep(
        session,
        patient("a", "Lœuilly", gender="female"),
        patient("b", "D'Été", gender="male"),
        patient("c", "Été-Dupont", name=[{"text": "Jean  DUPONT"}, {"family": "Élan"}]),
        {"resourceType": "Patient", "id": "d"},
    )


async def test_strings(session: Session, clock: FrozenClock) -> None:
    await names(session)
    assert await ids(session, "Patient", ("family", "loeuil")) == ["a"]
    assert await ids(session, "Patient", ("family", "d ete")) == ["b"]
    assert await ids(session, "Patient", ("family", "D’ÉTÉ")) == ["b"]
    assert await ids(session, "Patient", ("name", "jean dup")) == ["c"]
    assert await ids(session, "Patient", ("name", "dup")) == []
    assert await ids(session, "Patient", ("name:contains", "UPON")) == ["c"]
    assert await ids(session, "Patient", ("family:exact", "Élan")) == ["c"]
    assert await ids(session, "Patient", ("family:exact", "élan")) == []
    assert await ids(session, "Patient", ("family", "elan,loe")) == ["a", "c"]
    assert await ids(session, "Patient", ("name:missing", "true")) == ["d"]
    assert await ids(session, "Patient", ("name:missing", "false")) == ["a", "b", "c"]
    assert await ids(session, "Patient", ("family", "gtZZZ")) == []
    assert await ids(session, "Patient", ("address", "cer")) == ["a", "b", "c"]
    assert await ids(session, "Patient", ("family", "100%")) == []


async def test_tokens(session: Session, clock: FrozenClock) -> None:
    code = {
        "coding": [{"system": "urn:s", "code": "Aa", "display": "Pansement complexe"}, {"code": "nosystem"}],
        "text": "Soin",
    }
    visit = {"coding": [{"system": "urn:t", "code": "VN"}]}
    await keep(
        session,
        service_request("a", "p", code=code, identifier=[{"system": "urn:i", "value": "Xy-1", "type": visit}]),
        service_request("b", "p", code={"coding": [{"system": "urn:other", "code": "Aa"}]}, identifier=[{"value": "Xy-1"}]),
        service_request("c", "p", identifier=[]),
    )  # fmt: skip

    async def found(name: str, value: str) -> list[str]:
        return await ids(session, "ServiceRequest", (name, value))

    assert await found("code", "Aa") == ["a", "b"]
    assert await found("code", "aa") == []  # codes keep their case
    assert await found("code", "urn:s|Aa") == ["a"]
    assert await found("code", "urn:s|") == ["a"]
    assert await found("code", "|nosystem") == ["a"]
    assert await found("code", "|Aa") == []
    assert await found("code", "A") == []  # whole value
    assert await found("identifier", "xY-1") == ["a", "b"]  # identifiers do not
    assert await found("identifier", "urn:i|XY-1") == ["a"]
    assert await found("identifier", "|xy-1") == ["b"]
    assert await found("identifier:of-type", "urn:t|VN|xy-1") == ["a"]
    assert await found("identifier:of-type", "urn:t|XX|xy-1") == []
    assert await found("code:not", "urn:s|Aa") == ["b", "c"]  # those without the element too
    assert await found("code:not", "Aa,nosystem") == ["c"]
    assert await found("code:missing", "true") == ["c"]
    assert await found("code:text", "pansement") == ["a"]
    assert await found("code:text", "soin") == ["a"]
    assert await found("code:text", "complexe") == []
    assert await found("identifier:missing", "true") == ["c"]


async def test_deceased_is_true_also_for_a_date_and_false_without_the_element(
    session: Session, clock: FrozenClock
) -> None:
    await keep(
        session,
        patient("alive"),
        patient("said", deceasedBoolean=False),
        patient("dead", deceasedBoolean=True),
        patient("dated", deceasedDateTime="2020"),
    )
    assert await ids(session, "Patient", ("deceased", "true")) == ["dead", "dated"]
    assert set(await ids(session, "Patient", ("deceased", "false"))) == {"alive", "said"}


async def test_references(session: Session, clock: FrozenClock) -> None:
    await keep(
        session,
        service_request("a", "p1"),
        service_request("b", "p2", subject={"reference": "https://other.example/fhir/Patient/p1"}),
        service_request("c", "p1", subject={"reference": "Group/p1"}),
        service_request("d", "x", subject={"identifier": {"system": "urn:ins", "value": "279"}}),
        service_request(
            "e", "p1", subject={"reference": "Patient/p1/_history/3"}, instantiatesCanonical=["https://x/plan|2"]
        ),
        service_request("f", "x", subject={"reference": "#contained"}),
    )

    async def found(name: str, value: str) -> list[str]:
        return await ids(session, "ServiceRequest", (name, value))

    assert await found("subject", "Patient/p1") == ["a", "e"]
    assert await found("subject", "p1") == ["a", "c", "e"]
    assert await found("subject:Patient", "p1") == ["a", "e"]
    assert await found("subject:Group", "p1") == ["c"]
    assert await found("patient", "p1") == ["a", "e"]
    assert await found("subject", "https://other.example/fhir/Patient/p1") == ["b"]
    assert await found("subject", "https://other.example/fhir/Patient/p2") == []
    assert await found("subject:identifier", "urn:ins|279") == ["d"]
    assert await found("subject:missing", "true") == ["f"]
    assert await found("instantiates-canonical", "https://x/plan") == ["e"]
    assert await found("instantiates-canonical", "https://x/plan|2") == ["e"]
    assert await found("instantiates-canonical", "https://x/plan|3") == []


async def test_uris(session: Session, clock: FrozenClock) -> None:
    for id, url in (("a", "https://x/q"), ("b", "https://x/q/1"), ("c", "https://x/q2"), ("d", "urn:uuid:1")):
        await keep(session, {"resourceType": "Questionnaire", "id": id, "url": url, "status": "active"})

    async def found(name: str, value: str) -> list[str]:
        return await ids(session, "Questionnaire", (name, value))

    assert await found("url", "https://x/q") == ["a"]
    assert await found("url", "https://X/q") == []
    assert await found("url:below", "https://x/q") == ["a", "b"]
    assert await found("url:above", "https://x/q/1") == ["a", "b"]
    assert await found("url:below", "urn:uuid") == []


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("65", ["exact", "near"]),
        ("65.0", ["exact"]),
        ("gt65", ["near", "big", "range"]),
        ("lt65", ["range"]),
        ("ge65", ["exact", "near", "big", "range"]),
        ("le65", ["exact", "range"]),
        ("ne65", ["big", "range"]),
        ("sa65", ["near", "big"]),
        ("eb65", []),
        ("ap70", ["exact", "near", "range"]),
        ("65|urn:ucum|a", ["exact"]),
        ("65||ans", ["near"]),
        ("65|urn:ucum|mo", []),
    ],
)
async def test_quantities(session: Session, clock: FrozenClock, value: str, wanted: list[str]) -> None:
    given: dict[str, dict[str, Any]] = {
        "exact": {"valueQuantity": {"value": Decimal("65.0"), "system": "urn:ucum", "code": "a"}},
        "near": {"valueQuantity": {"value": Decimal("65.4"), "unit": "ans"}},
        "big": {"valueQuantity": {"value": 100}},
        "range": {"valueRange": {"low": {"value": 18}, "high": {"value": 75}}},
    }
    for id, context in given.items():
        await keep(
            session,
            {
                "resourceType": "Questionnaire",
                "id": id,
                "status": "active",
                "useContext": [{"code": {"code": "age"}, **context}],
            },
        )
    assert await ids(session, "Questionnaire", ("context-quantity", value)) == wanted


async def test_and_is_on_the_resource_or_inside_the_parameter(session: Session, clock: FrozenClock) -> None:
    await keep(
        session,
        patient("a", name=[{"given": ["Jean"]}, {"given": ["Marie"]}]),
        patient("b", name=[{"given": ["Jean"]}]),
    )
    assert await ids(session, "Patient", ("given", "jean"), ("given", "marie")) == ["a"]
    assert await ids(session, "Patient", ("given", "jean,marie")) == ["a", "b"]


async def web(session: Session) -> None:
    """Two patients, their requests, tasks and appointments, and who was asked."""
    await keep(
        session,
        patient("p1", "Premier"),
        patient("p2", "Second"),
        {"resourceType": "Practitioner", "id": "pr", "name": [{"family": "Vasseur"}]},
        {"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/pr"}},
        service_request("r1", "p1", requester={"reference": "PractitionerRole/role"}),
        service_request("r2", "p2", requester={"reference": "Organization/o"}),
        service_request("r3", "absent", status="draft"),
        task("t1", "r1", "p1", status="accepted", partOf=[{"reference": "Task/t2"}]),
        task("t2", "r1", "p1", status="rejected"),
        task("t3", "r2", "p2", status="accepted"),
        appointment("a1", "r1", "p1"),
    )


async def test_chains(session: Session, clock: FrozenClock) -> None:
    await web(session)
    assert await ids(session, "ServiceRequest", ("patient.family", "premier")) == ["r1"]
    assert await ids(session, "ServiceRequest", ("subject:Patient.family:exact", "Second")) == ["r2"]
    assert await ids(session, "ServiceRequest", ("requester:PractitionerRole.practitioner.family", "vass")) == ["r1"]
    assert await ids(session, "Task", ("based-on:ServiceRequest.patient.family", "second")) == ["t3"]
    assert await ids(session, "Task", ("focus.status", "draft")) == []
    assert await ids(session, "Task", ("part-of.status", "rejected")) == ["t1"]
    assert await ids(session, "Appointment", ("patient.name", "prem")) == ["a1"]
    assert await ids(session, "ServiceRequest", ("patient.name:missing", "false")) == ["r1", "r2"]
    await resources.delete(session, HUB, "Patient", "p1")
    assert await ids(session, "ServiceRequest", ("patient.family", "premier")) == []


async def test_reverse_chains(session: Session, clock: FrozenClock) -> None:
    await web(session)
    assert await ids(session, "ServiceRequest", ("_has:Task:focus:status", "accepted")) == ["r1", "r2"]
    assert await ids(
        session,
        "ServiceRequest",
        ("_has:Task:focus:status", "rejected"),
        ("_has:Appointment:based-on:status", "booked"),
    ) == ["r1"]
    assert await ids(session, "Patient", ("_has:ServiceRequest:patient:_has:Task:focus:status", "rejected")) == ["p1"]
    assert await ids(session, "Task", ("focus:ServiceRequest._has:Appointment:based-on:status", "booked")) == [
        "t1",
        "t2",
    ]
    await resources.delete(session, HUB, "Task", "t2")
    assert await ids(session, "ServiceRequest", ("_has:Task:focus:status", "rejected")) == []


async def test_includes(session: Session, clock: FrozenClock) -> None:
    await web(session)

    async def included(type: str, *params: tuple[str, str]) -> list[str]:
        page = await search(session, HUB, type, list(params))
        assert not {one.key for one in page.matches} & {one.key for one in page.includes}
        return sorted(f"{one.type}/{one.id}" for one in page.includes)

    assert await included("Task", ("_id", "t1,t2"), ("_include", "Task:focus")) == ["ServiceRequest/r1"]
    assert await included("Task", ("_id", "t1"), ("_include", "Task:part-of")) == ["Task/t2"]
    assert await included("Task", ("_id", "t1,t2"), ("_include", "Task:part-of")) == []  # already a match
    assert await included("Task", ("_id", "t1"), ("_include", "*")) == ["Patient/p1", "ServiceRequest/r1", "Task/t2"]
    assert await included("Task", ("_id", "t1"), ("_include", "Task:subject:Patient")) == ["Patient/p1"]
    assert await included("Task", ("_id", "t1"), ("_include", "Task:subject:Group")) == []
    assert await included(
        "Patient", ("_id", "p1"), ("_revinclude", "Task:patient"), ("_revinclude", "Appointment:actor")
    ) == [
        "Appointment/a1",
        "Task/t1",
        "Task/t2",
    ]
    chain = [
        ("_include", "Task:focus"),
        ("_include:iterate", "ServiceRequest:requester"),
        ("_include:iterate", "PractitionerRole:practitioner"),
    ]
    assert await included("Task", ("_id", "t1"), *chain) == [
        "Practitioner/pr",
        "PractitionerRole/role",
        "ServiceRequest/r1",
    ]
    assert await included("ServiceRequest", ("_id", "r3"), ("_include", "ServiceRequest:patient")) == []
    await resources.delete(session, HUB, "Patient", "p1")
    assert await included("Task", ("_id", "t1"), ("_include", "Task:patient")) == []


async def test_sorting_puts_those_without_a_value_last(session: Session, clock: FrozenClock) -> None:
    given = {"a": ["B", "Z"], "b": ["C"], "c": ["A", "Y"], "d": []}
    for id, families in given.items():
        await keep(session, patient(id, name=[{"family": family} for family in families]))
    assert await ids(session, "Patient", ("_sort", "family")) == ["c", "a", "b", "d"]
    assert await ids(session, "Patient", ("_sort", "-family")) == ["a", "c", "b", "d"]
    assert await ids(session, "Patient", ("_sort", "gender,-_id")) == ["d", "c", "b", "a"]
    assert await ids(session, "Patient", ("_sort", "-_lastUpdated,_id")) == ["a", "b", "c", "d"]
    assert await ids(session, "Patient", ("_sort", "identifier,_id")) == ["a", "b", "c", "d"]


SORTS = ["", "authored-on", "-authored-on", "status,-priority", "-_lastUpdated", "_id", "-patient,authored-on"]


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_give_each_match_once_in_the_order_of_one_page(
    session: Session, clock: FrozenClock, sort: str
) -> None:
    for number in range(37):
        more = {"authoredOn": f"2024-03-{number % 9 + 1:02}"} if number % 5 else {}
        await keep(
            session, task(f"t{number}", "r", f"p{number % 3}", status=("requested", "accepted")[number % 2], **more)
        )
    params = [("_sort", sort)] if sort else []
    whole = [one.id for one in (await search(session, HUB, "Task", params, count=100)).matches]
    assert len(whole) == 37
    page = await search(session, HUB, "Task", params, count=5)
    found = [one.id for one in page.matches]
    while page.next is not None:
        page = await search(session, HUB, "Task", [], cursor=page.next)
        assert len(page.matches) <= 5
        found += [one.id for one in page.matches]
    assert found == whole


async def test_paging_while_others_write(database: Database, clock: FrozenClock) -> None:
    async with database.transaction() as session:
        await keep(session, *(task(f"t{number}", "r", "p") for number in range(40)))
    found: list[str] = []
    cursor = None
    for turn in range(100):
        async with database.reading() as session:
            page = await search(session, HUB, "Task", [("status", "requested")], count=7, cursor=cursor)
        found += [one.id for one in page.matches]
        if page.next is None or len(found) >= 40:
            break
        cursor = page.next
        async with database.transaction() as session:
            await keep(session, task(f"new{turn}", "r", "p"))
            for number in (turn, 39 - turn):
                changed = await resources.lock(session, "Task", f"t{number}")
                changed["priority"] = "urgent"
                await resources.save(session, HUB, changed)
    first = [id for id in found if id.startswith("t")]
    assert first == [f"t{number}" for number in range(40)]
    assert len(found) == len(set(found))


async def test_totals(session: Session, clock: FrozenClock) -> None:
    await keep(session, *(task(f"t{number}", "r", "p") for number in range(7)))
    assert (await search(session, HUB, "Task", [], count=7)).total == 7  # costs nothing: everything is there
    assert (await search(session, HUB, "Task", [("_count", "3")])).total is None
    page = await search(session, HUB, "Task", [("_count", "3"), ("_total", "accurate")])
    assert (page.total, len(page.matches)) == (7, 3)
    for params in ([("_summary", "count")], [("_count", "0")]):
        page = await search(session, HUB, "Task", params)
        assert (page.total, page.matches, page.next) == (7, [], None)
    assert (await search(session, HUB, "Task", [("_count", "9999")])).total == 7
    await resources.delete(session, HUB, "Task", "t0")
    assert (await search(session, HUB, "Task", [("_summary", "count")])).total == 6


async def test_compartment(session: Session, clock: FrozenClock) -> None:
    await web(session)
    await keep(session, note("n", "p1"))

    async def found(type: str, *params: tuple[str, str]) -> list[str]:
        return [one.id for one in (await search(session, HUB, type, list(params), compartment="p1")).matches]

    assert await found("Task") == ["t1", "t2"]
    assert await found("Task", ("status", "accepted")) == ["t1"]
    assert await found("DocumentReference") == ["n"]
    assert await found("Patient") == ["p1"]
    with pytest.raises(Refusal):
        await found("Organization")


@pytest.mark.parametrize(
    ("type", "name", "value"),
    [
        ("Patient", "shoe-size", "42"),
        ("Patient", "family:sounds-like", "x"),
        ("Patient", "family", ""),
        ("Patient", "family", "a,,b"),
        ("Patient", "family", "--"),
        ("Patient", "birthdate:exact", "1990"),
        ("Patient", "name:missing", "maybe"),
        ("Patient", "identifier:of-type", "a|b"),
        ("Patient", "identifier", "a|b|c"),
        ("Patient", "gender.name", "x"),
        ("Patient", "_count", "many"),
        ("Patient", "_sort", "shoe-size"),
        ("Patient", "_total", "roughly"),
        ("Patient", "_summary", "x"),
        ("Patient", "_text", "x"),
        ("Patient", "_filter", "x"),
        ("Patient", "_contained", "true"),
        ("Patient", "_include", "Patient"),
        ("Patient", "_include", "Patient:name"),
        ("Patient", "_include", "Task:patient"),
        ("Patient", "_include:sometimes", "Patient:general-practitioner"),
        ("Patient", "_revinclude", "*"),
        ("Patient", "_has:Task:status", "x"),
        ("Patient", "_has:Task:status:code", "x"),
        ("Patient", "_has:Task:shoe:code", "x"),
        ("Task", "patient.shoe-size", "x"),
        ("Task", "focus:Nothing.status", "x"),
        ("Task", "part-of.part-of.part-of.part-of.part-of.status", "x"),
        ("Task", "subject:Patient", "Group/x"),
        ("Questionnaire", "context-quantity", "many"),
        ("Questionnaire", "context-quantity", "1|a"),
        ("Patient", "_id:contains", "x"),
    ],
)
async def test_what_is_not_offered_is_refused_by_name(
    session: Session, clock: FrozenClock, type: str, name: str, value: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await search(session, HUB, type, [(name, value)])
    assert (refused.value.code, refused.value.http) == ("bad-search", 400)


@given(st.lists(st.text(alphabet="ab,|$\\", max_size=6), min_size=1, max_size=4))
def test_escaped_values_survive_splitting(words: list[str]) -> None:
    escaped = [word.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$") for word in words]
    assert [query.plain(part) for part in query.parts(",".join(escaped), ",")] == words
