"""The SMS gateway: what it delivers, what it recognises, what it refuses."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sandbox.gsm7 import septets, strangers
from sandbox.sms import SmsTwin
from sandbox.world import World

TOKEN = {"Authorization": "Bearer jeton-invente-sms"}
GOOD = {"to": "+33639980001", "text": "Colibri : une demande attend votre réponse.", "reference": "notice/1"}


@pytest.fixture
def twin(world: World) -> SmsTwin:
    return SmsTwin(world)


@pytest.fixture
def phone(twin: SmsTwin, client_for: Any) -> httpx.AsyncClient:
    client: httpx.AsyncClient = client_for(twin.app, headers=TOKEN)
    return client


async def test_delivers_once(twin: SmsTwin, phone: httpx.AsyncClient) -> None:
    first = await phone.post("/messages", json=GOOD)
    again = await phone.post("/messages", json=GOOD)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] == twin.messages[0].id
    assert [(message.to, message.text) for message in twin.messages] == [(GOOD["to"], GOOD["text"])]
    kept = twin.world.journal.entries("sms")
    assert [entry.facts["repeat"] for entry in kept] == ["false", "true"]
    assert all(entry.accepted and entry.subject == "notice/1" for entry in kept)
    assert "jeton-invente" not in kept[0].request


async def test_same_reference_other_text_is_noted(twin: SmsTwin, phone: httpx.AsyncClient) -> None:
    await phone.post("/messages", json=GOOD)
    again = await phone.post("/messages", json={**GOOD, "text": "Autre texte."})
    assert again.status_code == 200
    assert len(twin.messages) == 1
    entry = twin.world.journal.entries("sms")[-1]
    assert entry.verdict == "200, déjà délivré, 1 remarque"
    assert [check.passed for check in entry.checks][-1] is False


def test_lengths_count_the_extension_table_twice() -> None:
    assert septets("é" * 10) == 10
    assert septets("[€]") == 6
    assert strangers("ça coûte 3 €, l’été") == ["ç", "û", "’"]
    assert strangers("Éa\u00a0b") == ["\u00a0"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"to": "0639980001"}, "numéro"),
        ({"to": "+33199000101"}, "numéro"),
        ({"to": "+336399800011"}, "numéro"),
        ({"text": "  "}, "vide"),
        ({"text": "a" * 161}, "161"),
        ({"text": "a" * 159 + "€"}, "161"),
        ({"text": "Rendez-vous à l’hôpital"}, "U+2019 U+00F4"),
        ({"reference": ""}, "référence"),
        ({"text": 12}, "text"),
        ({"flash": True}, "flash"),
    ],
)
async def test_refuses(twin: SmsTwin, phone: httpx.AsyncClient, change: dict[str, Any], says: str) -> None:
    answer = await phone.post("/messages", json={**GOOD, **change})
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert twin.messages == []
    assert not twin.world.journal.entries("sms")[0].accepted


@pytest.mark.parametrize("to", ["+33639980001", "+33712345678", "+262692123456", "+590690123456", "+594694123456"])
async def test_takes_french_mobiles(phone: httpx.AsyncClient, to: str) -> None:
    assert (await phone.post("/messages", json={**GOOD, "to": to, "text": "a" * 160})).status_code == 201


@pytest.mark.parametrize("token", ["", "Bearer autre", "Basic jeton-invente-sms"])
async def test_asks_for_its_token(twin: SmsTwin, client_for: Any, token: str) -> None:
    async with client_for(twin.app) as stranger:
        answer = await stranger.post("/messages", json=GOOD, headers={"Authorization": token} if token else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert twin.messages == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b'{"to":"+33639980001"}', "text/plain")],
)
async def test_reads_json_objects_only(phone: httpx.AsyncClient, content: bytes, kind: str) -> None:
    answer = await phone.post("/messages", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_wanted_faults(twin: SmsTwin, phone: httpx.AsyncClient) -> None:
    twin.faults.set("status", value="429", seconds=30)
    busy = await phone.post("/messages", json=GOOD)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "30")
    twin.faults.set("unknown-number")
    assert (await phone.post("/messages", json=GOOD)).status_code == 400
    twin.faults.set("lost-answer")
    with pytest.raises(httpx.RemoteProtocolError):
        await phone.post("/messages", json=GOOD)
    assert (await phone.post("/messages", json=GOOD)).status_code == 200
    assert len(twin.messages) == 1


async def test_an_identity_number_is_noted(twin: SmsTwin, phone: httpx.AsyncClient) -> None:
    await phone.post("/messages", json={**GOOD, "text": "INS 279035121518989"})
    entry = twin.world.journal.entries("sms")[0]
    assert entry.verdict == "201, délivré, 1 remarque"


async def test_side_door_and_reset(twin: SmsTwin, phone: httpx.AsyncClient, client_for: Any) -> None:
    await phone.post("/messages", json=GOOD)
    await phone.post("/messages", json={**GOOD, "to": "+33639980002", "reference": "notice/2"})

    home = FastAPI()
    home.include_router(twin.side, prefix="/twins/sms")
    async with client_for(home) as side:
        found = (await side.get("/twins/sms/messages", params={"to": "+33639980002"})).json()["messages"]
        assert [message["reference"] for message in found] == ["notice/2"]
    twin.reset()
    assert twin.messages == [] and twin.world.journal.entries("sms") == []
