"""A subscription and one version of a Task, made into one HTTP request."""

from __future__ import annotations

from typing import Any

import pytest

from hub.connectors.sas import mapping

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
