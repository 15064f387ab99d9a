from typing import Any

from hub.codes.communes import Entry, key, rows, short


def commune(code: str, name: str, *postcodes: str, district: str = "951", **more: Any) -> Entry:
    entry = {
        "code": code,
        "nom": name,
        "type": "commune-actuelle",
        "departement": code[:2],
        "region": "11",
        "arrondissement": district,
        "codesPostaux": list(postcodes),
    }
    return {**entry, **more}  # type: ignore[typeddict-item,return-value]


def place(name: str, longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "name": name,
        "alternatenames": [],
        "countrycode": "FR",
        "admin1code": "11",
        "longitude": longitude,
        "latitude": latitude,
    }


def test_names_meet_whatever_their_spelling() -> None:
    assert key("St-Ouen l’Aumône") == key("SAINT OUEN L'AUMONE") == "saint ouen l aumone"
    assert short("Éragny-sur-Oise") == key("Eragny")


def test_points_come_from_the_place_the_neighbours_or_the_district() -> None:
    entries = [
        commune("95001", "Alpha", "95100"),
        commune("95002", "Bêta-sur-Oise", "95200"),
        commune("95003", "Gamma", "95100"),
        commune("95004", "Delta", "95300"),
        commune("95005", "Sans-Voisin", "95400", district="999", departement="96"),
    ]
    table = {line[0]: line for line in rows(entries, [place("Alpha", 2.0, 49.0), place("Beta", 2.2, 49.1)])}
    assert table["95001"][5:] == ("2.00000", "49.00000", "place")
    assert table["95002"][5:] == ("2.20000", "49.10000", "place")
    assert table["95003"][5:] == ("2.00000", "49.00000", "neighbour")
    assert table["95004"][5:] == ("2.10000", "49.05000", "district")
    assert table["95005"][5:] == ("", "", "none")


def test_a_homonym_far_away_is_not_taken() -> None:
    near = [commune(f"9500{rank}", f"Lieu {'abcd'[rank]}", "95100") for rank in range(4)]
    places = [place(f"Lieu {'abcd'[rank]}", 2.0 + rank / 100, 49.0) for rank in range(3)]
    table = {line[0]: line for line in rows(near, [*places, place("Lieu d", 5.0, 49.0)])}
    assert table["95003"][-1] == "neighbour"


def test_old_codes_delegated_communes_and_districts_lead_to_the_commune() -> None:
    entries = [
        commune("95001", "Neuve", "95100", anciensCodes=["78001"]),
        commune("95009", "Jadis", type="commune-deleguee", chefLieu="95001"),
        commune("95001", "Chef-Lieu", type="commune-deleguee", chefLieu="95001"),
        commune("75101", "Ville 1er", "75001", type="arrondissement-municipal", commune="95001"),
    ]
    (line,) = rows(entries, [])
    assert line[3] == "75001 95100"
    assert line[4] == "75101 78001 95009"
