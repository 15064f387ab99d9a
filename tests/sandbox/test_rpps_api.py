"""The FHIR API of the directory twin (rpps specification 11, 15): access, searches, pages, increments."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.rpps import API_KEY, RppsTwin, oddities
from sandbox.rpps.api.refusals import RefusedCallError
from sandbox.rpps.api.search import INCLUDES, read

VASSEUR, NGUYEN = "99700999909", "99700950043"
RPPS = "https://rpps.esante.gouv.fr"
TYPES = ("Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device")
Json = dict[str, Any]


@pytest.fixture
def twin(world):
    return RppsTwin(world)


class Caller:
    """Calls the API, at most sixteen times in one second of its clock."""

    def __init__(self, http: httpx.AsyncClient, twin: RppsTwin) -> None:
        self.http, self.twin = http, twin

    async def answer(self, path: str, **params: Any) -> httpx.Response:
        self.twin.world.clock.advance(0.07)
        return await self.http.get(path, params=params or None)

    async def get(self, path: str, **params: Any) -> Json:
        answer = await self.answer(path, **params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/fhir+json")
        return answer.json()

    async def found(self, path: str, **params: Any) -> list[Json]:
        return [entry["resource"] for entry in (await self.get(path, **params)).get("entry", [])]

    async def ids(self, path: str, **params: Any) -> set[str]:
        return {one["id"] for one in await self.found(path, **{"_count": 10000, **params})}

    async def refused(self, path: str, **params: Any) -> tuple[int, str]:
        answer = await self.answer(path, **params)
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome" and outcome["issue"][0]["diagnostics"]
        return answer.status_code, outcome["issue"][0]["code"]

    async def pages(self, bundle: Json) -> list[Json]:
        """Every entry, page after page."""
        found = list(bundle.get("entry", []))
        while link := following(bundle):
            bundle = await self.get(link)
            found += bundle["entry"]
        return [entry["resource"] for entry in found]


def following(bundle: Json) -> str:
    """Path of the next page, with its query."""
    url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if url else ""


@pytest.fixture
async def http(twin, client_for):
    async with client_for(twin.app, headers={"ESANTE-API-KEY": API_KEY}) as client:
        yield client


@pytest.fixture
async def api(http, twin):
    return Caller(http, twin)


def codes(resource: Json) -> set[tuple[str, str]]:
    """(system without its path, code) of every qualification."""
    every = [coding for one in resource["qualification"] for coding in one["code"]["coding"]]
    return {(coding["system"].rpartition("/")[2], coding["code"]) for coding in every}


async def test_a_key_is_asked_for(twin, client_for) -> None:
    async with client_for(twin.app) as stranger:
        none = await stranger.get("/fhir/v2/Practitioner")
        wrong = await stranger.get("/fhir/v2/Practitioner", headers={"ESANTE-API-KEY": "autre"})
    assert (none.status_code, wrong.status_code) == (401, 403)
    assert none.json()["resourceType"] == wrong.json()["resourceType"] == "OperationOutcome"
    assert [entry.accepted for entry in twin.world.journal.entries("rpps")] == [False, False]
    assert "autre" not in twin.world.journal.entries("rpps")[-1].request


async def test_seventeen_calls_a_second(http, twin, monkeypatch) -> None:
    moment = twin.world.clock.now()
    monkeypatch.setattr(twin.world.clock, "now", lambda: moment)
    answers = [(await http.get("/fhir/v2/Device/x")).status_code for _ in range(18)]
    assert answers == [404] * 17 + [429]
    moment += timedelta(seconds=1)
    assert (await http.get("/fhir/v2/Device/x")).status_code == 404


async def test_nothing_is_written_there(http) -> None:
    for method, path in (
        *(("PUT", "Practitioner/1"), ("DELETE", "Practitioner/1"), ("PATCH", "Practitioner/1")),
        ("POST", "Practitioner"),
    ):
        answer = await http.request(method, f"/fhir/v2/{path}", json={})
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_it_says_what_it_is(api) -> None:
    said = await api.get("/fhir/v2/metadata")
    assert (said["resourceType"], said["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert [one["type"] for one in said["rest"][0]["resource"]] == list(TYPES)
    organization = said["rest"][0]["resource"][2]
    assert {"partof", "pharmacy-licence"} <= {one["name"] for one in organization["searchParam"]}
    assert organization["searchRevInclude"] == [one for one in INCLUDES if one.endswith(":organization")]


async def test_what_it_does_not_know_is_refused(api) -> None:
    assert await api.refused("/fhir/v2/Patient") == (404, "not-supported")
    assert await api.refused("/fhir/v2/Practitioner/x/_history") == (404, "not-found")
    assert await api.refused("/fhir/v2/Practitioner", colour="red") == (400, "not-supported")
    for name in ("_summary", "_sort", "_has", "_since", "_unknown"):
        assert (await api.refused("/fhir/v2/Practitioner", **{name: "x"}))[0] == 400, name
    assert (await api.refused("/fhir/v2/Practitioner", **{"family:phonetic": "x"}))[0] == 400
    assert (await api.refused("/fhir/v2/Practitioner", family="")) == (400, "value")
    assert (await api.refused("/fhir/v2/Practitioner", _lastUpdated="gehier")) == (400, "value")
    assert (await api.refused("/fhir/v2/Practitioner", _lastUpdated="2026-13-01")) == (400, "value")
    assert (await api.refused("/fhir/v2/Practitioner", _include="Practitioner:nobody")) == (400, "value")
    assert (await api.refused("/fhir/v1/Practitioner")) == (410, "not-supported")
    assert (await api.refused("/fhir/v2/Practitioner", _format="xml"))[0] == 400


async def test_a_doctor_as_the_guide_draws_one(api) -> None:
    (doctor,) = await api.found("/fhir/v2/Practitioner", identifier=f"{RPPS}|{VASSEUR}")
    assert re.fullmatch(r"003-\d{7}-\d{7}", doctor["id"]) and doctor["active"] is True
    assert [one["value"] for one in doctor["identifier"]] == ["8" + VASSEUR, VASSEUR]
    assert doctor["name"] == [
        {"use": "usual", "family": "VASSEUR", "given": ["Hélène"], "prefix": ["MME"], "suffix": ["DR"]}
    ]
    assert {("TRE-G15-ProfessionSante", "10"), ("TRE-R38-SpecialiteOrdinale", "SM26")} <= codes(doctor)
    assert doctor["telecom"][0]["extension"][0]["valueCoding"]["code"] == "MSSANTE"
    trace = {one["url"]: one for one in doctor["meta"]["extension"][0]["extension"]}
    assert trace["systeme-information"]["valueCode"] == "RPPS"
    assert trace["date-maj-ae"]["valueDate"] < doctor["meta"]["lastUpdated"][:10]
    assert (await api.get(f"/fhir/v2/Practitioner/{doctor['id']}")) == doctor
    assert (await api.get(f"/fhir/Practitioner/{doctor['id']}")) == doctor


async def test_two_exercises_are_two_practitioners_of_one_number(api) -> None:
    both = await api.found("/fhir/v2/Practitioner", identifier=NGUYEN)
    assert len(both) == 2
    assert {code for one in both for system, code in codes(one) if "ProfessionSante" in system} == {"10", "60"}
    assert {one["id"].split("-")[1] for one in both} == {both[0]["id"].split("-")[1]}


async def test_the_same_persons_as_in_the_files_without_adeli(api, twin) -> None:
    found = await api.found("/fhir/v2/Practitioner", _count=10000)
    listed = {id for id in twin.current().directory.people if id.startswith("8")}
    assert {one["identifier"][0]["value"] for one in found} == listed
    psychologist = oddities.ODDITIES["psychologist, code 93"].national_id
    (one,) = [one for one in found if one["identifier"][0]["value"] == psychologist]
    assert ("TRE-R95-UsagerTitre", "93") in codes(one)


async def test_an_address_in_parts(api, twin) -> None:
    (place,) = await api.found("/fhir/v2/Organization", identifier="R10000000950001")
    (address,) = place["address"]
    assert (address["postalCode"], address["extension"][0]["valueCoding"]["code"]) == ("95000", "95127")
    parts = {
        part["url"].rpartition("-")[2]: part["valueString"]
        for line in address["_line"]
        if line
        for part in line["extension"]
    }
    printed = twin.current().directory.people["8" + VASSEUR].exercises[0].activities[0].structure
    assert (parts["houseNumber"], parts["streetNameType"]) == (printed.house_number, printed.street_type_code)
    assert len(address["line"]) == len(address["_line"])


PARAMETERS: list[tuple[dict[str, Any], bool]] = [
    ({"family": "vass"}, True),
    ({"family": "VASSEUR"}, True),
    ({"family": "sseur"}, False),
    ({"family:contains": "sseur"}, True),
    ({"family:exact": "Vasseur"}, False),
    ({"family:exact": "VASSEUR"}, True),
    ({"given:exact": "Helene"}, False),
    ({"given": "helene", "family": "vasseur"}, True),
    ({"name": "vasseur"}, True),
    ({"family": "inconnue,vasseur"}, True),
    ({"identifier": f"urn:oid:1.2.250.1.71.4.2.1|8{VASSEUR}"}, True),
    ({"identifier": f"{RPPS}|8{VASSEUR}"}, False),
    ({"identifier": f"{RPPS}|"}, True),
    ({"identifier": f"|{VASSEUR}"}, False),
    ({"qualification-code": "SM26", "family": "vasseur"}, True),
    ({"qualification-code": "SM54", "family": "vasseur"}, False),
    ({"qualification-code": ["10", "SM26"], "family": "vasseur"}, True),
    ({"qualification-code": ["10", "60"], "family": "vasseur"}, False),
    ({"qualification-code": "60,10", "family": "vasseur"}, True),
    ({"active": "true", "family": "vasseur"}, True),
    ({"active": "false", "family": "vasseur"}, False),
    ({"mailbox-mss": "helene.vasseur@"}, True),
    ({"mailbox-mss-type": "PER", "family": "vasseur"}, True),
    ({"data-registration-authority": "CNOM", "family": "vasseur"}, True),
    ({"data-information-system": "FINESS", "family": "vasseur"}, False),
    ({"identifier-type": "RPPS", "family": "vasseur"}, True),
]


async def test_practitioner_parameters(api) -> None:
    for params, family in PARAMETERS:
        found = await api.found("/fhir/v2/Practitioner", _count=10000, _elements="identifier", **params)
        assert (("8" + VASSEUR) in {one["identifier"][0]["value"] for one in found}) is family, params


async def test_roles_and_places(api) -> None:
    (doctor,) = await api.found("/fhir/v2/Practitioner", identifier=VASSEUR)
    roles = await api.found("/fhir/v2/PractitionerRole", practitioner=f"Practitioner/{doctor['id']}")
    assert roles == await api.found("/fhir/v2/PractitionerRole", practitioner=doctor["id"], role="L")
    assert {one["url"] if "url" in one else one["reference"] for one in (roles[0]["practitioner"],)} == {
        f"Practitioner/{doctor['id']}"
    }
    assert re.fullmatch(r"005-\d{7}-\d{7}", roles[0]["id"])
    place = roles[0]["organization"]["reference"].partition("/")[2]
    assert await api.ids("/fhir/v2/Organization", _id=place) == {place}
    pharmacies = await api.ids("/fhir/v2/Organization", type="SA33")
    others = await api.ids("/fhir/v2/Organization", **{"type:not": "SA33"})
    assert pharmacies and not pharmacies & others
    assert pharmacies | others == await api.ids("/fhir/v2/Organization")
    cergy = await api.found("/fhir/v2/Organization", **{"address-postalcode": "95000", "address-city": "cergy"})
    assert cergy and all(one["address"][0]["postalCode"] == "95000" for one in cergy)
    assert await api.ids("/fhir/v2/Organization", **{"pharmacy-licence": "95"}) <= pharmacies


async def test_what_a_page_includes(api) -> None:
    roles = await api.get(
        "/fhir/v2/PractitionerRole",
        _count=5,
        _include=["PractitionerRole:practitioner", "PractitionerRole:organization"],
    )
    modes = Counter((entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in roles["entry"])
    assert modes[("PractitionerRole", "match")] == 5
    assert 1 <= modes[("Practitioner", "include")] <= 5 and modes[("Organization", "include")]
    hospitals = await api.get("/fhir/v2/Organization", type="SA01", _count=1, _revinclude="*", _include="*")
    kinds = Counter(entry["resource"]["resourceType"] for entry in hospitals["entry"])
    assert kinds["PractitionerRole"] > 5 and kinds["HealthcareService"] == 3 and kinds["Device"] == 2
    assert kinds["Organization"] == 2  # the place and its legal entity
    assert all(entry["fullUrl"].endswith(entry["resource"]["id"]) for entry in hospitals["entry"])


async def test_elements_and_totals(api) -> None:
    bundle = await api.get("/fhir/v2/Practitioner", _elements="name,active", _count=3, _total="accurate")
    one = bundle["entry"][0]["resource"]
    assert set(one) == {"resourceType", "id", "meta", "name", "active"}
    assert one["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert bundle["total"] > 3000
    assert "total" not in await api.get("/fhir/v2/Practitioner", _total="none", _count=1)
    nothing = await api.get("/fhir/v2/Practitioner", family="personne-du-tout")
    assert nothing["total"] == 0 and "entry" not in nothing


async def test_a_search_may_be_posted(http) -> None:
    answer = await http.post("/fhir/v2/Practitioner/_search?_count=5", data={"identifier": VASSEUR})
    assert [entry["resource"]["name"][0]["family"] for entry in answer.json()["entry"]] == ["VASSEUR"]
    assert (await http.post("/fhir/v2/Practitioner/_search", json={"identifier": VASSEUR})).status_code == 400


async def test_pages_show_what_the_first_one_saw(api, twin) -> None:
    expected = await api.ids("/fhir/v2/Organization", type="SA33")
    first = await api.get("/fhir/v2/Organization", type="SA33", _count=20)
    assert [link["relation"] for link in first["link"]] == ["self", "next"]
    before = {json.dumps(one) for one in await api.found("/fhir/v2/Organization", type="SA33", _count=10000)}
    twin.next_day(6)
    found = await api.pages(first)
    assert [one["id"] for one in found] == list(dict.fromkeys(one["id"] for one in found))
    assert {one["id"] for one in found} == expected
    assert {json.dumps(one) for one in found} == before
    assert len((await api.get("/fhir/v2/Practitioner"))["entry"]) == 50


async def test_a_page_does_not_live_long(api, twin) -> None:
    link = following(await api.get("/fhir/v2/Practitioner", _count=2))
    twin.world.clock.advance(599)
    assert (await api.answer(link)).status_code == 200
    twin.world.clock.advance(10)
    assert await api.refused(link) == (410, "expired")
    assert await api.refused("/fhir/v2/_page", id="inconnue") == (404, "not-found")
    other = following(await api.get("/fhir/v2/Practitioner", _count=2))
    twin.faults.set("page-expired")
    assert await api.refused(other) == (410, "expired")


async def test_the_next_page_of_a_chained_search_fails(api) -> None:
    first = await api.get("/fhir/v2/PractitionerRole", **{"organization.address-city": "cergy", "_count": 2})
    assert len(first["entry"]) == 2
    assert (await api.refused(following(first)))[0] == 500
    (doctor,) = await api.found("/fhir/v2/PractitionerRole", **{"practitioner.identifier": VASSEUR})
    assert doctor["resourceType"] == "PractitionerRole"


async def test_the_api_and_the_files_tell_the_same_night(api, twin) -> None:
    before = {one["id"]: one for one in await api.found("/fhir/v2/Practitioner", _count=10000)}
    night = twin.next_day()
    told, day = night.directory.since, night.at.date().isoformat()
    changed = await api.found("/fhir/v2/Practitioner", _lastUpdated=f"ge{day}", _count=10000)
    by_number = {one["identifier"][0]["value"]: one for one in changed}
    gone = {number for number, one in by_number.items() if one["active"] is False}
    assert gone == set(told.removed) | set(told.forgotten)
    assert {
        number for number in by_number if number not in {one["identifier"][0]["value"] for one in before.values()}
    } == set(told.added)
    touched = {id for people in told.shown().values() for id in people}
    since_then = {
        number for number, one in by_number.items() if datetime.fromisoformat(one["meta"]["lastUpdated"]) >= night.at
    }
    assert since_then <= touched
    departed = by_number[told.removed[0]]
    assert set(departed) == {"resourceType", "id", "meta", "identifier", "active"}
    was = before[departed["id"]]["meta"]["versionId"]
    assert int(departed["meta"]["versionId"]) == int(was) + 1
    roles = await api.found("/fhir/v2/PractitionerRole", _lastUpdated=f"ge{day}", active="false", _count=10000)
    assert len(roles) >= len(told.moved) + len(told.ended)
    twin.next_day()
    back = [one for one in await api.found("/fhir/v2/Practitioner", identifier="8" + told.forgotten[0][1:])]
    assert [one["active"] for one in back] == [True] and int(back[0]["meta"]["versionId"]) == int(was) + 2


PRECISIONS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "instant": "%Y-%m-%dT%H:%M:%SZ"}
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "")


async def test_prefixes_and_precisions(api, twin) -> None:
    """Against a slow count by hand; with a lower bound, only as far as the memory of the API reaches."""
    night = twin.next_day().at
    everything = await api.found("/fhir/v2/Practitioner", _count=10000, _elements="active")
    updated = {
        one["id"]: datetime.fromisoformat(one["meta"]["lastUpdated"]).astimezone(night.tzinfo) for one in everything
    }
    oldest = twin.world.clock.now() - timedelta(days=30)
    for prefix in PREFIXES:
        for text in PRECISIONS.values():
            value = night.strftime(text)
            wanted = set()
            for id, at in updated.items():
                own = at.strftime(text)
                reach = {"eq": own == value, "": own == value, "ne": own != value, "gt": own > value, "lt": own < value}
                reach |= {"ge": own >= value, "le": own <= value, "ap": own == value}
                if reach[prefix] and (at >= oldest or prefix in ("ne", "lt", "le")):
                    wanted.add(id)
            found = await api.ids("/fhir/v2/Practitioner", _lastUpdated=prefix + value, _elements="active")
            assert wanted <= found if prefix == "ap" else found == wanted, prefix + value


async def test_two_bounds(api, twin) -> None:
    first, second = twin.next_day().at, twin.next_day().at
    between = await api.found(
        "/fhir/v2/Practitioner",
        _lastUpdated=[f"ge{first:%Y-%m-%dT%H:%M:%S}", f"lt{second:%Y-%m-%dT%H:%M:%S}"],
        _count=10000,
    )
    assert between
    assert {datetime.fromisoformat(one["meta"]["lastUpdated"]) for one in between} == {first}


async def test_thirty_days_of_memory(api, twin) -> None:
    night = twin.next_day()
    since = f"ge{night.at:%Y-%m-%d}"
    leaver = night.directory.since.removed[0]
    assert leaver in {
        one["identifier"][0]["value"]
        for one in await api.found("/fhir/v2/Practitioner", _lastUpdated=since, _count=10000)
    }
    for _ in range(31):
        twin.world.clock.advance(86400)
        twin.current()
    found = await api.found("/fhir/v2/Practitioner", _lastUpdated=since, _count=10000)
    assert found and leaver not in {one["identifier"][0]["value"] for one in found}
    assert len(await api.ids("/fhir/v2/Practitioner", identifier=leaver)) == 1  # not deleted all the same
    twin.faults.set("memory-refused")
    assert (await api.refused("/fhir/v2/Practitioner", _lastUpdated=since)) == (400, "too-costly")


async def test_the_conformance_profiles(api, conformance) -> None:
    """Top elements that the published as-dp profiles ask for or forbid."""
    for type in TYPES:
        for resource in await api.found(f"/fhir/v2/{type}", _count=120):
            url = next(one for one in resource["meta"]["profile"] if "/annuaire/" in one)
            name = f"StructureDefinition-{url.rpartition('/')[2]}.json"
            profile = json.loads((conformance / "fhir/profiles/annuaire-1.1.0" / name).read_text())
            for element in profile["snapshot"]["element"]:
                parts = element["id"].split(".")
                if len(parts) != 2 or ":" in parts[1] or parts[1].endswith("[x]"):
                    continue
                held = parts[1] in resource
                assert held or not element["min"], (type, parts[1])
                assert not held or element["max"] != "0", (type, parts[1])


NAMES = st.sampled_from(
    ["family", "family:contains", "identifier", "_lastUpdated", "_count", "_elements", "_total", "practitioner"]
)
DATES = st.from_regex(
    r"(eq|ap|ge|lt)?[0-9]{4}(-[0-9]{2}){0,2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?", fullmatch=True
)


@given(st.lists(st.tuples(NAMES, st.one_of(st.text(), DATES)), max_size=4), st.datetimes(timezones=st.just(UTC)))
def test_any_search_is_read_or_refused(pairs: list[tuple[str, str]], updated: datetime) -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    resource = {
        "resourceType": "Practitioner",
        "name": [{"family": "A|,"}],
        "meta": {"lastUpdated": updated.isoformat()},
    }
    try:
        search = read("Practitioner", pairs, {}, now)
    except RefusedCallError as refusal:
        assert refusal.status == 400
    else:
        assert search.test(resource) in (True, False)


@pytest.mark.parametrize("pair", [("_lastUpdated", "ap0001"), ("_lastUpdated", "ap9998"), ("_count", "9" * 5000)])
def test_values_at_the_edge_of_reason(pair: tuple[str, str]) -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    search = read("Practitioner", [pair], {}, now)
    assert search.test({"meta": {"lastUpdated": now.isoformat()}}) in (True, False)


async def test_a_page_may_be_announced_elsewhere(api, twin) -> None:
    twin.faults.set("page-elsewhere")
    away = await api.get("/fhir/v2/Practitioner", _count=5)
    assert next(link["url"] for link in away["link"] if link["relation"] == "next").startswith(
        "https://ailleurs.example/"
    )
    assert following(await api.get("/fhir/v2/Practitioner", _count=5)).startswith("/fhir/v2/_page")


async def test_a_resource_may_be_malformed(api, twin) -> None:
    twin.faults.set("resource-malformed")
    first, second, *_ = await api.found("/fhir/v2/Practitioner", _count=5)
    assert first["identifier"] == "sans forme"
    assert isinstance(second["identifier"], list)
    assert isinstance((await api.found("/fhir/v2/Practitioner", _count=5))[0]["identifier"], list)
