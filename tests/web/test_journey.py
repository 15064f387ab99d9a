"""The journey through the pages, for each role: outline, acceptance, appointment, call, note; and what each may not know."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import CANARY, LEBRUN, MARCHAND, VASSEUR, Browser, Portal, leaks


@pytest.fixture
async def story(portal: Portal) -> tuple[Portal, Browser, Browser, str, str]:
    """Two doctors asked about one patient."""
    vasseur = await portal.doctor(VASSEUR, "VASSEUR")
    lebrun = await portal.doctor(LEBRUN, "LEBRUN")
    request, patient = await portal.handed_over()
    return portal, vasseur, lebrun, request, patient


async def test_what_waits_is_listed_by_its_outline(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    _, vasseur, _, request, _ = story
    page = await vasseur.open("/demandes")
    assert page.status_code == 200
    assert "Une demande vous attend" in vasseur.words
    assert "Femme de 47 ans, Cergy" in vasseur.words
    assert f'href="/demandes/{request}"' in page.text
    assert leaks(page) == []


async def test_the_outline_says_the_reason_and_hides_the_person(
    story: tuple[Portal, Browser, Browser, str, str],
) -> None:
    _, vasseur, _, request, _ = story
    page = await vasseur.open(f"/demandes/{request}")
    assert page.status_code == 200
    assert "Fièvre depuis deux jours" in vasseur.words
    assert "Régulation du SAS" in vasseur.words
    assert "≈ moins de 1 km de votre cabinet, à vol d’oiseau, mesurés depuis le bourg" in vasseur.words.replace(
        "\u00a0", " "
    )
    assert "Vit seule" not in vasseur.words  # a note nobody marked as shareable before acceptance
    assert leaks(page) == []


async def test_from_acceptance_to_the_note(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    portal, vasseur, _, request, patient = story
    operator = await portal.staff("operator")
    await vasseur.open(f"/demandes/{request}")
    page = await vasseur.submit("/accepter")
    assert page.url.path == f"/demandes/{request}/rendez-vous"
    assert CANARY in page.text
    assert "Demande acceptée." in vasseur.words

    page = await vasseur.submit("/rendez-vous", mode="cabinet", quand="heure", jour="2026-11-17", de="09:30")
    assert page.url.path == "/demandes"
    assert "RDV à confirmer" in vasseur.words
    assert "demain, 09:30" in vasseur.words.replace("\u00a0", " ")

    page = await operator.open(f"/supervision?fiche={request}")
    assert "peut vous recevoir demain à 9 h 30, au cabinet" in operator.words.replace("\u00a0", " ")
    page = await operator.submit("/rappel", reponse="oui")
    assert page.url.path == "/supervision"
    assert "Rendez-vous confirmé." in operator.words

    portal.clock.move_to(portal.clock.now().replace(day=17, hour=9))
    vasseur = await portal.signed_in(portal.people["VASSEUR"])
    page = await vasseur.open("/demandes")
    assert "L’heure est passée" in vasseur.words
    page = await vasseur.submit("/suite", suite="seen")
    assert page.url.path == f"/patients/{patient}"

    page = await vasseur.submit("/accords", accord="informed")
    assert "D’accord, après information" in vasseur.words
    page = await vasseur.submit("/notes", texte="Angine, test positif.", type="OBS", dmp="1", demande=request)
    assert page.status_code == 200
    assert "Angine, test positif." in vasseur.words
    assert "En attente de dépôt au DMP" in vasseur.words


async def test_two_doctors_accept_in_the_same_instant(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    _, vasseur, lebrun, request, _ = story
    for doctor in (vasseur, lebrun):
        await doctor.open(f"/demandes/{request}")
    answers = await asyncio.gather(vasseur.submit("/accepter"), lebrun.submit("/accepter"))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = vasseur if answers[0].status_code == 409 else lebrun
    assert "vient d’être acceptée par un confrère" in loser.words
    assert "Aucune autre demande ne vous attend" in loser.words
    assert loser.page is not None and leaks(loser.page) == []
    after = await loser.open(f"/demandes/{request}")
    assert after.status_code == 404
    assert leaks(after) == []


async def test_who_loses_reads_what_else_waits(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    portal, vasseur, lebrun, request, _ = story
    other, _ = await portal.handed_over("AUTRE", file="fr.health.samu950.patient.DRFR159502621900418.1")
    await lebrun.open(f"/demandes/{request}")
    await vasseur.open(f"/demandes/{request}")
    await vasseur.submit("/accepter")
    page = await lebrun.submit("/accepter")
    assert page.status_code == 409
    assert "Une autre attend encore" in lebrun.words
    assert f'href="/demandes/{other}"' in page.text


async def test_declining_leaves_nothing_behind(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    _, vasseur, _, request, patient = story
    await vasseur.open(f"/demandes/{request}")
    page = await vasseur.submit("/decliner", motif="too-far")
    assert page.url.path == "/demandes"
    assert "Demande déclinée." in vasseur.words
    for address in (f"/demandes/{request}", f"/demandes/{request}/rendez-vous", f"/patients/{patient}"):
        after = await vasseur.open(address)
        assert after.status_code == 404
        assert leaks(after) == []


async def test_strangers_of_every_role_see_nothing(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    portal, _, _, request, patient = story
    far = await portal.doctor(MARCHAND, "MARCHAND", commune="95370")
    elsewhere = await portal.staff("operator", network="cpts-vexin")
    for browser in (far, elsewhere):
        for address in (
            f"/demandes/{request}",
            f"/demandes/{request}/annuler",
            f"/patients/{patient}",
            f"/supervision?fiche={request}",
            "/supervision",
        ):
            page = await browser.open(address, follow=True)
            assert page.status_code == (200 if address.startswith("/supervision") else 404), address
            assert leaks(page) == []
        await browser.open("/patients")
        await browser.submit("/patients", nom=CANARY)
        assert "Aucun patient sous ce nom" in browser.words


async def test_a_coordinator_reads_outlines(story: tuple[Portal, Browser, Browser, str, str]) -> None:
    portal, _, _, request, patient = story
    coordinator = await portal.staff("coordinator")
    board = await coordinator.open("/supervision")
    assert "Fièvre depuis deux jours" in coordinator.words
    assert leaks(board) == []
    page = await coordinator.open(f"/demandes/{request}")
    assert page.status_code == 200
    assert "Recherche en cours" in coordinator.words
    assert leaks(page) == []
    assert (await coordinator.open(f"/patients/{patient}")).status_code == 404
