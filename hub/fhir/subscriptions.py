"""Plain R4 subscriptions, rest-hook (https://hl7.org/fhir/R4/subscription.html; fhir.md 7.1): on Task, for who handed it over."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.fhir.smart import scopes
from hub.r4 import json, names
from hub.storage import audit, resources, subscriptions
from hub.storage.resources import Stored
from hub.storage.session import Session

Resource = dict[str, Any]

HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[ \t]*[\x21-\x7e][\x20-\x7e]*$")  # RFC 9110, 5
MOST = 20  # subscriptions a client may keep


class _Hosts:
    """Where notifications may go; set by the composition floor from ``sas.allowed_hosts``."""

    allowed: frozenset[str] = frozenset()


def allow(hosts: list[str]) -> None:
    """Set the hosts that may receive notifications."""
    _Hosts.allowed = frozenset(hosts)


def checked(viewer: Viewer, resource: Resource) -> Resource:
    """The subscription made active, or a refusal that says what is wrong: criteria, channel, address."""
    criteria, channel = resource["criteria"], resource["channel"]
    expected = f"Task?group-identifier={names.ns('sas-dossier')}|"
    if not criteria.startswith(expected):
        raise Refusal("bad-value", expression="Subscription.criteria", value=criteria[:80], form=f"« {expected} »")
    if channel.get("type") != "rest-hook":
        raise Refusal(
            "bad-value", expression="Subscription.channel.type", value=channel.get("type"), form="« rest-hook »"
        )
    if channel.get("payload") not in (None, "application/fhir+json"):
        raise Refusal(
            "bad-value", expression="Subscription.channel.payload", value="payload", form="« application/fhir+json »"
        )
    address = urlsplit(channel.get("endpoint", ""))
    if address.scheme != "https" or address.hostname not in _Hosts.allowed:
        raise Refusal("subscription-endpoint-refused", expression="Subscription.channel.endpoint")
    for number, line in enumerate(channel.get("header", [])):
        if not HEADER.match(line):
            where = f"Subscription.channel.header[{number}]"
            raise Refusal("bad-value", expression=where, value="header", form="« Nom: valeur »")
    if viewer.client is None:
        raise Refusal("not-allowed")
    if not any(scopes.allows(viewer.scopes, "Task", letter) for letter in "rs"):
        raise Refusal("scope-missing", scope="system/Task.rs")
    return {**resource, "status": "active"}


MASK = "***"


def seen(stored: Stored) -> Resource:
    """A stored resource as it is given back: the values of a subscription's headers hold secrets, and never leave."""
    resource = stored.json()
    channel = resource.get("channel", {})
    if stored.type != "Subscription" or "header" not in channel:
        return resource
    masked = [f"{line.partition(':')[0]}: {MASK}" for line in channel["header"]]
    return {**resource, "channel": {**channel, "header": masked}}


def shown(stored: Stored) -> bytes:
    """The bytes of :func:`seen`: those of the store when there is nothing to hide."""
    return json.dumps(seen(stored)) if stored.type == "Subscription" else stored.content


def _with_secrets(after: Resource, current: Resource) -> Resource:
    """A header sent back as it was shown keeps its value."""
    before = {line.partition(":")[0]: line for line in current["channel"].get("header", [])}
    lines = [
        before.get(line.partition(":")[0], line) if line.endswith(f": {MASK}") else line
        for line in after["channel"].get("header", [])
    ]
    return {**after, "channel": {**after["channel"], "header": lines}} if lines else after


async def create(session: Session, viewer: Viewer, resource: Resource) -> str:
    """Keep a subscription of this client; the id."""
    active = checked(viewer, resource)
    mine = await subscriptions.of_client(session, viewer.client or "")
    if len(mine) >= MOST:
        raise Refusal("too-many-subscriptions", limit=MOST)
    made = await resources.create(session, viewer, active)
    await audit.record(session, viewer=viewer, event="subscription.created", resource=f"Subscription/{made['id']}")
    return str(made["id"])


async def update(session: Session, viewer: Viewer, before: Resource, after: Resource) -> None:
    """Change a subscription, or turn it off."""
    current = await resources.lock(session, "Subscription", before["id"])
    after = _with_secrets(after, current)
    kept = after if after.get("status") == "off" else checked(viewer, after)
    await resources.save(session, viewer, {**kept, "id": current["id"], "meta": current["meta"]})
