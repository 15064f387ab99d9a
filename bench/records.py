"""The record: one resource by its id, against baseline D, the same row by bare psycopg in AUTOCOMMIT."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg

from bench.rows import Row
from hub.domain.people import Capacity, Viewer, role_key
from hub.storage import resources
from hub.storage.session import Database, libpq_url

EACH, ROUNDS = 300, 7
QUERY = "SELECT version, updated_at, content FROM resource WHERE type = %s AND id = %s AND NOT deleted"


async def _per_call(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for _ in range(EACH):
        await work()
    return (time.perf_counter() - started) / EACH


def professional(role: str) -> Viewer:
    """The viewer a doctor's software becomes."""
    return Viewer(
        id=f"PractitionerRole/{role}",
        capacity=Capacity.PROFESSIONAL,
        name="Banc",
        keys=frozenset({role_key(role)}),
        role=role,
    )


async def _measure(url: str, id: str, role: str) -> list[Row]:
    database = await Database.open(url, pool=2)
    bare = await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True)
    viewers = {
        "core read by id, as the hub itself": (Viewer.hub(), 3.0),
        "core read by id, a professional's grants joined, cut": (professional(role), None),
    }
    rows = []
    for name, (viewer, target) in viewers.items():

        async def mine(viewer: Viewer = viewer) -> object:
            found = await resources.current(database, viewer, "Patient", id)
            assert found is not None
            return found

        async def theirs() -> object:
            return await (await bare.execute(QUERY, ("Patient", id))).fetchone()

        await mine()
        await theirs()
        pairs = [(await _per_call(mine), await _per_call(theirs)) for _ in range(ROUNDS)]
        rows.append(Row(name=name, baseline="D", pairs=pairs, target=target, is_rate=False))
    await bare.close()
    await database.close()
    return rows


def rows(url: str, patient: str, role: str) -> list[Row]:
    """``patient`` and ``role``: ids of a Patient and of a PractitionerRole who may see it."""
    return asyncio.run(_measure(url, patient, role))
