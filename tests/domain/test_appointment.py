"""Proposals and what becomes of them (workflow.md 4.5, fhir.md 9.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import appointment as plans
from hub.domain.appointment import ENDINGS, LONGEST_WORDS, USUAL_LENGTH, Appointment, Mode, Standing
from hub.domain.refusal import Refusal

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
moments = st.datetimes(min_value=datetime(2026, 11, 1), max_value=datetime(2026, 12, 1), timezones=st.just(UTC))


def made(**parts: object) -> Appointment:
    one = Appointment(
        id="a",
        request="s",
        patient="p",
        performer="r",
        mode=Mode.HOME_VISIT,
        standing=Standing.PROPOSED,
        created_at=NOW,
    )
    return replace(one, **parts)  # type: ignore[arg-type]


@given(start=moments, end=st.none() | moments)
def test_an_exact_time_is_to_come_and_ends_after_it_begins(start: datetime, end: datetime | None) -> None:
    one = made(start=start, end=end)
    if start <= NOW:
        with pytest.raises(Refusal, match="appointment-in-the-past"):
            plans.proposed(one, NOW)
    elif end is not None and end <= start:
        with pytest.raises(Refusal, match="appointment-range"):
            plans.proposed(one, NOW)
    else:
        planned = plans.proposed(one, NOW)
        assert planned.standing is Standing.PENDING
        assert planned.end == (end or start + USUAL_LENGTH)


@given(start=moments, end=moments)
def test_a_range_waits_without_a_start(start: datetime, end: datetime) -> None:
    one = made(range_start=start, range_end=end)
    if end <= start or end <= NOW:
        with pytest.raises(Refusal, match="appointment-"):
            plans.proposed(one, NOW)
    else:
        planned = plans.proposed(one, NOW)
        assert (planned.standing, planned.start, planned.end) == (Standing.PROPOSED, None, None)


@given(words=st.text(max_size=400))
def test_words_are_kept_trimmed_and_short(words: str) -> None:
    if not words.strip():
        with pytest.raises(Refusal, match="appointment-without-time"):
            plans.proposed(made(words=words), NOW)
    else:
        planned = plans.proposed(made(words=words), NOW)
        assert planned.words == words.strip()[:LONGEST_WORDS]
        assert planned.standing is Standing.PROPOSED


@given(start=moments, length=st.integers(min_value=1, max_value=500))
def test_a_confirmed_appointment_always_has_a_start_and_an_end(start: datetime, length: int) -> None:
    end = start + timedelta(minutes=length)
    exact = plans.confirmed(made(start=start, end=end, standing=Standing.PENDING), None, None)
    ranged = plans.confirmed(made(range_start=start, range_end=end), None, None)
    told = plans.confirmed(made(words="demain vers midi"), start, end)
    for one in (exact, ranged, told):
        assert (one.standing, one.start, one.end) == (Standing.BOOKED, start, end)


def test_words_alone_are_not_confirmed_without_an_hour() -> None:
    with pytest.raises(Refusal, match="appointment-without-time"):
        plans.confirmed(made(words="demain"), None, None)
    with pytest.raises(Refusal, match="appointment-without-time"):
        plans.confirmed(made(words="demain"), NOW, None)
    with pytest.raises(Refusal, match="appointment-range"):
        plans.confirmed(made(words="demain"), NOW, NOW)


@pytest.mark.parametrize("standing", sorted(set(Standing) - {Standing.PENDING, Standing.PROPOSED}))
def test_only_a_proposal_is_confirmed(standing: Standing) -> None:
    with pytest.raises(Refusal, match="not-a-move"):
        plans.confirmed(made(start=NOW, end=NOW + USUAL_LENGTH, standing=standing), None, None)


@given(start=st.sampled_from(Standing), ending=st.sampled_from(sorted(ENDINGS)))
def test_endings(start: Standing, ending: Standing) -> None:
    one = made(standing=start)
    if start in ENDINGS[ending]:
        assert plans.ended(one, ending, "pat").standing is ending
        assert plans.ended(one, ending, "pat").cancel_reason == "pat"
    else:
        with pytest.raises(Refusal, match="not-a-move"):
            plans.ended(one, ending)


def test_nothing_leaves_an_ended_appointment() -> None:
    over = set(ENDINGS)
    assert not any(over & before for before in ENDINGS.values())
