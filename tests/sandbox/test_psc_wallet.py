"""Sign-in page, e-CPS phone and card of the PSC twin (PSC specification 12, 13 points 7 and 15)."""

import re
from urllib.parse import urlsplit

import pytest

from sandbox.psc import PscTwin
from tests.sandbox.psc_service import LEBRUN, VASSEUR, Service, callback


@pytest.fixture
async def psc(world):
    service = Service(PscTwin(world))
    async with service.http:
        yield service


BANNER = "Environnement fictif, aucune donnée réelle"


async def mire(psc: Service) -> str:
    return psc.wallet + (await psc.authorize()).headers["location"]


async def pending(psc: Service) -> list[dict]:
    return (await psc.http.get(f"{psc.home}/twins/psc/pending")).json()["pending"]


def shown_number(page: str) -> str:
    return re.search(r"</span>(\d\d)</p>", page)[1]


async def test_the_sign_in_page_offers_both_means_and_the_people(psc):
    page = await psc.http.get(await mire(psc))
    assert BANNER in page.text and "Colibri, bac à sable" in page.text
    assert "Carte CPS" in page.text and "Se connecter avec e-CPS" in page.text
    assert all(person.name in page.text for person in psc.twin.realm.people.values())
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self' http://localhost:8000" in policy
    assert "style=" not in page.text and "onclick" not in page.text


async def test_every_page_bears_the_banner(psc):
    waiting = await psc.ring()
    addresses = [psc.wallet, f"{psc.wallet}/telephone", waiting, waiting.removesuffix("/attente") + "?moyen=carte"]
    pages = [await psc.http.get(address) for address in addresses]
    pages.append(await psc.authorize(client_id="inconnu"))
    assert all(BANNER in page.text for page in pages)


async def test_eleven_digits_are_taken_for_an_rpps_without_its_eight(psc):
    page = await psc.http.post(f"{await mire(psc)}/ecps", data={"identifiant": VASSEUR[1:]})
    assert page.status_code == 422
    assert f"Vouliez-vous écrire {VASSEUR}" in page.text
    assert f'value="{VASSEUR[1:]}"' in page.text, "what was typed is kept"


async def test_an_identifier_of_nobody_and_one_with_spaces(psc):
    door = f"{await mire(psc)}/ecps"
    assert "Personne ne porte cet identifiant" in (await psc.http.post(door, data={"identifiant": "800"})).text
    assert (await psc.http.post(door, data={"identifiant": " 8997 0099 9909 "})).status_code == 303


async def test_the_phone_shows_three_numbers_and_the_browser_one_of_them(psc):
    page = (await psc.http.get(await psc.ring())).text
    (request,) = await pending(psc)
    number = shown_number(page)
    assert request["identifier"] == VASSEUR and request["number"] == number
    assert len(set(request["choices"])) == 3 and number in request["choices"]
    phone = (await psc.http.get(f"{psc.wallet}/telephone")).text
    assert re.findall(r'name="nombre" value="(\d\d)"', phone) == request["choices"]
    assert "Hélène VASSEUR" in phone
    assert f'src="/telephone?demande={request["id"]}' in page, "the phone stands beside the number"


async def test_touching_the_number_signs_in(psc):
    waiting = await psc.ring()
    state = waiting.replace("/attente", "/etat")
    assert (await psc.http.get(state)).json() == {"open": True}
    (request,) = await pending(psc)
    attempt = urlsplit(waiting).path.split("/")[2]
    answered = await psc.http.post(
        f"{psc.wallet}/telephone/{request['id']}",
        data={"code": "1234", "nombre": request["number"], "retour": attempt},
    )
    assert answered.status_code == 303 and psc.wallet + answered.headers["location"] == waiting
    assert (await psc.http.get(state)).json() == {"open": False}
    back = callback(await psc.http.get(waiting))
    assert (await psc.redeem(back["code"])).status_code == 200
    assert (await psc.http.get(waiting)).status_code == 410, "an attempt serves once"


async def test_touching_another_number_refuses(psc):
    waiting = await psc.ring()
    (request,) = await pending(psc)
    wrong = next(number for number in request["choices"] if number != request["number"])
    await psc.http.post(f"{psc.wallet}/telephone/{request['id']}", data={"code": "1234", "nombre": wrong})
    back = callback(await psc.http.get(waiting))
    assert back["error"] == "access_denied" and "code" not in back


async def test_a_wrong_phone_code_answers_nothing(psc):
    waiting = await psc.ring()
    (request,) = await pending(psc)
    page = await psc.http.post(
        f"{psc.wallet}/telephone/{request['id']}", data={"code": "0000", "nombre": request["number"]}
    )
    assert page.status_code == 422 and "Ce code n’est pas celui du téléphone" in page.text
    assert (await psc.http.get(waiting)).status_code == 200
    await psc.side("settings", phone_code="0000")
    await psc.http.post(f"{psc.wallet}/telephone/{request['id']}", data={"code": "0000", "nombre": request["number"]})
    assert "code" in callback(await psc.http.get(waiting))


@pytest.mark.parametrize("by_api", [True, False])
async def test_refusing_gives_access_denied(psc, by_api):
    waiting = await psc.ring()
    (request,) = await pending(psc)
    if by_api:
        await psc.side("refuse", identifier=VASSEUR)
    else:
        await psc.http.post(f"{psc.wallet}/telephone/{request['id']}", data={"geste": "refuser"})
    assert callback(await psc.http.get(waiting))["error"] == "access_denied"


async def test_ignoring_lets_the_request_expire_and_offers_another_try(psc, world):
    waiting = await psc.ring()
    await psc.side("ignore", identifier=VASSEUR)
    assert await pending(psc) == []
    assert (await psc.http.get(waiting)).status_code == 200
    world.clock.advance(120)
    page = await psc.http.get(waiting)
    assert "Le téléphone n’a pas répondu" in page.text
    again = waiting.removesuffix("/attente")
    assert f'href="{urlsplit(again).path}"' in page.text
    await psc.http.post(f"{again}/ecps", data={"identifiant": LEBRUN})
    await psc.side("approve", identifier="all")
    assert "code" in callback(await psc.http.get(waiting))


async def test_an_answer_comes_too_late(psc, world):
    waiting = await psc.ring()
    (request,) = await pending(psc)
    world.clock.advance(120)
    late = await psc.http.post(
        f"{psc.wallet}/telephone/{request['id']}", data={"code": "1234", "nombre": request["number"]}
    )
    assert late.status_code == 422 and "n’attend plus de réponse" in late.text
    assert "code=" not in (await psc.http.get(waiting)).headers.get("location", "")


async def test_a_second_ring_withdraws_the_first(psc):
    waiting = await psc.ring()
    await psc.http.post(waiting.replace("/attente", "/ecps"), data={"identifiant": LEBRUN})
    assert [request["identifier"] for request in await pending(psc)] == [LEBRUN]


async def test_the_side_door_knows_who_waits(psc):
    nobody = await psc.http.post(f"{psc.home}/twins/psc/approve", json={"identifier": LEBRUN})
    assert nobody.status_code == 404
    assert await psc.side("approve", identifier="all") == {"answered": []}
    await psc.ring()
    assert [a["answer"] for a in (await psc.side("approve", identifier=VASSEUR))["answered"]] == ["approved"]


async def test_giving_up_goes_back_to_the_service(psc):
    assert callback(await psc.http.post(f"{await mire(psc)}/abandonner"))["error"] == "access_denied"


async def test_a_card_and_its_code_sign_in(psc):
    back = callback(await psc.http.post(f"{await mire(psc)}/carte", data={"identifiant": LEBRUN, "code": "1234"}))
    answer = (await psc.redeem(back["code"])).json()
    assert (await psc.userinfo(answer["access_token"])).json()["authMode"] == "CARD"


async def test_three_wrong_codes_lock_the_card(psc):
    door = f"{await mire(psc)}/carte"
    tries = [await psc.http.post(door, data={"identifiant": LEBRUN, "code": "9999"}) for _ in range(3)]
    assert "Essais restants : 2" in tries[0].text.replace("\u00a0", " ")
    assert "Cette carte est bloquée" in tries[2].text
    locked = await psc.http.post(door, data={"identifiant": LEBRUN, "code": "1234"})
    assert locked.status_code == 422 and "Cette carte est bloquée" in locked.text
    other = await psc.http.post(door, data={"identifiant": VASSEUR, "code": "1234"})
    assert "code" in callback(other), "one card is locked, not the reader"
    assert await psc.side("unlock", identifier=LEBRUN) == {"unlocked": [LEBRUN]}
    freed = await psc.http.post(
        f"{psc.wallet}{(await psc.authorize(prompt='login')).headers['location']}/carte",
        data={"identifiant": LEBRUN, "code": "1234"},
    )
    assert "code" in callback(freed)


async def test_a_right_code_forgets_the_wrong_ones(psc):
    for _ in range(2):
        psc.http.cookies.clear()
        door = f"{await mire(psc)}/carte"
        for code in ("9999", "9999"):
            await psc.http.post(door, data={"identifiant": LEBRUN, "code": code})
        assert "code" in callback(await psc.http.post(door, data={"identifiant": LEBRUN, "code": "1234"}))


async def test_an_attempt_does_not_wait_for_ever(psc, world):
    door = await mire(psc)
    world.clock.advance(1800)
    assert (await psc.http.get(door)).status_code == 410


async def test_looking_at_a_page_leaves_no_trace_and_answering_does(psc, world):
    waiting = await psc.ring()
    before = len(world.journal.entries("psc"))
    await psc.http.get(waiting)
    await psc.http.get(f"{psc.wallet}/telephone")
    assert len(world.journal.entries("psc")) == before
    await psc.side("approve", identifier=VASSEUR)
    await psc.http.get(waiting)
    last = world.journal.entries("psc")[-1]
    assert (last.title, last.subject, last.facts["auth_mode"]) == ("Fin de l’identification", VASSEUR, "MOBILE")


async def test_drawings_are_served(psc):
    assert (await psc.http.get(f"{psc.wallet}/dessin/ecps.css")).status_code == 200
    assert "location.replace" in (await psc.http.get(f"{psc.wallet}/dessin/attente.js")).text
