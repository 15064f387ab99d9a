"""The processes: serve answers, work does what was promised."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import uvloop

from hub import app, composition, doors, log, worker
from hub.connectors.failure import ConnectorFailure
from hub.settings import Settings
from hub.storage.session import Database
from hub.verbs import rpps_increments

EXPECTED = ("no-extraction", "load-running")  # a hub that begins, or another worker at it
HOUR = 3600.0  # seconds between two increments of the directory


@contextlib.asynccontextmanager
async def _until_asked(stop: asyncio.Event) -> AsyncIterator[None]:
    """Set ``stop`` on SIGTERM and SIGINT, while the block lasts."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


async def serving(settings: Settings, stop: asyncio.Event, ready: Callable[[], None] | None = None) -> None:
    """Answer people and software until ``stop``; ``ready`` is called once both doors are open."""
    await asyncio.to_thread(composition.warm)
    gc.collect()
    gc.freeze()  # tables that stay as long as the process: the collector need not look at them again and again
    async with (
        composition.database(settings, pool=20) as database,
        composition.clients(settings) as clients,
        doors.opened(app.build(settings, database, clients), settings.serve),
    ):
        log.event("serve.ready", process=os.getpid())
        if ready is not None:
            ready()
        await stop.wait()


async def working(settings: Settings, stop: asyncio.Event) -> None:
    """Carry out what is due until ``stop``."""
    topics = worker.merge(*composition.topics(settings))
    async with composition.database(settings) as database, composition.clients(settings) as clients:
        log.event("work.ready", process=os.getpid())
        await worker_of(settings, database, clients, topics).run(stop)


def worker_of(
    settings: Settings, database: Database, clients: composition.Clients, topics: worker.Merged
) -> worker.Worker:
    """The worker of one process."""
    return worker.Worker(
        database=database,
        topics=topics,
        clients=clients.others,
        at_once=settings.outbox.at_once,
        look_every=settings.outbox.look_every,
        dry_run=settings.outbox.dry_run,
        lease=timedelta(seconds=settings.outbox.lease),
        regular=_regular(settings, database),
    )


def _regular(settings: Settings, database: Database) -> dict[str, tuple[float, worker.Regular]]:
    """What a worker does now and then, as far as it is configured."""

    async def increments() -> None:
        try:
            await rpps_increments.increment(settings, database)
        except ConnectorFailure as failure:
            if failure.code not in EXPECTED:
                raise
            log.event("directory.increments", code=failure.code)

    return {"directory.increments": (HOUR, increments)} if settings.rpps.has_api else {}


def serve(settings: Settings) -> None:
    """``hub serve``."""
    _run(settings, serving)


def work(settings: Settings) -> None:
    """``hub work``."""
    _run(settings, working)


def _run(settings: Settings, process: Callable[..., object]) -> None:
    composition.prepare(settings)

    async def main() -> None:
        stop = asyncio.Event()
        async with _until_asked(stop):
            await process(settings, stop)  # type: ignore[misc]

    uvloop.run(main())
