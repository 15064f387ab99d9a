"""The FHIR API of the twin as the hub asks it (rpps.md 11.1 to 11.3): pages, pace, and every way it may fail."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.rpps import api as speaking
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.settings import RppsSettings
from sandbox.rpps import API_KEY, RppsTwin
from tests.connectors.rpps.conftest import API, api_settings

PSYCHOLOGISTS = [("qualification-code", "93")]
pytestmark = pytest.mark.usefixtures("unhurried")


async def refused(api: DirectoryApi, type: str = "Practitioner", parameters: Any = PSYCHOLOGISTS) -> ConnectorFailure:
    with pytest.raises(ConnectorFailure) as caught:
        await api.search(type, parameters)
    assert API_KEY not in f"{caught.value} {caught.value.detail}"
    return caught.value


def requests(twin: RppsTwin) -> list[str]:
    return [entry.title for entry in twin.world.journal.entries("rpps")]


async def test_every_page_is_read_once(line: httpx.AsyncClient, twin: RppsTwin) -> None:
    whole = await DirectoryApi(line, api_settings(api_page=1000)).search("Practitioner", PSYCHOLOGISTS)
    asked = len(requests(twin))
    paged = await DirectoryApi(line, api_settings(api_page=7)).search("Practitioner", PSYCHOLOGISTS)
    assert paged == whole
    assert len(whole) > 14
    assert len(requests(twin)) - asked == -(-len(whole) // 7)


async def test_included_resources_come_once(api: DirectoryApi) -> None:
    parameters = [*PSYCHOLOGISTS, ("_revinclude", "PractitionerRole:practitioner")]
    found = await api.search("Practitioner", parameters)
    assert {one["resourceType"] for one in found} == {"Practitioner", "PractitionerRole"}
    assert len({(one["resourceType"], one["id"]) for one in found}) == len(found)


async def test_nothing_found_is_no_trouble(api: DirectoryApi) -> None:
    assert await api.search("Practitioner", [("identifier", "https://rpps.esante.gouv.fr|0")]) == []


async def test_no_more_calls_a_second_than_allowed(line: httpx.AsyncClient) -> None:
    api = DirectoryApi(line, api_settings(api_rate=50, api_page=20))
    started = time.monotonic()
    await api.search("Practitioner", PSYCHOLOGISTS)
    assert api.calls > 2
    assert time.monotonic() - started >= (api.calls - 1) / 50


async def test_without_address_or_key_nothing_is_asked(line: httpx.AsyncClient, twin: RppsTwin) -> None:
    for changes in ({"api_url": ""}, {"api_key": ""}):
        assert (await refused(DirectoryApi(line, api_settings(**changes)))).code == "no-api"
    assert requests(twin) == []


async def test_the_key_is_shown_nowhere() -> None:
    known = RppsSettings(api_url=API, api_key=API_KEY)  # type: ignore[call-arg,arg-type]
    assert known.has_api
    assert API_KEY not in f"{known!r} {known} {known.model_dump()}"


async def test_a_key_that_is_not_known(line: httpx.AsyncClient) -> None:
    trouble = await refused(DirectoryApi(line, api_settings(api_key="autre")))
    assert (trouble.kind, trouble.code) == (Kind.DENIED, "api-denied")
    assert trouble.detail.startswith("status 403 forbidden: Cette clé")


async def test_the_words_of_a_refusal_are_told(api: DirectoryApi) -> None:
    trouble = await refused(api, parameters=[("couleur", "bleu")])
    assert (trouble.kind, trouble.code) == (Kind.REFUSED, "api-refused")
    assert trouble.detail == "status 400 not-supported: Paramètre de recherche inconnu : couleur."


@pytest.mark.parametrize(("kind", "value"), [("status", "503"), ("status", "500"), ("status", "429"), ("cut", "")])
async def test_a_passing_trouble_is_not_seen(
    api: DirectoryApi, twin: RppsTwin, kind: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "_seconds", lambda header: 0.01 if header else None)
    twin.faults.set(kind, times=2, value=value)
    assert await api.search("Practitioner", PSYCHOLOGISTS)


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"kind": "status", "value": "500"}, Kind.UNREACHABLE, "api-silent"),
        ({"kind": "status", "value": "503", "seconds": 3600}, Kind.BUSY, "api-busy"),
        ({"kind": "status", "value": "429", "seconds": 3600}, Kind.BUSY, "api-busy"),
        ({"kind": "cut"}, Kind.UNREACHABLE, "api-silent"),
        ({"kind": "html"}, Kind.GARBLED, "api-garbled"),
    ],
)
async def test_a_lasting_trouble_is_told(
    api: DirectoryApi, twin: RppsTwin, fault: dict[str, Any], kind: Kind, code: str
) -> None:
    twin.faults.set(**fault, times=0)
    trouble = await refused(api)
    assert (trouble.kind, trouble.code) == (kind, code)
    assert trouble.retry_after == (3600 if "seconds" in fault else None)


async def test_an_answer_that_never_comes(line: httpx.AsyncClient, twin: RppsTwin) -> None:
    twin.faults.set("silence", times=0, seconds=5)
    trouble = await refused(DirectoryApi(line, api_settings(api_timeout=0.02)))
    assert (trouble.code, trouble.detail) == ("api-silent", "TimeoutError")


async def test_a_page_that_expired_once_starts_the_search_again(line: httpx.AsyncClient, twin: RppsTwin) -> None:
    api = DirectoryApi(line, api_settings(api_page=7))
    whole = await api.search("Practitioner", PSYCHOLOGISTS)
    twin.faults.set("page-expired")
    assert await api.search("Practitioner", PSYCHOLOGISTS) == whole
    twin.faults.set("page-expired", times=0)
    assert (await refused(api)).code == "page-lost"


async def test_another_host_is_not_followed(line: httpx.AsyncClient, twin: RppsTwin) -> None:
    twin.faults.set("page-elsewhere")
    trouble = await refused(DirectoryApi(line, api_settings(api_page=7)))
    assert (trouble.code, trouble.detail) == ("api-elsewhere", "ailleurs.example")
    assert len(requests(twin)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        b'{"resourceType": "Patient"}',
        b'{"resourceType": "Bundle", "entry": {}}',
        b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Practitioner"}}]}',
        b'{"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://annuaire.test/fhir/v2/_page?id=1"}]}',
        b'{"resourceType": "Bundle", "entry": [' + b" " * 3000 + b"]}",
    ],
)
async def test_an_answer_that_is_no_searchset(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "MOST_BYTES", 2000 if len(body) < 50_000 else 200_000)
    peer = httpx.MockTransport(lambda _request: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=peer) as http:
        assert (await refused(DirectoryApi(http, api_settings()))).code == "api-garbled"


@pytest.mark.parametrize(
    "link", ["http://annuaire.test/x", "https://annuaire.test:444/x", "/x", "https://[", "file:///x"]
)
async def test_only_the_same_origin_is_followed(link: str) -> None:
    asked = []

    def peer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"resourceType": "Bundle", "link": [{"relation": "next", "url": link}]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(peer)) as http:
        assert (await refused(DirectoryApi(http, api_settings()))).code == "api-elsewhere"
    assert len(asked) == 1


async def test_an_outcome_among_the_entries_is_no_resource() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome"}}]}
    peer = httpx.MockTransport(lambda _request: httpx.Response(200, json=bundle))
    async with httpx.AsyncClient(transport=peer) as http:
        assert await DirectoryApi(http, api_settings()).search("Practitioner", []) == []


async def test_a_key_that_is_quoted_back_is_not_repeated() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "x", "diagnostics": f"clé {API_KEY}\n?"}]}
    peer = httpx.MockTransport(lambda _request: httpx.Response(400, json=outcome))
    async with httpx.AsyncClient(transport=peer) as http:
        assert (await refused(DirectoryApi(http, api_settings()))).detail == "status 400 x: clé …?"
