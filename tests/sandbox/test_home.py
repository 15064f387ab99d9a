"""The home port: pages, side doors, scenes, and the refusal of other sites."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.app import compose, home
from sandbox.house import House
from sandbox.journal import Check
from sandbox.mail_rules import parse, read
from sandbox.scenes import SCENES, Hub, Scene, Step
from sandbox.world import World

HTML = {"Accept": "text/html"}
OWN = {"Origin": "http://localhost:8100", "Sec-Fetch-Site": "same-origin"}


async def two_steps(world: World, hub: Hub) -> AsyncIterator[Step]:
    yield Step(title="Le jumeau écoute", passed=True, evidence={"adresse": world.settings.url("sms")})
    world.journal.add(twin="sms", direction="in", title="un appel", verdict="200", accepted=True)
    yield Step(title="Le hub est nommé", passed=hub.url == world.settings.hub_url, look_at="/journal")


async def breaks(world: World, hub: Hub) -> AsyncIterator[Step]:
    yield Step(title="Première étape", passed=True)
    async with hub.browser(base_url="http://localhost:9") as client:
        await client.get("/")


async def endless(world: World, hub: Hub) -> AsyncIterator[Step]:
    yield Step(title="Et puis rien", passed=True)
    await asyncio.Event().wait()


def scenes() -> dict[str, Scene]:
    plays = {"deux-etapes": two_steps, "casse": breaks, "sans-fin": endless}
    return {
        name: Scene(name=name, title=f"Scène {name}", about="pour essai", play=play) for name, play in plays.items()
    }


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    house = compose(world, scenes())
    yield house
    await house.stage.close()


@pytest.fixture
async def visitor(house: House, client_for: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(home(house), base_url="http://localhost:8100") as client:
        yield client


def noted(house: House, twin: str = "dmp", **more: Any) -> int:
    fields = {
        "direction": "in",
        "title": "ITI-41 <note>",
        "verdict": "refusé",
        "accepted": False,
        "subject": "note/58",
        **more,
    }
    return house.world.journal.add(twin=twin, **fields).id


async def test_every_page_holds_in_french_under_the_policy(visitor: httpx.AsyncClient) -> None:
    for path in ("/", "/journal", "/courrier", "/adresses", "/annuaire", "/scenes/deux-etapes"):
        page = await visitor.get(path)
        assert page.status_code == 200, path
        assert '<html lang="fr">' in page.text
        assert page.text.count("<h1") == 1
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r'style="|<script|onclick=|hx-on', page.text)
        used = set(re.findall(r'href="#(i-[a-z-]+)"', page.text))
        assert used <= set(re.findall(r'symbol id="(i-[a-z-]+)"', page.text))


async def test_home_shows_twins_with_their_last_call(house: House, visitor: httpx.AsyncClient) -> None:
    noted(house)
    house.twins["sms"].faults.set("cut", times=2)
    page = (await visitor.get("/")).text
    for twin in house.twins.values():
        assert f"<b>{twin.title}</b>" in page
    assert "1\u00a0appel, dernier à" in page
    assert "panne voulue" in page and "coupe la ligne, encore 2\u00a0appels" in page
    assert "ITI-41 &lt;note&gt;" in page
    assert "Jouer<span" in page


async def test_journal_filters_and_pages(house: House, visitor: httpx.AsyncClient) -> None:
    for number in range(60):
        noted(house, title=f"appel {number:02d}", accepted=number % 2 == 0)
    noted(house, twin="sms", title="autre jumeau", subject="notice/1", accepted=True)
    first = (await visitor.get("/journal")).text
    assert "autre jumeau" in first and "appel 59" in first and "appel 10" not in first
    second = (await visitor.get("/journal", params={"page": 2})).text
    assert "appel 10" in second and "Page 2 sur 2" in second
    dmp = (await visitor.get("/journal", params={"jumeau": "dmp", "page": 99})).text
    assert "autre jumeau" not in dmp and "appel 00" in dmp
    refused = (await visitor.get("/journal", params={"refuses": "1"})).text
    assert "appel 59" in refused and "appel 58" not in refused and "autre jumeau" not in refused
    subject = (await visitor.get("/journal", params={"sujet": "notice/1"})).text
    assert "autre jumeau" in subject and "appel 59" not in subject
    nothing = (await visitor.get("/journal", params={"sujet": "inconnu"})).text
    assert "Effacer les filtres" in nothing


async def test_one_message_with_its_checks_and_a_curl_line(house: House, visitor: httpx.AsyncClient) -> None:
    request = 'POST /messages HTTP/1.1\nhost: localhost\ncontent-type: application/json\nx-it: it\'s\n\n{"to": 1}'
    checks = (
        Check(what="Empreinte exacte", passed=True),
        Check(what="Taille", passed=False, where="XDS 4.2", detail="12 octets"),
    )
    number = noted(
        house, twin="sms", request=request, answer="HTTP 400", checks=checks, facts={"status": "400"}, milliseconds=2400
    )
    page = (await visitor.get(f"/journal/{number}")).text
    for words in (
        "Empreinte exacte",
        "Taille",
        "XDS 4.2",
        "12 octets",
        "HTTP 400",
        "2,4\u00a0s",
        "/journal?sujet=note/58",
    ):
        assert words in page
    assert f"curl -sS http://localhost:8100/journal/{number}/corps |" in page
    assert "https://localhost:8107/messages" in page and "content-type: application/json" in page
    assert "host: localhost&#39;" not in page
    assert (await visitor.get(f"/journal/{number}/corps")).text == '{"to": 1}'
    assert (await visitor.get(f"/journal/{number}/message")).text == request
    assert (await visitor.get(f"/journal/{number}/reponse")).text == "HTTP 400"
    assert (await visitor.get(f"/journal/{number}/autre")).status_code == 404
    assert (await visitor.get("/journal/999", headers=HTML)).status_code == 404


async def test_letters_newest_first_with_links_and_nothing_else(house: House, visitor: httpx.AsyncClient) -> None:
    source = (
        b"From: Colibri <a@example.org>\r\nTo: b@example.org\r\nSubject: =?utf-8?q?R=C3=A9ponse?= <b>\r\n"
        b"Message-ID: <1@example.org>\r\n\r\nVoir https://hub.example.org/d/1?a=1&b=2.\r\n<script>x</script>\r\n"
    )
    house.mail.keep(sender="a@example.org", recipient="b@example.org", content=source, reading=read(parse(source)))
    house.world.clock.advance(60)
    house.sms.deliver({"to": "+33639980001", "text": "Colibri : https://hub.example.org/d/2", "reference": "r"})
    page = (await visitor.get("/courrier")).text
    assert page.index("hub.example.org/d/2") < page.index("Réponse &lt;b&gt;")
    assert '<a href="https://hub.example.org/d/1?a=1&amp;b=2">' in page
    assert "<script>" not in page
    one = (await visitor.get("/courrier", params={"a": "+33639980001"})).text
    assert "hub.example.org/d/2" in one and "Réponse" not in one


async def test_phone_addresses_and_strangers(house: House, visitor: httpx.AsyncClient) -> None:
    phone = await visitor.get("/telephone")
    assert (phone.status_code, phone.headers["location"]) == (303, "http://localhost:8102/telephone")
    assert "BEGIN CERTIFICATE" in (await visitor.get("/adresses/authority.pem")).text
    lost = await visitor.get("/nulle-part", headers=HTML)
    assert lost.status_code == 404 and "Revenir à l’accueil" in lost.text
    assert (await visitor.get("/nulle-part")).json() == {"detail": "Not Found"}
    assert (await visitor.get("/static/colibri.css")).status_code == 200


async def test_forms_set_and_stop_faults(house: House, visitor: httpx.AsyncClient) -> None:
    done = await visitor.post("/pannes", data={"jumeau": "sms", "panne": "status-503"}, headers=OWN)
    assert (done.status_code, done.headers["location"]) == (303, "/?fait=panne")
    assert "La panne est en place." in (await visitor.get("/?fait=panne")).text
    fault = house.twins["sms"].faults.active()[0]
    assert (fault.kind, fault.times, fault.value) == ("status", 3, "503")
    await visitor.post("/pannes", data={"jumeau": "sms", "panne": "mail/greylist"}, headers=OWN)
    assert [one.kind for one in house.twins["mail"].faults.active()] == ["greylist"]
    for wrong in (
        {"jumeau": "sms", "panne": "orage"},
        {"jumeau": "x", "panne": "cut"},
        {"jumeau": "sms", "panne": "sms/x"},
        {"jumeau": "sms", "panne": "sms/status"},
    ):
        assert (await visitor.post("/pannes", data=wrong, headers=OWN)).status_code == 404
    await visitor.post("/pannes/sms/arreter", headers=OWN)
    assert house.twins["sms"].faults.active() == []


async def test_forms_push_the_clock_and_empty_everything(house: House, visitor: httpx.AsyncClient) -> None:
    noted(house)
    house.sms.deliver({"to": "+33639980001", "text": "x", "reference": "r"})
    await visitor.post("/horloge", data={"avance": "heure"}, headers=OWN)
    assert house.world.clock.offset == 3600
    assert (await visitor.post("/horloge", data={"avance": "siecle"}, headers=OWN)).status_code == 404
    await visitor.post("/remise-a-zero", headers=OWN)
    assert house.world.journal.entries() == [] and house.sms.messages == []
    assert house.world.clock.offset == 3600


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8100"},
        {"Origin": "http://localhost:8102"},
    ],
)
async def test_other_sites_press_no_button(house: House, visitor: httpx.AsyncClient, headers: dict[str, str]) -> None:
    noted(house)
    for path in ("/reset", "/remise-a-zero", "/twins/sms/reset", "/scenes/deux-etapes", "/clock"):
        answer = await visitor.post(path, json={"advance": 5}, headers=headers)
        assert answer.status_code == 403, path
    assert (await visitor.delete("/twins/sms/faults", headers=headers)).status_code == 403
    assert house.world.journal.entries() and house.world.clock.offset == 0 and not house.stage.plays


async def test_our_own_forms_pass_though_their_origin_is_hidden(house: House, visitor: httpx.AsyncClient) -> None:
    for headers in ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:8100"}, {}):
        assert (await visitor.post("/remise-a-zero", headers=headers)).status_code == 303


async def test_other_names_are_not_served(visitor: httpx.AsyncClient) -> None:
    for host in ("evil.example.org", "localhost.evil.example.org:8100", ""):
        assert (await visitor.get("/", headers={"Host": host})).status_code == 421
    assert (await visitor.get("/", headers={"Host": "127.0.0.1:8100"})).status_code == 200


async def test_side_doors(house: House, visitor: httpx.AsyncClient) -> None:
    listed = (await visitor.get("/twins")).json()["twins"]
    assert [twin["name"] for twin in listed] == list(house.twins)
    wanted = {"kind": "status", "times": 2, "value": "429", "seconds": 9}
    assert (await visitor.post("/twins/sms/faults", json=wanted)).json() == {"faults": [wanted]}
    assert (await visitor.post("/twins/sms/faults", json={"kind": "orage"})).status_code == 422
    assert (await visitor.post("/twins/sms/faults", json={"kind": "cut", "when": "now"})).status_code == 422
    assert (await visitor.post("/twins/none/faults", json={"kind": "cut"})).status_code == 404
    assert (await visitor.delete("/twins/sms/faults")).json() == {"faults": []}
    first, second = noted(house, twin="sms"), noted(house, twin="sms", facts={"id": "sms-1"})
    assert [one["id"] for one in (await visitor.get("/twins/sms/journal")).json()["entries"]] == [first, second]
    late = (await visitor.get("/twins/sms/journal", params={"since": first})).json()["entries"]
    assert late[0]["facts"] == {"id": "sms-1"}
    noted(house, twin="mail")
    assert (await visitor.post("/twins/sms/reset")).json() == {"reset": ["sms"]}
    assert [entry.twin for entry in house.world.journal.entries()] == ["mail"]
    assert (await visitor.post("/reset")).json() == {"reset": list(house.twins)}
    assert (await visitor.post("/clock", json={"advance": 90})).json()["offset"] == 90
    assert (await visitor.get("/clock")).json()["offset"] == 90
    assert (await visitor.get("/twins/sms/messages")).json() == {"messages": []}


async def test_a_generic_fault_leaves_a_line(house: House, client_for: Any) -> None:
    house.sms.faults.set("status", value="503")
    async with client_for(house.sms.app) as client:
        await client.post("/messages")
    entry = house.world.journal.entries("sms")[0]
    assert entry.verdict == "panne voulue : répond par un code HTTP 503"
    assert entry.facts["fault"] == "status" and not entry.accepted


async def test_a_scene_from_a_browser(visitor: httpx.AsyncClient) -> None:
    played = await visitor.post("/scenes/deux-etapes", headers={**HTML, **OWN})
    assert played.status_code == 303
    page = (await visitor.get(played.headers["location"])).text
    assert "La scène est jouée" in page and "Le jumeau écoute" in page and "https://localhost:8107" in page
    assert 'http-equiv="refresh"' not in page
    assert (await visitor.post("/scenes/inconnue", headers=OWN)).status_code == 404


async def test_a_scene_as_lines(visitor: httpx.AsyncClient) -> None:
    async with visitor.stream("POST", "/scenes/deux-etapes", headers={"Accept": "application/x-ndjson"}) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) async for line in answer.aiter_lines()]
    assert [line.get("title") for line in lines] == ["Le jumeau écoute", "Le hub est nommé", None]
    assert lines[1]["look_at"] == "/journal"
    assert lines[-1] == {"scene": "deux-etapes", "passed": True, "steps": 2, "trouble": ""}


async def test_a_scene_that_breaks_says_so(visitor: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = await visitor.post("/scenes/casse", headers={"Accept": "application/x-ndjson"})
    end = json.loads(answer.text.splitlines()[-1])
    assert end["passed"] is False and end["steps"] == 1 and "ConnectError" in end["trouble"]
    assert "scene casse stopped" in caplog.text
    assert "s’est arrêtée avant la fin" in (await visitor.get("/scenes/casse")).text


async def test_one_scene_at_a_time(house: House, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.pages.AT_ONCE", 0.01)
    begun = await visitor.post("/scenes/sans-fin", headers=OWN)
    page = (await visitor.get(begun.headers["location"])).text
    assert 'http-equiv="refresh"' in page and "Et puis rien" in page
    refused = await visitor.post("/scenes/deux-etapes", headers={**HTML, **OWN})
    assert refused.status_code == 409 and "Une scène se joue déjà" in refused.text
    await house.stage.close()
    assert not house.stage.playing


def test_the_registry_is_keyed_by_name() -> None:
    assert all(name == scene.name and scene.title and scene.about for name, scene in SCENES.items())
