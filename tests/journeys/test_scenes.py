"""The scenes a visitor may play: each passes, and again when it is played a second time on what the first one left."""

from __future__ import annotations

import httpx
import pytest

from sandbox.scenes import SCENES
from tests.journeys.house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

STEPS = {
    "course": [
        "Le SAS remet une patiente",
        "Deux médecins ouvrent la même demande, sans aucun nom",
        "Ils acceptent à la même seconde : un seul gagne",
        "L’autre lit pourquoi, et ne voit plus rien de la demande",
        "Qui a gagné voit le nom, le téléphone et l’adresse",
        "Le SAS apprend une seule prise en charge",
    ],
    "personne": [
        "Le SAS remet une patiente",
        "Des médecins sont sollicités, et personne ne répond",
        "Le délai passe : l’horloge du bac à sable avance",
        "La demande revient au SAS, avec la raison",
        "Plus personne ne peut la prendre",
        "Le SAS n’a été prévenu qu’une fois",
    ],
    "dmp-refuse": [
        "Le SAS remet une patiente",
        "Un médecin accepte",
        "Il écrit une note, à déposer au DMP",
        "Le DMP refuse ; la page donne la phrase nationale et le remède",
        "L’INS vérifiée, il renvoie la note : elle est classée",
        "Le DMP ne contient la note qu’une fois",
    ],
}


@pytest.mark.parametrize("name", STEPS)
async def test_every_step_holds(house: House, name: str) -> None:
    assert [step["title"] for step in await house.play(name)] == STEPS[name]


async def test_a_scene_can_be_played_again(house: House) -> None:
    first, second = [await house.play("course") for _ in range(2)]
    assert [step["title"] for step in first] == [step["title"] for step in second]


async def test_the_page_offers_them_by_their_titles(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.stack.home, trust_env=False) as line:
        listed = (await line.get("/scenes")).json()["scenes"]
        page = (await line.get("/")).text
    assert [one["name"] for one in listed] == list(SCENES)
    assert {"journee", *STEPS} == set(SCENES)
    assert all(one["title"] in page for one in listed)
