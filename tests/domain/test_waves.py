"""Who is asked, in which order, until when (workflow.md 4.2, sas.md 17.8)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import waves
from hub.domain.waves import DEFAULT, Candidate, Circle, Wave

ISSUED = datetime(2026, 11, 16, 8, tzinfo=UTC)
CPTS, OTHER = "cpts-1", "cpts-2"

candidates = st.lists(
    st.builds(
        Candidate,
        role=st.uuids().map(str),
        account=st.uuids().map(str),
        network=st.sampled_from([CPTS, OTHER, None]),
        metres=st.none() | st.floats(min_value=0, max_value=90_000),
        is_usual=st.booleans(),
        is_usual_gp=st.booleans(),
    ).map(lambda one: one if one.is_usual or not one.is_usual_gp else Candidate(role=one.role, account=one.account,
          network=one.network, metres=one.metres)),
    max_size=60,
    unique_by=lambda one: one.role,
)  # fmt: skip


@pytest.mark.parametrize(("hours", "ends"), [(2, [20, 70, 120]), (12, [120, 420, 720])])
def test_the_default_delays(hours: int, ends: list[int]) -> None:
    due = ISSUED + timedelta(hours=hours)
    assert [waves.ends_at(wave.number, ISSUED, due) for wave in DEFAULT] == [
        ISSUED + timedelta(minutes=minutes) for minutes in ends
    ]


@given(seconds=st.integers(min_value=1, max_value=10 * 24 * 3600))
def test_waves_follow_one_another_and_the_last_ends_with_the_delay(seconds: int) -> None:
    due = ISSUED + timedelta(seconds=seconds)
    ends = [waves.ends_at(number, ISSUED, due) for number in range(1, 5)]
    assert ends == sorted(ends)
    assert all(ISSUED <= end <= due for end in ends)
    assert ends[len(DEFAULT) - 1] == due


def test_shares_make_the_whole_delay() -> None:
    assert sum((wave.share for wave in DEFAULT), Fraction(0)) == 1
    assert [wave.number for wave in DEFAULT] == [1, 2, 3]


def test_there_is_no_wave_after_the_last() -> None:
    assert waves.by_number(2) == DEFAULT[1]
    assert waves.by_number(4) is None
    assert waves.by_number(0) is None


@given(people=candidates, wave=st.sampled_from(DEFAULT))
def test_a_wave_asks_only_its_circle_nobody_twice_and_no_more_than_its_width(
    people: list[Candidate], wave: Wave
) -> None:
    asked = waves.in_order(people, wave, CPTS)
    assert len(asked) == len({one.role for one in asked}) <= wave.width
    assert set(asked) <= set(people)
    for one in asked:
        if wave.circle is Circle.USUAL:
            assert one.is_usual
        if wave.circle is Circle.NETWORK:
            assert one.is_usual or one.network == CPTS


@given(people=candidates, wave=st.sampled_from(DEFAULT))
def test_who_is_left_out_comes_after_everybody_asked(people: list[Candidate], wave: Wave) -> None:
    narrow = Wave(number=wave.number, circle=wave.circle, share=wave.share, width=3)
    assert waves.in_order(people, narrow, CPTS) == waves.in_order(people, wave, CPTS)[:3]


@given(people=candidates)
def test_the_usual_gp_then_usual_ones_then_members_then_the_nearest(people: list[Candidate]) -> None:
    asked = waves.in_order(people, DEFAULT[1], CPTS)
    for one, following in itertools.pairwise(asked):
        if following.is_usual_gp:
            assert one.is_usual_gp
        elif following.is_usual:
            assert one.is_usual
        elif following.network == CPTS and not one.is_usual:
            assert one.network == CPTS
        elif not one.is_usual and one.network != CPTS and following.metres is not None:
            assert one.metres is not None
            assert one.metres <= following.metres


@given(people=candidates, data=st.data())
def test_the_order_does_not_depend_on_the_order_of_the_rows(people: list[Candidate], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(people))
    assert waves.in_order(shuffled, DEFAULT[1], CPTS) == waves.in_order(people, DEFAULT[1], CPTS)


@pytest.mark.parametrize(("metres", "shown"), [(None, None), (0.0, 0), (499.0, 0), (501.0, 1), (12_345.0, 12)])
def test_an_outline_shows_whole_kilometres(metres: float | None, shown: int | None) -> None:
    assert Candidate(role="r", account="a", network=None, metres=metres).kilometres == shown


def test_the_last_wave_asks_the_neighbours_that_agreed_and_no_other() -> None:
    last = waves.DEFAULT[-1]
    people = [Candidate(role=name, account=name, network=name) for name in ("ours", "agreed", "stranger")]
    assert [one.role for one in waves.in_order(people, last, "ours", ["agreed"])] == ["ours", "agreed"]


@given(st.integers(min_value=600, max_value=30 * 86_400), st.floats(min_value=0, max_value=1.2))
def test_a_reminder_has_passed_from_its_hour_on(seconds: int, share: float) -> None:
    due = ISSUED + timedelta(seconds=seconds)
    now = ISSUED + timedelta(seconds=seconds) * share
    passed = waves.reminder_passed(ISSUED, due, now)
    assert passed in (0, *waves.REMINDERS)
    for percent in waves.REMINDERS:
        assert ISSUED < waves.reminder_at(percent, ISSUED, due) < due
        assert (waves.reminder_at(percent, ISSUED, due) <= now) is (percent <= passed)
