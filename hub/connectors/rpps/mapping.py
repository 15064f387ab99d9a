"""The columns of the four lists, how a header is read (rpps.md 4, 4.1, 4.2), and what counts in a row (rpps.md 10.3). Pure."""

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
_PERSON = ("id_type", "identifier", "national_id", "family", "given")
# SavoirFaire (rpps.md 4.2): the same titles as in Personne_activite.
SKILL: Mapping[str, str] = {
    key: ACTIVITY[key]
    for key in (
        *(*_PERSON, "profession_code", "profession", "category_code", "category"),
        *("skill_type_code", "skill_type", "skill_code", "skill"),
    )
}
SKILL_REQUIRED = frozenset({"national_id", "profession_code", "category_code", "skill_code"})
# Dipl_AutExerc: a diploma or an authorisation, the other half is empty.
DIPLOMA: Mapping[str, str] = {key: ACTIVITY[key] for key in _PERSON} | {
    "diploma_type_code": "Code type diplôme obtenu",
    "diploma_type": "Libellé type diplôme obtenu",
    "diploma_code": "Code diplôme obtenu",
    "diploma": "Libellé diplôme obtenu",
    "authorization_type_code": "Code type autorisation",
    "authorization_type": "Libellé type autorisation",
    "authorization_field_code": "Code discipline autorisation",
    "authorization_field": "Libellé discipline autorisation",
}
DIPLOMA_REQUIRED = frozenset({"national_id", "diploma_code", "authorization_type_code"})
# Extraction_Correspondance_MSSante, with the spellings of its own.
MAILBOX: Mapping[str, str] = {
    "kind": "Type de BAL",
    "address": "Adresse BAL",
    "id_type": "Type Identifiant PP",
    "identifier": "Identifiant PP",
    "national_id": "Identification nationale PP",
    "structure_id_type": "Type identifiant structure",
    "structure_national_id": "Identification Structure",
    "service": "Service de rattachement",
    "practice_title": "Civilité d'exercice",
    "family": "Nom d'exercice",
    "given": "Prénom d'exercice",
    "category_code": "Catégorie profession",
    "category": "Libellé de catégorie profession",
    "profession_code": "Code Profession",
    "profession": "Libellé Profession",
    "skill_code": "Code savoir-faire",
    "skill": "Libellé savoir-faire",
    "paperless": "Dématérialisation",
    "structure_name": "Raison Sociale structure BAL",
    "structure_alias": "Enseigne commerciale structure BAL",
    "address_extra": "L2COMPLEMENTLOCALISATION structure BAL",
    "address_recipient": "L3COMPLEMENTDISTRIBUTION structure BAL",
    "house_number": "L4NUMEROVOIE structure BAL",
    "house_number_suffix": "L4COMPLEMENTNUMEROVOIE structure BAL",
    "street_type": "NL4TYPEVOIE structure BAL",
    "street": "L4LIBELLEVOIE structure BAL",
    "postal_box": "L5LIEUDITMENTION structure BAL",
    "post_office": "L6LIGNEACHEMINEMENT structure BAL",
    "postcode": "Code postal structure BAL",
    "department": "Département structure BAL",
    "country": "Pays structure BAL",
}
MAILBOX_REQUIRED = frozenset({"kind", "address", "national_id", "structure_national_id"})
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
    key: int  # place of what a row cannot do without: the national identifier, or the address of a mailbox
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
        key=places[folded(columns.get("address", columns["national_id"]))],  # a mailbox of a structure names nobody
        has_trailing_pipe=has_trailing_pipe,
        order=None if order == tuple(range(width)) else order,
        missing=tuple(absent.values()),
        unknown=tuple(title for place, title in enumerate(titles) if place not in known),
    )


Cells = Sequence[str]
Getter = Callable[[Cells], tuple[str, ...]]


def columns(file: Mapping[str, str], *keys: str) -> Getter:
    """What takes these columns from a row that is in the order of ``file``."""
    order = list(file)
    return itemgetter(*(order.index(key) for key in keys))


# A row of Personne_activite in three parts that together hold all that counts (rpps.md 10.3): labels of codes are left out.
WHO = (
    *("national_id", "id_type", "identifier", "practice_title_code", "title_code", "family", "given"),
    *("profession_code", "category_code"),
)
WHERE = (
    *("siret", "siren", "finess", "finess_ej", "structure_id", "structure_name", "structure_alias"),
    *("address_recipient", "address_extra", "house_number", "house_number_suffix", "street_type_code", "street"),
    *("postal_box", "post_office", "postcode", "commune_code", "commune", "country_code", "phone", "phone2", "fax"),
    *("email", "department_code", "structure_national_id"),
)
WHAT = (
    *("mode_code", "sector_code", "pharmacist_section_code", "role_code", "activity_kind_code", "authority"),
    *("skill_type_code", "skill_code"),
)
who, where, what = columns(ACTIVITY, *WHO), columns(ACTIVITY, *WHERE), columns(ACTIVITY, *WHAT)
NO_ACTIVITY = "|" * WHAT.index("authority")  # how the columns WHAT begin, joined, for somebody who works nowhere


def structure_key(place: Cells) -> str:
    """Column 24, else column 47, else nothing (rpps.md 5.1), of the columns ``WHERE``: never the name or the address."""
    return place[WHERE.index("structure_id")] or place[WHERE.index("structure_national_id")]


@dataclass(frozen=True, slots=True)
class Labels:
    """Coded columns with their words: ``cells`` takes from a row a code and its label, in turn."""

    names: tuple[str, ...]
    cells: Getter


def labels_of(file: Mapping[str, str], *subjects: str) -> Labels:
    """The coded columns of a file, by subject: ``profession`` for ``profession_code`` and ``profession``."""
    return Labels(subjects, columns(file, *(key for subject in subjects for key in (f"{subject}_code", subject))))


EXERCISE_LABELS = labels_of(ACTIVITY, "practice_title", "title", "profession", "category")
STRUCTURE_LABELS = labels_of(ACTIVITY, "street_type", "country", "department")
ACTIVITY_LABELS = labels_of(
    ACTIVITY, "skill_type", "skill", "mode", "sector", "pharmacist_section", "role", "activity_kind"
)
SKILL_LABELS = labels_of(SKILL, "profession", "category", "skill_type", "skill")
DIPLOMA_LABELS = labels_of(DIPLOMA, "diploma_type", "diploma", "authorization_type", "authorization_field")
MAILBOX_LABELS = labels_of(MAILBOX, "profession", "category", "skill")


def _sums(first: int, digits: int) -> dict[str, int]:
    """Luhn sums of all numbers of so many digits, the leftmost at place ``first``: odd places are doubled."""
    sums = {"": 0}
    for place in range(first, first + digits):
        values = {str(n): (2 * n) // 10 + (2 * n) % 10 if place % 2 else n for n in range(10)}
        sums = {known + digit: total + value for known, total in sums.items() for digit, value in values.items()}
    return sums


_FIRST, _MIDDLE, _LAST = _sums(0, 4), _sums(4, 4), _sums(8, 3)


def has_valid_key(rpps: str) -> bool:
    """Luhn over the eleven digits, in bulk (rpps.md 9)."""
    try:
        return (_FIRST[rpps[:4]] + _MIDDLE[rpps[4:8]] + _LAST[rpps[8:]]) % 10 == 0
    except KeyError:
        return False
