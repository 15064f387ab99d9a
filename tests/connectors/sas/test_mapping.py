"""A subscription and one version of a Task, made into one HTTP request."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.connectors.sas import mapping
from hub.domain.appointment import Appointment, Mode, Standing
from hub.r4 import names
from sandbox.sas import appointments as twin

DOSSIER = "https://hub.example.org/fhir/ns/sas-dossier"
TASK = {"resourceType": "Task", "id": "t417", "groupIdentifier": {"system": DOSSIER, "value": "fr.health.samu950.D1"}}
ENDPOINT = "https://sas.example.org/notifications/7f3a"


def subscription(**channel: Any) -> dict[str, Any]:
    return {"resourceType": "Subscription", "channel": {"type": "rest-hook", "endpoint": ENDPOINT, **channel}}


@pytest.mark.parametrize(
    ("criteria", "matches"),
    [
        (f"Task?group-identifier={DOSSIER}|", True),
        (f"Task?group-identifier={DOSSIER}|fr.health.samu950.D1", True),
        (f"Task?group-identifier={DOSSIER}|fr.health.samu950.D2", False),
        ("Task?group-identifier=urn:other|", False),
        ("Task?status=accepted", False),
        (f"ServiceRequest?group-identifier={DOSSIER}|", False),
    ],
)
def test_only_the_tasks_of_the_criteria_are_told(criteria: str, matches: bool) -> None:
    assert mapping.criteria_match(criteria, TASK) is matches


def test_with_a_payload_the_version_is_put_under_its_id() -> None:
    wanted = subscription(payload="application/fhir+json", header=["X-Hub-Subscription: s-1", "X-More:a:b"])
    made = mapping.to_notification(wanted, TASK, b'{"resourceType":"Task","id":"t417"}')
    assert (made.method, made.url) == ("PUT", f"{ENDPOINT}/Task/t417")
    assert made.headers == {
        "X-Hub-Subscription": "s-1",
        "X-More": "a:b",
        "Content-Type": "application/fhir+json; charset=utf-8",
    }
    assert made.body == '{"resourceType":"Task","id":"t417"}'


def test_without_a_payload_the_door_is_knocked_at_and_nothing_is_said() -> None:
    made = mapping.to_notification(subscription(), TASK, b"never sent")
    assert (made.method, made.url, made.body) == ("POST", ENDPOINT, "")
    assert "Content-Type" not in made.headers


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        (ENDPOINT, True),
        ("http://sas.example.org/notifications", False),
        ("https://sas.example.org.evil.test/notifications", False),
        ("https://sas.example.org@evil.test/", False),
        ("https://evil.test/?sas.example.org", False),
    ],
)
def test_only_hosts_of_the_list_are_told_and_only_by_https(endpoint: str, allowed: bool) -> None:
    assert mapping.is_allowed(endpoint, ["sas.example.org"]) is allowed


# ---------------------------------------------------------------------------------------- appointments (INT_R03)

PENDING = Appointment(
    id="6f1c2a34-0000-4000-8000-000000000417", request="r1", patient="p1", performer="role-1", mode=Mode.PRACTICE,
    standing=Standing.PENDING, created_at=datetime(2026, 10, 24, 8, 0, tzinfo=UTC),
    start=datetime(2026, 10, 25, 8, 30, tzinfo=UTC), end=datetime(2026, 10, 25, 8, 50, tzinfo=UTC),
)  # fmt: skip
WORDS = replace(PENDING, standing=Standing.PROPOSED, start=None, end=None, words="demain matin")
BOOKED, CANCELLED = replace(PENDING, standing=Standing.BOOKED), replace(PENDING, standing=Standing.CANCELLED)
FULFILLED, NO_SHOW = replace(PENDING, standing=Standing.FULFILLED), replace(PENDING, standing=Standing.NO_SHOW)
REGULATOR = "3950999995/95000011"


def made(appointment: Appointment, **words: Any) -> dict[str, Any]:
    operator = mapping.regulator({"identifier": [{"system": names.IDNPS, "value": REGULATOR}]})
    assert operator is not None
    usual: dict[str, Any] = {"category": "002", "zone": ZoneInfo("Europe/Paris"), "doctor": "899700999909"}
    return mapping.to_appointment(appointment, operator=operator, **(usual | words))


@pytest.mark.parametrize(
    ("versions", "with_pending", "without"),
    [
        ([PENDING], "POST", ""),
        ([WORDS], "", ""),
        ([WORDS, BOOKED], "POST", "POST"),
        ([PENDING, BOOKED], "PUT", "POST"),
        ([PENDING, CANCELLED], "PUT", ""),
        ([WORDS, replace(WORDS, standing=Standing.CANCELLED)], "", ""),
        ([PENDING, BOOKED, CANCELLED], "PUT", "PUT"),
        ([PENDING, BOOKED, FULFILLED], "PUT", "PUT"),
        ([WORDS, BOOKED, NO_SHOW], "PUT", "PUT"),
    ],
)
def test_first_created_then_changed_and_never_the_end_of_what_was_not_told(
    versions: list[Appointment], with_pending: str, without: str
) -> None:
    assert mapping.method(versions, tells_pending=True) == with_pending
    assert mapping.method(versions, tells_pending=False) == without


@pytest.mark.parametrize("appointment", [PENDING, BOOKED, CANCELLED, FULFILLED, NO_SHOW])
@pytest.mark.parametrize("category", mapping.CATEGORIES)
def test_the_platform_has_nothing_to_remark(appointment: Appointment, category: str) -> None:
    found = twin.examine(made(appointment, category=category), frozenset({REGULATOR}), None)
    assert [one.check.what for one in found if not one.check.passed] == []


def test_hours_are_those_of_the_territory_with_an_offset_in_figures() -> None:
    assert made(PENDING)["start"] == "2026-10-25T09:30:00.000+01:00"  # the night the clocks go back has passed
    assert made(PENDING)["created"] == "2026-10-24T10:00:00.000+02:00"
    assert made(PENDING, zone=ZoneInfo("Indian/Reunion"))["start"] == "2026-10-25T12:30:00.000+04:00"


def test_nothing_else_than_what_the_profile_wants_leaves() -> None:
    told = made(replace(BOOKED, comment="Porte du fond", phone_told="+33612345678"))
    assert set(told) == {
        "resourceType", "meta", "extension", "identifier", "status", "start", "end", "created", "participant",
    }  # fmt: skip
    assert "p1" not in json.dumps(told) and "role-1" not in json.dumps(told)


def test_the_regulator_is_named_as_the_platform_named_him() -> None:
    technical = {"system": mapping.SAS_TECHNICAL, "value": "7d4c"}
    found = mapping.regulator({"identifier": [{"system": "urn:other", "value": "x"}, technical]})
    assert found is not None and found["value"] == "7d4c" and found["type"]["coding"][0]["code"] == "INTRN"
    assert mapping.regulator({"identifier": [{"system": "urn:other", "value": "x"}]}) is None


def test_a_creation_says_what_makes_a_second_one_useless() -> None:
    key = f"identifier={names.ns('appointment')}|{PENDING.id}"
    first = mapping.to_exchange("https://sas.example.org/fhir/", "POST", made(PENDING))
    assert (first.method, first.url) == ("POST", "https://sas.example.org/fhir/Appointment")
    assert first.headers["If-None-Exist"] == key
    change = mapping.to_exchange("https://sas.example.org/fhir", "PUT", made(BOOKED))
    assert change.url == f"https://sas.example.org/fhir/Appointment?{key}".replace("|", "%7C")
    assert "If-None-Exist" not in change.headers and json.loads(change.body)["status"] == "booked"
