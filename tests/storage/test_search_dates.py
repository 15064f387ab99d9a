"""Dates and periods against a plain reading of fhir.md 3.4, written without the code under test."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.refusal import Refusal
from hub.storage import values
from hub.storage.search import search
from hub.storage.session import Session
from tests.conftest import FrozenClock
from tests.storage.people import HUB, keep, task

Span = tuple[datetime, datetime]
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

MOMENTS = [
    "2024", "2023", "2024-03", "2024-02", "2024-12", "2024-02-29", "2024-03-01", "2024-03-10", "2024-12-31", "2025-01-01",
    "2024-03-10T09:15:00Z", "2024-03-10T10:15:00+01:00", "2024-03-10T09:15:30Z", "2024-03-10T09:15:30.250Z",
    "2024-03-09T23:30:00-02:00", "2024-03-10T00:00:00Z", "2024-03-11T00:00:00Z",
]  # fmt: skip
PERIODS: list[tuple[str | None, str | None]] = [
    ("2024-03-01", "2024-03-03"), ("2024-03-10", "2024-03-10"), ("2023-01-01", None), (None, "2024-03-10"),
    ("2024-03-10T09:00:00Z", "2024-03-10T09:30:00Z"), ("2024", "2024"), ("2023-12", "2024-03-10T09:15:00Z"),
]  # fmt: skip
SEARCHED = [
    "2024", "2024-03", "2024-03-10", "2024-03-02", "2024-03-10T09:15", "2024-03-10T09:15Z", "2024-03-10T09:15:00Z",
    "2024-03-10T09:15:30", "2024-03-10T09:15:30.250Z", "2024-03-10T10:15:00+01:00", "2025", "1999-01-01",
]  # fmt: skip
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


def span(text: str) -> Span:
    """By the number of characters, as a person would read it."""
    bare, zone = re.fullmatch(r"(.*?)(Z|[+-]\d\d:\d\d)?", text).groups() if "T" in text else (text, None)  # type: ignore[union-attr]
    if len(bare) == 4:
        return datetime(int(bare), 1, 1, tzinfo=UTC), datetime(int(bare) + 1, 1, 1, tzinfo=UTC)
    if len(bare) == 7:
        year, month = int(bare[:4]), int(bare[5:])
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    lengths = {10: timedelta(days=1), 16: timedelta(minutes=1), 19: timedelta(seconds=1), 23: timedelta(milliseconds=1)}
    start = datetime.fromisoformat(bare)
    offset = timedelta() if zone in (None, "Z") else timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[4:]))
    start = start.replace(tzinfo=UTC) - offset
    return start, start + lengths[len(bare)]


def stored_span(period: tuple[str | None, str | None]) -> Span:
    start, end = period
    return span(start)[0] if start else FIRST, span(end)[1] if end else LAST


def expected(prefix: str, stored: Span, searched: Span, now: datetime) -> bool:
    (t0, t1), (s0, s1) = stored, searched
    contains = s0 <= t0 and t1 <= s1
    margin = abs(now - s0) / 10
    return {
        "": contains,
        "eq": contains,
        "ne": not contains,
        "gt": t1 > s1,
        "lt": t0 < s0,
        "ge": t1 > s1 or contains,
        "le": t0 < s0 or contains,
        "sa": t0 >= s1,
        "eb": t1 <= s0,
        "ap": t0 < s1 + margin and t1 > s0 - margin,
    }[prefix]


async def test_every_prefix_on_every_precision(session: Session, clock: FrozenClock) -> None:
    stored = {f"m{number}": span(text) for number, text in enumerate(MOMENTS)}
    periods = {f"p{number}": stored_span(period) for number, period in enumerate(PERIODS)}
    await keep(session, *(task(f"m{number}", "r", "p", authoredOn=text) for number, text in enumerate(MOMENTS)))
    for number, (start, end) in enumerate(PERIODS):
        period = {name: text for name, text in (("start", start), ("end", end)) if text}
        await keep(session, task(f"p{number}", "r", "p", executionPeriod=period))
    for prefix, text in product(PREFIXES, SEARCHED):
        for parameter, known in (("authored-on", stored), ("period", periods)):
            page = await search(session, HUB, "Task", [(parameter, prefix + text)], count=100)
            wanted = {id for id, one in known.items() if expected(prefix, one, span(text), clock.now())}
            assert {one.id for one in page.matches} == wanted, (parameter, prefix + text)


async def test_a_period_without_bounds_is_missing(session: Session, clock: FrozenClock) -> None:
    await keep(
        session, task("none", "r", "p", executionPeriod={}), task("open", "r", "p", executionPeriod={"start": "2024"})
    )
    found = [one.id for one in (await search(session, HUB, "Task", [("period:missing", "true")])).matches]
    assert found == ["none"]
    assert [one.id for one in (await search(session, HUB, "Task", [("period", "ne2020")])).matches] == ["open"]


async def test_what_overlaps_a_day(session: Session, clock: FrozenClock) -> None:
    for number, (start, end) in enumerate(
        [("2024-03-01", "2024-03-03"), ("2024-03-03", "2024-03-04"), ("2024-02-01", "2024-03-01")]
    ):
        await keep(session, task(f"t{number}", "r", "p", executionPeriod={"start": start, "end": end}))
    page = await search(session, HUB, "Task", [("period", "ge2024-03-02"), ("period", "le2024-03-02")])
    assert [one.id for one in page.matches] == ["t0"]


async def test_last_updated(session: Session, clock: FrozenClock) -> None:
    for number in range(3):
        await keep(session, task(f"t{number}", "r", "p"))
        clock.advance(timedelta(seconds=1))

    async def found(value: str) -> list[str]:
        return [one.id for one in (await search(session, HUB, "Task", [("_lastUpdated", value)])).matches]

    assert await found("2026-11-16T08:00:01Z") == ["t1"]
    assert await found("gt2026-11-16T08:00:01Z") == ["t2"]
    assert await found("ge2026-11-16T08:00:01.000Z") == ["t1", "t2"]
    assert await found("lt2026-11-16T08:00:01Z") == ["t0"]
    assert await found("le2026-11-16T08:00:01Z") == ["t0", "t1"]
    assert await found("ne2026-11-16T08:00:01Z") == ["t0", "t2"]
    assert await found("sa2026-11-16T08:00:00Z") == ["t1", "t2"]
    assert await found("eb2026-11-16T08:00:01Z") == ["t0"]
    assert await found("2026-11-16") == ["t0", "t1", "t2"]
    assert await found("2026-11-16T07:00:00Z,2026-11-16T08:00:02Z") == ["t2"]


@pytest.mark.parametrize("value", ["2024-13", "2024-02-30", "yesterday", "gt", "2024-03-10T25:00", "24-03-10"])
async def test_a_date_that_is_none_is_refused(session: Session, clock: FrozenClock, value: str) -> None:
    with pytest.raises(Refusal) as refused:
        await search(session, HUB, "Task", [("authored-on", value)])
    assert (refused.value.code, refused.value.http) == ("bad-search", 400)


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from([4, 7, 10, 16, 19])
)
def test_an_interval_holds_its_instant_and_shorter_texts_hold_longer_ones(moment: datetime, length: int) -> None:
    text = moment.isoformat(timespec="seconds")
    exact = values.interval(text + "Z")
    wide = values.interval(text[:length] + ("Z" if length >= 16 else ""))
    assert wide.start <= exact.start < exact.end <= wide.end
    assert values.moment(wide.start).isoformat()[:length] == text[:length]
