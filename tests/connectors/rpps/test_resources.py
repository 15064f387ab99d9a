"""What the API of the twin tells, against what its extraction prints of the same people (rpps.md 4, 11.4 to 11.6)."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable

import pytest

from hub.connectors.rpps import completing, crawl, listing
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.completing import Known, Row, Served, Told
from hub.connectors.rpps.crawl import Gathered
from hub.connectors.rpps.facts import LISTS, row_number
from hub.connectors.rpps.mapping import DIPLOMA, MAILBOX, SKILL, WHERE
from sandbox.rpps import RppsTwin, extraction, oddities
from sandbox.rpps.publication import Publication

# What the API cannot say of somebody whom no row served tells of (rpps.md 11.6).
LOST = {
    "national identifier that is not type + number",
    "country and department filled",
    "one row per skill",
}
pytestmark = pytest.mark.usefixtures("unhurried")


def printed(publication: Publication) -> dict[str, list[Row]]:
    """The rows of Personne_activite, by person."""
    return {
        person.national_id: [dict(row) for row in extraction.activity_rows(person)]
        for person in publication.directory.people.values()
    }


def table(text: str, columns: Iterable[str]) -> list[dict[str, str]]:
    rows = list(csv.reader(io.StringIO(text), delimiter="|", quoting=csv.QUOTE_NONE))
    return [dict(zip(columns, cells, strict=True)) for cells in rows[1:]]


def full(row: Row) -> dict[str, str]:
    cells = dict(zip(completing.ACTIVITY, completing.cells(row), strict=True))
    is_idle = not any(cells[key] for key in (*WHERE, *completing.WORK, "sector_code"))
    return {**cells, "is_idle": "t" if is_idle else "f"}


def known(rows: dict[str, list[Row]]) -> dict[str, Known]:
    """What is served of each structure."""
    contents: defaultdict[str, list[Row]] = defaultdict(list)
    for lines in rows.values():
        for row in map(full, lines):
            contents[completing.structure_key(row)].append(row)
    return {
        key: Known(
            contents=tuple(found),
            sectors=frozenset(row["sector_code"] for row in found),
            authorities=tuple(dict.fromkeys(row["authority"] for row in found)),
        )
        for key, found in contents.items()
    }


def served(publication: Publication) -> dict[str, Served]:
    people = list(publication.directory.people.values())
    rows = printed(publication)
    lists: dict[str, defaultdict[str, list[dict[str, str]]]] = {}
    for name, text, columns in (
        ("skills", extraction.skills(people), SKILL),
        ("diplomas", extraction.degrees(people), DIPLOMA),
        ("mailboxes", extraction.mailboxes(people), MAILBOX),
    ):
        lists[name] = defaultdict(list)
        for one in table(text.replace("\r", " "), columns):
            lists[name][one["national_id"]].append(one)
    return {
        who: Served(
            lines=tuple(map(full, lines)),
            skills=frozenset(
                (one["profession_code"], one["category_code"], one["skill_type_code"], one["skill_code"])
                for one in lists["skills"][who]
            ),
            diplomas=frozenset(tuple(one[key] for key in listing.DIPLOMA) for one in lists["diplomas"][who]),  # type: ignore[misc]
            mailboxes=tuple(lists["mailboxes"][who]),
        )
        for who, lines in rows.items()
    }


async def everybody(api: DirectoryApi, twin: RppsTwin) -> Gathered:
    found = await crawl.gather(api, [who for who in twin.current().directory.people if who.startswith("8")], [])
    assert found.skipped == []
    return found


def numbers(rows: Iterable[Row]) -> set[int]:
    return {row_number(completing.cells(row)) for row in rows}


def of(told: Told, places: dict[str, Known] | None = None) -> Told:
    return Told(national_id=told.national_id, exercises=told.exercises, known=places or {})


async def test_the_api_tells_the_rows_of_the_extraction(api: DirectoryApi, twin: RppsTwin) -> None:
    found = await everybody(api, twin)
    rows = printed(twin.current())
    differ = {
        who for who, told in found.persons.items() if numbers(completing.lines(told, Served())) != numbers(rows[who])
    }
    assert len(found.persons) > 3400
    named = {oddities.ODDITIES[name].national_id for name in LOST}
    several = {who for who in differ if len({row["skill_code"] for row in rows[who]}) > 1}
    assert differ - several == named - several

    nothing_is_new(found, twin)


def nothing_is_new(found: Gathered, twin: RppsTwin) -> None:
    """Beside the rows served, and whatever the API leaves out, all is as the extraction says."""
    before, places = served(twin.current()), known(printed(twin.current()))
    for who, told in found.persons.items():
        person, rows = of(told, places), before[who]
        assert numbers(completing.lines(person, rows)) == numbers(rows.lines), who
        exercise = ("profession_code", "category_code", "skill_type_code", "skill_code")
        assert {tuple(row[key] for key in exercise) for row in listing.skills(person, rows)} == rows.skills, who
        diplomas = {tuple(row[key] for key in listing.DIPLOMA) for row in listing.diplomas(person, rows)}
        assert diplomas == rows.diplomas, who
        content, _ = LISTS["directory_mailbox"]
        told_boxes = {content(one) for one in listing.of_list(list(MAILBOX), listing.mailboxes(person, rows))}
        assert told_boxes == {content(one) for one in listing.of_list(list(MAILBOX), rows.mailboxes)}, who


async def test_the_next_days_are_told_alike(api: DirectoryApi, twin: RppsTwin) -> None:
    for _ in range(4):
        before, places = served(twin.current()), known(printed(twin.current()))
        today = twin.next_day()
        since = {
            who for people in today.directory.since.shown().values() for who in people if who in today.directory.people
        }
        since -= {who for who in since if not who.startswith("8")}
        found = await crawl.gather(api, since, [])
        rows = printed(today)
        wrong = {
            who
            for who, told in found.persons.items()
            if numbers(completing.lines(of(told, places), before.get(who, Served()))) != numbers(rows[who])
        }
        arrived = {who for who in wrong if who not in before and len({row["skill_code"] for row in rows[who]}) > 1}
        assert wrong == arrived
