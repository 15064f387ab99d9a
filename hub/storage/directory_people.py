"""People of the national directory as they are read: one statement's rows, grouped in persons, exercises and activities."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import RowMapping

from hub.storage.tables import directory as tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Where somebody works: columns 20 to 47 as published. ``key``: of rpps.md 5.1."""

    key: str
    siret: str
    siren: str
    finess: str
    finess_ej: str
    structure_id: str
    structure_name: str
    structure_alias: str
    address_recipient: str
    address_extra: str
    house_number: str
    house_number_suffix: str
    street_type_code: str
    street: str
    postal_box: str
    post_office: str
    postcode: str
    commune_code: str
    commune: str
    country_code: str
    phone: str
    phone2: str
    fax: str
    email: str
    department_code: str
    structure_national_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of work. ``place``: INSEE code of the present commune, ``""`` when nobody can tell."""

    mode_code: str
    sector_code: str
    pharmacist_section_code: str
    role_code: str
    activity_kind_code: str
    authority: str
    place: str
    structure: Structure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A profession in a category, with the names used there. ``skills``: (type, code) pairs, those of SavoirFaire too."""

    practice_title_code: str
    title_code: str
    family: str
    given: str
    profession_code: str
    category_code: str
    skills: tuple[tuple[str, str], ...]
    activities: tuple[Activity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A professional. ``names``: (given, family) pairs, one for each name in use."""

    national_id: str
    id_type: str
    identifier: str
    exercises: tuple[Exercise, ...]

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Every name in use, once."""
        return tuple(dict.fromkeys((one.given, one.family) for one in self.exercises))


_person, _exercise, _situation, _structure, _skill = (
    tables.person.c,
    tables.exercise.c,
    tables.situation.c,
    tables.structure.c,
    tables.skill.c,
)
_SKILLS = (
    select(func.array_agg(aggregate_order_by(_skill.skill_type_code + "|" + _skill.skill_code, _skill.skill_code)))
    .where(
        _skill.national_id == _exercise.national_id,
        _skill.profession_code == _exercise.profession_code,
        _skill.category_code == _exercise.category_code,
    )
    .scalar_subquery()
)


def _columns(kind: type, table: Any, prefix: str) -> list[ColumnElement[Any]]:
    return [getattr(table, one.name).label(f"{prefix}{one.name}") for one in fields(kind) if one.name in table]


def whole(chosen: CTE) -> Select[Any]:
    """Everything about the chosen persons: one row for each situation, in the order of ``chosen.position``."""
    joined = (
        tables.exercise.join(chosen, chosen.c.national_id == _exercise.national_id)
        .join(tables.person, _person.national_id == _exercise.national_id)
        .join(tables.situation, _situation.exercise == _exercise.id)
        .outerjoin(tables.structure, _structure.id == _situation.structure)
    )
    return (
        select(
            *_columns(Person, _person, "p_"),
            *_columns(Exercise, _exercise, "e_"),
            *_columns(Activity, _situation, "a_"),
            *_columns(Structure, _structure, "s_"),
            _SKILLS.label("skills"),
            *(_situation.is_idle, _situation.skill_type_code, _situation.skill_code),
        )
        .select_from(joined)
        .order_by(
            chosen.c.position,
            *(_exercise.profession_code, _exercise.category_code, _exercise.family, _exercise.given, _exercise.id),
            *(_structure.key, _structure.structure_name, _situation.role_code, _situation.mode_code, _situation.id),
        )
    )


def _filled(kind: type, row: RowMapping, prefix: str, **more: Any) -> Any:
    return kind(
        **{name: row[f"{prefix}{name}"] for name in (one.name for one in fields(kind)) if name not in more}, **more
    )


def _activity(row: RowMapping) -> Activity:
    structure = _filled(Structure, row, "s_") if row["s_key"] is not None else None
    made: Activity = _filled(Activity, row, "a_", structure=structure)
    return made


EXERCISE_KEY = ("e_profession_code", "e_category_code", "e_practice_title_code", "e_title_code", "e_family", "e_given")


def persons(found: Iterable[RowMapping]) -> tuple[Person, ...]:
    """Rows in order, grouped in persons and exercises: what two lines of a file say alike is said once."""
    made = []
    for _, lines in itertools.groupby(found, key=lambda row: row["p_national_id"]):
        exercises: dict[tuple[str, ...], list[RowMapping]] = {}
        for row in lines:
            exercises.setdefault(tuple(row[name] for name in EXERCISE_KEY), []).append(row)
        made.append(_filled(Person, row, "p_", exercises=tuple(_of_rows(rows) for rows in exercises.values())))
    return tuple(made)


def _skills(rows: Sequence[RowMapping]) -> tuple[tuple[str, str], ...]:
    """Those of the lines of work and those of SavoirFaire (rpps.md 5), by code."""
    found = {tuple(pair.split("|", 1)) for pair in rows[0]["skills"] or ()}
    found |= {(row["skill_type_code"], row["skill_code"]) for row in rows if row["skill_code"]}
    return tuple(sorted(found, key=lambda pair: (pair[1], pair[0])))


def _of_rows(rows: Sequence[RowMapping]) -> Exercise:
    made: Exercise = _filled(
        Exercise,
        rows[0],
        "e_",
        skills=_skills(rows),
        activities=tuple(dict.fromkeys(_activity(row) for row in rows if not row["is_idle"])),
    )
    return made
