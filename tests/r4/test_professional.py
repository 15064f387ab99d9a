"""Professionals in the French profiles: valid R4, the right identifiers, and nothing of others lost."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.identity import Activity, Exercise, Identity, situations
from hub.r4 import elements, names, validation
from hub.r4.shapes import professional as shape

PRACTICE = Activity(
    mode="L",
    sector="SA07",
    role="FON-01",
    kind="GENR01",
    technical_id="R10000000950001",
    former_id="499700999909001",
    name="CABINET DU DR VASSEUR",
    street="12 R DES TESTS",
    postal_code="95000",
    city="CERGY",
    commune="95127",
    phone="0199000101",
)
PHARMACY = Activity(finess="950099937", siret="99900950000011", name="PHARMACIE DU MODELE", section="A", sector="SA33")


def who(activity: Activity | None = PRACTICE, **changes: Any) -> Identity:
    exercise = Exercise(
        profession="10", category="C", title="DR", given="Hélène", family="VASSEUR",
        know_how=(("S", "SM26"), ("C", "C15")), activities=(activity,) if activity else (),
    )  # fmt: skip
    given = {
        "issuer": "https://psc.example.org", "sub": "f:1:899700999909", "national_id": "899700999909",
        "given": "Hélène", "family": "LEROY", "civility": "MME", "exercises": (exercise,), **changes,
    }  # fmt: skip
    return Identity(**given)


def made(identity: Identity) -> list[dict[str, Any]]:
    person = {**shape.practitioner(identity), "id": "p"}
    found = [person]
    for situation in situations(identity):
        where = {**shape.organization(situation.activity), "id": "o"} if situation.activity else None
        found += [where] if where else []
        found.append({**shape.role(situation, who=person, where=where), "id": "r"})
    return found


@pytest.mark.parametrize(
    "identity",
    [
        who(),
        who(PHARMACY),
        who(None),
        who(Activity()),
        who(exercises=()),
        who(civility="", national_id="0959100018"),
    ],
)
def test_what_is_made_is_valid(identity: Identity) -> None:
    for resource in made(identity):
        assert [issue for issue in validation.check(resource) if issue.severity in ("error", "fatal")] == []


def test_identifiers_and_codes() -> None:
    person, place, role = made(who())
    assert elements.identifier(person, names.IDNPS) == "899700999909"
    assert elements.identifier(person, names.RPPS) == "99700999909"
    assert person["name"] == [
        {"use": "usual", "family": "VASSEUR", "given": ["Hélène"], "prefix": ["MME"], "suffix": ["DR"]}
    ]
    assert elements.identifier(place, names.IDNST) == "499700999909001"
    assert place["address"][0]["extension"][0]["valueCoding"]["code"] == "95127"
    assert elements.code_among(role["code"], names.PROFESSION) == "10"
    assert elements.code_among(role["code"], shape.ROLE_CODES["mode"]) == "L"
    assert [part["coding"][0]["code"] for part in role["specialty"]] == ["SM26"]
    assert role["practitioner"]["display"] == "Dr Hélène VASSEUR"


def test_a_structure_without_prefixed_number_is_named_by_finess_then_siret() -> None:
    _, place, _ = made(who(PHARMACY))
    assert elements.identifier(place, names.IDNST) == "1950099937"
    assert elements.identifier(place, shape.FINESS) == "950099937"
    assert elements.identifier(place, shape.SIRENE) == "99900950000011"


def test_editing_keeps_what_we_do_not_know() -> None:
    person = shape.practitioner(who())
    person |= {"id": "p", "photo": [{"url": "https://photos.example.org/1"}]}
    after = shape.practitioner(who(national_id="899700999917"), person)
    assert after["photo"] == [{"url": "https://photos.example.org/1"}]
    assert [part["value"] for part in after["identifier"]] == ["899700999917", "99700999917"]
