"""The CapabilityStatement says what the router does, no more and no less (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.visibility import REACH
from hub.fhir import router
from hub.fhir.app import FhirContext, smart_configuration
from hub.fhir.capability import statement
from hub.fhir.rules import RULES
from hub.r4 import validation
from hub.storage import parameters
from tests.fhir.conftest import BASE, JSON_TYPE, PATCH_TYPE, Face, Story, issue

STATEMENT = statement(BASE)
TYPES: dict[str, dict[str, Any]] = {one["type"]: one for one in STATEMENT["rest"][0]["resource"]}
# Each interaction of the statement: method and address, by which the router must offer it, and else must not.
ADDRESSES = {
    "read": ("GET", "{type}/1"),
    "vread": ("GET", "{type}/1/_history/1"),
    "history-instance": ("GET", "{type}/1/_history"),
    "search-type": ("GET", "{type}"),
    "create": ("POST", "{type}"),
    "update": ("PUT", "{type}/1"),
    "patch": ("PATCH", "{type}/1"),
    "delete": ("DELETE", "{type}/1"),
    "history-type": ("GET", "{type}/_history"),
}
VALUES = {
    "string": "a", "token": "a", "date": "2026-11-16", "reference": "Patient/1", "uri": "urn:a", "quantity": "1",
    "special": "49|2|1|km",
}  # fmt: skip


def test_it_is_valid_and_each_thing_is_said_once() -> None:
    assert validation.check(STATEMENT) == []
    assert len(TYPES) == len(STATEMENT["rest"][0]["resource"])
    for one in TYPES.values():
        codes = [part["code"] for part in one["interaction"]]
        searched = [part["name"] for part in one["searchParam"]]
        assert len(codes) == len(set(codes))
        assert len(searched) == len(set(searched))


def test_every_type_of_the_router_is_visible_to_somebody() -> None:
    assert set(TYPES) == set(RULES)
    assert set(TYPES) <= set(REACH)


@pytest.mark.parametrize("code", ADDRESSES)
def test_interactions(code: str) -> None:
    method, address = ADDRESSES[code]
    for name, one in TYPES.items():
        said = code in {part["code"] for part in one["interaction"]}
        offered = router.offered(tuple(address.format(type=name).split("/")))
        assert (method in offered) is said, (name, code)


def test_conditional_writes() -> None:
    for name, one in TYPES.items():
        offered = set(router.offered((name,)))
        assert ("PUT" in offered) is one["conditionalUpdate"], name
        assert "DELETE" not in offered
        assert one["conditionalDelete"] == "not-supported"
        assert one["updateCreate"] is False
        assert one["conditionalCreate"] is False


def test_versions_that_writes_must_name() -> None:
    for name, one in TYPES.items():
        demanded = RULES[name].needs_match and bool(RULES[name].writes)
        assert (one["versioning"] == "versioned-update") is demanded, name


def test_system_interactions() -> None:
    assert {part["code"] for part in STATEMENT["rest"][0]["interaction"]} == {"transaction"}
    assert set(router.offered(())) == {"POST"}
    assert router.offered(("_history",)) == {}


async def test_what_is_said_is_done(face: Face) -> None:
    """Over the wire: 405 exactly where the statement says nothing, never where it says something."""
    for name, one in TYPES.items():
        headers = face.token("fr.health.samu950", f"system/{name}.cruds")
        said = {part["code"] for part in one["interaction"]}
        for code, (method, address) in ADDRESSES.items():
            media = PATCH_TYPE if method == "PATCH" else JSON_TYPE
            url = f"/fhir/{address.format(type=name)}"
            answer = await face.http.request(method, url, content=b"[]", headers={**headers, **media})
            assert (answer.status_code == 405) == (code not in said and code != "history-type"), (name, code)
            assert answer.status_code < 500


async def test_every_parameter_and_include_that_is_said_is_taken_and_no_other(story: Story) -> None:
    headers = story.face.token("software-vasseur", "system/*.rs")
    for name, one in TYPES.items():
        codes = {part["name"]: part["type"] for part in one["searchParam"]}
        common = {part["name"]: part["type"] for part in STATEMENT["rest"][0]["searchParam"]}
        assert codes.keys() | common.keys() == parameters.of(name).keys()
        for code, kind in {**codes, **common}.items():
            answer = await story.get(f"{name}?{code}={VALUES[kind]}", headers)
            assert answer.status_code == 200, (name, code, answer.text)
        for rule in one.get("searchInclude", []):
            assert (await story.get(f"{name}?_include={rule}", headers)).status_code == 200, rule
        for rule in one.get("searchRevInclude", []):
            assert (await story.get(f"{name}?_revinclude={rule}", headers)).status_code == 200, rule
        assert issue(await story.get(f"{name}?couleur=bleu", headers))[0] == 400


async def test_formats_that_are_said_are_served(face: Face) -> None:
    for media in STATEMENT["format"]:
        answer = await face.http.get("/fhir/metadata", params={"_format": media})
        assert answer.status_code == 200
    assert (await face.http.get("/fhir/metadata", params={"_format": "xml"})).status_code == 406
    assert (await face.http.get("/fhir/metadata")).json() == STATEMENT


async def test_smart_configuration_announces_only_what_works(face: Face) -> None:
    context = FhirContext(
        database=face.database, keys=face.keys, base=BASE, token_endpoint="https://hub.test/oauth/token"
    )
    said = smart_configuration(context)
    assert said["token_endpoint"] == "https://hub.test/oauth/token"
    assert set(said["token_endpoint_auth_methods_supported"]) == {"private_key_jwt", "tls_client_auth"}
    assert said["grant_types_supported"] == ["client_credentials"]
    assert not {"authorization_endpoint", "jwks_uri", "introspection_endpoint"} & set(said)
