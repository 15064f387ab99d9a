"""Reading the national directory. Every question is one statement: the answer is of one load, never of two.

Directory people are public data: no viewer here (rpps.md 13). Codes are as published; :func:`labels` gives the published words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, any_, case, cast, exists, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY, distinct_on

from hub.domain import places, search_key
from hub.domain.check_digits import tidy
from hub.domain.refusal import Refusal
from hub.storage import directory_load
from hub.storage.directory_load import Load
from hub.storage.directory_people import Activity, Exercise, Person, Structure, whole
from hub.storage.directory_people import persons as persons_of
from hub.storage.session import Session
from hub.storage.tables import directory as tables

__all__ = [
    "Activity",
    "Exercise",
    "Load",
    "Page",
    "Person",
    "Structure",
    "by_national_id",
    "labels",
    "numbers",
    "professionals",
    "search",
    "status",
    "structure_names",
]

MOST = 50  # persons a page (rpps.md 12.3)
LEAST_LETTERS = 2
STUDENT = "/E"  # ends the profession of a student (hub.domain.identity.profession_key)
IDENTIFIER = re.compile(r"[0-9][0-9A-Z]{8,13}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Persons in a total order. ``following``: what ``after`` takes for the next page, ``None`` on the last."""

    persons: tuple[Person, ...]
    following: str | None = None


_exercise, _situation, _skill = tables.exercise.c, tables.situation.c, tables.skill.c


async def by_national_id(session: Session, national_id: str) -> Person | None:
    """The person of an identifier with its prefix (``8`` and RPPS, ``0`` and ADELI)."""
    chosen = select(literal(national_id).label("national_id"), literal(0).label("position")).cte("chosen")
    found = (await session.execute(whole(chosen))).mappings().all()
    return next(iter(persons_of(found)), None)


def _of_profession(profession: str) -> ColumnElement[bool]:
    code = profession.removesuffix(STUDENT)
    is_student = _exercise.category_code == "E"
    return and_(_exercise.profession_code == code, is_student if profession.endswith(STUDENT) else ~is_student)


def _works(communes: Sequence[str], profession: str | None) -> ColumnElement[bool]:
    wanted = [places.normalise(code) for code in communes]
    there = _situation.place == any_(literal(wanted))
    named = _situation.profession == profession if profession else literal(True)
    return exists().where(_situation.exercise == _exercise.id, there, named)


def _skilled(specialties: Sequence[str]) -> ColumnElement[bool]:
    same = (
        getattr(_skill, name) == getattr(_exercise, name)
        for name in ("national_id", "profession_code", "category_code")
    )
    wanted = any_(literal(list(specialties)))
    at_work = exists().where(_situation.exercise == _exercise.id, _situation.skill_code == wanted)
    return or_(at_work, exists().where(*same, _skill.skill_code == wanted))


def numbers(text: str) -> list[str]:
    """National identifiers that a text may be: with or without its prefix, with or without spaces."""
    number = tidy(text)
    return [number, f"8{number}", f"0{number}"] if IDENTIFIER.fullmatch(number) else []


def _matching(words: str) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Who answers a query, and how well: 0 the whole name, 1 a name begins so, 2 another word does (rpps.md 12.1)."""
    identifiers = numbers(words)
    if identifiers:
        return _exercise.national_id == any_(literal(identifiers)), literal(0)
    asked, name = search_key.asked(words), search_key.key(words)
    query = " & ".join(f"'{word}':*" for word in asked) + (f" | '{''.join(asked)}':*" if len(asked) > 1 else "")
    family, given = _exercise.family_key, _exercise.given_key
    names = (family, given + " " + family)
    is_whole = or_(given == name, *(one == name for one in names), family + " " + given == name)
    begins = or_(*(one.startswith(name, autoescape=True) for one in names))
    return _exercise.words.bool_op("@@")(cast(query, TSQUERY)), case((is_whole, 0), (begins, 1), else_=2)


async def search(
    session: Session,
    *,
    words: str = "",
    profession: str | None = None,
    specialties: Sequence[str] = (),
    communes: Sequence[str] = (),
    limit: int = MOST,
    after: str | None = None,
) -> Page:
    """People by name or number, profession (``10``, ``10/E`` for its students), skill and INSEE codes of communes, best first and
    in a total order. ``communes`` keep those at work there only. Raises ``Refusal("bad-value")`` for one letter without more,
    and for an ``after`` that no page gave.
    """
    matches, rank = _matching(words) if search_key.key(words) else (literal(True), literal(0))
    wanted = [matches]
    wanted += [_of_profession(profession)] if profession else []
    wanted += [_skilled(specialties)] if specialties else []
    wanted += [_works(communes, profession)] if communes else []
    if len(wanted) == 1 and len(search_key.key(words)) < LEAST_LETTERS:
        raise Refusal("bad-value", value=words, form="au moins deux lettres du nom, ou une profession, ou une commune")
    idle = case((_exercise.is_idle, 1), else_=0)
    once = (
        select(_exercise.national_id, rank.label("rank"), idle.label("idle"), _exercise.family_key, _exercise.given_key)
        .where(*wanted)
        .ext(distinct_on(_exercise.national_id))
        .order_by(_exercise.national_id, "rank", "idle", _exercise.family_key, _exercise.given_key)
        .subquery()
    )
    order = (once.c.rank, once.c.idle, once.c.family_key, once.c.given_key, once.c.national_id)
    page = select(
        once.c.national_id, func.row_number().over(order_by=order).label("position"), _token(order).label("token")
    )
    if after is not None:
        page = page.where(tuple_(*order) > tuple_(*map(literal, _after(after))))
    count = max(1, min(limit, MOST))
    chosen = page.order_by(*order).limit(count + 1).cte("chosen")
    found = (await session.execute(whole(chosen).add_columns(chosen.c.token))).mappings().all()
    persons = persons_of(found)
    if len(persons) <= count:
        return Page(persons=persons)
    last = next(row["token"] for row in found if row["p_national_id"] == persons[count - 1].national_id)
    return Page(persons=persons[:count], following=base64.urlsafe_b64encode(msgspec.json.encode(last)).decode())


def _token(order: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    return func.json_build_array(*order)


def _after(token: str) -> list[Any]:
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[int, int, str, str, str])
    except ValueError as trouble:
        raise Refusal("bad-value", value=token, form="la page suivante telle qu'elle a été donnée") from trouble
    return list(place)


async def professionals(
    session: Session,
    *,
    profession: str,
    specialties: Sequence[str] = (),
    communes: Sequence[str] = (),
    limit: int = MOST,
) -> list[Person]:
    """People of a profession at work in communes, with one of the skills when some are named, by name."""
    page = await search(session, profession=profession, specialties=specialties, communes=communes, limit=limit)
    return list(page.persons)


async def structure_names(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """What structures are called, by key; one that the directory has not is left out."""
    structure = tables.structure.c
    wanted = structure.key == any_(literal(sorted(set(keys))))
    found = await session.execute(select(structure.key, structure.structure_name).where(wanted).order_by(structure.id))
    return {row.key: row.structure_name for row in found}


async def labels(session: Session) -> dict[tuple[str, str], str]:
    """What the extraction calls each code: by subject (``profession``, ``role``...) and code. For codes our tables do not hold."""
    found = await session.execute(select(tables.label))
    return {(row.subject, row.code): row.label for row in found}


async def status(session: Session) -> Load | None:
    """The load that is served, ``None`` before the first."""
    return await directory_load.served(session)
