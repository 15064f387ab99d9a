"""Persons of the PSC twin and the answers about them (PSC specification 5, 13 point 6)."""

import json
import re

import pytest

from sandbox.psc import PscTwin, claims, people
from tests.sandbox.psc_service import VASSEUR, Service

PEOPLE = people.load()
KINDS = {
    "gp-two-activities",
    "specialist-salaried",
    "nurse",
    "physiotherapist",
    "pharmacist",
    "midwife",
    "student",
    "replacement",
    "military",
    "staff",
    "adeli",
    "minimal",
    "edit",
    "older-shape",
}
ROOT_MEMBERS = {
    "Secteur_Activite",
    "sub",
    "codeGenreActivite",
    "SubjectOrganization",
    "Mode_Acces_Raison",
    "preferred_username",
    "codeCivilite",
    "given_name",
    "Acces_Regulation_Medicale",
    "UITVersion",
    "Palier_Authentification",
    "authMode",
    "SubjectRefPro",
    "SubjectOrganizationID",
    "SubjectRole",
    "PSI_Locale",
    "otherIds",
    "SubjectNameID",
    "family_name",
}
MINIMAL_MEMBERS = {"sub", "preferred_username", "codeCivilite", "given_name", "family_name", "SubjectNameID"}
FICTION = re.compile(r"01990001\d\d|")


@pytest.fixture
async def psc(world):
    service = Service(PscTwin(world))
    async with service.http:
        yield service


def of_kind(kind: str) -> people.Person:
    return next(person for person in PEOPLE.values() if person.kind == kind)


def full(person: people.Person) -> dict:
    return claims.userinfo(person, auth_mode="MOBILE", professional=True)


def luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def test_every_kind_of_user_can_sign_in():
    assert {person.kind for person in PEOPLE.values()} >= KINDS


def test_structures_are_named_as_the_directory_names_them():
    places = {a.structure for p in PEOPLE.values() for e in p.exercises for a in e.activities}
    for place in places:
        assert re.fullmatch(r"R\d{14}|F[0-9A-Z]{9}|C\d{14}", place.technical_id), place
        assert re.fullmatch(r"[14][0-9A-Z]+|3\d{14}|", place.former_id), place
        assert place.commune.startswith("95") and FICTION.fullmatch(place.telephone), place
        if place.finess:
            assert (place.technical_id, place.former_id) == (f"F{place.finess}", f"1{place.finess}")
    assert len({place.technical_id for place in places}) == len(places)


def test_national_identifiers_have_their_key():
    # The nurse of the story carries a number with a wrong key, as some real ones do.
    rpps = [p.id for p in PEOPLE.values() if re.fullmatch(r"8\d{11}", p.id) and p.id != "899700000017"]
    assert len(rpps) > 12 and all(luhn(number[1:]) for number in rpps)


def test_a_doctor_with_two_activities_has_the_whole_answer():
    found = full(of_kind("gp-two-activities"))
    assert set(found) == ROOT_MEMBERS
    (exercise,) = found["SubjectRefPro"]["exercices"]
    assert exercise["codeSavoirFaire"] == "SM53" and exercise["codeCategorieProfessionnelle"] == "C"
    practice, hospital = exercise["activities"]
    assert [a["codeModeExercice"] for a in (practice, hospital)] == ["L", "S"]
    assert hospital["numeroFinessSite"] == "950099911" and hospital["ancienIdentifiantDeLaStructure"] == "1950099911"
    assert found["SubjectOrganizationID"] == practice["identifiantTechniqueDeLaStructure"]
    assert found["SubjectRole"] == ["10^1.2.250.1.213.1.1.5.5"] and found["Secteur_Activite"].startswith("SA08^")


@pytest.mark.parametrize("person", PEOPLE.values(), ids=lambda person: person.kind)
def test_an_activity_has_thirty_members_all_strings(person):
    activities = [a for e in full(person).get("SubjectRefPro", {"exercices": []})["exercices"] for a in e["activities"]]
    for activity in activities:
        assert len(activity) == 30 and all(isinstance(value, str) for value in activity.values())
        assert {"codeSecteurDactivite", "numeroFinessetablissementJuridique", "adresseEMail"} <= set(activity)


def test_the_minimal_user_has_six_members():
    assert set(full(of_kind("minimal"))) == MINIMAL_MEMBERS


def test_the_older_shape_keeps_the_title_inside():
    found = full(of_kind("older-shape"))
    assert found["SubjectRefPro"]["codeCivilite"] == "M"
    assert not {"codeCivilite", "authMode", "otherIds", "codeGenreActivite"} & set(found)
    assert found["email_verified"] is False


def test_a_replacement_has_a_profession_and_no_place():
    found = full(of_kind("replacement"))
    assert found["SubjectRefPro"]["exercices"][0]["activities"] == []
    assert found["SubjectOrganizationID"] == "" and "codeGenreActivite" not in found


def test_each_other_kind_says_what_it_is():
    category = {k: full(of_kind(k))["SubjectRefPro"]["exercices"][0] for k in ("student", "military", "pharmacist")}
    assert category["student"]["codeCategorieProfessionnelle"] == "E" and of_kind("student").id.startswith("9")
    assert category["military"]["codeCategorieProfessionnelle"] == "M"
    assert category["pharmacist"]["activities"][0]["codeSectionPharmacien"] == "A"
    staff = full(of_kind("staff"))
    assert "/" in staff["SubjectNameID"] and staff["SubjectRole"] == []
    assert staff["SubjectRefPro"]["exercices"][0]["activities"][0]["codeRole"]
    origins = [other["origine"] for other in full(of_kind("adeli"))["otherIds"]]
    assert origins == ["ADELI", "RPPS"] and of_kind("adeli").id.startswith("0")
    edit = full(of_kind("edit"))
    assert re.fullmatch(r"ANS\d{14}", edit["SubjectNameID"]) and edit["otherIds"][0]["origine"] == "EDIT"
    midwife = full(of_kind("midwife"))
    assert midwife["SubjectRefPro"]["exercices"][0]["nomDexercice"] != midwife["family_name"]
    assert len(full(of_kind("two-exercises"))["SubjectRefPro"]["exercices"]) == 2


async def test_userinfo_is_served_as_it_is_written(psc):
    answer = await psc.tokens(VASSEUR)
    found = await psc.userinfo(answer["access_token"])
    assert found.status_code == 200 and found.headers["content-type"] == "application/json"
    assert json.loads(found.text) == full(PEOPLE[VASSEUR])
    posted = await psc.post("userinfo", {"access_token": answer["access_token"]}, auth=None)
    assert posted.json() == found.json()


async def test_without_scope_all_only_the_minimal_user_comes(psc):
    answer = await psc.tokens(VASSEUR, scope="openid")
    assert answer["scope"] == "openid profile"
    assert set((await psc.userinfo(answer["access_token"])).json()) == MINIMAL_MEMBERS


@pytest.mark.parametrize("token", ["", "a.b.c", "pas-un-jeton"])
async def test_userinfo_wants_a_token_of_this_realm(psc, token):
    refused = await psc.userinfo(token)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="esante-wallet"')


async def test_other_tokens_open_nothing(psc):
    answer = await psc.tokens()
    for name in ("id_token", "refresh_token"):
        assert (await psc.userinfo(answer[name])).json()["error"] == "invalid_token"
    forged = answer["access_token"][:-4] + "AAAA"
    assert (await psc.userinfo(forged)).status_code == 401


async def test_everybody_is_listed_at_the_side_door(psc):
    listed = (await psc.http.get(f"{psc.home}/twins/psc/people")).json()["people"]
    assert [person["identifier"] for person in listed] == list(PEOPLE)
