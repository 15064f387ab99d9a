"""What is served of the persons and structures that an increment tells of, in the shape that its rows are completed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from hub.connectors.rpps.completing import Known, Row, Served
from hub.connectors.rpps.facts import EXERCISE
from hub.connectors.rpps.listing import DIPLOMA
from hub.connectors.rpps.mapping import WHAT, WHERE
from hub.connectors.rpps.resources import Organization
from hub.storage import directory_served
from hub.storage.session import Session

SITUATION, MAILBOX = "directory_situation", "directory_mailbox"
SKILL = ("profession_code", "category_code", "skill_type_code", "skill_code")


@dataclass(slots=True, kw_only=True)
class Beside:
    """``people``: by national identifier; ``shared``: mailboxes of structures; ``numbers``: of every row looked at, by table."""

    people: dict[str, Served] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    shared: list[Row] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=dict)


async def beside(
    session: Session,
    persons: Collection[str],
    keys: Collection[str],
    changed: Iterable[Organization],
    lists: Iterable[str],
) -> Beside:
    """What is served of these persons, of the structures of these keys, and of the mailboxes of structures that ``changed``.
    ``lists``: the tables that are looked at."""
    found = Beside(known=await _known(session, keys))
    rows: dict[str, list[Row]] = {key: [] for key in (SITUATION, "directory_skill", "directory_diploma", MAILBOX)}
    rows[SITUATION] = list(
        await directory_served.lines(session, persons, exercise=EXERCISE[1:], work=WHAT, where=WHERE)
    )
    rows |= {table: list(await directory_served.listed(session, table, persons)) for table in lists}
    if MAILBOX in lists:
        numbers = {one.cells["structure_national_id"] for one in changed} - {""}
        found.shared = list(await directory_served.shared_mailboxes(session, numbers))
    found.numbers = {table: {int(row["id"]) for row in some} for table, some in rows.items()}
    found.numbers[MAILBOX] |= {int(row["id"]) for row in found.shared}
    of: dict[str, defaultdict[str, list[Row]]] = {table: defaultdict(list) for table in rows}
    for table, some in rows.items():
        for row in some:
            of[table][row["national_id"]].append(row)
    found.people = {who: _served(*(of[table][who] for table in rows)) for who in persons}
    return found


def _served(lines: list[Row], skills: list[Row], diplomas: list[Row], mailboxes: list[Row]) -> Served:
    return Served(
        lines=tuple(lines),
        skills=frozenset(tuple(row[key] for key in SKILL) for row in skills),  # type: ignore[misc]
        diplomas=frozenset(tuple(row[key] for key in DIPLOMA) for row in diplomas),  # type: ignore[misc]
        mailboxes=tuple(mailboxes),
    )


async def _known(session: Session, keys: Collection[str]) -> dict[str, Known]:
    contents: defaultdict[str, list[Row]] = defaultdict(list)
    sectors: defaultdict[str, set[str]] = defaultdict(set)
    for row in await directory_served.contents(session, keys, WHERE):
        contents[row["key"]].append(row)
        sectors[row["key"]].update(row["sectors"])
    authorities: defaultdict[str, list[str]] = defaultdict(list)
    for key, one in await directory_served.authorities(session, keys):
        authorities[key].append(one)
    return {
        key: Known(contents=tuple(some), sectors=frozenset(sectors[key]), authorities=tuple(authorities[key]))
        for key, some in contents.items()
    }
