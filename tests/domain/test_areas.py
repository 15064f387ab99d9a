from __future__ import annotations

import pytest

from hub.domain import areas, places


@pytest.mark.parametrize(
    ("text", "some", "count"),
    [
        ("95127", {"95127"}, 1),
        ("78127", {"95127"}, 1),  # before 1968
        ("95", {"95127", "95500", "95018"}, 183),
        ("2b", {"2B033"}, 236),
        ("953", {"95500"}, None),
        ("95300", {"95500"}, None),
        ("20", {"2A004", "2B033"}, 360),  # the post codes of Corsica
        ("1", set(), 0),
        ("99999", set(), 0),
        ("9[", set(), 0),
        ("", set(), 0),
        ("Cergy", set(), 0),
    ],
)
def test_what_a_code_means(text: str, some: set[str], count: int | None) -> None:
    found = {one.code for one in areas.named(text)}
    assert some <= found
    assert len(found) == count if count is not None else 1 < len(found) < 60


def test_around_one_commune_is_what_lies_around_it() -> None:
    cergy = places.commune("95127")
    assert cergy is not None and cergy.place is not None
    near = areas.around([cergy], 10)
    assert near == pytest.approx(places.around(cergy.place, 10), abs=5)
    assert list(near.values()) == sorted(near.values())


@pytest.mark.parametrize(("text", "km"), [("95", 20), ("2A", 50), ("971", 30), ("693", 5)])
def test_around_an_area_every_distance_is_that_of_its_nearest_commune(text: str, km: int) -> None:
    area = areas.named(text)
    near = areas.around(area, km)
    own = dict.fromkeys(one.code for one in area)
    assert list(near)[: len(own)] == list(own) and list(near.values()) == sorted(near.values())
    points = [one.place for one in area if one.place]
    for one in places.gazetteer().communes.values():
        if one.code not in own and one.place is not None and places.metres(one.place, points[0]) < 200_000:
            away = min(places.metres(one.place, point) for point in points)
            assert near.get(one.code) == (round(away) if away <= km * 1000 else None)


def test_a_commune_without_a_point_stands_for_itself() -> None:
    nowhere = next(one for one in places.gazetteer().communes.values() if one.place is None)
    assert areas.around([nowhere], 20) == {nowhere.code: 0}
