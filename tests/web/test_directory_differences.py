"""What differs from the national directory, as the person and the operators read it."""

from __future__ import annotations

from pathlib import Path

from hub import clock as hub_clock
from hub.connectors.rpps.load import load
from hub.connectors.rpps.settings import RppsSettings
from hub.storage import differences
from hub.storage.differences import Kind, Noted
from tests.connectors.rpps.rows import NURSE, source, text
from tests.web.conftest import LEBRUN, VASSEUR, Portal


async def served(portal: Portal, folder: Path) -> None:
    """A directory in which the people of the portal are not."""
    await load(portal.database, RppsSettings(), source(folder, text([{**NURSE, "national_id": "899700999990"}])))


async def note(portal: Portal, family: str, *found: tuple[Kind, str, str]) -> None:
    account = portal.people[family].id
    async with portal.database.transaction() as session:
        notes = [Noted(account=account, kind=kind, said=said, directory=other) for kind, said, other in found]
        await differences.note(session, notes, hub_clock.now())


async def test_who_is_not_in_the_directory_yet_reads_it_and_the_operator_too(portal: Portal, tmp_path: Path) -> None:
    await served(portal, tmp_path)
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await doctor.open("/situation")
    assert "Ce qui a changé dans ma situation" in doctor.words
    assert "Vous n’êtes pas encore dans l’annuaire" in doctor.words
    assert "RPPS / Annuaire Santé, Agence du Numérique en Santé, extraction du 16/11/2026" in doctor.words
    operator = await portal.staff("operator")
    await operator.open("/supervision")
    assert "Écarts avec l’annuaire" in operator.words
    await operator.open("/supervision/annuaire")
    assert "Hélène VASSEUR" in operator.words
    assert VASSEUR in operator.words
    await operator.submit("/supervision/annuaire")
    assert "Écart vu." in operator.words
    assert "Aucun écart" in operator.words
    await doctor.open("/situation")
    assert "pas encore dans l’annuaire" in doctor.words


async def test_every_kind_has_its_sentence_in_words(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    said = {
        Kind.NAME: ("Anne LEFÈVRE", "Anne LEFEBVRE", "« Anne LEFÈVRE » selon Pro Santé Connect"),
        Kind.EXERCISE: ("60/C", "", "Profession « Infirmier (civil) »"),
        Kind.SKILL: ("SM54", "", "présenté par Pro Santé Connect, absent de l’annuaire"),
        Kind.PLACE: ("", "95127", "« Cergy » : dans l’annuaire"),
        Kind.ENDED: ("F1", "", "terminée selon l’annuaire"),
        Kind.PROFESSION: ("10/E", "10/C", "Médecin (étudiant) auparavant"),
        Kind.MISSING: ("", "", "Une absence peut ne durer qu’un jour"),
        Kind.GONE: ("", "", "quitté l’annuaire"),
        Kind.RETURNED: ("", "", "De retour dans l’annuaire"),
        Kind.PERSON: ("", "", "pas encore dans l’annuaire"),
    }
    assert set(said) == set(Kind)
    await note(portal, "VASSEUR", *((kind, one, other) for kind, (one, other, _) in said.items()))
    operator = await portal.staff("operator")
    await doctor.open("/situation")
    await operator.open("/supervision/annuaire")
    for kind, (_, _, sentence) in said.items():
        assert sentence.lower() in doctor.words.lower(), kind
        assert sentence.lower() in operator.words.lower(), kind
    assert "SM54" not in doctor.words


async def test_nobody_else_reads_the_list_and_a_second_page_follows(portal: Portal) -> None:
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    await note(portal, "VASSEUR", *((Kind.SKILL, f"X{n:02d}", "") for n in range(60)))
    assert (await doctor.open("/supervision/annuaire")).status_code == 404
    elsewhere = await portal.staff("operator", network="cpts-ailleurs")
    await elsewhere.open("/supervision/annuaire")
    assert "Aucun écart" in elsewhere.words
    operator = await portal.staff("operator")
    page = await operator.open("/supervision/annuaire")
    assert page.text.count('name="ecart"') == 50
    assert "X59" in operator.words
    following = page.text.split("/supervision/annuaire?apres=")[1].split('"')[0]
    page = await operator.open(f"/supervision/annuaire?apres={following}")
    assert page.text.count('name="ecart"') == 10
    for strange in ("illisible", "9" * 30, "-1"):
        page = await operator.open(f"/supervision/annuaire?apres={strange}")
        assert page.status_code == 200


async def test_an_unreadable_number_is_told_and_changes_nothing(portal: Portal) -> None:
    await portal.doctor(LEBRUN, "LEBRUN")
    await note(portal, "LEBRUN", (Kind.MISSING, "", ""))
    operator = await portal.staff("operator")
    await operator.open("/supervision/annuaire")
    answer = await operator.submit("/supervision/annuaire", ecart="²")
    assert answer.status_code == 404
    await operator.open("/supervision/annuaire")
    assert "Une absence peut ne durer" in operator.words
