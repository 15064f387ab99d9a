from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from holidays.countries import France
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import hours, places

PARIS = ZoneInfo("Europe/Paris")


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("commune", "zone"),
    [
        ("95127", "Europe/Paris"),
        ("2A004", "Europe/Paris"),
        ("97411", "Indian/Reunion"),
        ("97302", "America/Cayenne"),
        ("98731", "Pacific/Marquesas"),
        ("98735", "Pacific/Tahiti"),
        ("99999", "Europe/Paris"),
    ],
)
def test_each_commune_keeps_its_time(commune: str, zone: str) -> None:
    assert hours.zone_of(commune) == ZoneInfo(zone)


def test_every_department_has_a_zone_that_exists() -> None:
    for department in {commune.department for commune in places.gazetteer().communes.values()}:
        assert (department in hours.ZONES) == department.startswith(("97", "98"))
    assert all(ZoneInfo(zone) for zone in hours.ZONES.values())


@pytest.mark.parametrize("year", range(2008, 2040))
def test_public_holidays_are_those_of_an_independent_source(year: int) -> None:
    assert hours.holidays(year) == {day for day in France(years=year) if day.year == year}


def test_alsace_moselle_and_overseas_have_their_own() -> None:
    assert hours.holidays(2026, "67") - hours.holidays(2026) == {date(2026, 4, 3), date(2026, 12, 26)}
    assert hours.holidays(2026, "974") - hours.holidays(2026) == {date(2026, 12, 20)}
    assert hours.holidays(2026, "95") == hours.holidays(2026)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-16T07:59", "2026-11-16T08:00"),
        ("2026-11-16T08:00", "2026-11-16T08:00"),
        ("2026-11-16T19:59", "2026-11-16T19:59"),
        ("2026-11-16T20:00", "2026-11-17T08:00"),
        ("2026-11-21T12:00", "2026-11-23T08:00"),  # Saturday noon
        ("2026-11-10T20:00", "2026-11-12T08:00"),  # the 11th is a public holiday
        ("2026-12-24T21:00", "2026-12-26T08:00"),
        ("2026-03-28T23:30", "2026-03-30T08:00"),  # over the change of hour
    ],
)
def test_the_default_hours_open_and_close(at: str, opens: str) -> None:
    assert hours.next_opening(None, paris(at), "Europe/Paris") == paris(opens)
    assert hours.is_open(None, paris(at), PARIS) == (at == opens)


def test_the_day_after_christmas_is_closed_in_alsace() -> None:
    saturday = paris("2026-12-26T09:00")
    assert hours.is_open(None, saturday, PARIS)
    assert not hours.is_open(None, saturday, PARIS, department="68")


def test_hours_may_break_at_noon_last_until_midnight_and_hold_on_holidays() -> None:
    own = {"mon": ("14:00-24:00", "08:00-12:00"), "holiday": ("10:00-11:00",)}
    assert hours.next_opening(own, paris("2026-11-16T12:00"), PARIS) == paris("2026-11-16T14:00")
    assert hours.is_open(own, paris("2026-11-16T23:59"), PARIS)
    assert hours.next_opening(own, paris("2026-11-10T00:00"), PARIS) == paris("2026-11-11T10:00")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"mon": ()},
        {"mon": ("20:00-08:00",)},
        {"lundi": ("08:00-09:00",)},
        {"mon": ("8-9",)},
        {"mon": ("08:00-24:30",)},
    ],
)
def test_hours_that_cannot_be_are_refused(wrong: hours.Hours) -> None:
    with pytest.raises(ValueError):
        hours.check(wrong)


def test_hours_that_never_open_say_so() -> None:
    hours.check(hours.DEFAULT)
    with pytest.raises(ValueError, match="never open"):
        hours.next_opening({"mon": ()}, paris("2026-11-16T12:00"), PARIS)


@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))
def test_the_next_opening_is_open_and_not_before(at: datetime) -> None:
    opening = hours.next_opening(None, at, PARIS)
    assert opening >= at
    assert hours.is_open(None, opening, PARIS)
    assert opening == at or not hours.is_open(None, opening - timedelta(seconds=1), PARIS)


NOW = paris("2026-11-13T13:31")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-13T15:02", "aujourd'hui à 15 h 02"),
        ("2026-11-14T09:30", "demain à 9 h 30"),
        ("2026-11-12T08:00", "hier à 8 h"),
        ("2026-11-16T08:00", "lundi 16 novembre à 8 h"),
        ("2026-12-01T08:05", "mardi 1er décembre à 8 h 05"),
        ("2027-01-04T08:00", "lundi 4 janvier 2027 à 8 h"),
    ],
)
def test_moments_in_words(at: str, words: str) -> None:
    assert hours.moment(paris(at).astimezone(UTC), NOW, "Europe/Paris") == words


def test_times_are_told_in_the_zone_of_the_reader() -> None:
    at = datetime(2026, 11, 13, 14, 2, tzinfo=UTC)
    assert hours.clock_time(at, PARIS) == "15:02"
    assert hours.clock_time(at, "Indian/Reunion") == "18:02"
    assert hours.day(date(2026, 11, 14), NOW, PARIS) == "demain"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=82), "1 h 22"),
        (timedelta(minutes=50, seconds=59), "50 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=25, minutes=5), "25 h 05"),
        (timedelta(days=3, hours=5), "3 jours"),
        (timedelta(seconds=59), "moins d'une minute"),
        (timedelta(seconds=-5), "moins d'une minute"),
    ],
)
def test_durations_in_words(length: timedelta, words: str) -> None:
    assert hours.duration(length) == words


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("1979-03-28", "47 ans"),
        ("2020-11-13", "6 ans"),
        ("2020-11-14", "5 ans"),
        ("2025-05-13", "18 mois"),
        ("2026-10-13", "1 mois"),
        ("2026-11-01", "12 jours"),
        ("2026-11-12", "1 jour"),
    ],
)
def test_ages_in_words(born: str, words: str) -> None:
    assert hours.age(date.fromisoformat(born), date(2026, 11, 13)) == words
