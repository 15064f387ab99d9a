import copy
import csv
import inspect
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.r4 import definitions, invariants, primitives, validation, walk
from hub.r4 import json as r4_json
from hub.r4.validation import Invalid, check, parse


def _files(conformance: Path) -> list[Path]:
    folder = conformance / "fhir"
    return sorted([*(folder / "examples-r4").rglob("*.json"), *(folder / "examples-fr").rglob("*.json")])


def test_every_published_example_is_accepted_and_written_back_equal(conformance: Path) -> None:
    files = _files(conformance)
    assert len(files) > 95
    refused = {}
    for path in files:
        body = path.read_bytes()
        try:
            resource = parse(body)
        except Invalid as invalid:
            refused[path.name] = [(issue.expression, issue.rule) for issue in invalid.issues]
            continue
        again = r4_json.dumps(resource)
        assert json.loads(again, parse_float=str) == json.loads(body, parse_float=str), path.name
    assert not refused


def test_every_base_and_reference_case_is_judged_right(conformance: Path) -> None:
    cases = json.loads((conformance / "fhir" / "validation" / "cases.json").read_text(encoding="utf-8"))
    judged = [case for case in cases if case["level"] in ("base", "reference")]
    assert len(judged) >= 38
    wrong = []
    for case in judged:
        found = check(case["resource"])
        is_right = (not found) == (case["expect"] == "valid")
        for expected in case.get("issues") or ():
            where = (expected["expression"], expected["expression"].rpartition(".")[0])
            is_right &= any(issue.expression in where and issue.code == expected["code"] for issue in found)
        if not is_right:
            wrong.append((case["id"], found))
    assert not wrong


def test_the_official_validators_own_cases_are_not_judged_worse_than_before(conformance: Path) -> None:
    """Much of them needs a profile engine or a terminology server: counted, not demanded (fhir.md 13, 6)."""
    folder = conformance / "fhir" / "hl7-validator-cases"
    verdicts: Counter[tuple[str, str]] = Counter()
    for case in json.loads((folder / "cases.json").read_text(encoding="utf-8")):
        if case["form"] == "xml":
            continue
        try:
            parse((folder / case["file"]).read_bytes())
            verdicts[case["expect"], "valid"] += 1
        except Invalid:
            verdicts[case["expect"], "invalid"] += 1
    assert verdicts["valid", "valid"] >= 32
    assert verdicts["invalid", "invalid"] >= 15


PATIENT = {"resourceType": "Patient", "name": [{"family": "PAT-TROIS", "given": ["DOMINIQUE"]}], "gender": "female"}


def faults(resource: Any) -> set[tuple[str, str]]:
    return {(issue.expression, issue.code) for issue in check(resource)}


@pytest.mark.parametrize(
    ("change", "expression", "code"),
    [
        ({"nom": "X"}, "Patient.nom", "structure"),
        ({"name": []}, "Patient.name", "structure"),
        ({"name": [{}]}, "Patient.name[0]", "structure"),
        ({"name": [{"id": "a"}]}, "Patient.name[0]", "invariant"),
        ({"name": [{"given": ["A", None]}]}, "Patient.name[0].given[1]", "structure"),
        ({"name": [{"given": ["A", "B"], "_given": [None]}]}, "Patient.name[0]._given", "structure"),
        ({"gender": "homme"}, "Patient.gender", "code-invalid"),
        ({"active": "true"}, "Patient.active", "structure"),
        ({"birthDate": "1979-02-30"}, "Patient.birthDate", "value"),
        ({"birthDate": "1979-3-28"}, "Patient.birthDate", "value"),
        ({"deceasedBoolean": False, "deceasedDateTime": "2020"}, "Patient.deceased[x]", "structure"),
        ({"deceasedBoolean": False, "_deceasedDateTime": {"id": "x"}}, "Patient.deceased[x]", "structure"),
        ({"multipleBirthInteger": 2**31}, "Patient.multipleBirthInteger", "value"),
        ({"multipleBirthInteger": Decimal("2.0")}, "Patient.multipleBirthInteger", "structure"),
        ({"managingOrganization": {"reference": "Patient/1"}}, "Patient.managingOrganization", "structure"),
        ({"managingOrganization": {"reference": "#org"}}, "Patient.managingOrganization", "invariant"),
        ({"managingOrganization": {"reference": "n'importe quoi"}}, "Patient.managingOrganization", "value"),
        ({"managingOrganization": {"type": "Patient"}}, "Patient.managingOrganization", "structure"),
        ({"name": [{"family": "\x00"}]}, "Patient.name[0].family", "value"),
        ({"photo": [{"contentType": "image/png", "data": "@@@@"}]}, "Patient.photo[0].data", "value"),
        ({"photo": [{"data": "QUJD"}]}, "Patient.photo[0]", "invariant"),
        ({"telecom": [{"value": "01 99 00 00 01"}]}, "Patient.telecom[0]", "invariant"),
        ({"extension": [{"url": "relative", "valueBoolean": True}]}, "Patient.extension[0].url", "value"),
        ({"extension": [{"url": "urn:x:y"}]}, "Patient.extension[0]", "invariant"),
        (
            {"extension": [{"_url": {"extension": [{"url": "urn:x:y", "valueCode": "a"}]}, "valueCode": "b"}]},
            "Patient.extension[0].url",
            "required",
        ),
        ({"contained": [{"resourceType": "Organization", "id": "o", "name": "O"}]}, "Patient", "invariant"),
        ({"contained": [{"resourceType": "Chose", "id": "o"}]}, "Patient.contained[0]", "structure"),
        ({"meta": {"lastUpdated": "2026-11-13"}}, "Patient.meta.lastUpdated", "value"),
        ({"contact": [{"gender": "male"}]}, "Patient.contact[0]", "invariant"),
    ],
)
def test_each_fault_is_named_where_it_is(change: dict[str, Any], expression: str, code: str) -> None:
    assert not check(PATIENT)
    assert (expression, code) in faults({**PATIENT, **change})


@pytest.mark.parametrize(
    "change",
    [
        {
            "name": [
                {
                    "family": "A",
                    "given": ["B", None],
                    "_given": [None, {"extension": [{"url": "urn:a:b", "valueCode": "c"}]}],
                }
            ]
        },
        {"_birthDate": {"extension": [{"url": "urn:a:b", "valueCode": "unknown"}]}},
        {
            "managingOrganization": {"reference": "#o"},
            "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
        },
        {"managingOrganization": {"reference": "https://autre.example.org/fhir/Organization/1/_history/2"}},
        {"managingOrganization": {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}},
        {"managingOrganization": {"reference": "Organization?identifier=urn:oid:1.2|3"}},
        {"managingOrganization": {"identifier": {"system": "urn:oid:1.2", "value": "3"}}},
        {"extension": [{"url": "urn:a:b", "extension": [{"url": "part", "valueString": "x"}]}]},
        {"birthDate": "1979"},
        {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>A<br/>B</p></div>'}},
    ],
)
def test_what_the_specification_allows_is_accepted(change: dict[str, Any]) -> None:
    assert not check({**PATIENT, **change})


@pytest.mark.parametrize(
    "div",
    [
        "<div>sans espace de noms</div>",
        '<div xmlns="http://www.w3.org/1999/xhtml"><script>x()</script></div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">a</p></div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"><a href=" java\nscript:x()">a</a></div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"> </div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</div>',
        '<div xmlns="http://www.w3.org/1999/xhtml">a</div><p>b</p>',
        "a",
    ],
)
def test_narratives_with_more_than_formatted_text_are_refused(div: str) -> None:
    patient = {**PATIENT, "text": {"status": "generated", "div": div}}
    assert ("Patient.text.div", "invariant") in faults(patient)


def test_all_faults_come_at_once_with_the_http_status_of_the_worst_form() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"resourceType":"Patient","nom":1,"gender":"homme","contact":[{"gender":"male"}]}')
    assert {issue.expression for issue in caught.value.issues} == {
        "Patient.nom",
        "Patient.gender",
        "Patient.contact[0]",
    }
    assert caught.value.http == 400
    with pytest.raises(Invalid) as caught:
        parse(b'{"resourceType":"Patient","contact":[{"gender":"male"}]}')
    assert caught.value.http == 422


def test_no_more_than_a_hundred_faults_are_told() -> None:
    assert len(check({"resourceType": "Patient", **{f"x{rank}": 1 for rank in range(300)}})) == 100


@pytest.mark.parametrize(
    ("body", "http", "said"),
    [
        (b"", 400, "vide"),
        (b" \n", 400, "vide"),
        (b"\xff{}", 400, "UTF-8"),
        (b'{"resourceType": "Patient",', 400, "ligne 1"),
        (b'{"resourceType": "Patient", "active": true, "active": false}', 400, "deux fois"),
        (b'{"resourceType": "Observation", "valueInteger": NaN}', 400, "NaN"),
        (b"[1]", 400, "objet JSON"),
        (b'{"resourceType": "Patiente"}', 400, "Patiente"),
        (b"{}", 400, "type de ressource"),
        (
            b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 60 + b"[]" + b"}]" * 60 + b"}",
            400,
            "50 niveaux",
        ),
        (b'{"a":' * 200_000, 400, "niveaux"),
        (b" " * (validation.LARGEST_BODY + 1) + b"{}", 413, "Mo"),
    ],
)
def test_bodies_that_cannot_be_read_say_why(body: bytes, http: int, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(body)
    assert caught.value.http == http
    assert said in caught.value.issues[0].text


def test_faults_are_told_in_french_with_what_is_allowed() -> None:
    (issue,) = check({**PATIENT, "gender": "homme"})
    assert issue.text == "«\u00a0homme\u00a0» n’est pas permis ici. Codes permis\u00a0: female, male, other, unknown."
    (issue,) = check({"resourceType": "Organization"})
    assert issue.text == "Une organisation a au moins un nom ou un identifiant (org-1)."
    (issue,) = check({"resourceType": "List", "status": "current", "mode": "working", "entry": [], "emptyReason": {}})[
        :1
    ]
    assert issue.text.startswith("Une liste vide")


def test_every_message_is_of_a_rule_and_every_fault_of_a_primitive_has_one() -> None:
    with validation.MESSAGES.open(encoding="utf-8", newline="") as file:
        told = [line["rule"] for line in csv.DictReader(file)]
    rules = {name for here in invariants.RULES.values() for name in here}
    walked = set(re.findall(r'blame\(\s*"([a-z0-9-]+)"', inspect.getsource(walk)))
    walked |= {"null", "array", "not-array", "not-object"}  # chosen between two in one call
    faults_of_primitives = {fault.value for fault in primitives.Fault}
    assert len(told) == len(set(told))
    assert faults_of_primitives | walked <= set(told)
    assert set(told) <= rules | walked | faults_of_primitives


def test_a_bundle_judges_its_entries_and_their_outcomes() -> None:
    entry = {"fullUrl": "Patient/1", "resource": {**PATIENT, "gender": "homme"}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert ("Bundle.entry[0].resource.gender", "code-invalid") in faults(bundle)
    answer = {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [{"response": {"status": "200", "outcome": PATIENT}}],
    }
    assert ("Bundle.entry[0].response.outcome", "structure") in faults(answer)


def test_rules_on_an_element_hold_beside_those_of_its_type() -> None:
    home = {"resourceType": "Organization", "name": "O", "telecom": [{"system": "phone", "value": "1", "use": "home"}]}
    assert faults(home) == {("Organization.telecom[0]", "invariant")}


def test_every_rule_stands_on_a_node_of_the_tables() -> None:
    for path in [*invariants.RULES, *definitions.required_codes()]:
        parent, _, name = path.rpartition(".")
        if parent:
            assert name in {field.label for field in definitions.node(parent).fields.values()}, path
        else:
            assert definitions.node(path).fields


_EXAMPLES: list[dict[str, Any]] = []


def _examples(conformance: Path) -> list[dict[str, Any]]:
    if not _EXAMPLES:
        _EXAMPLES.extend(validation.read(path.read_bytes()) for path in _files(conformance))
    return _EXAMPLES


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, item in members for found in ((*path, name), *_places(item, (*path, name)))]


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_mutated_example_is_refused_with_a_path_or_written_back_equal(conformance: Path, data: st.DataObject) -> None:
    mutant = copy.deepcopy(data.draw(st.sampled_from(_examples(conformance))))
    place = data.draw(st.sampled_from(_places(mutant)))
    holder = mutant
    for step in place[:-1]:
        holder = holder[step]
    strange = st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([None])
    )
    holder[place[-1]] = data.draw(strange)
    issues = check(mutant)
    if issues:
        assert all(issue.expression for issue in issues)
    else:
        assert r4_json.loads(r4_json.dumps(mutant)) == mutant
