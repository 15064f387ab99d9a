"""From when an increment asks (rpps.md 11.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.standing import MARGIN, standing
from hub.storage.directory_load import Load

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def extraction(id: int, at: datetime, *, stamp: str | None = None) -> Load:
    name = f"{at:%Y%m%d%H%M}" if stamp is None else stamp
    return Load(id=id, stamp=name, source="x", digest="d", result="served", loaded_at=at, seconds=1)


def increment(id: int, seen: datetime) -> Load:
    report = {"seen": seen.isoformat()}
    return Load(
        id=id,
        list="increments",
        stamp="",
        source="x",
        digest="e",
        result="served",
        loaded_at=NOW,
        seconds=1,
        report=report,
    )


def since(directory: Load | None, last: Load | None) -> datetime:
    return standing(directory, last, RppsSettings(), NOW).since  # type: ignore[call-arg]


def refused(directory: Load | None, last: Load | None) -> str:
    with pytest.raises(ConnectorFailure) as caught:
        since(directory, last)
    return caught.value.code


def test_the_first_one_asks_from_before_the_extraction_was_made() -> None:
    night = NOW - 10 * HOUR
    assert since(extraction(1, night), None) == night - MARGIN - HOUR
    assert since(extraction(1, night, stamp=""), None) == night - MARGIN - HOUR


def test_the_next_one_asks_from_the_last_update_seen_minus_an_hour() -> None:
    assert since(extraction(1, NOW - 10 * HOUR), increment(2, NOW - 3 * HOUR)) == NOW - 4 * HOUR


def test_after_an_extraction_what_it_was_too_early_for_is_asked_again() -> None:
    night = NOW - 10 * HOUR
    assert since(extraction(3, night), increment(2, NOW - 3 * HOUR)) == night - MARGIN - HOUR
    assert since(extraction(3, night), increment(2, NOW - 72 * HOUR)) == night - MARGIN - HOUR  # it settled the rest


def test_beyond_the_memory_of_the_api_the_extraction_comes_first() -> None:
    long_ago = NOW - timedelta(days=31)
    assert refused(None, None) == refused(None, increment(2, NOW)) == "no-extraction"
    assert refused(extraction(1, long_ago), None) == "increments-too-old"
    assert refused(extraction(1, NOW - HOUR), increment(2, long_ago)) == "increments-too-old"
    assert since(extraction(3, NOW - HOUR), increment(2, long_ago)) == NOW - HOUR - MARGIN - HOUR
    assert refused(extraction(3, long_ago), increment(2, NOW - HOUR)) == "increments-too-old"
    edge = NOW - timedelta(days=30) + HOUR
    assert since(extraction(1, NOW), increment(2, edge)) == edge - HOUR
    assert refused(extraction(1, NOW), increment(2, edge - timedelta(seconds=1))) == "increments-too-old"


def test_the_same_digest_is_old_news_until_an_extraction_came() -> None:
    settled = standing(extraction(3, NOW), increment(2, NOW), RppsSettings(), NOW)  # type: ignore[call-arg]
    alone = standing(extraction(1, NOW), increment(2, NOW), RppsSettings(), NOW)  # type: ignore[call-arg]
    assert (settled.has_seen("e"), alone.has_seen("e"), alone.has_seen("f")) == (False, True, False)
