"""/annuaire: found by name, profession and place, with what reaches them; source and date on every page (rpps.md 12, 14)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text as sql

from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from tests.connectors.rpps.lists import serve
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, NURSE, crowd, source, text
from tests.web.conftest import VASSEUR, Portal

SOURCE = "RPPS / Annuaire Santé, Agence du Numérique en Santé, extraction du 16/11/2026"


async def test_a_colleague_is_found_and_shown_whole(portal: Portal, tmp_path: Path) -> None:
    await serve(portal.database, tmp_path, EVERYBODY)
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    page = await doctor.open("/annuaire?profession=10&nom=lefevre&lieu=Pontoise")
    assert page.status_code == 200
    for word in (
        "Dr Anne-Sophie LEFÈVRE-D'ARC",
        "Médecin",
        "CABINET DU DR LEFEVRE-D ARC",
        "Pontoise (95)",
        "01 99 00 00 01",
    ):
        assert word in doctor.words
    assert "anne-sophie.lefevre@medecin.mssante.example messagerie sécurisée" in doctor.words
    assert "≈" in doctor.words and SOURCE in doctor.words and "vous opposer" in doctor.words
    assert 'aria-current="page"' in page.text and "Annuaire" in page.text
    await doctor.open("/annuaire/899700999909")
    assert "de votre commune, mesurés depuis le bourg" in doctor.words
    for word in (
        "99700999909",
        "Médecine générale",
        "CH INVENTE",
        "as.lefevre@ch.mssante.example",
        "Titulaire de cabinet",
        SOURCE,
    ):
        assert word in doctor.words
    await doctor.open("/annuaire?nom=El+Exemple")
    assert "Personne sous ces mots" in doctor.words
    await doctor.open("/annuaire?nom=El+Exemple&sans-activite=1")
    assert "Sans activité déclarée" in doctor.words
    await doctor.open("/annuaire?nom=99700999909")
    assert "LEFÈVRE" in doctor.words


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 200, "Qui cherchez-vous"),
        ("nom=zzzzz", 200, "Personne sous ces mots"),
        ("nom=m", 422, "au moins deux lettres"),
        ("lieu=Nulle-Part-Les-Oies", 422, "Aucune commune"),
        ("lieu=saint", 422, "Trop de communes"),
        ("profession=999", 422, "de la liste"),
        ("profession=10:peinture", 422, "de la liste"),
        ("nom=lefevre&rayon=7", 422, "de la liste"),
        ("nom=lefebvre", 200, "ressemble à celui-là"),
        ("profession=10:general-medicine&lieu=95", 200, "LEFÈVRE-D'ARC"),
        ("nom=lefevre&lieu=95", 200, "communes du département 95."),
        ("nom=lefevre&lieu=953", 200, "LEFÈVRE-D'ARC"),
        ("nom=lefevre&lieu=Cergy&rayon=10&mssante=1", 200, "LEFÈVRE-D'ARC"),
        ("nom=lefevre&lieu=Cergy&rayon=5", 200, "LEFÈVRE-D'ARC"),
        ("nom=lefevre&inscrits=1", 200, "LEFÈVRE-D'ARC"),  # who looks has an account
        ("nom=oeuvrard&inscrits=1", 200, "Personne sous ces mots"),
        ("nom=lefevre&lieu=95&rayon=5", 200, "LEFÈVRE-D'ARC"),
        ("nom=oeuvrard&lieu=95&rayon=20", 200, "ŒUVRARD"),  # Paris lies within twenty kilometres of the department
        ("nom=oeuvrard&lieu=95&rayon=10", 200, "Personne sous ces mots"),
        ("nom=lefevre&lieu=1", 422, "Aucune commune"),
        ("nom=lefevre&lieu=2B", 200, "Personne sous ces mots"),
        ("nom=lefevre&lieu=9%5B", 422, "Aucune commune"),
        ("nom=lefevre&apres=abc", 422, "relancez la recherche"),
        ("nom=%3Cscript%3Ex", 200, "Personne sous ces mots"),
    ],
)  # fmt: skip
async def test_empty_and_wrong_searches(portal: Portal, tmp_path: Path, query: str, status: int, said: str) -> None:
    await serve(portal.database, tmp_path, EVERYBODY)
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    page = await doctor.open(f"/annuaire?{query}")
    assert (page.status_code, said in doctor.words) == (status, True)
    assert "<script>x" not in page.text


async def test_pages_follow_and_say_that_they_are_many(portal: Portal, tmp_path: Path) -> None:
    await serve(portal.database, tmp_path, [*crowd(30), {**DOCTOR, "commune_code": "95127"}])
    operator = await portal.staff("operator")
    page = await operator.open("/annuaire?profession=10")
    assert "Beaucoup de réponses" in operator.words
    seen = set(page.text.split('href="/annuaire/')[1:])
    following = page.text.split('href="/annuaire?')[1].split('"')[0].replace("&amp;", "&")
    page = await operator.open(f"/annuaire?{following}")
    assert "la suite" in operator.words and "Les suivants" not in operator.words
    first, second = ({one.split('"')[0] for one in group} for group in (seen, page.text.split('href="/annuaire/')[1:]))
    assert not first & second and len(first | second) == 31


async def test_the_second_page_leads_back_to_the_first_and_says_when_the_list_has_ended(
    portal: Portal, tmp_path: Path
) -> None:
    await serve(portal.database, tmp_path, [*crowd(30), {**DOCTOR, "commune_code": "95127"}])
    operator = await portal.staff("operator")
    page = await operator.open("/annuaire?profession=10&nom=nom")
    assert "Revenir au début" not in operator.words
    following = page.text.split('href="/annuaire?')[1].split('"')[0].replace("&amp;", "&")
    page = await operator.open(f"/annuaire?{following}")
    assert 'href="/annuaire?profession=10&amp;nom=nom">Revenir au début' in page.text
    async with portal.database.transaction() as session:  # those of the second page have left meanwhile
        await session.execute(sql("DELETE FROM directory_situation WHERE family_key > 'nomh'"))
    await operator.open(f"/annuaire?{following}")
    assert "La liste s’arrête là" in operator.words and "Personne sous ces mots" not in operator.words


async def test_who_is_not_or_no_longer_in_the_directory(portal: Portal, tmp_path: Path) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    settings = RppsSettings(least_share=0, most_missing=1, missing_days=1)  # type: ignore[call-arg]
    for day, rows in ((16, EVERYBODY), (17, EVERYBODY[2:]), (18, EVERYBODY[2:])):
        given = source(tmp_path, text([*rows, {**NURSE, "title_code": f"{day}"}]), stamp=f"202611{day}0911")
        await load(portal.database, settings, given)
        page = await doctor.open("/annuaire/899700999909")
        assert page.status_code == (404 if day == 18 else 200)
        assert ("absent de la dernière extraction, depuis le 17/11/2026" in doctor.words) is (day == 17)
    for path in ("/annuaire/899700999909", "/annuaire/899799999999", "/annuaire/%27", "/annuaire/8%00"):
        page = await doctor.open(path)
        assert (page.status_code, "LEFÈVRE" in page.text) == (404, False), path
        assert "n’est pas, ou n’est plus, dans l’annuaire" in doctor.words
        assert "Une demande" not in doctor.words and 'href="/annuaire"' in page.text


async def test_names_are_shown_without_the_spaces_of_the_file(portal: Portal, tmp_path: Path) -> None:
    strange = {
        **DOCTOR,
        "family": " LE\u00a0\u00a0GOFF\u2028DIT ",
        "structure_name": "  CABINET  \x0bDU  BOIS ",
        "given": "Zoé ",
    }
    await serve(portal.database, tmp_path, [strange, NURSE])
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    page = await doctor.open("/annuaire?profession=10")
    assert "<b>Dr Zoé LE GOFF DIT</b>" in page.text
    assert "CABINET DU BOIS, Pontoise (95)" in page.text


async def test_who_may_look_and_before_the_first_load(portal: Portal) -> None:
    for capacity, status in (("operator", 200), ("coordinator", 200), ("third-party", 404)):
        browser = await portal.staff(capacity)
        assert (await browser.open("/annuaire?nom=lefevre")).status_code == status
        if status == 200:
            assert "pas encore chargé" in browser.words
    stranger = portal.stranger()
    assert (await stranger.open("/annuaire")).status_code == 303
