"""Open data publications of communes, as their publishers write them: titles, separators, spreadsheets' habits, bad lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import centres, places
from hub.domain.centres import Unreadable
from hub.domain.places import Centre, Precision

CERGY = Centre(longitude=2.05, latitude=49.04, precision=Precision.CENTROID)


@pytest.mark.parametrize(
    "table",
    [
        "code_insee,nom_standard,latitude_mairie,longitude_mairie,latitude_centre,longitude_centre\n95127,Cergy,49,2,49.04,2.05\n",
        "#Code_commune_INSEE;Nom_de_la_commune;Code_postal;_geopoint\n95127;CERGY;95000;49.04, 2.05\n",
        "code_commune_INSEE,nom_commune_postal,code_postal,latitude,longitude,code_commune\n95127,CERGY,95000,49.04,2.05,127\n",
        "Geo Point;Année;Code Officiel Commune;Nom Officiel Commune\n49.04,2.05;2026;95127;Cergy\n",
        '\ufeffINSEE_COM\tNom\tLon\tLat\n95127\t"Cergy"\t2,05\t49,04\n',
        "Code INSEE|Latitude|Longitude\r\n95127|49.04|2.05\r\n",
    ],
)
def test_the_titles_of_each_publisher_are_read(table: str) -> None:
    found = centres.read(table.splitlines(keepends=True))
    assert found.centres == {"95127": CERGY}
    assert (found.lines, found.rejected) == (1, 0)


def test_a_town_hall_is_no_middle() -> None:
    found = centres.read(["code_insee,latitude_mairie,longitude_mairie\n", "95127,49.04,2.05\n"])
    assert found.centres["95127"].precision is Precision.PLACE


def test_a_nought_that_a_spreadsheet_took_is_given_back_and_the_first_of_two_is_kept() -> None:
    found = centres.read(["insee;lat;lon\n", "1004;45.96;5.35\n", "01004;46;5\n", "2a004;41.92;8.73\n"])
    assert found.centres["01004"].latitude == 45.96
    assert set(found.centres) == {"01004", "2A004"}


def test_bad_lines_are_set_aside_and_told() -> None:
    lines = [
        "code_insee,latitude,longitude\n",
        "95127,49.04,2.05\n",
        "95500,,\n",
        "95500,quarante-neuf,2.1\n",
        "95500,2.1,49.05\n",
        "95500,0,0\n",
        "95500\n",
        "CERGY,49.04,2.05\n",
        "97411,-20.9,55.45\n",
    ]
    found = centres.read(lines)
    assert set(found.centres) == {"95127", "97411"}
    assert (found.lines, found.rejected) == (8, 6)
    assert found.told == (
        (3, "elle ne donne aucun point"),
        (4, "la latitude ou la longitude n’est pas un nombre"),
        (5, "la latitude et la longitude y sont échangées"),
        (6, "ce point n’est pas en France"),
        (7, "il y manque des colonnes"),
        (8, "le code INSEE n’en est pas un"),
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "aucune colonne n’y donne le code INSEE"),
        ("nom;latitude;longitude\nCergy;49;2\n", "aucune colonne n’y donne le code INSEE"),
        ("code_insee;nom\n95127;Cergy\n", "aucune colonne n’y donne la latitude"),
        ("code_insee;latitude;longitude\n", "aucune de ses lignes"),
        ("code_insee;latitude;longitude\n95127;2;49\n", "aucune de ses lignes"),
        ('code_insee;latitude;longitude\n95127;49;2\n95500;49;"' + "x" * 200_000, "sa ligne 3 ne se lit pas"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(table: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        centres.read(table.splitlines(keepends=True))


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_lines_are_read_told_or_refused(lines: list[str]) -> None:
    text = ["code_insee,latitude,longitude\n", "95127,49.04,2.05\n", *(f"{line}\n" for line in lines)]
    try:
        found = centres.read(text)
    except Unreadable:
        return
    assert found.centres["95127"] == CERGY
    assert found.rejected <= found.lines


@pytest.fixture
def table_alone() -> Iterator[None]:
    yield
    places.use({})


def test_given_points_take_the_place_of_those_of_the_table_and_say_what_they_are_worth(table_alone: None) -> None:
    before = places.commune("95500")
    assert before is not None and before.precision is Precision.PLACE
    moved = Centre(longitude=-4.5, latitude=48.4, precision=Precision.CENTROID)
    places.use({"95500": moved, "78127": moved, "99999": moved})  # a former code and an unknown one are nobody's
    after = places.commune("95500")
    assert after is not None and after.place is not None
    assert (after.name, after.postcodes) == (before.name, before.postcodes)
    assert (after.place.longitude, after.precision, after.place.precision) == (
        -4.5,
        Precision.CENTROID,
        Precision.CENTROID,
    )
    assert "95500" in places.within(after.place, 1) and "95500" not in places.within(places.commune("95127").place, 20)  # type: ignore[union-attr,arg-type]
    assert places.commune("95127").precision is Precision.PLACE  # type: ignore[union-attr]


def test_a_distance_is_worth_the_worse_of_its_ends() -> None:
    assert places.worse(Precision.ADDRESS, Precision.NEIGHBOUR) is Precision.NEIGHBOUR
    assert places.worse(Precision.PLACE, Precision.CENTROID) is Precision.PLACE
    assert places.worse(Precision.ADDRESS, Precision.ADDRESS) is Precision.ADDRESS
