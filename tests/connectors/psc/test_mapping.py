"""User information of every kind of user to an identity (psc.md 5.3 to 5.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.psc import mapping
from hub.domain.identity import Activity, Identity, OtherId, profession_key, situations

ISSUER = "https://psc.example.org/realms/x"
PRACTICE = {
    "codeModeExercice": "L",
    "codeSecteurDactivite": "SA07",
    "codeSectionPharmacien": "",
    "codeRole": "FON-01",
    "codeGenreActivite": "GENR01",
    "numeroSiretSite": "",
    "numeroFinessSite": "",
    "identifiantTechniqueDeLaStructure": "R10000000950003",
    "raisonSocialeSite": "CABINET MEDICAL DES ESSAIS",
    "numeroVoie": "45",
    "codeTypeDeVoie": "AV",
    "libelleVoie": "DES ESSAIS",
    "codePostal": "95310",
    "bureauCedex": "95310 SAINT OUEN L AUMONE",
    "codeCommune": "95572",
    "ancienIdentifiantDeLaStructure": "499700999925001",
    "autoriteDenregistrement": "CNOM/CNOM/CNOM",
}
HOSPITAL = {
    **PRACTICE,
    "codeModeExercice": "S",
    "codeSecteurDactivite": "SA01",
    "identifiantTechniqueDeLaStructure": "F950099911",
    "numeroFinessSite": "950099911",
    "ancienIdentifiantDeLaStructure": "1950099911",
}
EXERCISE = {
    "codeProfession": "10",
    "codeCategorieProfessionnelle": "C",
    "codeCiviliteDexercice": "DR",
    "nomDexercice": "MARCHAND",
    "prenomDexercice": "Inès",
    "codeTypeSavoirFaire": "S",
    "codeSavoirFaire": "SM53",
    "activities": [PRACTICE, HOSPITAL],
}
DOCTOR = {
    "sub": "f:550dc1c8:899700999925",
    "SubjectNameID": "899700999925",
    "preferred_username": "899700999925",
    "given_name": "Inès",
    "family_name": "MARCHAND-CIVIL",
    "codeCivilite": "MME",
    "SubjectRefPro": {"exercices": [EXERCISE]},
    "otherIds": [{"identifiant": "899700999925", "origine": "RPPS", "qualite": 1}],
    "Mode_Acces_Raison": "",
}


def read(userinfo: Mapping[str, Any], **id_token: Any) -> Identity:
    return mapping.identity(userinfo, issuer=ISSUER, id_token={"sub": "f:550dc1c8:899700999925", **id_token})


def spelled(data: Any, spell: Any) -> Any:
    if isinstance(data, dict):
        return {spell(name): spelled(value, spell) for name, value in data.items()}
    return [spelled(one, spell) for one in data] if isinstance(data, list) else data


def test_two_activities_are_two_situations() -> None:
    who = read(DOCTOR)
    assert (who.national_id, who.family, who.civility) == ("899700999925", "MARCHAND-CIVIL", "MME")
    assert who.other_ids == (OtherId(value="899700999925", origin="RPPS"),)
    practice, hospital = situations(who)
    assert practice.exercise.family == "MARCHAND"
    assert practice.exercise.know_how == (("S", "SM53"),)
    assert practice.activity is not None
    assert practice.activity.structure_key == "R10000000950003"
    assert (practice.activity.street, practice.activity.city) == ("45 AV DES ESSAIS", "SAINT OUEN L AUMONE")
    assert hospital.structure_key == "F950099911"
    assert practice.key != hospital.key


@given(upper=st.booleans())
def test_keys_in_any_letter_case(upper: bool) -> None:
    assert read(spelled(DOCTOR, str.upper if upper else str.lower)) == read(DOCTOR)


def test_older_shape() -> None:
    older = {name: value for name, value in DOCTOR.items() if name not in ("codeCivilite", "otherIds")}
    older["SubjectRefPro"] = {"codeCivilite": "MME", "exercices": [EXERCISE]}
    who = read(older)
    assert who.civility == "MME"
    assert who.other_ids == ()
    assert situations(who) == situations(read(DOCTOR))


def test_null_absent_and_empty_are_the_same() -> None:
    empty = {**DOCTOR, "SubjectRefPro": {"exercices": [{**EXERCISE, "activities": [{**PRACTICE, "telephone": None}]}]}}
    bare = {**DOCTOR, "SubjectRefPro": {"exercices": [{**EXERCISE, "activities": [{**PRACTICE, "telephone": ""}]}]}}
    assert read(empty) == read(bare)


def test_minimal_user_has_no_situation() -> None:
    who = read({name: DOCTOR[name] for name in ("sub", "SubjectNameID", "given_name", "family_name", "codeCivilite")})
    assert who.is_minimal
    assert situations(who) == ()


def test_replacement_without_activity_has_one_situation_without_structure() -> None:
    (only,) = situations(read({**DOCTOR, "SubjectRefPro": {"exercices": [{**EXERCISE, "activities": []}]}}))
    assert only.structure_key == ""
    assert only.has_profession


def test_two_know_hows_of_one_place_are_one_situation() -> None:
    second = {**EXERCISE, "codeTypeSavoirFaire": "C", "codeSavoirFaire": "C15", "activities": [PRACTICE]}
    practice, _ = situations(read({**DOCTOR, "SubjectRefPro": {"exercices": [EXERCISE, second]}}))
    assert practice.exercise.know_how == (("S", "SM53"), ("C", "C15"))


def test_a_student_is_of_another_profession() -> None:
    assert profession_key("10", "E") == "10/E"
    assert profession_key("10", "M") == "10"


def test_national_id_falls_back_on_the_id_token_then_on_the_username_never_on_a_name() -> None:
    bare = {"given_name": "Inès", "family_name": "MARCHAND"}
    assert read(bare, SubjectNameID="899700999925").national_id == "899700999925"
    assert read({**bare, "preferred_username": "899700999925"}).national_id == "899700999925"
    for nothing in ({}, {"SubjectNameID": ""}, {"SubjectNameID": None}, {"SubjectNameID": "  "}):
        with pytest.raises(mapping.MissingIdentity):
            read({**bare, **nothing})


@pytest.mark.parametrize("identifier", ["899700999909", "ANS20260401101500"])
def test_test_identities_are_recognised(identifier: str) -> None:
    assert read({**DOCTOR, "SubjectNameID": identifier}).is_test
    assert not read({**DOCTOR, "SubjectNameID": "810000000017"}).is_test


def test_structure_key_order() -> None:
    assert Activity(finess="950099911", siret="1").structure_key == "F950099911"
    assert Activity(siret="12345678200010", former_id="x").structure_key == "C12345678200010"
    assert Activity(former_id="499700999909001").structure_key == "499700999909001"
    assert Activity(finess="950099911").structure_id == "1950099911"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EXERCISE, "identifiant"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(professional=values, others=values)
def test_garbage_never_crashes(professional: Any, others: Any) -> None:
    who = read({**DOCTOR, "SubjectRefPro": {"exercices": professional}, "otherIds": others, "codeCivilite": others})
    assert situations(who) is not None


def test_numbers_that_disagree_are_noticed() -> None:
    assert read(DOCTOR).agrees
    assert not read({**DOCTOR, "preferred_username": "899700999917"}).agrees
    assert not read(DOCTOR, sub="f:550dc1c8:899700999917").agrees
    assert read({**DOCTOR, "sub": "5b1c"}, sub="5b1c").agrees
