"""Which CPTS covers a commune, and how each wants its requests treated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from hub.storage.session import Session
from hub.storage.tables.territory import agreement, coverage, network


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A CPTS. ``rules`` holds what differs from the defaults: ``opening`` hours, ``response_minutes``, ``short_delays``…"""

    id: str
    name: str
    structure_id: str
    phone: str = ""
    zone: str = "Europe/Paris"
    rules: Mapping[str, Any] = field(default_factory=dict)
    is_paused: bool = False


def _network(row: Any) -> Network:
    return Network(
        id=row.id,
        name=row.name,
        structure_id=row.structure_id,
        phone=row.phone,
        zone=row.zone,
        rules=row.rules,
        is_paused=row.is_paused,
    )


COVERING = (
    select(network)
    .join(coverage, coverage.c.network == network.c.id)
    .where(
        coverage.c.commune == bindparam("commune"),
        or_(coverage.c.valid_from.is_(None), coverage.c.valid_from <= bindparam("day")),
        or_(coverage.c.valid_until.is_(None), coverage.c.valid_until >= bindparam("day")),
    )
    .order_by(coverage.c.rank, network.c.id)
    .limit(1)
)


async def covering(session: Session, commune: str, day: date) -> Network | None:
    """The CPTS that covers a commune on that day (sas.md 17.9); ``None`` when nobody does. ``commune``: normalised INSEE code."""
    row = (await session.execute(COVERING, {"commune": commune, "day": day})).one_or_none()
    return _network(row) if row else None


async def by_id(session: Session, id: str) -> Network | None:
    """One CPTS by the id of its Organization."""
    row = (await session.execute(select(network).where(network.c.id == id))).one_or_none()
    return _network(row) if row else None


async def all_networks(session: Session) -> list[Network]:
    """Every CPTS served, by name."""
    return [_network(row) for row in await session.execute(select(network).order_by(network.c.name))]


async def neighbours(session: Session, id: str) -> list[str]:
    """The CPTS that agreed to be asked in the last wave of this one."""
    rows = await session.execute(select(agreement.c.neighbour).where(agreement.c.network == id))
    return [row.neighbour for row in rows]


async def keep(session: Session, one: Network, communes: Iterable[str]) -> None:
    """Create or replace a CPTS and the communes it covers."""
    values = {
        "id": one.id,
        "name": one.name,
        "structure_id": one.structure_id,
        "phone": one.phone,
        "zone": one.zone,
        "rules": dict(one.rules),
        "is_paused": one.is_paused,
    }
    changed = {name: value for name, value in values.items() if name != "id"}
    await session.execute(insert(network).values(values).on_conflict_do_update(index_elements=["id"], set_=changed))
    await session.execute(delete(coverage).where(coverage.c.network == one.id))
    rows = [{"commune": commune, "network": one.id} for commune in communes]
    if rows:
        await session.execute(insert(coverage), rows)


async def communes_of(session: Session, id: str) -> list[str]:
    """The communes a CPTS covers."""
    rows = await session.execute(
        select(coverage.c.commune).where(coverage.c.network == id).order_by(coverage.c.commune)
    )
    return [row.commune for row in rows]


async def agree(session: Session, id: str, others: Iterable[str]) -> None:
    """The neighbours that may be asked in the last wave of a CPTS, in place of those agreed before."""
    await session.execute(delete(agreement).where(agreement.c.network == id))
    rows = [{"network": id, "neighbour": other} for other in others]
    if rows:
        await session.execute(insert(agreement), rows)
