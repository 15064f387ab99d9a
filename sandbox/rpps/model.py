"""Persons as the directory knows them: person, exercise (profession and category), activity, structure.

`raw` replaces printed columns (keys of `columns.ACTIVITY`) after everything else: real files say impossible things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields


def luhn_key(digits: str) -> str:
    """The digit to write after `digits` so that the whole satisfies Luhn's formula."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Columns 20 to 47, codes only; labels are printed from the tables."""

    structure_id: str
    structure_national_id: str = ""
    structure_name: str = ""
    structure_alias: str = ""
    siret: str = ""
    siren: str = ""
    finess: str = ""
    finess_ej: str = ""
    address_recipient: str = ""
    address_extra: str = ""
    house_number: str = ""
    house_number_suffix: str = ""
    street_type_code: str = ""
    street: str = ""
    postal_box: str = ""
    post_office: str = ""
    postcode: str = ""
    commune_code: str = ""
    commune: str = ""
    phone: str = ""
    phone2: str = ""
    fax: str = ""
    email: str = ""


STRUCTURE_KEYS = tuple(one.name for one in fields(Structure))


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    structure: Structure
    mode: str
    sector: str = ""
    role: str = ""
    kind: str = "GENR01"
    section: str = ""
    authority: str = ""
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """`skills` are codes; the first is printed in Personne_activite, all of them in SavoirFaire."""

    family: str
    given: str
    profession: str
    category: str
    practice_title: str = ""
    skills: tuple[str, ...] = ()
    activities: tuple[Activity, ...] = ()
    row_per_skill: bool = False
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`national_id` is column 3, type and number together; `mailbox` an MSSanté address or nothing."""

    national_id: str
    title: str = ""
    exercises: tuple[Exercise, ...] = ()
    mailbox: str = ""
    printed_twice: bool = False

    @property
    def id_type(self) -> str:
        return self.national_id[:1]

    @property
    def identifier(self) -> str:
        return self.national_id[1:]
