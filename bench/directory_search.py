"""Searches as people type them: names by how many bear them, beginnings, first names, slips, places; one client."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import text

from hub.domain import places
from hub.storage import directory, directory_accounts, directory_find
from hub.storage.directory import Criteria
from hub.storage.session import Database, Session

EACH = 2_000
TOWNS = ("Paris", "Lyon", "Cergy", "Pontoise", "Rodez", "Brest", "Ajaccio")
PROFESSIONS = ("10", "60", "21", "40", "50", "70", "91")
NAMES = "SELECT family_key, given_key FROM directory_exercise TABLESAMPLE SYSTEM (1) REPEATABLE (7) WHERE NOT is_idle LIMIT 5000"


ACCOUNTS = 5_000  # of all people, who come first among equals
SIGNED_UP = """INSERT INTO account (id, national_id, created_at)
SELECT national_id, national_id, now() FROM directory_person ORDER BY hashtext(national_id) LIMIT :most ON CONFLICT DO NOTHING"""


def _slip(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, max(2, len(word) - 1))
    return word[:place] + word[place + 1 :]


def queries(people: Sequence[tuple[str, str]], rng: random.Random) -> list[Criteria]:
    """What people ask, in the proportions of a directory page (Choice)."""
    towns = [one.code for one in places.gazetteer().communes.values() if one.name in TOWNS]
    found = []
    for _ in range(EACH):
        family, given = rng.choice(people)
        kind, profession, town = rng.random(), rng.choice(PROFESSIONS), rng.choice(towns)
        if kind < 0.30:
            asked = Criteria(words=family)
        elif kind < 0.50:
            asked = Criteria(words=f"{given} {family}" if rng.random() < 0.5 else f"{family} {given}")
        elif kind < 0.65:
            asked = Criteria(words=family[: rng.randrange(2, 6)])
        elif kind < 0.75:
            asked = Criteria(words=family, professions=(profession,))
        elif kind < 0.83:
            asked = Criteria(words=family, communes=(town,))
        elif kind < 0.90:
            asked = Criteria(professions=(profession,), communes=(town,))
        elif kind < 0.94:
            asked = Criteria(words=_slip(family, rng))
        elif kind < 0.98:
            asked = Criteria(words=f"{given[:3]} {family[:3]}")
        else:
            asked = Criteria(words=given, professions=(profession,), communes=(town,))
        found.append(asked)
    return [one for one in found if len(one.words.replace(" ", "")) > 1 or one.professions]


async def _sample(session: Session) -> list[tuple[str, str]]:
    return [(family, given) for family, given in await session.execute(text(NAMES))]


def spread(took: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    found = statistics.quantiles(took, n=100)
    return found[49] * 1e3, found[98] * 1e3


async def _timed(asked: Sequence[Criteria], ask: Callable[[Criteria], Awaitable[object]]) -> list[float]:
    took = []
    for one in asked:
        started = time.perf_counter()
        await ask(one)
        took.append(time.perf_counter() - started)
    return took


async def quiet(url: str) -> list[str]:
    """Search in the store (who answers, in order), and pages of ten persons whole, some thousands of whom have an account, with
    nothing else at work."""
    database = await Database.open(url, pool=2)
    try:
        async with database.transaction() as session:
            await session.execute(text(SIGNED_UP), {"most": ACCOUNTS})
            await directory_accounts.know(session)
        async with database.reading() as session:
            asked = queries(await _sample(session), random.Random(7))

            async def store(one: Criteria) -> object:
                return await directory_find.first(database, directory.understood(one), 26)

            async def page(one: Criteria) -> object:
                return await directory.search(database, one, limit=10)

            lines = []
            for name, ask, most in (("search in store", store, (1.0, 20.0)), ("page of ten", page, None)):
                await _timed(asked[:200], ask)
                p50, p99 = spread(await _timed(asked, ask))
                verdict = ("met" if p50 <= most[0] and p99 <= most[1] else "MISSED") if most else ""
                budget = f"   (<= {most[0]:g} and {most[1]:g})   {verdict}" if most else ""
                lines.append(f"{name:<16} p50 {p50:.2f} ms, p99 {p99:.1f} ms, {len(asked)} questions{budget}")
            return lines
    finally:
        await database.close()


class Beside:
    """A reader at work while a directory is loaded."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def until(self, is_over: Callable[[], bool]) -> str:
        """Ask until the load ends, then as much again without it: how much slower it made the slow ones."""
        database = await Database.open(self.url, pool=2)
        try:
            async with database.reading() as session:
                asked = queries(await _sample(session), random.Random(8))

                async def store(one: Criteria) -> object:
                    return await directory_find.first(database, directory.understood(one), 26)

                await _timed(asked[:200], store)
                took: list[float] = []
                while not is_over():
                    took += await _timed(asked[len(took) % EACH :][:50], store)
                after = await _timed((asked * (1 + len(took) // len(asked)))[: len(took)], store)
        finally:
            await database.close()
        (p50, p99), (calm50, calm99) = spread(took), spread(after)
        verdict = "met" if p99 <= 2 * calm99 else "MISSED"
        return (
            f"search meanwhile p50 {p50:.2f} ms, p99 {p99:.1f} ms; once quiet p50 {calm50:.2f} ms, p99 {calm99:.1f} ms: "
            f"{p99 / calm99:.1f} times (<= 2)   {verdict}"
        )
