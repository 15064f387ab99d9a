"""The life of a request: every state, every move, and how each lies on the wire (workflow.md 4.4, sas.md 17.5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import care_request as rules
from hub.domain.care_request import (
    BACK_TO_SEARCH,
    BUSINESS_VARIANTS,
    MOVES,
    OPEN,
    STATUS_OF,
    TAKEN,
    CareRequest,
    Event,
    Origin,
    State,
)
from hub.domain.refusal import Refusal

ISSUED = datetime(2026, 11, 16, 8, tzinfo=UTC)
DUE = ISSUED + timedelta(hours=2)
ENTRIES = (State.DRAFT, State.TO_QUALIFY, State.SEARCHING)

# Allowed moves of Task.status, as published; a request rests neither in requested nor, but to be qualified, in received.
ALLOWED = {
    "draft": {"requested"},
    "requested": {"received", "cancelled"},
    "received": {"accepted", "rejected", "cancelled"},
    "accepted": {"in-progress", "failed", "cancelled"},
    "in-progress": {"accepted", "on-hold", "completed", "failed", "cancelled"},
    "on-hold": {"in-progress", "accepted", "failed", "cancelled"},
    "completed": set(),
    "failed": set(),
    "rejected": set(),
    "cancelled": set(),
}
INSTANTS = {"requested", "received"}
# The workflow writes the Task once in between: the patient was reached, and agreed.
THROUGH = {(State.UNREACHABLE, Event.CONFIRM): State.PROPOSED}


def made(state: State = State.SEARCHING, **changes: object) -> CareRequest:
    one = CareRequest(
        id="s", task="t", number="2026-000001", state=state, patient="p", network="cpts", origin=Origin.PHONE,
        issued_at=ISSUED, response_due=DUE,
    )  # fmt: skip
    return replace(one, **changes)  # type: ignore[arg-type]


def moves() -> Iterator[tuple[State, Event, State]]:
    for state, events in MOVES.items():
        for event, target in events.items():
            yield state, event, target


def reached(status: str) -> set[str]:
    """Where a Task of that status may be found next, the instants left out."""
    found, todo = {status}, [status]
    while todo:
        for one in ALLOWED[todo.pop()]:
            if one not in found:
                found.add(one)
                todo += [one] if one in INSTANTS else []
    return found


def test_every_state_has_its_row_of_moves_and_of_statuses() -> None:
    assert set(MOVES) == set(State)
    assert set(STATUS_OF) == set(State)
    assert set(BUSINESS_VARIANTS.values()) <= set(State)


def test_every_state_can_be_reached_and_every_event_does_something() -> None:
    found, todo = set(ENTRIES), list(ENTRIES)
    while todo:
        for target in MOVES[todo.pop()].values():
            if target not in found:
                found.add(target)
                todo.append(target)
    assert found == set(State)
    assert {event for _, event, _ in moves()} == set(Event)


def test_every_open_state_has_a_way_out() -> None:
    for state in OPEN:
        assert MOVES[state], state
    assert not OPEN & {State.DONE, State.NO_SHOW, State.HANDED_BACK, State.REFUSED, State.CANCELLED}


@pytest.mark.parametrize(("state", "event", "target"), list(moves()), ids=str)
def test_a_move_is_one_that_the_task_may_make(state: State, event: Event, target: State) -> None:
    if event is Event.REISSUE:  # a new coordinating Task: nothing of the old one moves
        return
    before, after = made(state), _after(state, event)
    steps = [rules.status_of(before).task]
    if (state, event) in THROUGH:
        steps.append(STATUS_OF[THROUGH[state, event]].task)
    steps.append(rules.status_of(after).task)
    for one, following in itertools.pairwise(steps):
        assert following in reached(one), f"{state} --{event}--> {target}: Task {one} -> {following}"


def _after(state: State, event: Event) -> CareRequest:
    if event is Event.CANCEL:
        return rules.cancel(made(state, confirmed_once=state is State.CONFIRMED), "autre")
    if event is Event.ACCEPT:
        return rules.accept(made(state), "r")
    return rules.move(made(state), event)


@pytest.mark.parametrize(("state", "event", "target"), list(moves()), ids=str)
def test_what_is_written_is_read_back(state: State, event: Event, target: State) -> None:
    after = _after(state, event)
    assert after.state is target
    assert rules.state_of(*rules.status_of(after)) is target


@pytest.mark.parametrize("state", State)
def test_each_state_is_written_in_one_way_only(state: State) -> None:
    assert rules.state_of(*STATUS_OF[state]) is state
    assert [one for one in State if STATUS_OF[one] == STATUS_OF[state]] == [state]


@pytest.mark.parametrize(("business", "state"), BUSINESS_VARIANTS.items())
def test_the_second_words_of_a_state_are_kept(business: str, state: State) -> None:
    written = rules.status_of(made(state, business=business))
    assert written.business == business
    assert (written.task, written.request) == (STATUS_OF[state].task, STATUS_OF[state].request)
    assert rules.state_of(*written) is state


@given(
    task=st.sampled_from(sorted({row.task for row in STATUS_OF.values()} | {"ready", "entered-in-error"})),
    business=st.none() | st.sampled_from(sorted({row.business or "" for row in STATUS_OF.values()})),
)
def test_a_combination_never_written_is_never_guessed(task: str, business: str | None) -> None:
    known = {(row.task, row.business) for row in STATUS_OF.values()} | {("completed", "withdrawn")}
    if (task, business) in known:
        assert rules.state_of(task, business, "active") in State
    else:
        with pytest.raises(ValueError, match="no state"):
            rules.state_of(task, business, "active")


@given(state=st.sampled_from(State), event=st.sampled_from(Event))
def test_what_is_not_in_the_table_is_refused(state: State, event: Event) -> None:
    if event in MOVES[state]:
        assert rules.move(made(state), event).state is MOVES[state][event]
    else:
        with pytest.raises(Refusal, match="not-a-move"):
            rules.move(made(state), event)


@given(events=st.lists(st.sampled_from(Event), max_size=25), start=st.sampled_from(ENTRIES))
def test_any_story_stays_within_the_listed_states(events: list[Event], start: State) -> None:
    request = made(start)
    for event in events:
        if event in MOVES[request.state]:
            request = rules.move(request, event)
            assert rules.state_of(*rules.status_of(request)) is request.state


@pytest.mark.parametrize("state", sorted(TAKEN))
def test_who_comes_after_the_first_reads_that_it_was_taken(state: State) -> None:
    with pytest.raises(Refusal, match="already-taken"):
        rules.accept(made(state, performer="r1"), "r2")
    with pytest.raises(Refusal, match="already-taken"):
        rules.accept(made(State.SEARCHING, performer="r1"), "r2")


@pytest.mark.parametrize("state", sorted(set(State) - TAKEN - {State.SEARCHING}))
def test_nobody_accepts_what_is_not_being_searched(state: State) -> None:
    with pytest.raises(Refusal, match="not-a-move"):
        rules.accept(made(state), "r")


@given(
    late=st.integers(min_value=-7200, max_value=7200),
    origin=st.sampled_from(Origin),
    event=st.sampled_from(sorted(BACK_TO_SEARCH)),
)
def test_given_back_it_searches_on_while_time_is_left_and_else_ends_as_at_the_deadline(
    late: int, origin: Origin, event: Event
) -> None:
    state = next(one for one in State if event in MOVES[one])
    taken = made(state, performer="r", appointment="a", origin=origin)
    freed = rules.back_to_search(taken, event, DUE + timedelta(seconds=late))
    assert (freed.performer, freed.appointment) == (None, None)
    if late < 0:
        assert freed.state is State.SEARCHING
    else:
        assert freed.state is (State.HANDED_BACK if origin is Origin.SAS else State.UNANSWERED)
        assert freed.failure == "released-too-late"


def test_a_handoff_goes_back_in_the_instant_and_others_wait_for_an_operator() -> None:
    assert rules.run_out(made(origin=Origin.SAS)).state is State.HANDED_BACK
    assert rules.run_out(made(origin=Origin.PROFESSIONAL)).state is State.UNANSWERED
    assert rules.run_out(made()).failure == "no-answer-in-time"


def test_cancelled_before_after_and_when_nobody_answered() -> None:
    assert rules.status_of(rules.cancel(made(), "autre")) == ("cancelled", "withdrawn", "revoked")
    confirmed = rules.cancel(made(State.CONFIRMED), "autre")
    assert rules.status_of(confirmed) == ("completed", "withdrawn", "revoked")
    alone = rules.cancel(made(State.UNANSWERED, failure="all-declined"), "autre")
    assert rules.status_of(alone) == ("failed", "no-answer", "revoked")  # nothing leaves failed
    assert alone.failure == "all-declined"  # of the Task that failed, not of its closing
    assert rules.move(alone, Event.REISSUE).business is None


def test_open_and_handed_over() -> None:
    assert made().is_open
    assert not made(State.DONE).is_open
    assert made(origin=Origin.SAS).is_handoff
    assert not made().is_handoff
