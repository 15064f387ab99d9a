"""The cell: the list and its filters, the sheet, the call to the patient, the acts without return."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.domain.care_request import State
from hub.storage import resources
from hub.workflows import record
from tests.web.conftest import CANARY, VASSEUR, Browser, Portal

Story = tuple[Portal, Browser, Browser, str]


@pytest.fixture
async def proposed(portal: Portal) -> Story:
    """An appointment proposed by Dr Vasseur, to be confirmed by the cell."""
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    operator = await portal.staff("operator")
    request, _ = await portal.handed_over()
    await doctor.open(f"/demandes/{request}")
    await doctor.submit("/accepter")
    await doctor.submit("/rendez-vous", mode="visite", quand="plage", jour="2026-11-17", de="09:00", a="11:00")
    return portal, doctor, operator, request


async def state(portal: Portal, request: str) -> State:
    async with portal.database.transaction() as session:
        return (await record.lock(session, request)).request.state


async def test_the_list_shows_the_next_act_and_filters_by_its_address(proposed: Story) -> None:
    portal, _, operator, request = proposed
    other, _ = await portal.handed_over("AUTRE", file="fr.health.samu950.patient.DRFR159502621900418.1")
    page = await operator.open("/supervision")
    assert "1 patient à rappeler" in operator.words
    assert f"Appeler, DOMINIQUE {CANARY}" in operator.words
    shown = {
        "?etat=a-confirmer": {request},
        "?etat=recherche": {other},
        "?etat=sans-reponse": set(),
        f"?q={CANARY.lower()}": {request, other},  # the same INS: the second handoff joined the first patient
        "?q=personne": set(),
        "?demandeur=phone": set(),
        "?operateur=moi": set(),
        "?apres=illisible": {request, other},
    }
    for query, wanted in shown.items():
        page = await operator.open(f"/supervision{query}")
        assert {one for one in (request, other) if f'id="d-{one}"' in page.text} == wanted, query


async def test_the_part_of_the_delay_that_has_passed_is_told_while_nobody_has_accepted(portal: Portal) -> None:
    operator = await portal.staff("operator")
    await portal.handed_over()
    for minutes, said in ((0, 0), (61, 50), (30, 75), (18, 90)):
        portal.clock.advance(timedelta(minutes=minutes))
        operator = await portal.staff("operator")  # a session does not last two hours without an act
        await operator.open("/supervision")
        text = operator.words.replace("\u202f", " ").replace("\u00a0", " ")
        assert [one for one in (50, 75, 90) if f"{one} % du délai passé" in text] == ([said] if said else [])


async def test_a_possible_duplicate_is_shown_with_the_way_to_the_other(portal: Portal) -> None:
    doctor, operator = await portal.doctor(VASSEUR, "VASSEUR"), await portal.staff("operator")
    first, _ = await portal.handed_over()
    await operator.open("/supervision")
    assert "doublon possible" not in operator.words
    second, _ = await portal.handed_over(file="fr.health.samu950.patient.DRFR159502621900418.1")
    await operator.open("/supervision")
    assert operator.words.count("doublon possible") == 2
    for path in (f"/supervision?fiche={second}", f"/demandes/{second}"):
        page = await operator.open(path)
        assert "Doublon possible." in operator.words and f'href="/demandes/{first}"' in page.text
    page = await doctor.open(f"/demandes/{second}")
    assert "oublon" not in doctor.words and first not in page.text


async def test_pages_of_fifty(portal: Portal) -> None:
    operator = await portal.staff("operator")
    for number in range(52):
        await portal.handed_over(file=f"fr.health.samu950.patient.DRFR1595026219{number:05}.{number}")
    page = await operator.open("/supervision")
    assert page.text.count('<tr id="d-') == 50
    link = page.text.split("apres=")[1].split('"')[0]
    page = await operator.open(f"/supervision?apres={link}")
    assert page.text.count('<tr id="d-') == 2


async def test_following_a_request(proposed: Story) -> None:
    _, doctor, operator, request = proposed
    await operator.open(f"/supervision?fiche={request}")
    await operator.submit("/attribuer", operateur="moi")
    page = await operator.open("/supervision?operateur=moi")
    assert f'id="d-{request}"' in page.text
    await operator.open(f"/supervision?fiche={request}")
    assert "suivie par vous" in operator.words
    page = await doctor.open(f"/supervision?fiche={request}", follow=True)
    assert page.url.path == "/demandes"


async def test_a_range_is_confirmed_with_the_hour_agreed(proposed: Story) -> None:
    portal, _, operator, request = proposed
    await operator.open(f"/supervision?fiche={request}")
    assert "demain entre 9 h et 11 h, chez vous" in operator.words.replace("\u00a0", " ")
    page = await operator.submit("/rappel", reponse="heure")
    assert page.url.path == f"/demandes/{request}/confirmer"
    page = await operator.submit("/confirmer", de="10:00", a="09:00")
    assert page.status_code == 422
    assert 'value="10:00"' in page.text
    await operator.submit("/confirmer", de="10:00", a="10:30")
    assert await state(portal, request) is State.CONFIRMED
    async with portal.database.transaction() as session:
        found = (await record.lock(session, request)).request
        appointment = await resources.lock(session, "Appointment", found.appointment or "")
    assert appointment["start"] == "2026-11-17T09:00:00Z"


@pytest.mark.parametrize(
    ("said", "after", "sentence"),
    [("injoignable", State.UNREACHABLE, "Patient injoignable."), ("refus", State.SEARCHING, "Refus enregistré.")],
)
async def test_what_the_patient_answers(proposed: Story, said: str, after: State, sentence: str) -> None:
    portal, _, operator, request = proposed
    await operator.open(f"/supervision?fiche={request}")
    await operator.submit("/rappel", reponse=said)
    assert sentence in operator.words
    assert await state(portal, request) is after
    if after is State.UNREACHABLE:
        await operator.open(f"/supervision?fiche={request}")
        await operator.submit("/rappel", reponse="joint")
        assert await state(portal, request) is State.PROPOSED


async def test_another_time_is_a_new_proposal(proposed: Story) -> None:
    _, doctor, operator, request = proposed
    await operator.open(f"/demandes/{request}")
    page = await operator.submit("/rappel", reponse="autre")
    assert page.url.path == f"/demandes/{request}/autre-heure"
    page = await operator.submit("/autre-heure", quand="heure", jour="2026-11-15", de="09:00")
    assert page.status_code == 422
    assert "Cette heure est déjà passée" in operator.words
    assert 'value="2026-11-15"' in page.text
    page = await operator.submit("/autre-heure", jour="2026-11-18", de="14:00")
    assert page.url.path == f"/demandes/{request}"
    assert "mercredi 18 novembre, 14:00" in operator.words.replace("\u00a0", " ")
    await doctor.open("/demandes")
    assert "mercredi 18 novembre, 14:00" in doctor.words.replace("\u00a0", " ")


async def test_cancelling_is_a_page_with_a_reason(proposed: Story) -> None:
    portal, doctor, operator, request = proposed
    await operator.open(f"/demandes/{request}/annuler")
    page = await operator.submit("/annuler")
    assert page.status_code == 422
    assert await state(portal, request) is State.PROPOSED
    page = await operator.submit("/annuler", raison="hospitalised")
    assert "Demande annulée." in operator.words
    assert await state(portal, request) is State.CANCELLED
    await operator.open(f"/demandes/{request}/relancer")
    await operator.submit("/relancer")
    assert await state(portal, request) is State.SEARCHING
    assert "2e fois" in operator.words
    assert (await doctor.open(f"/demandes/{request}")).status_code == 200


async def test_a_handoff_is_given_back(proposed: Story) -> None:
    portal, _, operator, request = proposed
    await operator.open(f"/demandes/{request}/rendre-au-sas")
    await operator.submit("/rendre-au-sas", raison="worsening")
    assert await state(portal, request) is State.HANDED_BACK


async def test_an_act_of_somebody_else_is_refused(proposed: Story) -> None:
    portal, doctor, operator, request = proposed
    await doctor.open(f"/demandes/{request}")
    assert "Annuler" not in doctor.words
    page = await doctor.open(f"/demandes/{request}/annuler")
    page = await doctor.submit("/annuler", raison="duplicate")
    assert page.status_code == 403
    assert "appartient à une autre personne" in doctor.words
    assert await state(portal, request) is State.PROPOSED
    await operator.open(f"/demandes/{request}")
    page = await operator.submit("/rappel", reponse="bricole")
    assert page.status_code == 422


async def test_the_short_address_of_the_text_messages(proposed: Story) -> None:
    portal, doctor, _, request = proposed
    async with portal.database.transaction() as session:
        number = (await record.lock(session, request)).request.number
    page = await doctor.open(f"/d/{number}")
    assert (page.status_code, page.headers["location"]) == (303, f"/demandes/{request}")
    assert (await doctor.open("/d/2026-11-9999")).status_code == 404
    page = await portal.stranger().open(f"/d/{number}")
    assert page.headers["location"] == f"/connexion?suite=/d/{number}"


async def test_the_appointment_for_a_calendar_names_nobody(proposed: Story) -> None:
    _, doctor, operator, request = proposed
    assert (await doctor.open(f"/demandes/{request}/agenda.ics")).status_code == 404  # a range is no appointment yet
    await operator.open(f"/demandes/{request}/confirmer")
    await operator.submit("/confirmer")
    page = await doctor.open(f"/demandes/{request}/agenda.ics")
    assert page.status_code == 200
    assert "DTSTART:20261117T080000Z" in page.text
    assert CANARY not in page.text and "Fièvre" not in page.text and CANARY not in str(page.headers)
