"""What is wrong in true files (rpps.md 7), planted: each oddity at least once where there is room, then on one subject in 400.

Nothing here changes what a row *is*: keys stay distinct, and the number of fields right. Malformed lines are apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from bench.rpps.places import (
    ALIAS,
    COMMUNE,
    KEY,
    NAME,
    NATIONAL_ID,
    OFFICE,
    PHONE,
    PHONE2,
    POSTCODE,
    SIREN,
    SIRET,
    STREET,
    STREET_CODE,
    STREET_LABEL,
    TOWN,
)
from bench.rpps.tables import CODES, rows

if TYPE_CHECKING:
    from bench.rpps.people import Person

Cells = list[str]
EVERY = 400
CITIES = ("75056", "69123", "13055")  # their former codes are districts

# In a name of a structure: {0} is the name as it was. No CR at an end: CRLF would be read there.
IN_STRUCTURES = (
    '"{0}',
    'CABINET "LES ECOLES {0}',
    '{0}"',
    "{0}\\",
    "\\N",
    "\\.",
    "C:\\{0}\\n",
    "{0} & FILS <SELARL>",
    "{0}\u0085SUITE",
    "{0}\u2028SUITE",
    "{0}\x0bSUITE",
    "{0}\x0cSUITE",
    "{0}\rSUITE",
    "CENTRE\u00a0MEDICAL\u202f{0}",
    "  {0}  DOUBLE  ",
    "{0}\tTABULATION",
    "'; DROP TABLE directory; --",
    "CŒUR ET SANTÉ L’ÉTOILE",
)
PHONES = ("01 45 67 89 01", "+33684120833", "145678901", "0000", "01.45.67.89.01", "0033145678901", "poste 12")
# post code and commune, *Bureau cedex*, name of the town
PLACES = (
    ("97150", "97801", "97150 ST MARTIN", "Saint-Martin"),
    ("97133", "97701", "97133 ST BARTHELEMY", "Saint-Barthélemy"),
    ("75011", "75056", "75011 PARIS 11", "Paris"),
    ("75011", "75111", "75011 PARIS 11", "Paris 11e Arrondissement"),
    ("69003", "69383", "69003 LYON", "Lyon 3e Arrondissement"),
    ("13003", "13203", "13003 MARSEILLE 03", "Marseille 3e Arrondissement"),
    ("69890", "69250", "69890 TOUR DE SALVAGNY (LA)", "La Tour-de-Salvagny"),
    ("25304", "25462", "25304 PONTARLIER CEDEX", "Pontarlier"),
    ("25304", "", "25304 PONTARLIER CEDEX", ""),
    ("", "", "", ""),
    ("20000", "2A004", "20000 AJACCIO", "Ajaccio"),
    ("75116", "75056", "75116 PARIS", "Paris"),
)


def _pretend(cells: Cells, values: dict[int, str]) -> None:
    for position, value in values.items():
        cells[position] = value


def _street_in_name(cells: Cells) -> None:
    _pretend(cells, {STREET: f"{cells[STREET_LABEL].upper()} {cells[STREET]}", STREET_CODE: "", STREET_LABEL: ""})


STRUCTURE_SHAPES: tuple[Callable[[Cells], None], ...] = (
    lambda cells: _pretend(cells, {SIRET: "990000016"}),
    lambda cells: _pretend(cells, {SIRET: "12345678200011"}),
    lambda cells: _pretend(cells, {SIREN: "356000000", SIRET: "35600000000002"}),
    lambda cells: _pretend(cells, {NATIONAL_ID: ""} if cells[KEY] else {}),
    lambda cells: _pretend(cells, {KEY: ""} if cells[NATIONAL_ID] else {}),
    lambda cells: _pretend(cells, {STREET: f"{cells[STREET_LABEL].upper()} {cells[STREET]}"}),
    lambda cells: _pretend(cells, {STREET_LABEL: ""}),
    lambda cells: _pretend(cells, {STREET_CODE: "ZZZ", STREET_LABEL: "Voie nouvelle"}),
    lambda cells: _pretend(cells, {PHONE2: cells[PHONE], PHONE: ""}),
    lambda cells: _pretend(cells, {ALIAS: '"'}),
    _street_in_name,
)

FAMILIES = (
    "ŒUVRARD",
    "D’ARC",
    "D'ARC",
    "LE  GOFF",
    "LE\u00a0GOFF",
    " DUPONT ",
    '"MARTIN',
    "MARTIN\\",
    "LEFÈVRE-D'ARC",
    "MARTIN EP DURAND",
    "DURAND NEE MARTIN",
    "MARTIN\u2028DURAND",
    "MARTIN\x0bDURAND",
    "MARTIN\rDURAND",
    "de la Tour",
    "ÆGIDIUS",
    "STRAßER",
    "ØDEGÅRD",
    "O",
    "MARTIN DIT LE GRAND",
)
GIVEN = (
    "Noé",
    "NOE",
    "ANNE SOPHIE",
    "AnneSophie",
    "Anne\u00a0Sophie",
    "Jean - Luc",
    "J.-P.",
    "Zoé ",
    "\u201cYves\u201d",
    "李 Wei",
)
TRADES = (
    "999|Profession nouvelle|C|Civil",  # a code that is in no table yet
    "97|Conseiller en génétique|C|Civil",  # retired
    "60||C|Civil",  # a code without label
    "|Infirmier|C|Civil",  # a label without code
    "10|Médecin|M|Militaire",  # the label of before 2024
    "93|Psychologue|F|Fonctionnaire d'Etat ou de collectivité locale",
)


def _named(family: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        for exercise in person.exercises:
            exercise.family = family

    return act


def _given(given: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        for exercise in person.exercises:
            exercise.given = given

    return act


def _trade(cells: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        if len(person.exercises) == 1:
            exercise = person.exercises[0]
            exercise.trade = replace(exercise.trade, cells=cells, graduate=None)

    return act


def _wrong_key(person: Person) -> None:
    if person.ids[0] == "8":
        number = person.ids[2:13]
        number = number[:10] + str((int(number[10]) + 1) % 10)
        person.ids = f"8|{number}|8{number}"


def _disagreeing(person: Person) -> None:
    id_type, _, national_id = person.ids.split("|")
    person.ids = f"{id_type}|10003461033|{national_id}"


def _corsican(person: Person) -> None:
    number = f"2B{person.index:07d}"
    person.ids = f"0|{number}|0{number}"


def _unmarried(person: Person) -> None:
    person.title = "MLLE|Mademoiselle"


def _untitled(person: Person) -> None:
    person.title = "MME|"


ON_PEOPLE: tuple[Callable[[Person], None], ...] = (
    *map(_named, FAMILIES),
    *map(_given, GIVEN),
    *map(_trade, TRADES),
    _wrong_key,
    _disagreeing,
    _corsican,
    _unmarried,
    _untitled,
)


def _chosen(rng: Random, subjects: int, kinds: int) -> list[tuple[int, int]]:
    """Pairs of a subject and an oddity: all oddities in turn, on subjects drawn."""
    count = min(subjects, max(kinds, subjects // EVERY))
    return [(subject, rank % kinds) for rank, subject in enumerate(rng.sample(range(subjects), count))]


@cache
def merged() -> list[str]:
    """Codes of communes that were merged into another since."""
    formers = {row["code"]: row["former"].split() for row in rows(CODES / "communes.csv") if row["former"]}
    return [code for present, codes in formers.items() if present not in CITIES for code in codes]


def of_structures(rng: Random, structures: Sequence[Cells]) -> None:
    """Change cells in place."""
    kinds = len(IN_STRUCTURES) + len(PHONES) + len(PLACES) + len(STRUCTURE_SHAPES) + 1
    for subject, number in _chosen(rng, len(structures), kinds):
        cells = structures[subject]
        if number < len(IN_STRUCTURES):
            cells[NAME] = IN_STRUCTURES[number].format(cells[NAME])
        elif (number := number - len(IN_STRUCTURES)) < len(PHONES):
            cells[PHONE] = PHONES[number]
        elif (number := number - len(PHONES)) < len(PLACES):
            _pretend(cells, dict(zip((POSTCODE, COMMUNE, OFFICE, TOWN), PLACES[number], strict=True)))
        elif (number := number - len(PLACES)) < len(STRUCTURE_SHAPES):
            STRUCTURE_SHAPES[number](cells)
        else:
            cells[COMMUNE] = rng.choice(merged())


def of_people(rng: Random, people: Sequence[Person]) -> None:
    """Change people in place, and the practices of their own."""
    for subject, number in _chosen(rng, len(people), len(ON_PEOPLE)):
        ON_PEOPLE[number](people[subject])
    own = [activity for person in people for activity in person.activities[:1] if isinstance(activity.place, str)]
    practices = [str(activity.place).split("|") for activity in own]
    of_structures(rng, practices)
    for activity, cells in zip(own, practices, strict=True):
        activity.place = "|".join(cells)


def malformed(line: str, kind: int) -> list[str]:
    """Lines that are no rows, made from one that is: every line of the answer has another number of fields than the header."""
    cells = line.split("|")
    match kind % 4:
        case 0:
            return ["|".join(cells[:20])]
        case 1:
            return [f"{line}|surplus"]
        case 2:
            return ["|".join([*cells[:8], f"{cells[7]}|BIS", *cells[9:]])]  # a pipe inside a name
        case _:
            return ["|".join(cells[:25]), "|".join(cells[25:])]  # an LF inside a value
