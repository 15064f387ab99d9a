"""The columns of Personne_activite and SavoirFaire, how a header is read (rpps.md 4, 4.1, 4.2), and what goes where. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

# Personne_activite, in the order of 2026 (rpps.md 4): our key, published title.
ACTIVITY: Mapping[str, str] = {
    "id_type": "Type d'identifiant PP",
    "identifier": "Identifiant PP",
    "national_id": "Identification nationale PP",
    "practice_title_code": "Code civilité d'exercice",
    "practice_title": "Libellé civilité d'exercice",
    "title_code": "Code civilité",
    "title": "Libellé civilité",
    "family": "Nom d'exercice",
    "given": "Prénom d'exercice",
    "profession_code": "Code profession",
    "profession": "Libellé profession",
    "category_code": "Code catégorie professionnelle",
    "category": "Libellé catégorie professionnelle",
    "skill_type_code": "Code type savoir-faire",
    "skill_type": "Libellé type savoir-faire",
    "skill_code": "Code savoir-faire",
    "skill": "Libellé savoir-faire",
    "mode_code": "Code mode exercice",
    "mode": "Libellé mode exercice",
    "siret": "Numéro SIRET site",
    "siren": "Numéro SIREN site",
    "finess": "Numéro FINESS site",
    "finess_ej": "Numéro FINESS établissement juridique",
    "structure_id": "Identifiant technique de la structure",
    "structure_name": "Raison sociale site",
    "structure_alias": "Enseigne commerciale site",
    "address_recipient": "Complément destinataire (coord. structure)",
    "address_extra": "Complément point géographique (coord. structure)",
    "house_number": "Numéro Voie (coord. structure)",
    "house_number_suffix": "Indice répétition voie (coord. structure)",
    "street_type_code": "Code type de voie (coord. structure)",
    "street_type": "Libellé type de voie (coord. structure)",
    "street": "Libellé Voie (coord. structure)",
    "postal_box": "Mention distribution (coord. structure)",
    "post_office": "Bureau cedex (coord. structure)",
    "postcode": "Code postal (coord. structure)",
    "commune_code": "Code commune (coord. structure)",
    "commune": "Libellé commune (coord. structure)",
    "country_code": "Code pays (coord. structure)",
    "country": "Libellé pays (coord. structure)",
    "phone": "Téléphone (coord. structure)",
    "phone2": "Téléphone 2 (coord. structure)",
    "fax": "Télécopie (coord. structure)",
    "email": "Adresse e-mail (coord. structure)",
    "department_code": "Code Département (structure)",
    "department": "Libellé Département (structure)",
    "structure_national_id": "Ancien identifiant de la structure",
    "authority": "Autorité d'enregistrement",
    "sector_code": "Code secteur d'activité",
    "sector": "Libellé secteur d'activité",
    "pharmacist_section_code": "Code section tableau pharmaciens",
    "pharmacist_section": "Libellé section tableau pharmaciens",
    "role_code": "Code rôle",
    "role": "Libellé rôle",
    "activity_kind_code": "Code genre activité",
    "activity_kind": "Libellé genre activité",
}
# Without them a file is refused (rpps.md 4.1).
REQUIRED = frozenset(
    (
        *("id_type", "identifier", "national_id", "family", "given", "profession_code"),
        *("mode_code", "structure_id", "postcode", "commune_code"),
    )
)
# SavoirFaire (rpps.md 4.2): the first columns of the same names.
SKILL: Mapping[str, str] = {
    key: ACTIVITY[key]
    for key in (
        *("id_type", "identifier", "national_id", "family", "given", "profession_code", "profession"),
        *("category_code", "category", "skill_type_code", "skill_type", "skill_code", "skill"),
    )
}
SKILL_REQUIRED = frozenset({"national_id", "profession_code", "category_code", "skill_code"})
# Other spellings met (rpps.md 4.1), folded: what is found -> what it stands for.
SPELLINGS = (
    (re.compile(r"civilite exercice"), "civilite d'exercice"),
    (re.compile(r"departement \(coord\. structure\)"), "departement (structure)"),
    (re.compile(r"(code|libelle) fonction"), r"\1 role"),
    (re.compile(r"genre d'activite"), "genre activite"),
)


def folded(title: str) -> str:
    """A title without accents, case, repeated spaces, typographic apostrophe, and in its canonical spelling."""
    plain = unicodedata.normalize("NFKD", title.replace("’", "'").casefold())
    bare = " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())
    for found, canonical in SPELLINGS:
        bare = found.sub(canonical, bare)
    return bare


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the rows of one file are read. ``width``: fields of a row; ``order``: for each of our columns its place in the file, or
    ``width`` when the file has not got it, and ``None`` when the file is in our order. ``missing`` and ``unknown``: titles.
    """

    width: int
    key: int  # place of the national identifier
    has_trailing_pipe: bool
    order: tuple[int, ...] | None
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


class MissingColumns(ValueError):
    """Required columns that a header has not got; ``args`` are their titles."""


def read_header(line: str, columns: Mapping[str, str] = ACTIVITY, required: frozenset[str] = REQUIRED) -> Layout:
    """The layout a header announces. Raises :class:`MissingColumns`."""
    titles = line.split("|")
    has_trailing_pipe = len(titles) > 1 and not titles[-1].strip()
    if has_trailing_pipe:
        titles.pop()
    places: dict[str, int] = {}
    for place, title in enumerate(titles):
        places.setdefault(folded(title), place)
    width = len(titles)
    order = tuple(places.get(folded(title), width) for title in columns.values())
    absent = {key: title for (key, title), place in zip(columns.items(), order, strict=True) if place == width}
    if required & absent.keys():
        raise MissingColumns(*(title for key, title in absent.items() if key in required))
    known = set(order)
    return Layout(
        width=width,
        key=places[folded(columns["national_id"])],
        has_trailing_pipe=has_trailing_pipe,
        order=None if order == tuple(range(width)) else order,
        missing=tuple(absent.values()),
        unknown=tuple(title for place, title in enumerate(titles) if place not in known),
    )


KEYS = tuple(ACTIVITY)
PLACE = {key: place for place, key in enumerate(KEYS)}
_FIRST, _LAST = PLACE["siret"], PLACE["structure_national_id"]
STRUCTURE_CELLS = slice(_FIRST, _LAST + 1)  # columns 20 to 47
NO_STRUCTURE = "|" * (_LAST - _FIRST)
EXERCISE_CELLS = slice(PLACE["practice_title_code"], PLACE["category"] + 1)  # columns 4 to 13

Cells = Sequence[str]


def _columns(*keys: str) -> Callable[[Cells], tuple[str, ...]]:
    return itemgetter(*(PLACE[key] for key in keys))


# From the 56 cells of a row to the columns of a table, labels of codes left out.
structure_columns = _columns(
    *("siret", "siren", "finess", "finess_ej", "structure_id", "structure_name", "structure_alias"),
    *("address_recipient", "address_extra", "house_number", "house_number_suffix", "street_type_code", "street"),
    *("postal_box", "post_office", "postcode", "commune_code", "commune", "country_code", "phone", "phone2", "fax"),
    *("email", "department_code", "structure_national_id"),
)
exercise_columns = _columns("practice_title_code", "title_code", "family", "given", "profession_code", "category_code")
activity_columns = _columns("mode_code", "sector_code", "pharmacist_section_code", "role_code", "activity_kind_code")
NO_ACTIVITY = "||||"


def structure_key(cells: Cells) -> str:
    """Column 24, else column 47, else nothing (rpps.md 5.1): never the name or the address."""
    return cells[PLACE["structure_id"]] or cells[PLACE["structure_national_id"]]


_SKILL_PLACES = tuple(PLACE[key] for key in SKILL)


def widened(cells: Cells) -> list[str]:
    """A row of SavoirFaire as one of Personne_activite without activity."""
    wide = [""] * len(KEYS)
    for place, cell in zip(_SKILL_PLACES, cells, strict=False):
        wide[place] = cell
    return wide


@dataclass(frozen=True, slots=True)
class Labels:
    """Coded columns with their words: ``cells`` takes from a row a code and its label, in turn."""

    names: tuple[str, ...]
    cells: Callable[[Cells], tuple[str, ...]]


def _labels(*subjects: str) -> Labels:
    return Labels(subjects, _columns(*(key for subject in subjects for key in (f"{subject}_code", subject))))


EXERCISE_LABELS = _labels("practice_title", "title", "profession", "category")
STRUCTURE_LABELS = _labels("street_type", "country", "department")
ACTIVITY_LABELS = _labels("mode", "sector", "pharmacist_section", "role", "activity_kind")
SKILL_LABELS = _labels("skill_type", "skill")

_DOUBLED = bytes.maketrans(b"0123456789", bytes((2 * n) // 10 + (2 * n) % 10 for n in range(10)))


def has_valid_key(rpps: str) -> bool:
    """Luhn over the eleven digits, in bulk (rpps.md 9): the places to double are the odd ones, counted from 0."""
    digits = rpps.encode()
    if len(digits) != 11 or not digits.isdigit():
        return False
    return (sum(digits[::2]) - 6 * 48 + sum(digits[1::2].translate(_DOUBLED))) % 10 == 0
