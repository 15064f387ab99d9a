"""The patient's page: search, notebook, corrections, the agreement about the DMP, and every state of a filing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.domain.notebook import FilingState
from hub.storage import filings
from tests.web.conftest import CANARY, LEBRUN, VASSEUR, Browser, Portal, leaks

Story = tuple[Portal, Browser, str, str]


@pytest.fixture
async def cared(portal: Portal) -> Story:
    """A patient in the hands of Dr Vasseur."""
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    request, patient = await portal.handed_over()
    await doctor.open(f"/demandes/{request}")
    await doctor.submit("/accepter")
    return portal, doctor, request, patient


async def test_patients_are_found_by_name_and_birth_date(cared: Story) -> None:
    _, doctor, _, patient = cared
    page = await doctor.open("/patients")
    assert f'href="/patients/{patient}"' in page.text
    for asked in ({"nom": "canari"}, {"nom": "dominique canari-7f3a"}, {"naissance": "1979-03-28"}):
        page = await doctor.submit("/patients", **{"nom": "", "naissance": ""} | asked)
        assert f'href="/patients/{patient}"' in page.text, asked
        assert page.url.query == b""  # no name in an address
    page = await doctor.submit("/patients", nom="personne", naissance="")
    assert "Aucun patient sous ce nom" in doctor.words
    page = await doctor.submit("/patients", naissance="hier")
    assert page.status_code == 422
    assert 'value="hier"' in page.text


async def test_the_page_says_who_and_how_sure(cared: Story) -> None:
    _, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    words = doctor.words.replace("\u00a0", " ")
    assert f"Mme Dominique {CANARY}, 47 ans" in words
    assert "née le 28 mars 1979" in words
    assert "INS qualifiée" in words
    assert "Dr Hélène VASSEUR médecin généraliste" in words or "Dr Hélène VASSEURmédecin généraliste" in words


async def test_a_note_for_the_dmp_waits_for_the_patients_answer_and_keeps_what_was_typed(cared: Story) -> None:
    _, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    page = await doctor.submit("/notes", texte="Texte longuement réfléchi.", titre="Mon titre", dmp="1")
    assert page.status_code == 422
    assert "Le patient n’a pas encore été informé" in doctor.words
    assert "Texte longuement réfléchi." in page.text
    assert 'value="Mon titre"' in page.text
    page = await doctor.submit("/accords", accord="objects")
    assert "S’y oppose" in doctor.words
    page = await doctor.submit("/notes", texte="Texte longuement réfléchi.", dmp="1")
    assert page.status_code == 422
    assert "s’oppose au dépôt" in doctor.words


async def test_an_empty_note_is_told_beside_its_field(cared: Story) -> None:
    _, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    page = await doctor.submit("/notes", texte="   ")
    assert page.status_code == 422
    assert 'id="texte-erreur"' in page.text
    page = await doctor.submit("/notes", texte="Une note.", type="INCONNU")
    assert page.status_code == 422


async def test_markup_in_a_note_stays_text(cared: Story) -> None:
    _, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    page = await doctor.submit("/notes", texte='<script src="/static/x.js"></script>', titre="<b>gras</b>")
    assert '<script src="/static/x.js">' not in page.text
    assert "&lt;b&gt;gras" in page.text


async def test_a_correction_is_a_version_and_only_for_its_author(cared: Story) -> None:
    portal, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    page = await doctor.submit("/notes", texte="Première version.")
    note = page.text.split('id="n-')[1].split('"')[0]
    await doctor.open(f"/patients/{patient}/notes/{note}")
    page = await doctor.submit(f"/notes/{note}", texte="Seconde version.")
    assert "version 2" in doctor.words
    await doctor.open(f"/patients/{patient}/notes/{note}")
    assert "Première version." in doctor.words
    lebrun = await portal.doctor(LEBRUN, "LEBRUN")
    stranger = await lebrun.open(f"/patients/{patient}/notes/{note}")
    assert stranger.status_code == 404
    assert leaks(stranger) == []
    elsewhere = await doctor.open(f"/patients/autre/notes/{note}")
    assert elsewhere.status_code == 404


REFUSED = {"code": "XDSUnknownPatientId", "french": "patient inconnu", "remedy": "Vérifiez l'INS."}
HELD = {"french": "l'identité n'est pas qualifiée", "remedy": "Qualifiez l'INS."}
ENDINGS = {
    FilingState.FILED: ("Classée au DMP", {}),
    FilingState.REFUSED: ("Refusée par le DMP", REFUSED),
    FilingState.HELD: ("Retenue avant dépôt", HELD),
    FilingState.REVIEW: ("En attente d’analyse", {}),
}


@pytest.mark.parametrize("state", ENDINGS)
async def test_each_state_of_a_filing_says_what_to_do(cared: Story, state: FilingState) -> None:
    portal, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    await doctor.submit("/accords", accord="informed")
    page = await doctor.submit("/notes", texte="Une note.", dmp="1")
    assert 'data-state="waiting"' in page.text
    note = page.text.split('id="n-')[1].split('"')[0]
    sentence, values = ENDINGS[state]
    async with portal.database.transaction() as session:
        (asked,) = await filings.of_note(session, note)
        await filings.settle(session, asked.unique_id, state, at=portal.clock.now(), **values)
    page = await doctor.open(f"/patients/{patient}")
    assert f'data-state="{state.value}"' in page.text
    assert sentence in doctor.words
    for words in values.values():
        assert words.replace("'", "’") in doctor.words
    if state is FilingState.FILED:
        assert asked.unique_id in page.text
    if state is FilingState.REFUSED:
        page = await doctor.submit("/deposer")
        assert 'data-state="waiting"' in page.text


async def test_the_cell_records_an_answer_without_reading_the_notebook(cared: Story) -> None:
    portal, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    await doctor.submit("/notes", texte="Confidence au cercle.")
    operator = await portal.staff("operator")
    page = await operator.open(f"/patients/{patient}")
    assert page.status_code == 200
    assert "Confidence au cercle." not in page.text
    await operator.open(f"/patients/{patient}/accords")
    page = await operator.submit("/accords")
    assert page.status_code == 422
    await operator.submit("/accords", accord="informed")
    await doctor.open(f"/patients/{patient}")
    assert "recueilli par la cellule de coordination" in doctor.words


async def test_the_notebook_is_closed_to_who_gave_the_request_back(cared: Story) -> None:
    _, doctor, request, patient = cared
    await doctor.open(f"/demandes/{request}/rendre")
    page = await doctor.submit("/rendre", raison="absent")
    assert "Demande rendue." in doctor.words
    for path in (f"/demandes/{request}", f"/patients/{patient}"):
        page = await doctor.open(path)
        assert page.status_code == 404
        assert leaks(page) == []


async def test_a_note_survives_the_end_of_the_session(cared: Story) -> None:
    portal, doctor, _, patient = cared
    await doctor.open(f"/patients/{patient}")
    portal.clock.advance(timedelta(minutes=31))
    page = await doctor.submit("/notes", texte="Une longue note.", titre="Consultation", type="OBS")
    assert page.status_code == 401
    assert "Une longue note." in page.text
    again = await portal.signed_in(portal.people["VASSEUR"])
    doctor.http.cookies = again.http.cookies  # signed in again, in another tab
    page = await doctor.submit(f"/patients/{patient}/notes")
    assert page.status_code == 422
    assert "rien n’est perdu" in doctor.words
    assert 'value="Consultation"' in page.text
    page = await doctor.submit("/notes")
    assert "Note publiée." in doctor.words
    assert "Une longue note." in doctor.words
