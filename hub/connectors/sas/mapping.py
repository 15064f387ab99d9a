"""From a Subscription and one version of a Task to a rest-hook notification (FHIR R4, Subscription, channel rest-hook). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Resource = Mapping[str, Any]

CONTENT_TYPE = "application/fhir+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One request to make: ``PUT url`` with the resource, or ``POST url`` without a body when no payload was asked for."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def criteria_match(criteria: str, task: Resource) -> bool:
    """Whether a Task meets ``Task?group-identifier=system|value``; an empty value takes any number of that system."""
    kind, _, query = criteria.partition("?")
    if kind != "Task":
        return False
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        system, _, number = value.partition("|")
        group = task.get("groupIdentifier", {})
        if name != "group-identifier" or group.get("system") != system or number not in ("", group.get("value")):
            return False
    return True


def to_notification(subscription: Resource, task: Resource, content: bytes) -> Notification:
    """What to send for one version of a Task. ``content``: the resource as this subscriber may see it."""
    channel = subscription["channel"]
    endpoint = str(channel["endpoint"]).rstrip("/")
    headers = dict(line.split(":", 1) for line in channel.get("header", []))
    headers = {name.strip(): value.strip() for name, value in headers.items()}
    if not channel.get("payload"):
        return Notification(method="POST", url=endpoint, headers=headers, body="")
    headers["Content-Type"] = f"{CONTENT_TYPE}; charset=utf-8"
    return Notification(
        method="PUT", url=f"{endpoint}/Task/{task['id']}", headers=headers, body=content.decode("utf-8")
    )


def is_allowed(endpoint: str, allowed_hosts: list[str]) -> bool:
    """Notifications go by https to a host of the list only (sas.md 17.10)."""
    address = urlsplit(endpoint)
    return address.scheme == "https" and address.hostname in allowed_hosts
