"""An operator on a patient's sheet: which phone comes first, who the usual GP is."""

from __future__ import annotations

from hub.domain.people import usual_gp_key
from hub.domain.visibility import Level
from hub.storage import grants, resources
from tests.web.conftest import LEBRUN, VASSEUR, Portal


async def test_the_usual_gp_is_confirmed_and_taken_back(portal: Portal) -> None:
    _, patient = await portal.handed_over()
    operator = await portal.staff("operator")
    await operator.open(f"/patients/{patient}")
    assert "Personne n’est nommé" in operator.words
    page = await operator.submit("/medecin-traitant", rpps="12345678901")
    assert page.status_code == 422 and 'value="12345678901"' in page.text and 'id="rpps-erreur"' in page.text
    await operator.submit("/medecin-traitant", rpps=LEBRUN[1:])
    assert "Médecin traitant confirmé" in operator.words and f"RPPS {LEBRUN[1:]}" in operator.words
    async with portal.database.reading() as session:
        assert await grants.end_of(session, audience=usual_gp_key(LEBRUN), patient=patient) == grants.FOREVER
    await operator.submit("/medecin-traitant", retirer="1")
    assert "nommé par un demandeur, pas encore confirmé" in operator.words
    async with portal.database.reading() as session:
        assert await grants.end_of(session, audience=usual_gp_key(LEBRUN), patient=patient) is None


async def test_an_operator_puts_a_phone_first(portal: Portal) -> None:
    request, patient = await portal.handed_over()
    async with portal.database.transaction() as session:
        known = await resources.lock(session, "Patient", patient)
        known["telecom"].append(
            {"system": "phone", "value": "+33639981177", "period": {"start": "2026-11-15T08:00:00Z"}}
        )
        await resources.save(session, portal.place.operator, known)
    operator = await portal.staff("operator")
    await operator.open(f"/demandes/{request}")
    assert "Autre téléphone" in operator.words and "06 39 98 11 77" in operator.words.replace("\u00a0", " ")
    await operator.open(f"/patients/{patient}")
    await operator.submit("/coordonnees")
    assert "Ces coordonnées viennent en premier" in operator.words
    async with portal.database.reading() as session:
        stored = await resources.read(session, portal.place.operator, "Patient", patient)
    assert stored is not None and stored.level is Level.FULL
    assert stored.json()["telecom"][0]["value"] == "+33639981177"
    page = await operator.http.post(f"/patients/{patient}/coordonnees", data={"quoi": "telecom", "cle": "x"})
    assert page.status_code in (403, 404)


async def test_the_doctor_sees_who_it_is_and_changes_nothing(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    request, patient = await portal.handed_over()
    await doctor.open(f"/demandes/{request}")
    await doctor.submit("/accepter")
    page = await doctor.open(f"/patients/{patient}")
    assert "/medecin-traitant" not in page.text and "/coordonnees" not in page.text
