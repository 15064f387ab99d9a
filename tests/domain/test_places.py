import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain import places
from hub.domain.places import Place, Precision

CERGY = Place(longitude=2.07613, latitude=49.03645, commune="95127")
LYON = Place(longitude=4.8357, latitude=45.764, commune="69123")

mainland = st.builds(
    Place,
    longitude=st.floats(-1.0, 6.5),
    latitude=st.floats(43.5, 49.5),
    commune=st.just("95127"),
)


@pytest.mark.parametrize(
    ("given_code", "expected"),
    [
        ("95127", "95127"),
        ("78127", "95127"),  # Seine-et-Oise, before 1968
        ("75101", "75056"),
        ("75120", "75056"),
        ("69381", "69123"),
        ("69389", "69123"),
        ("13201", "13055"),
        ("13216", "13055"),
        ("2a004", "2A004"),
        (" 01340 ", "01015"),  # delegated commune of Arboys en Bugey
        ("99999", "99999"),
    ],
)
def test_codes_are_brought_to_the_present_commune(given_code: str, expected: str) -> None:
    assert places.normalise(given_code) == expected


def test_a_commune_is_known_by_its_old_code_and_by_its_post_codes() -> None:
    cergy = places.commune("78127")
    assert cergy is not None
    assert (cergy.name, cergy.department, cergy.postcodes) == ("Cergy", "95", ("95000", "95800"))
    assert {commune.name for commune in places.of_postcode("95000")} >= {"Cergy", "Pontoise", "Neuville-sur-Oise"}
    assert places.commune("99999") is None
    assert places.of_postcode("00000") == ()


def test_every_district_of_the_three_cities_is_known() -> None:
    for first, last, city in ((75101, 75120, "75056"), (69381, 69389, "69123"), (13201, 13216, "13055")):
        assert {places.normalise(str(code)) for code in range(first, last + 1)} == {city}


def test_nearly_every_commune_has_a_point_and_says_how_sure_it_is() -> None:
    communes = places.gazetteer().communes.values()
    without = [commune for commune in communes if commune.place is None]
    assert len(communes) == 34_969
    assert len(without) < 60
    assert all(commune.precision is Precision.NONE for commune in without)
    assert all(commune.department.startswith(("97", "98")) for commune in without)


def test_points_lie_in_their_department() -> None:
    """Val-d'Oise holds in a box: a homonym elsewhere in the region would fall out of it."""
    for commune in places.gazetteer().communes.values():
        if commune.department == "95" and commune.place is not None:
            assert 1.6 < commune.place.longitude < 2.6
            assert 48.9 < commune.place.latitude < 49.25


def test_distances_are_those_of_the_map() -> None:
    paris = places.commune("75056")
    assert paris is not None and paris.place is not None
    assert places.kilometres(paris.place, LYON) == pytest.approx(392, abs=2)
    pontoise = places.commune("95500")
    assert pontoise is not None and pontoise.place is not None
    assert 2_000 < places.metres(CERGY, pontoise.place) < 2_600


def test_within_gives_the_nearest_first_and_its_own_commune_at_the_head() -> None:
    near = places.within(CERGY, 6)
    assert near[0] == "95127"
    assert {"95500", "95450", "95637"} <= set(near)
    assert "75056" not in near
    assert places.within(Place(longitude=2.07613, latitude=49.03645, commune="75101"), 6)[0] == "75056"


@given(where=mainland, km=st.floats(1, 80))
@settings(max_examples=40, deadline=None)
def test_within_agrees_with_measuring_every_commune(where: Place, km: float) -> None:
    found = set(places.within(where, km)) - {where.commune}
    for commune in places.gazetteer().communes.values():
        if commune.place is None or commune.code == where.commune:
            continue
        away = places.metres(where, commune.place) / 1000
        if away < km * 0.985:
            assert commune.code in found
        if away > km * 1.015:
            assert commune.code not in found


@given(a=mainland, b=mainland)
def test_distance_is_symmetric_and_nothing_to_oneself(a: Place, b: Place) -> None:
    assert places.metres(a, b) == pytest.approx(places.metres(b, a))
    assert places.metres(a, a) == 0


def test_around_gives_the_communes_of_within_with_their_distances() -> None:
    found = places.around(CERGY, 10)
    assert list(found) == places.within(CERGY, 10) and found["95127"] == 0
    assert list(found.values()) == sorted(found.values()) and 0 < found["95500"] < max(found.values()) <= 10_000


def test_communes_of_a_department_and_of_the_beginning_of_a_post_code() -> None:
    oise = places.of_department("95")
    assert {"95127", "95500"} <= {one.code for one in oise} and {one.department for one in oise} == {"95"}
    assert {one.department for one in places.of_department("2b")} == {"2B"}
    assert places.of_department("99") == places.of_postcodes("99999") == ()
    assert "95500" in {one.code for one in places.of_postcodes("953")}
    assert set(places.of_postcode("95300")) <= set(places.of_postcodes("953"))
