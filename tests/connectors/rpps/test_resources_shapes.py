"""Resources of other shapes than the twin's, as profiles and printed answers allow them (rpps.md 11.3 to 11.5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.rpps import completing, crawl, resources
from hub.connectors.rpps.completing import Known, Row, Served, Told
from hub.connectors.rpps.mapping import ACTIVITY, WHERE
from hub.connectors.rpps.reach import Malformed
from tests.connectors.rpps.rows import DOCTOR, HOSPITAL, NURSE

NOS = "https://mos.esante.gouv.fr/NOS/"
CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"


def coding(table: str, code: str) -> dict[str, str]:
    return {"system": f"{NOS}{table}/FHIR/{table.replace('_', '-')}", "code": code}


def concept(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [coding(*pair) for pair in pairs]}


IDNPS = {"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "899700999909"}
PROFESSION, CATEGORY = ("TRE_G15-ProfessionSante", "10"), ("TRE_R09-CategorieProfessionnelle", "C")
SPECIALTY = ("TRE_R38-SpecialiteOrdinale", "SM54")
TYPE = ("TRE_R04-TypeSavoirFaire", "S")
PERSON: dict[str, Any] = {
    "resourceType": "Practitioner",
    "id": "003-1-2",
    "active": True,
    "identifier": [IDNPS, {"system": "https://rpps.esante.gouv.fr", "value": "99700999909"}],
    "name": [
        {"use": "usual", "family": "LEFÈVRE-D'ARC", "given": ["Anne-Sophie"], "prefix": ["MME"], "suffix": ["DR"]}
    ],
    "qualification": [{"code": concept(TYPE, SPECIALTY)}, {"code": concept(CATEGORY, PROFESSION)}],
}
ROLE: dict[str, Any] = {
    "resourceType": "PractitionerRole",
    "id": "005-2-3",
    "active": True,
    "practitioner": {"reference": "Practitioner/003-1-2"},
    "organization": {"reference": "Organization/001-01-4"},
    "code": [concept(("TRE_R23-ModeExercice", "S")), concept(("TRE_R21-Fonction", "FON-33"))],
}
PLACE: dict[str, Any] = {
    "resourceType": "Organization",
    "id": "001-01-4",
    "active": True,
    "identifier": [{"system": "https://rppsrang.esante.gouv.fr", "value": "F259990018"}],
    "name": "CH INVENTE",
}


def people(**changes: Any) -> resources.Practitioner:
    return resources.practitioner({**PERSON, **changes})


def work(**changes: Any) -> resources.Role:
    return resources.role({**ROLE, **changes})


def place(**changes: Any) -> resources.Organization:
    return resources.organization({**PLACE, **changes})


def test_codings_are_known_by_their_system_whatever_their_order() -> None:
    one = people()
    assert (one.cells["profession_code"], one.cells["category_code"], one.skills) == ("10", "C", (("S", "SM54"),))
    turned = [
        {"code": {"coding": list(reversed(part["code"]["coding"]))}} for part in reversed(PERSON["qualification"])
    ]
    assert people(qualification=turned) == one


def test_a_table_newer_than_ours_is_known_by_its_companion() -> None:
    new = [
        {
            "code": {
                "coding": [
                    {"system": "https://smt.esante.gouv.fr/fhir/CodeSystem/tre-r291", "code": "901"},
                    coding(*CATEGORY),
                ]
            }
        },
        {"code": {"coding": [coding("TRE_R14-TypeDiplome", "DES"), {"system": "urn:new", "code": "DES99"}]}},
        {"code": {"coding": [{"system": "urn:new", "code": "SST01"}, coding("TRE_R04-TypeSavoirFaire", "SST")]}},
        {"code": {"coding": [{"system": "urn:new", "code": "seul"}]}},
    ]
    one = people(qualification=new)
    assert (one.cells["profession_code"], one.diplomas, one.skills) == (
        "901",
        (("DES", "DES99", "", ""),),
        (("SST", "SST01"),),
    )
    assert one.unread == ("urn:new|seul",)


def test_a_number_alone_tells_who() -> None:
    assert people(identifier=[PERSON["identifier"][1]]).national_id == "899700999909"
    with pytest.raises(Malformed):
        people(identifier=[])


def test_what_is_no_function_is_not_taken_for_one() -> None:
    liberal = {"coding": [{"system": f"{NOS}TRE_R300-TypeActiviteLiberale", "code": "AL01"}]}
    one = work(code=[liberal, {"coding": [{"code": "FON-99"}]}])
    assert (one.cells["role_code"], one.unread) == ("FON-99", (f"{NOS}TRE_R300-TypeActiviteLiberale|AL01",))


def test_references_may_be_absolute() -> None:
    far = work(practitioner={"reference": "https://annuaire.test/fhir/v2/Practitioner/003-1-2"})
    assert far.practitioner == "003-1-2"
    with pytest.raises(Malformed):
        work(organization={"reference": "Location/1"})
    assert work(organization=None).organization == ""


@pytest.mark.parametrize("system", ["https://rppsrang.esante.gouv.fr", "https://rpps.esante.gouv.fr"])
def test_the_rank_of_a_structure_stands_under_two_systems(system: str) -> None:
    assert place(identifier=[{"system": system, "value": "R10000000000017"}]).key == "R10000000000017"


def test_numbers_of_structures() -> None:
    def number(system: str, value: str, kind: str = "") -> dict[str, Any]:
        return {"system": system, "value": value, "type": {"coding": [{"code": kind}]} if kind else {}}

    one = place(
        identifier=[
            number("https://sirene.fr", "123456782"),
            number("https://sirene.fr", "12345678200010"),
            number("https://finess.esante.gouv.fr", "259990018", "FINEG"),
            number("urn:oid:1.2.250.1.71.4.2.2", "1259990018"),
        ]
    )
    assert {key: one.cells[key] for key in ("siren", "siret", "finess", "finess_ej")} == {
        **{"siren": "123456782", "siret": "12345678200010", "finess": "259990018", "finess_ej": ""},
    }
    assert (one.key, one.is_legal) == ("1259990018", False)
    assert place(identifier=[number("https://finess.esante.gouv.fr", "259990026", "FINEJ")]).is_legal


def test_an_address_in_lines_alone_gives_its_post_office() -> None:
    one = place(address=[{"line": ["12 R DES ESSAIS", "95300 PONTOISE"], "postalCode": "95300", "city": "Pontoise"}])
    assert (one.cells["post_office"], one.cells["street"], one.cells["commune"]) == ("95300 PONTOISE", "", "Pontoise")
    assert "country_code" not in one.cells  # untold
    told = place(address=[{"country": "99000", "district": "95"}])
    assert (told.cells["country_code"], told.cells["department_code"]) == ("99000", "95")


def test_only_what_is_marked_is_a_secure_mailbox() -> None:
    mark = {"url": f"{CORE}fr-core-contact-point-email-type", "valueCoding": {"code": "MSSANTE"}}
    mail = [
        {"system": "email", "value": "a@example.org"},
        {"system": "email", "value": "B@mss.example ", "extension": [mark]},
    ]
    one = place(
        telecom=[*mail, {"system": "phone", "value": "2", "rank": 2}, {"system": "phone", "value": "1", "rank": 1}]
    )
    assert [box.address for box in one.mailboxes] == ["b@mss.example"]
    assert [one.cells[key] for key in ("email", "phone", "phone2")] == ["a@example.org", "1", "2"]


def test_a_cell_holds_no_sign_that_would_cut_it() -> None:
    assert place(name="A|B\nC").cells["structure_name"] == "A B C"
    for wrong in ("a\0b", "x" * 1001, 12, ["a"]):
        with pytest.raises(Malformed):
            place(name=wrong)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*PERSON, *PLACE, "coding", "code"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from([PERSON, ROLE, PLACE]), st.data())
def test_whatever_comes_is_read_or_malformed(resource: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from([*sorted(resource.keys() - {"resourceType", "id"}), "telecom", "address", "meta", "extension"])
    )
    spoiled = {**resource, name: data.draw(junk)}
    read = {
        "Practitioner": resources.practitioner,
        "PractitionerRole": resources.role,
        "Organization": resources.organization,
    }
    try:
        read[resource["resourceType"]](spoiled)
    except Malformed as trouble:
        assert str(trouble)


def full(row: Row) -> Row:
    return {**dict.fromkeys(ACTIVITY, ""), **row, "is_idle": "f" if row.get("structure_id") else "t"}


def lines(
    served: Row | None,
    one: resources.Practitioner,
    role: resources.Role | None,
    where: resources.Organization | None = None,
) -> list[Row]:
    known = {where.key: Known(contents=(full(served),))} if where is not None and served is not None else {}
    told = Told(national_id=one.national_id, exercises=((one, ((role, where),) if role else ()),), known=known)
    return completing.lines(told, Served(lines=(full(served),) if served is not None else ()))


def test_what_is_not_told_is_as_served() -> None:
    nameless = people(name=None)
    (row,) = lines({**HOSPITAL, "identifier": "autre", "country_code": "99000"}, nameless, work(), place())
    assert (row["family"], row["identifier"], row["country_code"]) == (DOCTOR["family"], "autre", "99000")
    assert row["phone"] == ""  # told, and empty


def test_a_structure_that_is_not_named_is_as_served() -> None:
    hidden = {**HOSPITAL, "structure_id": "", "structure_national_id": "", "structure_name": "SANS CLE"}
    served = {**full(hidden), "is_idle": "f"}
    told = Told(national_id="899700999909", exercises=((people(), ((work(organization=None), None),)),))
    (row,) = completing.lines(told, Served(lines=(served,)))
    assert (row["structure_name"], row["role_code"]) == ("SANS CLE", "FON-33")


def test_somebody_without_activity_has_one_row_with_the_authority_served() -> None:
    idle = {**NURSE, "national_id": "899700999909", "profession_code": "10", "authority": "CNOM//"}
    (row,) = lines(idle, people(), None)
    assert row["authority"] == "CNOM//"
    assert not any(row.get(key) for key in WHERE)


def test_the_authority_is_told_by_three_resources() -> None:
    def by(name: str) -> dict[str, Any]:
        part = {"url": "autorite-enregistrement", "valueCodeableConcept": {"text": name}}
        url = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-data-trace"
        return {"extension": [{"url": url, "extension": [part]}]}

    one, role, where = people(meta=by("CNOM")), work(meta=by("CNOM")), place(meta=by("ARS"))
    assert lines(None, one, role, where)[0]["authority"] == "CNOM/CNOM/ARS"
    assert lines(HOSPITAL, one, work(meta=by("CPAM")), where)[0]["authority"] == "CNOM/CPAM/ARS"
    assert lines({**HOSPITAL, "authority": "libre"}, people(), work(), place())[0]["authority"] == "libre"


def test_two_resources_of_one_exercise_are_one() -> None:
    second = people(id="003-1-9")
    (merged,) = crawl._in_force([(people(), []), (second, [work(practitioner={"reference": "Practitioner/003-1-9"})])])
    assert len(merged[1]) == 1
    assert crawl._in_force([(people(active=False), [work()])]) == []
