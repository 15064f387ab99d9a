import string

import pytest

from hub.domain import refusal
from hub.domain.refusal import Refusal
from hub.r4 import outcome, resources
from hub.r4.validation import check

BASE = "https://hub.example.org/fhir"


def test_a_refusal_becomes_an_outcome_with_all_its_faults() -> None:
    other = Refusal("missing-data", what="le motif", expression="Bundle.entry[4].resource.reasonCode")
    found = outcome.of_refusal(
        Refusal("missing-data", what="la commune", expression="Bundle.entry[0]", more=(other,)), BASE
    )
    assert not check(found)
    first, second = found["issue"]
    assert first["code"] == "required"
    assert first["details"]["coding"] == [{"system": f"{BASE}/CodeSystem/sas-handoff-error", "code": "missing-data"}]
    assert first["expression"] == ["Bundle.entry[0]"]
    assert second["details"]["text"].startswith("Il manque une donnée\u00a0: le motif.")


@pytest.mark.parametrize("row", refusal.rows().values(), ids=refusal.rows())
def test_every_refusal_gives_a_right_outcome(row: refusal.Row) -> None:
    holes = {name for _, name, _, _ in string.Formatter().parse(row.french + row.remedy) if name}
    found = outcome.of_refusal(Refusal(row.code, **dict.fromkeys(holes, "x")), BASE)
    assert not check(found)


def test_faults_become_an_outcome() -> None:
    found = outcome.of_issues(check({"resourceType": "Patient", "gender": "homme"}), BASE)
    assert not check(found)
    (issue,) = found["issue"]
    assert issue["code"] == "code-invalid"
    assert issue["details"]["coding"] == [{"system": f"{BASE}/CodeSystem/refusal", "code": "bad-code"}]
    assert issue["expression"] == ["Patient.gender"]


def test_the_codes_of_faults_are_refusals() -> None:
    assert set(outcome.REFUSAL_OF.values()) <= set(refusal.rows())


def test_nothing_to_say_and_our_own_fault_are_outcomes_too() -> None:
    assert not check(outcome.of_issues([], BASE))
    bug = outcome.of_bug("7KQ2-14")
    assert not check(bug)
    assert "7KQ2-14" in bug["issue"][0]["details"]["text"]


def test_what_we_build_is_judged_twice() -> None:
    patient = resources.build("Patient", {"gender": "female", "birthDate": "1979-03-28"})
    assert list(patient) == ["resourceType", "gender", "birthDate"]
    for wrong in ({"gender": "homme"}, {"birthDate": "hier"}, {"nom": "X"}):
        with pytest.raises(ValueError, match="Patient"):
            resources.build("Patient", wrong)
    with pytest.raises(ValueError):
        resources.build("Chose", {})
