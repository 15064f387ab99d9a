"""What goes back to the SAS: every version of the coordinating Task, in order, to whoever handed the request over."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

from hub.connectors.installation import Installation
from hub.connectors.sas import mapping
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.settings import SasSettings
from hub.domain.people import Capacity, Viewer, client_key
from hub.storage import resources, subscriptions
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Session
from hub.workflows.topics import SasOutcome

Deliveries = dict[type[Message], Delivery]

GIVE_UP_AFTER = timedelta(hours=24)  # sas.md 17.10, then an alert


def topics(_settings: SasSettings, _installation: Installation) -> Deliveries:
    """The deliveries of this connector."""
    return {SasOutcome: Delivery(connector="sas", prepare=prepare, send=send, give_up_after=GIVE_UP_AFTER)}


async def prepare(session: Session, message: SasOutcome) -> bytes | None:
    """The notification for the client's active subscription, cut to what this client may see; nothing without a subscription:
    the SAS then reads by polling (sas.md 17.10).
    """
    viewer = Viewer(
        id=message.client,
        capacity=Capacity.SAS,
        name=message.client,
        keys=frozenset({client_key(message.client)}),
        client=message.client,
    )
    stored = await resources.vread(session, viewer, "Task", message.task, message.version)
    if stored is None:
        return None
    task = stored.json()
    for subscription in await subscriptions.of_client(session, message.client):
        if subscription["status"] == "active" and mapping.criteria_match(subscription["criteria"], task):
            notification = mapping.to_notification(subscription, task, stored.content)
            return json.dumps(asdict(notification)).encode()
    return None


async def send(client: SasClient, prepared: bytes) -> None:
    """One exchange with the platform."""
    await client.notify(mapping.Notification(**json.loads(prepared)))
