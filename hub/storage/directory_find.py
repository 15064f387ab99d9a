"""Who answers a search of the directory, in a total order (rpps.md 12.1): the exact name first, then names that begin so, then
those of which another word does; names that sound so, when asked.

Each of these tiers is read in the order of an index, and only until there are enough: a name that thousands bear costs as little
as a rare one. In a few communes the lines of work are gathered and sorted instead, the nearest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text

from hub.domain import search_key
from hub.domain.phonetic import sound
from hub.storage.directory_tiers import Tier, Values, similar, tiers
from hub.storage.session import Session

FEW = 10_000  # lines of work that are sorted rather than walked through
MANY_SOUNDS = 300  # names of one sound: more would be no help


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


READ = """SELECT e.national_id, e.family_key, e.given_key FROM directory_exercise AS e
WHERE {rest} AND ({test}) ORDER BY {order} LIMIT :wanted"""
LED = "SELECT e.* FROM (SELECT DISTINCT key FROM ({keys}) AS k) AS n CROSS JOIN LATERAL ({rows}) AS e"
ONE = "SELECT e.national_id FROM ({rows}) AS e ORDER BY {order} LIMIT :wanted"
WALK = "SELECT national_id FROM ({rows}) AS hits LIMIT :wanted"


def _union(statements: Sequence[str]) -> str:
    return " UNION ALL ".join(f"({one})" for one in statements)


def _walked(tier: Tier, rest: str) -> str:
    """One tier, from its indexes."""

    def read(test: str) -> str:
        return READ.format(rest=rest, test=test, order=tier.order)

    tests = [test.format(t="e") for test in tier.tests]
    if tier.leads is None:
        rows = [read(test) for test in tests]
    else:
        ways = (("e.family_key", tier.leads.families), ("e.given_key", tier.leads.givens))
        rows = [LED.format(keys=keys, rows=read(f"{key} = n.key AND ({tests[0]})")) for key, keys in ways]
    return ONE.format(rows=_union(rows), order=tier.order)


def walk(asked: Criteria, found: Sequence[Tier], values: Values) -> str:
    """The statement that reads tier after tier, in each those with an activity first."""
    filters = _filters(asked, values, has_places=True)
    idle = ("false",) if asked.is_working else ("false", "true")
    rests = [f"e.is_idle = {one}{filters}" for one in idle]
    return WALK.format(rows=_union([_walked(tier, rest) for tier in found for rest in rests]))


GATHER = """
WITH found AS (
  SELECT s.exercise, s.family_key, s.given_key, CASE {rank} END AS rank, near.metres
  FROM unnest(CAST({places} AS text[]), CAST({metres} AS integer[])) AS near (place, metres)
  JOIN directory_situation AS s ON s.place = near.place {joined}
  WHERE NOT s.is_idle{tests}
), nearest AS (
  SELECT exercise, family_key, given_key, rank, min(metres) AS metres FROM found WHERE rank IS NOT NULL GROUP BY 1, 2, 3, 4
  ORDER BY rank, metres, family_key, given_key FETCH FIRST (CAST(:wanted AS bigint)) ROWS WITH TIES
)
SELECT e.national_id FROM nearest AS n JOIN directory_exercise AS e ON e.id = n.exercise
ORDER BY n.rank, n.metres, n.family_key, n.given_key, e.national_id LIMIT :wanted
"""


def gather(asked: Criteria, found: Sequence[Tier], values: Values) -> str:
    """The statement that sorts the lines of work of a few communes: by tier, then by distance, then by name."""
    of_person = _filters(replace(asked, professions=()), values, has_places=False)
    of_work = [f"s.profession = ANY({values.add(list(asked.professions))})"] if asked.professions else []
    of_work += [work] if (work := _work(asked, values)) else []
    return GATHER.format(
        rank=" ".join(f"WHEN {tier.test.format(t='s')} THEN {place}" for place, tier in enumerate(found)),
        places=values.add(list(asked.communes)),
        metres=values.add(list(asked.metres) or [0] * len(asked.communes)),
        joined="JOIN directory_exercise AS e ON e.id = s.exercise" if of_person else "",
        tests="".join(f" AND {test}" for test in of_work) + of_person,
    )


async def _are_few(session: Session, communes: Sequence[str]) -> bool:
    """Whether the lines of work in communes are few enough to be sorted, as the statistics of the last load have it."""
    order = "EXPLAIN (FORMAT JSON) SELECT FROM directory_situation WHERE place = ANY(:communes)"
    plan = (await session.execute(text(order), {"communes": list(communes)})).scalar_one()
    return bool(plan[0]["Plan"]["Plan Rows"] <= FEW)


async def _alike(session: Session, word: str) -> list[tuple[str, str]]:
    """Parts and keys of the names that sound like a word."""
    order = text(
        "SELECT DISTINCT part, key FROM directory_name WHERE part = ANY(:parts) AND sound = :sound LIMIT :most"
    )
    values = {"parts": ["family", "given"], "sound": sound(word), "most": MANY_SOUNDS}
    return [(part, key) for part, key in await session.execute(order, values)]


async def _tiers(session: Session, asked: Criteria, values: Values, *, is_similar: bool) -> list[Tier]:
    words = search_key.asked(asked.words)
    if asked.numbers:
        return [Tier((f"{{t}}.national_id = ANY({values.add(list(asked.numbers))})",))]
    if not words:
        return [Tier(("true",))]
    if is_similar:
        return similar([(word, await _alike(session, word)) for word in words], values)
    return tiers(search_key.key(asked.words), words, values)


async def first(session: Session, asked: Criteria, count: int, *, is_similar: bool = False) -> list[str]:
    """National identifiers of the first ``count`` persons who answer, each once. ``is_similar``: by names that sound like the words
    asked.
    """
    values = Values()
    found = await _tiers(session, asked, values, is_similar=is_similar)
    is_gathered = asked.communes and not asked.numbers and (asked.metres or await _are_few(session, asked.communes))
    order = text((gather if is_gathered else walk)(asked, found, values))
    wanted = count
    while True:
        hits = (await session.execute(order, {**values.known, "wanted": wanted})).scalars().all()
        persons = list(dict.fromkeys(hits))
        if len(persons) >= count or len(hits) < wanted:
            return persons[:count]
        wanted *= 2  # some stand there twice, with two professions or under two names
