from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hub.domain.people import coordinators_key, operators_key
from hub.domain.visibility import Level
from hub.storage import board, grants
from hub.storage.board import BoardRow, Filters
from hub.storage.session import Session
from tests.conftest import FrozenClock
from tests.storage.people import COORDINATOR, HUB, NETWORK, OPERATOR, STRANGER


def row(clock: FrozenClock, number: int, **more: object) -> BoardRow:
    plain = BoardRow(
        request=f"r{number:03}",
        number=f"2026-11-{number:04}",
        network=NETWORK,
        state="searching",
        origin="sas",
        patient=f"p{number}",
        patient_name="Dominique CANARI",
        patient_phone="0199000001",
        requester_name="SAMU-SAS 95",
        reason="Fièvre",
        issued_at=clock.instant,
        response_due=clock.instant + timedelta(minutes=10 * (number % 4)),
        changed_at=clock.instant,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def put(session: Session, *rows: BoardRow) -> None:
    for one in rows:
        await board.write(session, one)
        for audience, level in ((operators_key(NETWORK), Level.FULL), (coordinators_key(NETWORK), Level.OUTLINE)):
            await grants.give(session, audience=audience, level=level, request=one.request, patient=one.patient)


async def test_each_sees_the_rows_of_their_grants(session: Session, clock: FrozenClock) -> None:
    await put(session, row(clock, 1))
    await board.write(session, row(clock, 2))  # nobody was given this one
    assert {one.request for one in await board.rows(session, HUB)} == {"r001", "r002"}
    assert await board.rows(session, OPERATOR) == [row(clock, 1)]
    (cut,) = await board.rows(session, COORDINATOR)
    assert (cut.patient_name, cut.patient_phone, cut.requester_name, cut.reason) == ("", "", "", "Fièvre")
    assert await board.rows(session, STRANGER) == []


async def test_most_pressing_first_in_pages_each_row_once(session: Session, clock: FrozenClock) -> None:
    await put(session, *(row(clock, number) for number in range(23)))
    seen: list[BoardRow] = []
    after = None
    while page := await board.rows(session, OPERATOR, count=5, after=after):
        seen += page
        after = page[-1].position
    assert len(seen) == 23 and seen == sorted(seen, key=lambda one: one.position)


async def test_filters_and_words(session: Session, clock: FrozenClock) -> None:
    await put(
        session,
        row(clock, 1, state="accepted", performer_name="Dr Hélène VASSEUR"),
        row(clock, 2, commune="95127", care_type="pansement"),
        row(clock, 3, assignee="account-1"),
    )

    async def found(**words: object) -> list[str]:
        filters = Filters(**words)  # type: ignore[arg-type]
        return [one.number[-1] for one in await board.rows(session, OPERATOR, filters=filters)]

    assert await found(states=("accepted", "proposed")) == ["1"]
    assert await found(communes=("95127",), care_types=("pansement",)) == ["2"]
    assert await found(assignee="account-1") == ["3"]
    assert await found(due_before=clock.instant + timedelta(minutes=15)) == ["1"]
    assert await found(words="helene vass") == ["1"]
    assert await found(words="canari fievre") == ["1", "2", "3"]
    assert await found(words="2026-11-0003") == ["3"]
    assert await found(words="nobody") == []
    assert [one.number[-1] for one in await board.rows(session, COORDINATOR, filters=Filters(words="fievre"))] == [
        "1",
        "2",
        "3",
    ]
    assert await board.rows(session, COORDINATOR, filters=Filters(words="canari")) == []  # not to be guessed at outline


async def test_words_search_beyond_the_first_page(session: Session, clock: FrozenClock) -> None:
    await put(
        session, *(row(clock, number, reason="Toux" if number == 448 else "Fièvre") for number in range(0, 900, 2))
    )
    assert [one.number for one in await board.rows(session, OPERATOR, filters=Filters(words="toux"), count=10)] == [
        "2026-11-0448"
    ]


async def test_the_operator_who_follows_survives_a_refresh(session: Session, clock: FrozenClock) -> None:
    await put(session, row(clock, 1))
    assert await board.assign(session, "r001", "account-1")
    await board.write(session, row(clock, 1, state="accepted"))
    (found,) = await board.rows(session, OPERATOR)
    assert (found.assignee, found.state) == ("account-1", "accepted")
    assert not await board.assign(session, "unknown", "account-1")


async def test_removed_and_counted(session: Session, clock: FrozenClock) -> None:
    await put(session, row(clock, 1), row(clock, 2), row(clock, 3, state="accepted", network="other"))
    assert await board.counts(session) == {"searching": 2, "accepted": 1}
    assert await board.counts(session, NETWORK) == {"searching": 2}
    await board.remove(session, "r001")
    assert await board.counts(session, NETWORK) == {"searching": 1}


async def test_rebuild_finds_what_differs_and_puts_it_right(session: Session, clock: FrozenClock) -> None:
    truth = {f"r{number:03}": row(clock, number) for number in range(4)}
    await put(session, truth["r001"], replace(truth["r002"], state="accepted"), row(clock, 9))
    await board.write(session, replace(truth["r003"], changed_at=clock.instant - timedelta(days=1)))

    async def row_of(_: Session, request: str) -> BoardRow | None:
        return truth.get(request)

    assert await board.rebuild(session, truth, row_of) == ["r000", "r002", "r009"]
    assert await board.rebuild(session, truth, row_of) == []
    assert {one.request for one in await board.rows(session, HUB)} == set(truth)
