"""One invented person for each thing that is wrong in real files (directory specification, section 7).

Numbers begin with 9973; `ODDITIES` says which oddity each of them shows.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.rpps.model import Activity, Exercise, Person, Structure, luhn_key

SERIES = "9973"
NO_BREAK, NEXT_LINE, LINE_SEPARATOR = "\u00a0", "\u0085", "\u2028"
CONTROLS = f"CABINET{NEXT_LINE}DU{LINE_SEPARATOR}SAUT\x0bDE\x0cLIGNE\rINVENTE"  # one line: only LF ends a row
TORN = '"LES ECOLES'  # a quote that nothing closes


def _structure(number: int, **changes: Any) -> Structure:
    made = Structure(
        structure_id=f"R1000000097{number:04d}",
        structure_national_id=f"4{_rpps(number)}001",
        structure_name=f"CABINET DE CURIOSITES {number}",
        house_number=str(number),
        street_type_code="R",
        street="DES CURIOSITES",
        post_office="95000 CERGY",
        postcode="95000",
        commune_code="95127",
        commune="Cergy",
        phone=f"01990091{number:02d}",
    )
    return replace(made, **changes)


def _rpps(number: int) -> str:
    digits = f"{SERIES}{number:06d}"
    return digits + luhn_key(digits)


def _person(number: int, *, structure: Mapping[str, Any] | None = None, **changes: Any) -> Person:
    """A nurse in her own practice; `changes` go to the person, the exercise or the activity, by their names."""
    place = _structure(number, **(structure or {}))
    activity: dict[str, Any] = {
        "structure": place,
        "mode": "L",
        "sector": "SA07",
        "role": "FON-01",
        "authority": "CNOI/CNOI/CNOI",
    }
    activity.update({name: changes.pop(name) for name in ("mode", "sector", "role", "authority") if name in changes})
    practice = Activity(**activity, raw=changes.pop("raw", {}))
    person = {name: changes.pop(name) for name in ("national_id", "title", "printed_twice") if name in changes}
    facts: dict[str, Any] = {
        "family": "CURIOSITE",
        "given": "Nora",
        "profession": "60",
        "category": "C",
        "activities": (practice,),
    }
    exercise = Exercise(**{**facts, **changes})
    return Person(**{"national_id": f"8{_rpps(number)}", "title": "MME", **person}, exercises=(exercise,))


def _wrong_key(number: int) -> str:
    right = _rpps(number)
    return f"8{right[:-1]}{(int(right[-1]) + 1) % 10}"


CEDEX = {"postal_box": "CS 10000", "post_office": "95011 CERGY PONTOISE CEDEX", "postcode": "95011"}
THROWN_BACK = {
    "post_office": "95290 ISLE ADAM (L')",
    "postcode": "95290",
    "commune_code": "95313",
    "commune": "L'Isle-Adam",
}
PARIS = {"post_office": "75011 PARIS 11", "postcode": "75011", "commune": "Paris"}
LYON = {"post_office": "69003 LYON", "postcode": "69003", "commune": "Lyon"}
MARSEILLE = {"post_office": "13003 MARSEILLE", "postcode": "13003", "commune": "Marseille"}
MERGED = {"post_office": "95450 GOUZANGREZ", "postcode": "95450", "commune_code": "95282", "commune": "Gouzangrez"}
MARTIN_ISLAND = {
    "post_office": "97150 SAINT MARTIN",
    "postcode": "97150",
    "commune_code": "97801",
    "commune": "Saint-Martin",
}
BARTH_ISLAND = {
    **{"post_office": "97133 SAINT BARTHELEMY", "postcode": "97133"},
    **{"commune_code": "97701", "commune": "Saint-Barthélemy"},
}
CORSICAN = {"structure_id": "F2A0000014", "structure_national_id": "12A0000014", "finess": "2A0000014"}
BAD_SIRET = {"structure_id": "C12345678200011", "structure_national_id": "312345678200011", "siret": "12345678200011"}
SIREN_THERE = {"structure_id": "C123456782", "structure_national_id": "3123456782", "siret": "123456782", "siren": ""}
OLD_LABELS = {"mode": "Libéral, indépendant, artisan, commerçant", "activity_kind": "Activité de soin et de pharmacie"}
TWICE: dict[str, Any] = {"given": "Odile", "family": "DEUXFOIS"}
FRANCE = {"country_code": "99000", "country": "France", "department_code": "95", "department": "Val-d'Oise"}
UNKNOWN = {"role_code": "FON-99", "role": "Fonction créée hier", "sector_code": "SA99", "sector": "Secteur créé hier"}

ODDITIES: dict[str, Person] = {
    "exact duplicate rows": _person(1, printed_twice=True),
    "no title at all": _person(2, title=""),
    "old title": _person(3, title="MLLE"),
    "first name in capitals": _person(4, given="ANNE SOPHIE"),
    "first name accented and compound": _person(5, given="Anne-Sophie"),
    "ligatures and typographic apostrophe": _person(6, family="ŒUVRARD D’ÆTHER", given="Noé"),
    "no-break, double and trailing spaces": _person(7, family=f"LE{NO_BREAK}GOFF  SAINT ", given=" Yann"),
    "lone quote inside": _person(8, structure={"structure_name": 'CABINET "LES VOYELLES'}),
    "lone quote first": _person(9, structure={"structure_name": TORN, "structure_alias": TORN}),
    "backslash, ampersand, less-than": _person(10, structure={"structure_name": "C:\\CABINET & <FILS>"}),
    "line cuts that are not LF": _person(11, structure={"structure_name": CONTROLS}),
    "other labels": _person(12, raw=OLD_LABELS),
    "profession retired from its table": _person(13, profession="35", authority="ARS/CPAM/CPAM"),
    "codes not in the tables yet": _person(14, raw=UNKNOWN),
    "street type repeated in the name": _person(15, structure={"street": "RUE DES CURIOSITES"}),
    "street type only in the name": _person(16, structure={"street_type_code": "", "street": "RTE DE L'EXEMPLE"}),
    "article thrown back in the post office": _person(17, structure=THROWN_BACK),
    "post code of a CEDEX": _person(18, structure=CEDEX),
    "no commune code": _person(19, structure={"commune_code": "", "commune": ""}),
    "commune merged since": _person(20, structure=MERGED),
    "Paris, global code": _person(21, structure={**PARIS, "commune_code": "75056"}),
    "Paris, code of the district": _person(22, structure={**PARIS, "commune_code": "75111"}),
    "Lyon, global code": _person(57, structure={**LYON, "commune_code": "69123"}),
    "Lyon, code of the district": _person(58, structure={**LYON, "commune_code": "69383"}),
    "Marseille, global code": _person(59, structure={**MARSEILLE, "commune_code": "13055"}),
    "Marseille, code of the district": _person(60, structure={**MARSEILLE, "commune_code": "13203"}),
    "Saint-Martin under a post code of Guadeloupe": _person(23, structure=MARTIN_ISLAND),
    "Saint-Barthélemy under a post code of Guadeloupe": _person(24, structure=BARTH_ISLAND),
    "country and department filled": _person(25, raw=FRANCE),
    "international mobile": _person(26, structure={"phone": "+33639980126", "phone2": "06 39 98 01 26"}),
    "nine digits": _person(27, structure={"phone": "199009127"}),
    "zeros for a phone": _person(28, structure={"phone": "0000", "phone2": ""}),
    "SIRET with a wrong key": _person(29, structure=BAD_SIRET),
    "SIREN in the place of the SIRET": _person(30, structure=SIREN_THERE),
    "FINESS with letters": _person(31, structure=CORSICAN),
    "RPPS with a wrong key": _person(32, national_id=_wrong_key(32)),
    "code without label": _person(33, raw={"profession": "", "role": "", "sector": ""}),
    "label without code": _person(34, raw={"role_code": "", "sector_code": ""}),
    "psychologist, code 93": _person(35, profession="93", authority="ARS/CPAM/CPAM"),
    "psychotherapist under ADELI": _person(
        36, national_id="0959312347", profession="72", authority="ARS/CPAM/Variable"
    ),
    "no activity, columns 18 to 56 empty": _person(37, activities=()),
    "national identifier that is not type + number": _person(38, raw={"identifier": _rpps(138)}),
    "structure without former identifier": _person(39, structure={"structure_national_id": ""}),
    "structure without technical identifier": _person(40, structure={"structure_id": ""}),
    "number that a spreadsheet would spoil": _person(41, structure={"house_number": "0001", "phone": "0199000042"}),
    "volunteer": _person(42, mode="B", role="FON-AU", sector="SA28"),
    "regulator of the SAS": _person(43, profession="10", practice_title="DR", skills=("SM26",), role="FON-32"),
    "military doctor under its old label": _person(
        44, profession="10", category="M", practice_title="MC", skills=("SM26",), raw={"category": "Militaire"}
    ),
}


def _two_professions() -> Person:
    """Midwife and nurse, with a name of practice for each."""
    nurse, midwife = _person(50), _person(51, profession="50", family="CURIOSITE-MARIEE", authority="CNOSF/CNOSF/CNOSF")
    return replace(nurse, exercises=nurse.exercises + midwife.exercises)


def _two_categories() -> Person:
    nurse = _person(52)
    student = _person(53, profession="10", category="E", role="FON-48", mode="S", sector="SA01")
    return replace(nurse, exercises=nurse.exercises + student.exercises)


def _row_per_skill() -> Person:
    return _person(54, profession="10", practice_title="DR", skills=("SM26", "CAPA06", "C05"), row_per_skill=True)


ODDITIES |= {
    "two professions, two names": _two_professions(),
    "two categories": _two_categories(),
    "one row per skill": _row_per_skill(),
    "old ADELI identity": _person(55, national_id="0959112341", profession="91", **TWICE),
    "new RPPS identity of the same person": _person(56, profession="91", **TWICE),
}


def persons() -> dict[str, Person]:
    return {person.national_id: person for person in ODDITIES.values()}
