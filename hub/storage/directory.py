"""Reading the national directory. Who answers a question is of one load, never of two.

Directory people are public data: no viewer here (rpps.md 13). Codes are as published; :func:`labels` gives the published words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import ARRAY, Text, any_, func, literal, select

from hub.domain import places, search_key
from hub.domain.check_digits import tidy
from hub.domain.refusal import Refusal
from hub.storage import directory_find, directory_load
from hub.storage.directory_find import Criteria
from hub.storage.directory_load import Load
from hub.storage.directory_people import Activity, Exercise, Person, Structure, whole
from hub.storage.directory_people import persons as persons_of
from hub.storage.session import Database, Session
from hub.storage.tables import directory as tables

__all__ = [
    "Activity",
    "Criteria",
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
    "understood",
]

MOST = 50  # persons a page (rpps.md 12.3)
WHOLE = 1_000  # persons of all pages of an answer: the export is the public file itself
LEAST_LETTERS = 2
IDENTIFIER = re.compile(r"[0-9][0-9A-Z]{8,13}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Persons in a total order. ``following``: what ``after`` takes for the next page, ``None`` on the last; ``is_similar``: nobody
    has the name that was asked, these sound like it or are one slip away; ``is_crowded``: too many answer for anybody to read all.
    """

    persons: tuple[Person, ...]
    following: str | None = None
    is_similar: bool = False
    is_crowded: bool = False


async def by_national_id(session: Session, national_id: str) -> Person | None:
    """The person of an identifier with its prefix (``8`` and RPPS, ``0`` and ADELI)."""
    chosen = select(literal(national_id).label("national_id"), literal(0).label("position")).cte("chosen")
    found = (await session.execute(whole(chosen))).mappings().all()
    return next(iter(persons_of(found)), None)


def numbers(text: str) -> list[str]:
    """National identifiers that a text may be: with or without its prefix, with or without spaces."""
    number = tidy(text)
    return [number, f"8{number}", f"0{number}"] if IDENTIFIER.fullmatch(number) else []


async def search(database: Database, asked: Criteria, *, limit: int = MOST, after: str | None = None) -> Page:
    """People who answer all criteria, best first and in a total order, ``WHOLE`` at most over all pages. Former codes of communes
    are understood. Raises ``Refusal("bad-value")`` for one letter without more, and for an ``after`` that no page gave.
    """
    asked = understood(asked)
    begin, is_similar = _after(after) if after is not None else (0, False)
    end = min(begin + max(1, min(limit, MOST)), WHOLE)
    found = await directory_find.first(database, asked, end + 1, is_similar=is_similar)
    if not found and not begin and asked.words:
        is_similar = True
        found = await directory_find.first(database, asked, end + 1, is_similar=True)
    has_more = len(found) > end
    async with database.reading() as session:
        persons = await _whole(session, found[begin:end])
    return Page(
        persons=persons,
        following=_token(end, is_similar) if has_more and end < WHOLE else None,
        is_similar=is_similar and bool(found),
        is_crowded=has_more and (end == WHOLE or not (asked.communes or asked.professions)),
    )


def understood(asked: Criteria) -> Criteria:
    """The criteria with the name folded, or read as numbers. Raises ``Refusal("bad-value")``."""
    identifiers, key = tuple(numbers(asked.words)), search_key.key(asked.words)
    others = (asked.professions, asked.specialties, asked.communes)
    if len(key.replace(" ", "")) < LEAST_LETTERS and not any(others):
        form = "au moins deux lettres du nom, ou une profession, ou une commune"
        raise Refusal("bad-value", value=asked.words, form=form)
    communes = tuple(map(places.normalise, asked.communes))
    if not asked.metres:
        communes = tuple(dict.fromkeys(communes))
    return replace(asked, words="" if identifiers else key, numbers=identifiers, communes=communes)


async def _whole(session: Session, national_ids: Sequence[str]) -> tuple[Person, ...]:
    """Persons in the order of their numbers; one whom a load has just ended is left out."""
    if not national_ids:
        return ()
    column = func.unnest(literal(list(national_ids), ARRAY(Text)))
    numbered = column.table_valued("national_id", with_ordinality="position").render_derived()
    chosen = select(numbered.c.national_id, numbered.c.position).cte("chosen")
    return persons_of((await session.execute(whole(chosen))).mappings().all())


def _token(place: int, is_similar: bool) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((place, is_similar))).decode()


def _after(token: str) -> tuple[int, bool]:
    try:
        place, is_similar = msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[int, bool])
        if not 0 < place < WHOLE:
            raise ValueError(place)
    except ValueError as trouble:
        raise Refusal("bad-value", value=token, form="la page suivante telle qu’elle a été donnée") from trouble
    return place, is_similar


async def professionals(
    session: Session,
    *,
    profession: str,
    specialties: Sequence[str] = (),
    communes: Sequence[str] = (),
    limit: int = MOST,
) -> list[Person]:
    """People of a profession at work in communes, with one of the skills when some are named, by name."""
    asked = Criteria(professions=(profession,), specialties=tuple(specialties), communes=tuple(communes))
    found = await directory_find.first(session, understood(asked), limit)
    return list(await _whole(session, found))


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
