"""The worker: takes what is due from the outbox and carries it out step by step, so that no transaction is open while a peer
thinks (architecture, Later work). It knows the six kinds of trouble, never the codes of a service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub import clock, log
from hub.connectors.failure import ConnectorFailure, Kind
from hub.storage import outbox
from hub.storage.outbox import Delivery, LeaseLost, Message, Row
from hub.storage.session import Database
from hub.workflows import chores

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
TIDY_EVERY = 600.0  # seconds
TRY_AGAIN = frozenset({Kind.UNREACHABLE, Kind.BUSY, Kind.DENIED})

Topics = Mapping[type[Message], Delivery]
Merged = Mapping[str, tuple[type[Message], Delivery]]


class WrongTopics(Exception):
    """A topic has no delivery, or two: the worker refuses to start."""


def merge(*tables: Topics) -> dict[str, tuple[type[Message], Delivery]]:
    """The topics of every connector and of the timers, by name. Raises :class:`WrongTopics` on a topic delivered twice."""
    merged: dict[str, tuple[type[Message], Delivery]] = {}
    for table in tables:
        for kind, delivery in table.items():
            if kind.topic in merged:
                raise WrongTopics(f"two deliveries for {kind.topic}")
            merged[kind.topic] = (kind, delivery)
    return merged


def pause(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long before the next try: 5 s, doubling, at most an hour, or what the peer said if that is longer."""
    doublings = min(max(attempts - 1, 0), 12)
    usual = min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    return max(usual, timedelta(seconds=retry_after)) if retry_after is not None else usual


Regular = Callable[[], Awaitable[None]]
# The database is away or busy: nothing is lost, the lease gives the message back.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
BUG = ConnectorFailure("hub", Kind.REFUSED, "bug")


@dataclass(slots=True)
class Worker:
    """One worker process. ``clients``: for each connector, what ``send`` speaks through; ``dry_run`` prepares and sends nothing;
    ``lease``: after which the work of a dead worker is taken over, longer than any exchange with a peer; ``regular``: by name, what
    is done at the start and then every so many seconds.
    """

    database: Database
    topics: Merged
    clients: Mapping[str, Any]
    at_once: int = 8
    look_every: float = 1.0
    dry_run: bool = False
    lease: timedelta = outbox.LEASE
    regular: Mapping[str, tuple[float, Regular]] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)  # connector -> monotonic instant until which it is left alone

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; messages in hand are finished first. A peer that is slow keeps one hand busy, not all."""
        woken = asyncio.Event()
        beside = [self._listen(woken), self._tidy(), *(self._regularly(name) for name in self.regular)]
        aside = [asyncio.create_task(one) for one in beside]
        hands: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                woken.clear()
                hands |= {
                    asyncio.create_task(self.carry_out(row)) for row in await self._take(self.at_once - len(hands))
                }
                hands = await self._rest(hands, stop, woken)
        finally:
            for one in aside:
                one.cancel()
            await asyncio.gather(*hands)
            await asyncio.gather(*aside, return_exceptions=True)

    async def _tidy(self) -> None:
        """The chores, every ten minutes; a database that restarts meanwhile does no harm."""
        while True:
            try:
                async with self.database.transaction() as session:
                    await chores.tidy(session)
            except DATABASE_AWAY as trouble:
                log.trouble("worker.database", error=type(trouble).__name__)
            await asyncio.sleep(TIDY_EVERY)

    async def _regularly(self, name: str) -> None:
        """Do one of the regular things again and again; its troubles are told, and it is tried again in its time."""
        pause, act = self.regular[name]
        while True:
            try:
                await act()
            except ConnectorFailure as failure:
                log.trouble(name, service=failure.service, code=failure.code)
            except DATABASE_AWAY as trouble:
                log.trouble("worker.database", error=type(trouble).__name__)
            except Exception:  # outermost loop
                log.trouble(name, with_trace=True)
            await asyncio.sleep(pause)

    async def _listen(self, woken: asyncio.Event) -> None:
        async for _topic in outbox.wake(self.database):
            woken.set()

    async def _rest(
        self, hands: set[asyncio.Task[None]], stop: asyncio.Event, woken: asyncio.Event
    ) -> set[asyncio.Task[None]]:
        """Wait until there may be something to take and a hand to take it; the hands still busy."""
        signs = [asyncio.create_task(stop.wait())]
        if len(hands) < self.at_once:
            signs.append(asyncio.create_task(woken.wait()))
        await asyncio.wait({*signs, *hands}, timeout=self.look_every, return_when=asyncio.FIRST_COMPLETED)
        for sign in signs:
            sign.cancel()
        for hand in hands:
            if hand.done():
                hand.result()
        return {hand for hand in hands if not hand.done()}

    def _open_topics(self) -> list[str]:
        now = time.monotonic()
        closed = {name for name, until in self.held.items() if until > now}
        return [topic for topic, (_, delivery) in self.topics.items() if delivery.connector not in closed]

    async def _take(self, limit: int) -> list[Row]:
        if limit <= 0:
            return []
        try:
            return await outbox.claim(
                self.database, limit=limit, topics=self._open_topics(), now=clock.now(), lease=self.lease
            )
        except DATABASE_AWAY as trouble:  # look again after a rest
            log.trouble("worker.database", error=type(trouble).__name__)
            return []

    async def round(self) -> int:
        """Take what is due and carry it out; how many messages were taken."""
        rows = await self._take(self.at_once)
        await asyncio.gather(*(self.carry_out(row) for row in rows))
        return len(rows)

    async def carry_out(self, row: Row) -> None:
        """One message, with every trouble sorted: nothing escapes but a cancelled task. A bug of ours stops this row, tells its
        owner when it can and developers always, and leaves the others alone.
        """
        for act in (self._deliver, self._give_up_on_bug, self._set_aside):
            try:
                await act(row)
            except LeaseLost:
                log.trouble("outbox.lease-lost", row=row.id, topic=row.topic)
            except DATABASE_AWAY:
                log.trouble("outbox.database", row=row.id, topic=row.topic)
            except Exception:  # outermost loop
                log.trouble("outbox.bug", with_trace=True, row=row.id, topic=row.topic)
                continue
            return

    async def _deliver(self, row: Row) -> None:
        started = time.monotonic()
        kind, delivery = self.topics[row.topic]
        message = kind.model_validate(row.payload)
        try:
            await self._steps(row, message, delivery)
        except ConnectorFailure as failure:
            await self._failed(row, message, delivery, failure)
        else:
            log.event("outbox.done", row=row.id, topic=row.topic, seconds=round(time.monotonic() - started, 3))

    async def _give_up_on_bug(self, row: Row) -> None:
        kind, delivery = self.topics[row.topic]
        await self._stopped(row, kind.model_validate(row.payload), delivery, BUG)

    async def _set_aside(self, row: Row) -> None:
        """Giving up fails too: the row stops, and its owner is not told."""
        async with self.database.transaction() as session:
            await outbox.stop(session, row, _written(BUG))

    async def _steps(self, row: Row, message: Message, delivery: Delivery) -> None:
        answer: Any = None
        if delivery.allow is not None:
            async with self.database.transaction() as session:
                await delivery.allow(session, message)
        if delivery.send is not None:
            prepared = await self._prepared(row, message, delivery)
            if prepared is not None and not self.dry_run:
                try:
                    answer = await delivery.send(self.clients[delivery.connector], prepared)
                except ConnectorFailure as failure:
                    if failure.kind is not Kind.REPEATED:
                        raise
        async with self.database.transaction() as session:
            await outbox.finish(session, row)  # first: who has lost the lease must not even try
            if delivery.settle is not None:
                arguments = (session, message, answer) if delivery.send is not None else (session, message)
                await delivery.settle(*arguments)

    async def _prepared(self, row: Row, message: Message, delivery: Delivery) -> bytes | None:
        """What ``send`` needs, made once and kept: a retry sends the same content to the byte. Empty: nothing to send."""
        if row.prepared is not None:
            return row.prepared or None
        assert delivery.prepare is not None
        async with self.database.transaction() as session:
            prepared: bytes | None = await delivery.prepare(session, message)
        await outbox.keep_prepared(self.database, row.id, row.lease, prepared or b"")
        return prepared

    async def _failed(self, row: Row, message: Message, delivery: Delivery, failure: ConnectorFailure) -> None:
        age = clock.now() - row.first_due_at
        if failure.kind not in TRY_AGAIN or (failure.kind is not Kind.DENIED and age > delivery.give_up_after):
            await self._stopped(row, message, delivery, failure)
            return
        wait = LONGEST_PAUSE if failure.kind is Kind.DENIED else pause(row.attempts, failure.retry_after)
        if failure.kind is Kind.DENIED:  # our certificate, token or rights: leave the whole connector alone, and say so
            self.held[delivery.connector] = time.monotonic() + LONGEST_PAUSE.total_seconds()
            log.trouble("connector.denied", service=failure.service, code=failure.code)
        log.event("outbox.later", row=row.id, topic=row.topic, code=failure.code, retry_in=wait.total_seconds())
        await outbox.postpone(self.database, row, clock.now() + wait, _written(failure))

    async def _stopped(self, row: Row, message: Message, delivery: Delivery, failure: ConnectorFailure) -> None:
        log.trouble("outbox.stopped", row=row.id, topic=row.topic, service=failure.service, code=failure.code)
        async with self.database.transaction() as session:
            raw = failure.raw if failure.kind is Kind.GARBLED else b""
            await outbox.stop(session, row, _written(failure), raw=raw)
            if delivery.give_up is not None:
                await delivery.give_up(session, message, failure)


def _written(failure: ConnectorFailure) -> dict[str, str]:
    return {"kind": failure.kind.value, "code": failure.code, "detail": failure.detail}
