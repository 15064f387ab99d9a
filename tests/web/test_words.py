"""Words and drawings made from values: time left, ages, names, scripts, phone numbers, the sprite."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.domain.appointment import Appointment, Mode, Standing
from hub.domain.care_request import State
from hub.domain.patient import Patient
from hub.domain.places import Precision
from hub.storage.ages import Age
from hub.web import render, words
from hub.web.flashes import AFTER
from hub.web.pages.alerts import international

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 17, 12, 40, tzinfo=UTC)
TODAY = date(2026, 11, 17)


@pytest.mark.parametrize(
    ("minutes", "level", "said"),
    [
        (82, "calm", "Reste 1 h 22"),
        (50, "started", "Reste 50 min"),
        (30, "short", "Reste 30 min"),
        (9, "short", "Reste 9 min"),
        (0, "over", "moins d'une minute de retard"),
        (-4, "over", "4 min de retard"),
    ],
)
def test_time_left_of_two_hours(minutes: int, level: str, said: str) -> None:
    due = NOW + timedelta(minutes=minutes)
    left = words.time_left(due - timedelta(hours=2), due, NOW, PARIS)
    assert (left.level, left.words) == (level, said)
    assert 0 <= left.share <= 100
    assert left.before == ("depuis" if level == "over" else "avant")


@pytest.mark.parametrize(
    ("count", "precision", "said"),
    [
        (3, Precision.ADDRESS, "3 km"),
        (0, Precision.ADDRESS, "moins de 1 km"),
        (3, Precision.CENTROID, "≈ 3 km"),
        (0, Precision.NEIGHBOUR, "≈ moins de 1 km"),
        (None, Precision.ADDRESS, ""),
    ],
)
def test_a_distance_from_the_middle_of_a_commune_is_about(count: int | None, precision: Precision, said: str) -> None:
    assert words.kilometres(count, precision) == said


def test_every_point_that_is_no_address_says_what_it_is() -> None:
    assert {one for one in Precision if not words.measured(one)} == {Precision.ADDRESS, Precision.NONE}


def test_the_hour_says_its_day_unless_today() -> None:
    assert words.hour_words(NOW, NOW, PARIS) == "13:40"
    assert words.hour_words(NOW + timedelta(days=1), NOW, PARIS) == "demain, 13:40"
    assert words.hour_words(NOW, NOW, ZoneInfo("Indian/Reunion")) == "16:40"


@pytest.mark.parametrize(
    ("sex", "age", "said"),
    [
        ("female", Age("84 ans", 84), "Femme de 84 ans"),
        ("male", Age("6 ans", 6), "Garçon de 6 ans"),
        ("female", Age("18 mois", 1), "Fille de 18 mois"),
        ("unknown", Age("46 ans", 46), "Personne de 46 ans"),
        ("female", None, "Femme"),
    ],
)
def test_an_outline_tells_sex_and_age(sex: str, age: Age | None, said: str) -> None:
    assert words.outline_of(sex, age) == said


def patient(**changes: object) -> Patient:
    given = {
        "id": "p",
        "birth_name": "MOREL",
        "first_given": "COLETTE",
        "sex": "female",
        "birth_date": date(1942, 5, 2),
    }
    return Patient(**{**given, **changes})  # type: ignore[arg-type]


def test_names_and_civilities() -> None:
    colette = patient(used_name="Charpentier")
    assert words.civil_name(colette, TODAY) == "Mme Colette CHARPENTIER"
    assert words.short_name(colette, TODAY) == "Mme Charpentier"
    assert words.born(colette) == "née MOREL le 2 mai 1942"
    child = patient(first_given="Léo", sex="male", birth_date=date(2020, 1, 1))
    assert words.civil_name(child, TODAY) == "Léo MOREL"
    assert words.short_name(child, TODAY) == "Léo"
    assert words.born(child) == "né le 1er janvier 2020"
    assert words.civil_name(patient(sex="unknown"), TODAY) == "Colette MOREL"
    assert words.the_patient("other") == "cette personne"


def appointment(mode: Mode = Mode.HOME_VISIT, **when: object) -> Appointment:
    return Appointment(
        id="a", request="r", patient="p", performer="x", mode=mode, standing=Standing.PENDING, created_at=NOW, **when
    )  # type: ignore[arg-type]


def test_what_is_said_on_the_phone() -> None:
    who = words.article("Dr Hélène VASSEUR")
    at = appointment(start=NOW + timedelta(hours=4, minutes=35))
    said = "« Le Dr Hélène VASSEUR peut venir vous voir aujourd'hui à 18 h 15, chez vous. Cela vous convient-il ? »"
    assert words.script(who, at, NOW, PARIS) == said
    span = appointment(Mode.PRACTICE, range_start=NOW + timedelta(days=1), range_end=NOW + timedelta(days=1, hours=1))
    assert "demain entre 13 h 40 et 14 h 40, au cabinet" in words.script("Claire MARTIN", span, NOW, PARIS)
    vague = appointment(words="entre deux patients")
    assert words.script(who, vague, NOW, PARIS).endswith(
        "propose : entre deux patients. Quelle heure vous convient ? »"
    )


@pytest.mark.parametrize("number", ["0261910118", "+33261910118", "02 61 91 01 18", "0033261910118"])
def test_phone_numbers(number: str) -> None:
    assert words.phone_words(number) == "02 61 91 01 18"
    assert words.phone_link(number) == "tel:+33261910118"


def test_a_foreign_number_is_left_as_it_is() -> None:
    assert words.phone_words("+41 22 555 01 01") == "+41 22 555 01 01"
    assert words.phone_link("+41 22 555 01 01") == "tel:+41225550101"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("06 39 98 11 09", "+33639981109"),
        ("+33 7 39 98 11 09", "+33739981109"),
        ("02 61 91 01 18", None),
        ("06 39", None),
        ("", None),
    ],
)
def test_mobile_numbers(typed: str, number: str | None) -> None:
    assert international(typed) == number


def test_every_state_has_its_look_and_its_icon() -> None:
    assert set(words.LOOKS) == set(State)
    assert {look.icon for look in words.LOOKS.values()} <= set(render.symbols())
    assert {look.family for look in words.LOOKS.values()} == {"idle", "wait", "seek", "good", "danger"}


def test_a_page_carries_the_icons_it_uses() -> None:
    page = f'{render.SPRITE}<use href="#i-lock"/><use href="#i-lock"/>'
    assert render.with_sprite(page).count("<symbol") == 1
    assert render.with_sprite(page, whole=True).count("<symbol") == len(render.symbols())


def test_what_a_page_says_after_an_act_is_french_and_calm() -> None:
    for flash in AFTER.values():
        said = f"{flash.title} {flash.text}"
        assert "!" not in said and "rreur" not in said and "chec" not in said


def test_initials() -> None:
    assert [words.initials(name) for name in ("Dr Hélène VASSEUR", "Mme Odile Garnier", "Colibri")] == ["HV", "OG", "C"]
