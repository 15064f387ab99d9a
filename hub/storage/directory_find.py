"""Who answers a search of the directory, in a total order (rpps.md 12.1): the exact name first, then names that begin so, then
those of which another word does; names that sound so, or are one slip away, when asked.

Each of these tiers is read in the order of an index, and only until there are enough: a name that thousands bear costs as little
as a rare one. In a few communes the lines of work are gathered and sorted instead, the nearest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub.domain import search_key
from hub.domain.phonetic import sound
from hub.domain.slips import slips
from hub.storage.directory_tiers import PARTS, Test, Tier, Values, similar, tiers
from hub.storage.session import Database, Session

FEW = 10_000  # lines of work that are sorted rather than walked through
RARE = 300  # persons found by their name of whom the rest is then asked one by one
MANY_ALIKE = 300  # names like a word: more would be no help


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is looked for. ``words``: a name or a national identifier; ``numbers``: identifiers that it may be; ``professions``:
    codes, ``10/E`` for students of 10; ``communes``: INSEE codes; ``metres``: distance of each commune, where the nearest come
    first; ``modes``, ``sectors``: codes of a line of work; ``is_working``: leave out those without activity.
    """

    words: str = ""
    numbers: tuple[str, ...] = ()
    professions: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    metres: tuple[int, ...] = ()
    modes: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    has_mailbox: bool = False
    has_account: bool = False
    is_working: bool = False


SKILLED = """(EXISTS (SELECT FROM directory_situation AS s WHERE s.exercise = e.id AND s.skill_code = ANY({codes}))
OR EXISTS (SELECT FROM directory_skill AS k WHERE k.national_id = e.national_id
  AND k.profession_code = e.profession_code AND k.category_code = e.category_code AND k.skill_code = ANY({codes})))"""
HELD = (
    ("EXISTS (SELECT FROM directory_mailbox AS m WHERE m.national_id = e.national_id)", "has_mailbox"),
    ("EXISTS (SELECT FROM account AS a WHERE a.national_id = e.national_id)", "has_account"),
)


def _filters(asked: Criteria, values: Values, *, has_places: bool) -> str:
    """What else is asked of an exercise ``e``. ``has_places``: of its lines of work too."""
    tests = []
    if len(asked.professions) == 1:  # an equality lets an index give the order
        tests.append(f"e.profession = {values.add(asked.professions[0])}")
    elif asked.professions:
        tests.append(f"e.profession = ANY({values.add(list(asked.professions))})")
    if asked.specialties:
        tests.append(SKILLED.format(codes=values.add(list(asked.specialties))))
    if has_places and (work := _work(asked, values, communes=asked.communes)):
        tests.append(f"EXISTS (SELECT FROM directory_situation AS s WHERE s.exercise = e.id AND {work})")
    tests += [test for test, name in HELD if getattr(asked, name)]
    return "".join(f" AND {test}" for test in tests)


def _work(asked: Criteria, values: Values, *, communes: Sequence[str] = ()) -> str:
    """What is asked of one line of work ``s``."""
    of = {"place": communes, "mode_code": asked.modes, "sector_code": asked.sectors}
    return " AND ".join(f"s.{name} = ANY({values.add(list(codes))})" for name, codes in of.items() if codes)


# Those who have an account stand first among equals; they are few, and read from a table of their own. Once more with everybody
# else, they are left out of what was found.
READ = """SELECT e.national_id, e.is_idle, {is_other} AS is_other, e.family_key, e.given_key FROM {table} AS e
WHERE e.is_idle = ANY(%(idle)s) AND {test}{filters} ORDER BY e.is_idle, {order} LIMIT %(wanted)s"""
AMONG = "SELECT e.* FROM (SELECT DISTINCT key FROM ({among}) AS k) AS n CROSS JOIN LATERAL ({rows}) AS e"
SORTED = "SELECT e.national_id FROM ({rows}) AS e ORDER BY e.is_idle, e.is_other, {order} LIMIT %(wanted)s"
WALK = "SELECT national_id FROM ({rows}) AS hits LIMIT %(wanted)s"


def _read(one: Test, order: str, filters: str, *, table: str = "directory_exercise") -> str:
    """The first exercises of a test, in order; by its few keys one after the other."""
    condition = f"e.{one.part}_key = n.key AND {one.condition}" if one.among else one.condition
    is_other = "false" if table == "directory_account" else "true"
    test = f"({condition.format(t='e')})"
    rows = READ.format(is_other=is_other, table=table, test=test, filters=filters, order=order)
    return AMONG.format(among=one.among, rows=rows) if one.among else rows


def walk(asked: Criteria, found: Sequence[Tier], values: Values) -> str:
    """The statement that reads tier after tier, each from its indexes."""
    filters = _filters(asked, values, has_places=True)
    values.known["idle"] = [False] if asked.is_working else [False, True]
    each = []
    for tier in found:
        rows = [
            _read(one, tier.order, filters, table=table)
            for table in ("directory_account", "directory_exercise")
            for one in tier.tests
        ]
        each.append(SORTED.format(rows=_union(rows), order=tier.order))
    return WALK.format(rows=_union(each))


def _union(statements: Sequence[str]) -> str:
    return " UNION ALL ".join(f"({one})" for one in statements)


GATHER = """
WITH found AS (
  SELECT s.exercise, s.family_key, s.given_key, CASE {rank} END AS rank, known.id IS NULL AS is_other, near.metres
  FROM unnest(CAST({places} AS text[]), CAST({metres} AS integer[])) AS near (place, metres)
  JOIN directory_situation AS s ON s.place = near.place {joined}
  LEFT JOIN directory_account AS known ON known.id = s.exercise
  WHERE NOT s.is_idle{tests}
), nearest AS (
  SELECT exercise, family_key, given_key, rank, is_other, min(metres) AS metres FROM found WHERE rank IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5
  ORDER BY rank, is_other, metres, family_key, given_key FETCH FIRST (CAST(%(wanted)s AS bigint)) ROWS WITH TIES
)
SELECT e.national_id FROM nearest AS n JOIN directory_exercise AS e ON e.id = n.exercise
ORDER BY n.rank, n.is_other, n.metres, n.family_key, n.given_key, e.national_id LIMIT %(wanted)s
"""


def gather(asked: Criteria, found: Sequence[Tier], values: Values) -> str:
    """The statement that sorts the lines of work of a few communes: by tier, those with an account, by distance, by name."""
    of_person = _filters(replace(asked, professions=()), values, has_places=False)
    of_work = [f"s.profession = ANY({values.add(list(asked.professions))})"] if asked.professions else []
    of_work += [work] if (work := _work(asked, values)) else []
    return GATHER.format(
        rank=" ".join(f"WHEN {tier.whole.format(t='s')} THEN {place}" for place, tier in enumerate(found)),
        places=values.add(list(asked.communes)),
        metres=values.add(list(asked.metres) or [0] * len(asked.communes)),
        joined="JOIN directory_exercise AS e ON e.id = s.exercise" if of_person else "",
        tests="".join(f" AND {test}" for test in of_work) + of_person,
    )


async def _rows(
    reader: Database | Session, order: str, values: Mapping[str, Any], *, is_swift: bool = False
) -> list[tuple[Any, ...]]:
    """What a statement finds. ``is_swift``: planned once, whatever its values."""
    if isinstance(reader, Database):
        if is_swift:
            return await reader.fetch(order.encode(), values)
        async with reader.reading() as session:
            return await _rows(session, order, values)
    return [tuple(row) for row in await reader.exec_driver_sql(order, dict(values))]


async def _are_few(reader: Database | Session, communes: Sequence[str]) -> bool:
    """Whether the lines of work in communes are few enough to be sorted, as the statistics of the last load have it."""
    order = "EXPLAIN (FORMAT JSON) SELECT FROM directory_situation WHERE place = ANY(%(communes)s)"
    [(plan,)] = await _rows(reader, order, {"communes": list(communes)})
    return bool(plan[0]["Plan"]["Plan Rows"] <= FEW)


SOUND = "SELECT DISTINCT part, key FROM directory_name WHERE part = ANY(%(parts)s) AND sound = %(sound)s LIMIT %(most)s"
SLIP = """SELECT DISTINCT part, key FROM directory_name
WHERE part = ANY(%(parts)s) AND place = ANY('{0,1}') AND word = ANY(%(words)s) LIMIT %(most)s"""


async def _tiers(reader: Database | Session, asked: Criteria, values: Values, *, is_similar: bool) -> list[Tier]:
    words = search_key.asked(asked.words)
    if asked.numbers:
        return [Tier((Test(f"{{t}}.national_id = ANY({values.add(list(asked.numbers))})"),))]
    if not words:
        return [Tier((Test("true"),))]
    if not is_similar:
        return tiers(search_key.key(asked.words), words, values)
    return similar([(word, await _alike(reader, word)) for word in words], values)


async def _alike(reader: Database | Session, word: str) -> list[tuple[Any, ...]]:
    """Names that sound like a word; when none does, those at one slip from it."""
    given: dict[str, Any] = {"parts": list(PARTS), "most": MANY_ALIKE}
    found = await _rows(reader, SOUND, given | {"sound": sound(word)}, is_swift=True)
    if found or not (near := slips(word)):
        return found
    return await _rows(reader, SLIP, given | {"words": sorted(near)}, is_swift=True)


KEPT = """SELECT found.national_id FROM unnest(CAST({found} AS text[])) WITH ORDINALITY AS found (national_id, place)
WHERE EXISTS (SELECT FROM directory_exercise AS e WHERE e.national_id = found.national_id AND e.is_idle = ANY(%(idle)s){filters})
ORDER BY found.place LIMIT %(wanted)s"""


async def first(reader: Database | Session, asked: Criteria, count: int, *, is_similar: bool = False) -> list[str]:
    """National identifiers of the first ``count`` persons who answer, each once. ``is_similar``: by names that sound like the words
    asked, or one slip away from them. From a ``Database`` it is the fastest.
    """
    alone = Criteria(words=asked.words, numbers=asked.numbers, is_working=asked.is_working)
    if asked == alone:
        # A name alone is looked for in one way; what else is asked may call for another plan each time.
        return await _found(reader, asked, count, is_similar=is_similar, is_swift=True)
    if asked.words and not asked.metres:
        bearers = await _found(reader, alone, RARE, is_similar=is_similar, is_swift=True)
        if len(bearers) < RARE:
            return await _kept(reader, asked, bearers, count)
    return await _found(reader, asked, count, is_similar=is_similar)


async def _kept(reader: Database | Session, asked: Criteria, found: Sequence[str], count: int) -> list[str]:
    """Those of a few persons who answer everything else, in their order."""
    values = Values()
    order = KEPT.format(found=values.add(list(found)), filters=_filters(asked, values, has_places=True))
    values.known |= {"idle": [False] if asked.is_working else [False, True], "wanted": count}
    return [number for (number,) in await _rows(reader, order, values.known, is_swift=True)]


async def _found(
    reader: Database | Session, asked: Criteria, count: int, *, is_similar: bool, is_swift: bool = False
) -> list[str]:
    values = Values()
    found = await _tiers(reader, asked, values, is_similar=is_similar)
    is_gathered = bool(asked.communes and not asked.numbers) and (
        asked.metres or await _are_few(reader, asked.communes)
    )
    order = (gather if is_gathered else walk)(asked, found, values)
    wanted = count
    while True:
        hits = await _rows(reader, order, {**values.known, "wanted": wanted}, is_swift=is_swift)
        persons = list(dict.fromkeys(number for (number,) in hits))
        if len(persons) >= count or len(hits) < wanted:
            return persons[:count]
        wanted *= 2  # some stand there twice, with two professions or under two names
