"""Subscriptions of a machine client, uncut: for the connectors that notify, and for limits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from hub.domain.people import client_key
from hub.r4 import json
from hub.storage.session import Session
from hub.storage.tables.records import resource

Resource = dict[str, Any]

OF_CLIENT = (
    select(resource.c.content)
    .where(resource.c.type == "Subscription", resource.c.owner == bindparam("owner"), ~resource.c.deleted)
    .order_by(resource.c.key)
)


async def of_client(session: Session, client: str) -> list[Resource]:
    """Every subscription of a client, oldest first."""
    return [
        json.loads(content) for content in (await session.execute(OF_CLIENT, {"owner": client_key(client)})).scalars()
    ]
