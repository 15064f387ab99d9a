"""The worker against a peer that behaves as it is told: what each kind of trouble does to a message, and to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub import log, worker
from hub.connectors.failure import ConnectorFailure, Kind
from hub.domain.refusal import Refusal
from hub.storage import crypto, inbox, outbox
from hub.storage.outbox import Delivery, Message, Row
from hub.storage.session import Database, Session
from hub.worker import FIRST_PAUSE, LONGEST_PAUSE, Worker, WrongTopics
from tests.conftest import FrozenClock

GIVE_UP_AFTER = timedelta(hours=24)


class Letter(Message):
    topic: ClassVar[str] = "post.letter"
    text: str


class Parcel(Message):
    topic: ClassVar[str] = "post.parcel"
    text: str


class Fax(Message):
    topic: ClassVar[str] = "line.fax"
    text: str


class Bell(Message):
    topic: ClassVar[str] = "bell"
    text: str


Behaviour = Callable[[], Any]


class Peer:
    """An outside service: notes all it receives, and does at each call the next thing it was told to do, then answers."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.told: list[Behaviour] = []
        self.only: dict[str, Behaviour] = {}

    async def take(self, prepared: bytes) -> str:
        content = prepared.decode()
        self.received.append(content)
        act = self.told.pop(0) if self.told else self.only.get(content)
        if act is not None:
            done = act()
            if asyncio.iscoroutine(done):
                await done
        return f"answer to {content}"


def fails(kind: Kind, code: str = "E-17", **words: Any) -> Behaviour:
    def act() -> None:
        raise ConnectorFailure("post", kind, code, "for developers", **words)

    return act


def breaks(trouble: BaseException) -> Behaviour:
    def act() -> None:
        raise trouble

    return act


async def effect(session: Session, text: str) -> None:
    """Something a workflow would write, to see whether its transaction was kept."""
    await inbox.remember(session, "effect", text, text.encode())


class Office:
    """A post office: topics over one peer, and what became of each message."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.peer = Peer()
        self.prepared = 0
        self.answers: list[Any] = []
        self.given_up: list[str] = []
        self.spoil: dict[str, BaseException] = {}  # once, to a letter
        self.spoilt: dict[str, BaseException] = {}  # each time
        letter = Delivery(
            connector="post", allow=self.allow, prepare=self.prepare, send=self.send, settle=self.settle,
            give_up=self.give_up, give_up_after=GIVE_UP_AFTER,
        )  # fmt: skip
        plain = Delivery(connector="post", prepare=self.prepare, send=self.send)
        fax = Delivery(connector="line", prepare=self.prepare, send=self.send)
        bell = Delivery(connector="hub", settle=self.ring)
        self.topics = worker.merge({Letter: letter, Parcel: plain}, {Fax: fax}, {Bell: bell})
        self.worker = self.another()

    def another(self, **options: Any) -> Worker:
        clients = {"post": self.peer, "line": self.peer}
        return Worker(database=self.database, topics=self.topics, clients=clients, look_every=0.05, **options)

    async def allow(self, session: Session, message: Letter) -> None:
        self._spoiled("allow")

    async def prepare(self, session: Session, message: Letter | Parcel | Fax) -> bytes | None:
        self.prepared += 1
        if isinstance(message, Letter):  # prepared in any order: only a letter has an owner to tell
            self._spoiled("prepare")
        return message.text.encode() or None

    @staticmethod
    async def send(peer: Peer, prepared: bytes) -> str:
        return await peer.take(prepared)

    async def settle(self, session: Session, message: Letter, answer: Any) -> None:
        await effect(session, message.text)
        self._spoiled("settle")
        self.answers.append(answer)

    async def give_up(self, session: Session, message: Letter, failure: ConnectorFailure) -> None:
        await effect(session, f"given up: {message.text}")
        self._spoiled("give_up")
        self.given_up.append(f"{failure.service} {failure.kind} {failure.code}")

    async def ring(self, session: Session, message: Bell) -> None:
        await effect(session, message.text)

    def _spoiled(self, step: str) -> None:
        trouble = self.spoil.pop(step, None) or self.spoilt.get(step)
        if trouble is not None:
            raise trouble

    async def put(self, *messages: Message, lane: str | None = None) -> None:
        async with self.database.transaction() as session:
            for message in messages:
                await outbox.put(session, message, lane=lane)

    async def rows(self) -> list[Row]:
        """All messages, in the order they were put."""
        async with self.database.reading() as session:
            return sorted(await outbox.rows(session), key=lambda row: row.id)

    async def row(self) -> Row:
        (only,) = await self.rows()
        return only

    async def until_done(self, count: int) -> None:
        """Raises TimeoutError when that many messages are not done after a while."""
        async with asyncio.timeout(30):
            for _ in range(10_000):
                if [row.state for row in await self.rows()].count("done") == count:
                    return
                await asyncio.sleep(0.05)

    async def effects(self) -> list[str]:
        async with self.database.reading() as session:
            found = await session.execute(text("SELECT message_id FROM inbox WHERE source = 'effect' ORDER BY 1"))
        return [one for (one,) in found]


@pytest.fixture
def office(database: Database, clock: FrozenClock) -> Iterator[Office]:
    crypto.use([crypto.new_key()])
    log.configure(strict=True)
    yield Office(database)
    structlog.reset_defaults()


async def end_leases(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE outbox SET held_until = clock_timestamp() - interval '1 second'"))


async def test_a_message_goes_through_its_steps_and_is_done(office: Office) -> None:
    await office.put(Letter(text="hello"))
    assert await office.worker.round() == 1
    assert office.peer.received == ["hello"]
    assert office.answers == ["answer to hello"]
    row = await office.row()
    assert (row.state, row.prepared, row.last_error) == ("done", None, None)
    assert await office.effects() == ["hello"]
    assert await office.worker.round() == 0


async def test_a_timer_only_settles(office: Office) -> None:
    await office.put(Bell(text="noon"))
    await office.worker.round()
    assert (await office.row()).state == "done"
    assert await office.effects() == ["noon"]
    assert office.peer.received == []


async def test_nothing_to_send_settles_without_a_call(office: Office) -> None:
    await office.put(Letter(text=""))
    await office.worker.round()
    assert office.peer.received == []
    assert (await office.row()).state == "done"


async def test_what_is_no_longer_allowed_stops_before_the_next_try(office: Office, clock: FrozenClock) -> None:
    """Looked at before each try, also of what is prepared: nothing leaves, and the owner hears why."""
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.BUSY)]
    await office.worker.round()
    clock.advance(FIRST_PAUSE)
    office.spoilt["allow"] = ConnectorFailure("rule", Kind.REFUSED, "not-any-more")
    await office.worker.round()
    row = await office.row()
    assert (row.state, row.last_error) == ("stopped", {"kind": "refused", "code": "not-any-more", "detail": ""})
    assert office.peer.received == ["hello"]
    assert office.given_up == ["rule refused not-any-more"]


@pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.BUSY])
async def test_a_peer_out_of_order_gets_the_same_bytes_later(office: Office, clock: FrozenClock, kind: Kind) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(kind)]
    await office.worker.round()
    row = await office.row()
    assert (row.state, row.due_at) == ("waiting", clock.now() + FIRST_PAUSE)
    assert row.last_error == {"kind": kind.value, "code": "E-17", "detail": "for developers"}
    assert row.prepared == b"hello"
    assert await office.effects() == []
    assert await office.worker.round() == 0
    clock.advance(FIRST_PAUSE)
    await office.worker.round()
    assert office.peer.received == ["hello", "hello"]
    assert office.prepared == 1
    assert (await office.row()).state == "done"


async def test_pauses_double_up_to_an_hour(office: Office, clock: FrozenClock) -> None:
    await office.put(Parcel(text="hello"))
    office.peer.told = [fails(Kind.UNREACHABLE) for _ in range(13)]
    pauses = []
    for _ in range(13):
        await office.worker.round()
        pause = (await office.row()).due_at - clock.now()
        pauses.append(pause)
        clock.advance(pause)
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(13)]
    assert pauses[-1] == timedelta(hours=1)


@pytest.mark.parametrize(("asked", "expected"), [(600.0, timedelta(minutes=10)), (1.0, FIRST_PAUSE)])
async def test_a_busy_peer_is_left_alone_for_as_long_as_it_asks(
    office: Office, clock: FrozenClock, asked: float, expected: timedelta
) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.BUSY, retry_after=asked)]
    await office.worker.round()
    assert (await office.row()).due_at == clock.now() + expected


async def test_given_up_when_its_time_is_over(office: Office, clock: FrozenClock) -> None:
    await office.put(Letter(text="hello"))
    office.peer.only = {"hello": fails(Kind.UNREACHABLE)}
    clock.advance(GIVE_UP_AFTER)
    await office.worker.round()
    assert (await office.row()).state == "waiting"
    clock.advance(timedelta(minutes=1))
    await office.worker.round()
    assert (await office.row()).state == "stopped"
    assert office.given_up == ["post unreachable E-17"]
    assert await office.effects() == ["given up: hello"]


async def test_denied_holds_the_connector_and_nothing_is_ever_given_up(office: Office, clock: FrozenClock) -> None:
    await office.put(Letter(text="first"))
    office.peer.told = [fails(Kind.DENIED)]
    clock.advance(GIVE_UP_AFTER * 10)
    await office.worker.round()
    first = await office.row()
    assert (first.state, first.due_at) == ("waiting", clock.now() + LONGEST_PAUSE)
    await office.put(Letter(text="second"), Parcel(text="third"), Fax(text="fourth"), Bell(text="fifth"))
    await office.worker.round()
    assert office.peer.received == ["first", "fourth"]
    assert [row.state for row in await office.rows()] == ["waiting", "waiting", "waiting", "done", "done"]
    assert office.given_up == []


async def test_a_connector_held_is_tried_again_after_the_hour(office: Office, clock: FrozenClock) -> None:
    await office.put(Letter(text="first"))
    office.peer.told = [fails(Kind.DENIED)]
    await office.worker.round()
    office.worker.held = {name: until - LONGEST_PAUSE.total_seconds() for name, until in office.worker.held.items()}
    clock.advance(LONGEST_PAUSE)
    await office.worker.round()
    assert (await office.row()).state == "done"


async def test_refused_stops_and_tells_the_owner(office: Office) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.REFUSED)]
    await office.worker.round()
    row = await office.row()
    assert row.state == "stopped"
    assert row.last_error == {"kind": "refused", "code": "E-17", "detail": "for developers"}
    assert office.given_up == ["post refused E-17"]
    assert await office.effects() == ["given up: hello"]


async def test_garbled_stops_and_keeps_what_was_sent(office: Office) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.GARBLED, "html", raw=b"<html>maintenance</html>")]
    await office.worker.round()
    row = await office.row()
    assert (row.state, row.prepared) == ("stopped", b"hello")
    assert office.given_up == ["post garbled html"]


async def raw_of(database: Database, row: Row) -> bytes | None:
    async with database.reading() as session:
        return await outbox.raw_answer(session, row.id)


async def test_garbled_keeps_the_raw_answer_sealed_for_a_while(
    office: Office, database: Database, clock: FrozenClock
) -> None:
    raw = b"<html>maintenance</html>"
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.GARBLED, "html", raw=raw)]
    await office.worker.round()
    row = await office.row()
    assert await raw_of(database, row) == raw
    async with database.reading() as session:
        stored = (await session.execute(text("SELECT raw_answer FROM outbox"))).scalar_one()
    assert raw not in bytes(stored)
    clock.advance(outbox.KEEP_PREPARED + timedelta(days=1))
    async with database.transaction() as session:
        await outbox.sweep(session)
    assert await raw_of(database, row) is None


async def test_a_refusal_keeps_no_raw_answer(office: Office, database: Database) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.REFUSED, raw=b"<no/>")]
    await office.worker.round()
    assert await raw_of(database, await office.row()) is None


async def test_tried_again_by_hand_forgets_the_raw_answer(office: Office, database: Database) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.GARBLED, raw=b"<no/>")]
    await office.worker.round()
    row = await office.row()
    async with database.transaction() as session:
        assert await outbox.again(session, row.id)
    assert await raw_of(database, row) is None
    await office.worker.round()
    assert (await office.row()).state == "done"


async def test_repeated_counts_as_delivered(office: Office) -> None:
    await office.put(Letter(text="hello"))
    office.peer.told = [fails(Kind.REPEATED)]
    await office.worker.round()
    assert (await office.row()).state == "done"
    assert office.given_up == []
    assert await office.effects() == ["hello"]
    assert office.answers == [None]


@pytest.mark.parametrize("step", ["prepare", "settle"])
async def test_a_bug_stops_only_its_row(office: Office, step: str) -> None:
    office.spoil = {step: KeyError("bug")}
    await office.put(Letter(text="first"))
    await office.put(Letter(text="second"), Fax(text="third"))
    await asyncio.wait_for(office.worker.round(), 20)
    states = sorted(row.state for row in await office.rows())
    assert states == ["done", "done", "stopped"]
    assert office.given_up == ["hub refused bug"]
    (stopped,) = [row for row in await office.rows() if row.state == "stopped"]
    assert stopped.last_error is not None and stopped.last_error["code"] == "bug"
    assert stopped.payload["text"] not in await office.effects()


async def test_an_invalid_message_of_ours_never_leaves(office: Office) -> None:
    office.spoil = {"prepare": ValueError("no author")}
    await office.put(Letter(text="hello"))
    await office.worker.round()
    assert office.peer.received == []
    assert (await office.row()).state == "stopped"


async def test_a_bug_in_giving_up_stops_only_its_row(office: Office) -> None:
    office.spoilt = {"give_up": KeyError("bug")}
    office.peer.only = {"first": fails(Kind.REFUSED)}
    await office.put(Letter(text="first"), Letter(text="second"))
    await office.worker.round()
    assert [row.state for row in await office.rows()] == ["stopped", "done"]
    assert await office.effects() == ["second"]


async def test_a_payload_that_no_longer_reads_stops_only_its_row(office: Office, database: Database) -> None:
    await office.put(Letter(text="first"), Letter(text="second"))
    async with database.transaction() as session:
        await session.execute(text("UPDATE outbox SET payload = '{\"old\": 1}' WHERE payload ->> 'text' = 'first'"))
    await office.worker.round()
    assert [row.state for row in await office.rows()] == ["stopped", "done"]


async def test_a_rule_that_says_no_when_settling_stops_only_its_row(office: Office) -> None:
    office.spoil = {"settle": Refusal("not-found")}
    await office.put(Letter(text="hello"), Letter(text="other"))
    await office.worker.round()
    assert sorted(row.state for row in await office.rows()) == ["done", "stopped"]


async def test_a_database_in_trouble_leaves_the_message_for_later(office: Office, database: Database) -> None:
    office.spoil = {"settle": OperationalError("INSERT", {}, ConnectionError("restarting"))}
    await office.put(Letter(text="hello"))
    await office.worker.round()
    assert (await office.row()).state == "waiting"
    await end_leases(database)
    await office.worker.round()
    assert office.peer.received == ["hello", "hello"]
    assert office.prepared == 1
    assert (await office.row()).state == "done"


async def test_who_has_lost_the_lease_never_settles(office: Office, database: Database) -> None:
    """The first worker thinks for longer than its lease; the second takes the message over and is the one that settles."""
    other = office.another()

    async def slow() -> None:
        await end_leases(database)
        assert await other.round() == 1

    await office.put(Letter(text="hello"))
    office.peer.told = [slow]
    await office.worker.round()
    assert office.peer.received == ["hello", "hello"]
    assert office.answers == ["answer to hello"]
    assert await office.effects() == ["hello"]
    row = await office.row()
    assert (row.state, row.attempts) == ("done", 2)


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.UNREACHABLE])
async def test_who_has_lost_the_lease_neither_gives_up_nor_postpones(
    office: Office, database: Database, kind: Kind
) -> None:
    async def slow() -> None:
        await end_leases(database)
        assert await office.another().round() == 1
        fails(kind)()

    await office.put(Letter(text="hello"))
    office.peer.told = [slow]
    await office.worker.round()
    assert (await office.row()).state == "done"
    assert await office.effects() == ["hello"]


async def test_a_worker_killed_while_sending_gives_its_work_back_when_the_lease_ends(
    office: Office, database: Database
) -> None:
    arrived = asyncio.Event()

    async def forever() -> None:
        arrived.set()
        await asyncio.Event().wait()

    await office.put(Letter(text="hello"))
    office.peer.told = [forever]
    killed = asyncio.create_task(office.worker.round())
    await asyncio.wait_for(arrived.wait(), 20)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    other = office.another()
    assert await other.round() == 0
    await end_leases(database)
    assert await other.round() == 1
    assert office.peer.received == ["hello", "hello"]
    assert office.prepared == 1
    assert (await office.row()).state == "done"


async def test_a_lane_keeps_its_order_while_its_head_is_retried(office: Office, clock: FrozenClock) -> None:
    await office.put(*(Letter(text=str(number)) for number in range(4)), lane="request/1")
    await office.put(Letter(text="beside"), lane="request/2")
    office.peer.told = [fails(Kind.UNREACHABLE)]
    await office.worker.round()
    assert sorted(office.peer.received) == ["0", "beside"]
    clock.advance(FIRST_PAUSE)
    for _ in range(4):
        await office.worker.round()
    assert [one for one in office.peer.received if one != "beside"] == ["0", "0", "1", "2", "3"]


async def test_a_lane_goes_on_after_a_message_that_was_stopped(office: Office) -> None:
    await office.put(Letter(text="no"), Letter(text="yes"), lane="note/1")
    office.peer.told = [fails(Kind.REFUSED)]
    await office.worker.round()
    await office.worker.round()
    assert [row.state for row in await office.rows()] == ["stopped", "done"]


async def test_dry_run_prepares_and_sends_nothing(office: Office) -> None:
    dry = office.another(dry_run=True)
    await office.put(Letter(text="hello"), Bell(text="noon"))
    await dry.round()
    assert office.prepared == 1
    assert office.peer.received == []
    assert office.answers == [None]
    assert [row.state for row in await office.rows()] == ["done", "done"]


def test_a_topic_delivered_twice_is_refused() -> None:
    class Double(Message):
        topic: ClassVar[str] = Letter.topic

    delivery = Delivery(connector="post")
    with pytest.raises(WrongTopics, match=r"post\.letter"):
        worker.merge({Letter: delivery}, {Double: delivery})


async def test_runs_until_told_to_stop_and_wakes_when_something_is_put(office: Office) -> None:
    stop = asyncio.Event()
    arrived = asyncio.Event()
    office.peer.told = [arrived.set]
    patient = office.another()
    patient.look_every = 60.0
    running = asyncio.create_task(patient.run(stop))
    await asyncio.sleep(0.2)
    await office.put(Letter(text="hello"))
    await asyncio.wait_for(arrived.wait(), 20)
    stop.set()
    await asyncio.wait_for(running, 20)
    assert (await office.row()).state == "done"


async def test_a_slow_peer_keeps_one_hand_busy_not_all(office: Office) -> None:
    stop, released = asyncio.Event(), asyncio.Event()
    office.peer.only = {"slow": lambda: released.wait()}
    await office.put(Fax(text="slow"), *(Letter(text=str(number)) for number in range(20)))
    running = asyncio.create_task(office.another().run(stop))
    await office.until_done(20)
    assert (await office.rows())[0].state == "waiting"
    stop.set()
    released.set()
    await asyncio.wait_for(running, 20)
    assert (await office.rows())[0].state == "done"  # in hand when told to stop: finished first


async def test_two_workers_share_the_work_and_nothing_leaves_twice(office: Office) -> None:
    await office.put(*(Letter(text=f"{number:02}") for number in range(30)))
    stop = asyncio.Event()
    running = [asyncio.create_task(office.another().run(stop)) for _ in range(2)]
    await office.until_done(30)
    stop.set()
    await asyncio.gather(*running)
    assert sorted(office.peer.received) == [f"{number:02}" for number in range(30)]


async def test_what_is_regular_goes_on_whatever_happens(database: Database) -> None:
    """A failure, a bug, a database that is away: each is told, and the next time comes."""
    done, stop = [], asyncio.Event()
    troubles = [
        ConnectorFailure("rpps", Kind.BUSY, "api-busy"),
        RuntimeError("bug"),
        OperationalError("", {}, Exception()),
    ]

    async def act() -> None:
        if troubles:
            raise troubles.pop()
        done.append(True)
        stop.set()

    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(10):
            await Worker(database=database, topics={}, clients={}, regular={"rpps.hour": (0.01, act)}).run(stop)
    assert done
    assert [line["event"] for line in logs] == ["worker.database", "rpps.hour", "rpps.hour"]
