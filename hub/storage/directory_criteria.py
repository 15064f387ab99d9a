"""What a FHIR search asks of the rows of the national directory (rpps.md 13): each parameter as SQL.

The directory lacks many elements (no sex, no address of a person): a search for them finds nobody in it. What it has and cannot be
asked that way (a modifier, ``_has``) raises :class:`NotAsked`, so that the answer can say that the directory was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    any_,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

from hub.domain import search_key
from hub.r4 import names
from hub.r4.shapes import directory as shapes
from hub.r4.shapes import directory_codes as shaped
from hub.r4.shapes.directory_codes import Labels
from hub.r4.shapes.professional import FINESS, ROLE_CODES, SECTOR, SIRENE
from hub.storage import values
from hub.storage.search import matches
from hub.storage.search.query import Chain, Condition, Criterion, bad, parts, plain
from hub.storage.tables import directory as tables

Test = ColumnElement[bool]
Rows = Mapping[str, Mapping[str, Any]]  # what the directory holds under the ids that a search names
Maker = Callable[[Criterion, str, Rows], Test]

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


def _of_name(key_column: ColumnElement[str], printed: ColumnElement[str]) -> Maker:
    """A name that begins so, without case or accent; ``:exact``: the whole, as printed."""

    def test(one: Criterion, value: str, _: Rows) -> Test:
        key = search_key.key(plain(value))
        if not key:
            raise bad(one.name, "il n'y a ni lettre ni chiffre à chercher")
        # Both values of the first column of the index, named so that any PostgreSQL reads it by the name.
        begins = and_(exercise.is_idle.in_((False, True)), key_column >= key, key_column < key + search_key.LAST)
        return and_(begins, printed == plain(value)) if one.modifier == "exact" else begins

    return test


_family, _given = _of_name(exercise.family_key, exercise.family), _of_name(exercise.given_key, exercise.given)


def _name(one: Criterion, value: str, known: Rows) -> Test:
    return or_(_family(one, value, known), _given(one, value, known))


ACCENTED = "àâäáãåéèêëíìîïóòôöõúùûüýÿçñ"
PLAIN = "aaaaaaeeeeiiiiooooouuuuyycn"


def folded(column: ColumnElement[str]) -> ColumnElement[str]:
    """A text of a structure as it is compared: no case, no accents, punctuation as one space (``values.fold``, in SQL)."""
    accents: list[ColumnElement[str]] = [
        literal_column(f"'{signs}'") for signs in (ACCENTED + ACCENTED.upper(), PLAIN + PLAIN)
    ]
    low = func.translate(func.lower(column), *accents)
    return func.ltrim(
        func.regexp_replace(low, literal_column("'[^a-z0-9]+'"), literal_column("' '"), literal_column("'g'"))
    )


def _text(*columns: ColumnElement[str]) -> Maker:
    """A text of a structure that begins so, without case or accent; ``:exact``: the whole, as printed."""

    def test(one: Criterion, value: str, _: Rows) -> Test:
        if one.modifier == "exact":
            return or_(*(column == plain(value) for column in columns))
        begins = values.fold(plain(value)).strip()
        if not begins:
            raise bad(one.name, "il n'y a ni lettre ni chiffre à chercher")
        return or_(*(folded(column).startswith(begins, autoescape=True) for column in columns))

    return test


def _postcode(one: Criterion, value: str, _: Rows) -> Test:
    code = plain(value).strip()
    return (
        structure.postcode == code if one.modifier == "exact" else structure.postcode.startswith(code, autoescape=True)
    )


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


def is_exercise(row: Mapping[str, Any]) -> Test:
    """The lines of an exercise."""
    return and_(*(exercise[name] == row[name] for name in KEY))


def is_structure(row: Mapping[str, Any]) -> Test:
    """The lines of a structure: those of its key, or the one line of a structure without."""
    return and_(structure.key == row["structure_key"] if row["structure_key"] else structure.id == row["structure"])


def is_situation(row: Mapping[str, Any]) -> Test:
    """One line of work, which stands for its activity."""
    return and_(situation.id == row["situation"])


def _refers(type_name: str, to: Callable[[Mapping[str, Any]], Test]) -> Maker:
    def test(_: Criterion, value: str, known: Rows) -> Test:
        row = known.get(id_of(value, type_name) or "")
        return to(row) if row is not None else false()

    return test


def id_of(value: str, type_name: str) -> str | None:
    """The id that a reference to a type names: alone, with its type, or in an address of ours."""
    text = plain(value)
    target = values.target(text)
    if target is not None and target.type:
        return target.id if target.type == type_name else None
    return None if "/" in text else text


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
    "_id": _refers("Practitioner", is_exercise),
}
WORK: Mapping[str, Maker] = {
    **COMMON,
    "role": _role,
    "specialty": _specialty,
    "practitioner": _refers("Practitioner", is_exercise),
    "organization": _refers("Organization", is_structure),
    "_lastUpdated": _person_updated,
    "_id": _refers("PractitionerRole", is_situation),
}
PLACE: Mapping[str, Maker] = {
    **COMMON,
    "identifier": _structure_id,
    "name": _text(structure.structure_name, structure.structure_alias),
    "address-city": _text(structure.commune),
    "address-postalcode": _postcode,
    "address-insee": _text(structure.commune_code),
    "type": _sector,
    "mailbox-mss": _secure(structure.structure_national_id),
    "_lastUpdated": _structure_updated,
    "_id": _refers("Organization", is_structure),
}
MAKERS: Mapping[str, Mapping[str, Maker]] = {"Practitioner": PERSON, "PractitionerRole": WORK, "Organization": PLACE}
PRESENT_OTHERWISE = frozenset(
    {"address", "_profile", "_source", "partof", "email", "telecom"}
)  # there, and not searched


def named_ids(type_name: str, conditions: Sequence[Condition]) -> Iterator[tuple[str, str]]:
    """The type and id of every resource of the directory that the conditions name, to be read beforehand."""
    for one in conditions:
        if isinstance(one, Chain):
            for branch, inner in one.branches:
                yield from named_ids(branch, [inner])
        elif isinstance(one, Criterion) and one.parameter.code in ("_id", "practitioner", "organization"):
            target = {"practitioner": "Practitioner", "organization": "Organization"}.get(one.parameter.code, type_name)
            for value in one.values:
                id = id_of(value, target)
                if id is not None:
                    yield target, id


def test(type_name: str, condition: Condition, known: Rows) -> Test:
    """The SQL of one condition. Raises :class:`NotAsked`, and ``Refusal("bad-search")`` for a value that says nothing."""
    if isinstance(condition, Chain):
        leads = {"practitioner": "Practitioner", "organization": "Organization"}.get(condition.parameter.code)
        if type_name != "PractitionerRole" or leads is None:
            return false()
        branches = [inner for branch, inner in condition.branches if branch == leads]
        there = situation.structure != 0 if leads == "Organization" else true()
        return and_(there, *(test(leads, inner, known) for inner in branches)) if branches else false()
    if not isinstance(condition, Criterion):
        if condition.source == "PractitionerRole":
            raise NotAsked(f"_has:{condition.source}:{condition.parameter.code}")
        return false()  # what refers to the directory is the directory
    return _criterion(type_name, condition, known)


def _criterion(type_name: str, one: Criterion, known: Rows) -> Test:
    maker = MAKERS[type_name].get(one.parameter.code)
    if maker is None:
        if one.parameter.code in PRESENT_OTHERWISE:
            raise NotAsked(one.name)
        return true() if one.modifier == "not" or (one.modifier, one.values) == ("missing", ("true",)) else false()
    if one.modifier in (None, "exact"):
        return or_(*(maker(one, value, known) for value in one.values))
    if one.modifier == "not":
        return ~or_(*(maker(one, value, known) for value in one.values))
    if one.modifier == "missing" and one.parameter.code in ("active", "_id", "_tag", "_lastUpdated"):
        return true() if one.values == ("false",) else false()
    raise NotAsked(one.name)
