from __future__ import annotations

from datetime import timedelta

from hub.domain.people import Capacity, Viewer, client_key, operators_key, role_key
from hub.domain.visibility import Level
from hub.storage import grants
from hub.storage.session import Session
from tests.conftest import FrozenClock


def viewer(*keys: str) -> Viewer:
    return Viewer(id="v", capacity=Capacity.PROFESSIONAL, name="Dr V", keys=frozenset(keys))


async def test_the_highest_level_among_the_keys_of_a_viewer(session: Session, clock: FrozenClock) -> None:
    await grants.give(session, audience=role_key("a"), level=Level.OUTLINE, request="r", patient="p")
    await grants.give(session, audience=operators_key("n"), level=Level.FULL, request="r", patient="p")
    assert await grants.level_of(session, viewer(role_key("a")), "r") is Level.OUTLINE
    assert await grants.level_of(session, viewer(role_key("a"), operators_key("n")), "r") is Level.FULL
    assert await grants.level_of(session, viewer(role_key("b")), "r") is Level.NOTHING
    assert await grants.level_of(session, viewer(role_key("a")), "other") is Level.NOTHING
    assert await grants.level_of(session, Viewer.hub(), "r") is Level.FULL


async def test_giving_twice_keeps_the_higher_level(session: Session, clock: FrozenClock) -> None:
    for level in (Level.OUTLINE, Level.FULL, Level.OUTLINE):
        await grants.give(session, audience=role_key("a"), level=level, request="r", patient="p")
    assert await grants.level_of(session, viewer(role_key("a")), "r") is Level.FULL


async def test_a_grant_ends_and_may_be_given_anew(session: Session, clock: FrozenClock) -> None:
    until = clock.instant + timedelta(hours=4)
    await grants.give(session, audience=role_key("a"), level=Level.FULL, patient="p", until=until)
    assert await grants.covers_patient(session, viewer(role_key("a")), "p")
    clock.advance(timedelta(hours=4))
    assert not await grants.covers_patient(session, viewer(role_key("a")), "p")
    await grants.give(
        session, audience=role_key("a"), level=Level.OUTLINE, patient="p", until=clock.instant + timedelta(hours=1)
    )
    assert not await grants.covers_patient(
        session, viewer(role_key("a")), "p"
    )  # the old level ended with the old grant
    await grants.give(session, audience=role_key("a"), level=Level.FULL, patient="p")
    assert await grants.covers_patient(session, viewer(role_key("a")), "p")


async def test_the_later_end_stays(session: Session, clock: FrozenClock) -> None:
    for hours in (1, 5, 2):
        until = clock.instant + timedelta(hours=hours)
        await grants.give(session, audience=role_key("a"), level=Level.FULL, patient="p", until=until)
    clock.advance(timedelta(hours=4))
    assert await grants.covers_patient(session, viewer(role_key("a")), "p")
    clock.advance(timedelta(hours=2))
    assert not await grants.covers_patient(session, viewer(role_key("a")), "p")


async def test_a_grant_on_a_request_does_not_open_the_notebook(session: Session, clock: FrozenClock) -> None:
    await grants.give(session, audience=client_key("sas"), level=Level.FULL, request="r", patient="p")
    assert not await grants.covers_patient(session, viewer(client_key("sas")), "p")


async def test_withdrawing_a_request_leaves_the_notebook(session: Session, clock: FrozenClock) -> None:
    for request in ("r", None):
        await grants.give(session, audience=role_key("a"), level=Level.FULL, request=request, patient="p")
    await grants.withdraw(session, audience=role_key("a"), request="r")
    assert await grants.level_of(session, viewer(role_key("a")), "r") is Level.NOTHING
    assert await grants.covers_patient(session, viewer(role_key("a")), "p")
    await grants.withdraw(session, audience=role_key("a"), patient="p")
    assert not await grants.covers_patient(session, viewer(role_key("a")), "p")


async def test_withdrawing_a_level_spares_others_and_those_to_keep(session: Session, clock: FrozenClock) -> None:
    for name, level in (("a", Level.OUTLINE), ("b", Level.OUTLINE), ("c", Level.FULL)):
        await grants.give(session, audience=role_key(name), level=level, request="r", patient="p")
    await grants.withdraw_level(session, "r", Level.OUTLINE, keep=[role_key("b")])
    assert await grants.audiences(session, "r", Level.OUTLINE) == [role_key("b"), role_key("c")]
    assert await grants.audiences(session, "r", Level.FULL) == [role_key("c")]
    await grants.withdraw(session, audience=role_key("c"), request="r", level=Level.OUTLINE)
    assert await grants.audiences(session, "r", Level.FULL) == [role_key("c")]
