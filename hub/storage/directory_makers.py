"""What each parameter of a FHIR search asks of the national directory (rpps.md 13), as SQL, but for references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, any_, exists, false, literal, or_, select, true

from hub.r4 import names
from hub.r4.shapes import directory as shapes
from hub.r4.shapes import directory_codes as shaped
from hub.r4.shapes.directory_codes import Labels
from hub.r4.shapes.professional import FINESS, ROLE_CODES, SECTOR, SIRENE
from hub.storage.directory_texts import Maker, Rows, Test, of_name, postcode, text_of
from hub.storage.search import matches
from hub.storage.search.query import Criterion, bad, parts, plain
from hub.storage.tables import directory as tables

person, exercise, situation = tables.person.c, tables.exercise.c, tables.situation.c
structure, mailbox, load = tables.structure.c, tables.mailbox.c, tables.load.c
NONE = Labels()
KEY = ("national_id", "profession_code", "category_code")  # of an exercise


class NotAsked(Exception):
    """The directory cannot be asked this way. ``name``: the parameter as the client wrote it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


@dataclass(frozen=True, slots=True)
class Token:
    """A value of a token parameter. ``system`` is ``None`` when the client named none; ``code`` empty: any of the system."""

    system: str | None
    code: str

    def may_be(self, coding: Mapping[str, str] | None) -> bool:
        """Whether a coding of this code is what is asked."""
        return coding is not None and self.system in (None, coding["system"])


def token(one: Criterion, value: str) -> Token:
    """``code``, ``system|code``, ``|code`` or ``system|``. Raises ``Refusal("bad-search")``."""
    words = [plain(part) for part in parts(value, "|")]
    if len(words) > 2 or not any(words):
        raise bad(one.name, "la forme est code ou système|code")
    return Token((words[0] or None) if len(words) == 2 else None, words[-1])


def _code(one: Criterion, value: str) -> Token:
    asked = token(one, value)
    if not asked.code:
        raise NotAsked(one.name)
    return asked


def _among(column: ColumnElement[str], found: Sequence[str]) -> Test:
    return column == any_(literal(list(found)))


_family, _given = of_name(exercise.family_key, exercise.family), of_name(exercise.given_key, exercise.given)


def _name(one: Criterion, value: str, known: Rows) -> Test:
    return or_(_family(one, value, known), _given(one, value, known))


def _national_id(one: Criterion, value: str, _: Rows) -> Test:
    asked = token(one, value)
    number = asked.code.upper()
    if asked.system is None:  # « |number » too: every identifier of the directory has a system (rpps.md 13)
        return _among(exercise.national_id, [number, f"8{number}", f"0{number}"])
    if asked.system == names.IDNPS:
        return exercise.national_id == number if number else true()
    if asked.system == names.RPPS:
        return exercise.national_id == f"8{number}" if number else exercise.national_id.startswith("8")
    return false()


STRUCTURE_SYSTEMS: Mapping[str, tuple[ColumnElement[str], ...]] = {
    names.IDNST: (structure.structure_national_id,),
    FINESS: (structure.finess,),
    SIRENE: (structure.siret, structure.siren),
    shapes.RPPSRANG: (structure.structure_id,),
}


def _structure_id(one: Criterion, value: str, _: Rows) -> Test:
    asked = token(one, value)
    held = {asked.system: STRUCTURE_SYSTEMS.get(asked.system or "", ())} if asked.system else STRUCTURE_SYSTEMS
    columns = [column for found in held.values() for column in found]
    number = asked.code.upper()
    # The key is the prefixed form of the first number that a structure has, and has an index (rpps.md 5.1).
    tests = [column == number if number else column != "" for column in columns]
    return or_(*tests) if tests else false()


def _qualified(one: Criterion, value: str, _: Rows) -> Test:
    asked = _code(one, value)
    found: list[Test] = []
    if asked.may_be(shaped.profession(asked.code, NONE)):
        found.append(exercise.profession_code == asked.code)
    if asked.may_be(NONE.coding("TRE_R09", "category", asked.code)):
        found.append(exercise.category_code == asked.code)
    if asked.may_be(shaped.skill(asked.code)):
        found.append(_has_skill("skill_code", asked.code))
    if asked.may_be(NONE.coding("TRE_R04", "skill_type", asked.code)):
        found.append(_has_skill("skill_type_code", asked.code))
    for table, column in (("TRE_R48", "diploma_code"), ("TRE_R14", "diploma_type_code")):
        if asked.may_be(NONE.coding(table, "diploma", asked.code, known_only=True)):
            held = tables.diploma.c
            found.append(exists().where(held.national_id == exercise.national_id, held[column] == asked.code))
    return or_(*found) if found else false()


def _has_skill(column: str, code: str) -> Test:
    """Who has a skill, from any line of work of the exercise or from SavoirFaire."""
    same, work, skill = tables.exercise.alias("same"), tables.situation.alias("work"), tables.skill.c
    at_work = exists().where(
        *(same.c[name] == exercise[name] for name in KEY), work.c.exercise == same.c.id, work.c[column] == code
    )
    learnt = exists().where(*(skill[name] == exercise[name] for name in KEY), skill[column] == code)
    return or_(at_work, learnt)


def _specialty(one: Criterion, value: str, _: Rows) -> Test:
    asked = _code(one, value)
    return _has_skill("skill_code", asked.code) if asked.system in (None, names.SPECIALTY) else false()


def _role(one: Criterion, value: str, _: Rows) -> Test:
    asked = _code(one, value)
    columns = {
        ROLE_CODES["kind"]: situation.activity_kind_code,
        ROLE_CODES["mode"]: situation.mode_code,
    }
    found = [column == asked.code for system, column in columns.items() if asked.system in (None, system)]
    if asked.may_be(shaped.role_code(asked.code, NONE)):
        found.append(situation.role_code == asked.code)
    if asked.may_be(shaped.section(asked.code, NONE)):
        found.append(situation.pharmacist_section_code == asked.code)
    return or_(*found) if found else false()


def _sector(one: Criterion, value: str, _: Rows) -> Test:
    asked, work = _code(one, value), tables.situation.alias("work")
    if asked.system not in (None, SECTOR):
        return false()
    return exists().where(work.c.structure == structure.id, work.c.sector_code == asked.code)


def _active(one: Criterion, value: str, _: Rows) -> Test:
    return true() if token(one, value).code == "true" else false()


def _secure(column: ColumnElement[str]) -> Maker:
    """Whose secure mailbox an address is, wherever it stands."""

    def test(one: Criterion, value: str, _: Rows) -> Test:
        address = token(one, value).code.lower()
        if column is structure.structure_national_id:
            number = mailbox.structure_national_id
            whole = or_(number == column, mailbox.structure_id_type + number == column)
            return exists().where(mailbox.address == address, mailbox.national_id == "", whole)
        return column.in_(select(mailbox.national_id).where(mailbox.address == address))

    return test


def _loads(one: Criterion, value: str) -> Select[tuple[int]]:
    return select(load.id).where(matches.update_test(load.loaded_at, one.name, value))


def _person_updated(one: Criterion, value: str, _: Rows) -> Test:
    return exercise.national_id.in_(select(person.national_id).where(person.load.in_(_loads(one, value))))


def _structure_updated(one: Criterion, value: str, _: Rows) -> Test:
    return structure.load.in_(_loads(one, value))


def _tag(one: Criterion, value: str, _: Rows) -> Test:
    asked = token(one, value)
    if asked.system not in (None, shapes.load_system()):
        return false()
    stamped = select(load.id).where(load.stamp == asked.code) if asked.code else select(load.id)
    if one.parameter.base == "Organization":
        return structure.load.in_(stamped)
    return exercise.national_id.in_(select(person.national_id).where(person.load.in_(stamped)))


COMMON: Mapping[str, Maker] = {"active": _active, "_tag": _tag}
PERSON: Mapping[str, Maker] = {
    **COMMON,
    "identifier": _national_id,
    "family": _family,
    "given": _given,
    "name": _name,
    "qualification-code": _qualified,
    "mailbox-mss": _secure(exercise.national_id),
    "email": _secure(exercise.national_id),
    "telecom": _secure(exercise.national_id),
    "_lastUpdated": _person_updated,
}
WORK: Mapping[str, Maker] = {
    **COMMON,
    "role": _role,
    "specialty": _specialty,
    "_lastUpdated": _person_updated,
}
PLACE: Mapping[str, Maker] = {
    **COMMON,
    "identifier": _structure_id,
    "name": text_of(structure.structure_name, structure.structure_alias),
    "address-city": text_of(structure.commune),
    "address-postalcode": postcode,
    "address-insee": text_of(structure.commune_code),
    "type": _sector,
    "mailbox-mss": _secure(structure.structure_national_id),
    "_lastUpdated": _structure_updated,
}
