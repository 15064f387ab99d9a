"""Plain R4 subscriptions, rest-hook (https://hl7.org/fhir/R4/subscription.html; fhir.md 7.1): on Task, for who handed it over."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4 import names
from hub.storage import audit, resources, subscriptions
from hub.storage.session import Session

Resource = dict[str, Any]

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
        raise Refusal(
            "bad-value",
            expression="Subscription.channel.endpoint",
            value="endpoint",
            form="une adresse https autorisée",
        )
    if viewer.client is None:
        raise Refusal("not-allowed")
    return {**resource, "status": "active"}


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
    kept = after if after.get("status") == "off" else checked(viewer, after)
    await resources.save(session, viewer, {**kept, "id": current["id"], "meta": current["meta"]})
