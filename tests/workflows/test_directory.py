"""The directory beside what Pro Santé Connect says."""

from __future__ import annotations

from dataclasses import replace

from hub.domain.identity import activity_key, situations
from hub.storage.directory import Activity, Exercise, Person, Structure
from hub.workflows.directory import Difference, compare, identity_of, street

ISSUER = "https://psc.test"
EMPTY = Structure(**dict.fromkeys(Structure.__dataclass_fields__, ""))
OWN = replace(
    EMPTY,
    key="R10000000000017",
    structure_id="R10000000000017",
    structure_national_id="499700999909001",
    structure_name="CABINET DU DR LEFEVRE",
    house_number="12",
    house_number_suffix="B",
    street_type_code="R",
    street="DES ESSAIS",
    post_office="95300 PONTOISE",
    postcode="95300",
    commune_code="95500",
    commune="Pontoise",
)
WORK = Activity(
    mode_code="L",
    sector_code="SA07",
    pharmacist_section_code="",
    role_code="FON-01",
    activity_kind_code="GENR01",
    authority="CNOM/CNOM/CNOM",
    place="95500",
    structure=OWN,
)
DOCTOR = Exercise(
    practice_title_code="DR",
    title_code="MME",
    family="LEFÈVRE",
    given=" Anne-Sophie",
    profession_code="10",
    category_code="C",
    skills=(("S", "SM54"), ("CAPA", "CAPA06")),
    activities=(WORK,),
)
PERSON = Person(national_id="899700999909", id_type="8", identifier="99700999909", exercises=(DOCTOR,))


def test_the_identity_is_the_one_of_a_sign_in() -> None:
    who = identity_of(PERSON, issuer=ISSUER)
    assert (who.issuer, who.national_id, who.given, who.family, who.civility) == (
        ISSUER,
        "899700999909",
        "Anne-Sophie",
        "LEFÈVRE",
        "MME",
    )
    [one] = situations(who)
    assert one.activity is not None
    assert one.key == activity_key("899700999909", "10", "C", one.activity)
    assert (one.structure_key, one.activity.structure_id) == ("R10000000000017", "499700999909001")
    assert (one.activity.street, one.activity.city, one.activity.commune) == ("12 B R DES ESSAIS", "PONTOISE", "95500")
    assert one.exercise.know_how == (("S", "SM54"), ("CAPA", "CAPA06"))


def test_somebody_without_activity_has_a_situation_all_the_same() -> None:
    who = identity_of(replace(PERSON, exercises=(replace(DOCTOR, activities=()),)), issuer=ISSUER)
    [one] = situations(who)
    assert one.activity is None
    assert one.has_profession


def test_a_place_that_nobody_names() -> None:
    who = identity_of(
        replace(PERSON, exercises=(replace(DOCTOR, activities=(replace(WORK, structure=None),)),)), issuer=ISSUER
    )
    assert situations(who)[0].structure_key == ""


def test_the_street_type_is_said_once() -> None:
    assert street(OWN) == "12 B R DES ESSAIS"
    assert street(replace(OWN, street="R DES ESSAIS")) == "12 B R DES ESSAIS"
    assert street(replace(OWN, street_type_code="", street="RTE DES ESSAIS")) == "12 B RTE DES ESSAIS"


def test_nothing_differs_from_itself() -> None:
    assert compare(identity_of(PERSON, issuer=ISSUER), PERSON) == []


def test_each_difference_is_named() -> None:
    who = identity_of(PERSON, issuer=ISSUER)
    assert compare(who, None) == [Difference(what="person", national="899700999909", directory="")]

    def against(**changes: object) -> list[Difference]:
        return compare(who, replace(PERSON, exercises=(replace(DOCTOR, **changes),)))  # type: ignore[arg-type]

    assert against(category_code="E") == [
        Difference(what="exercise", national="10/C", directory=""),
        Difference(what="exercise", national="", directory="10/E"),
    ]
    assert against(family="DURAND") == [
        Difference(what="name", national="Anne-Sophie LEFÈVRE", directory=" Anne-Sophie DURAND")
    ]
    assert against(family="lefevre", given="ANNE SOPHIE") == []
    assert against(skills=(("S", "SM54"),)) == [Difference(what="skill", national="CAPA06", directory="")]
    assert against(skills=(*DOCTOR.skills, ("S", "SM26"))) == []
    other = replace(OWN, key="F259990018", structure_id="F259990018")
    assert against(activities=(replace(WORK, structure=other),)) == [
        Difference(what="place", national="R10000000000017", directory=""),
        Difference(what="place", national="", directory="F259990018"),
    ]
