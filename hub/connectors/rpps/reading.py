"""One pass over a file of the directory: its lists one after the other, each compared on the way with the rows that are served.

Reading runs in a thread while the database takes the lines before: two processors work at once, and other tasks go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from hub.connectors.rpps import mapping
from hub.connectors.rpps.client import Progress
from hub.connectors.rpps.extract import (
    ACTIVITIES,
    DIPLOMAS,
    MAILBOXES,
    SKILLS,
    Member,
    Rejections,
    blocks,
    is_cut,
    rows,
)
from hub.connectors.rpps.facts import COLUMNS, Facts
from hub.connectors.rpps.guards import Figures
from hub.connectors.rpps.mapping import Layout
from hub.connectors.rpps.memory import Memory
from hub.connectors.rpps.troubles import failure
from hub.storage import directory_compare, directory_load
from hub.storage.directory_compare import Outcome
from hub.storage.session import Session

BATCH = 8  # blocks between two rounds of COPY
LABEL = "directory_label"
NAME = "directory_name"  # filled last: its lines are made while the database is busy with the indexes of the others
PEOPLE = ("directory_person", "directory_exercise", NAME, "directory_structure", "directory_situation")
# Of each list: its name in the register, the table whose rows are its lines, the tables it fills, its columns, those it must have.
TABLE = {
    ACTIVITIES: "directory_situation",
    SKILLS: "directory_skill",
    DIPLOMAS: "directory_diploma",
    MAILBOXES: "directory_mailbox",
}
FILLED = {prefix: PEOPLE if prefix == ACTIVITIES else (table,) for prefix, table in TABLE.items()}
NAMES = {ACTIVITIES: "directory", SKILLS: "skills", DIPLOMAS: "diplomas", MAILBOXES: "mailboxes"}
HEADERS = {
    ACTIVITIES: (mapping.ACTIVITY, mapping.REQUIRED),
    SKILLS: (mapping.SKILL, mapping.SKILL_REQUIRED),
    DIPLOMAS: (mapping.DIPLOMA, mapping.DIPLOMA_REQUIRED),
    MAILBOXES: (mapping.MAILBOX, mapping.MAILBOX_REQUIRED),
}


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one pass over a file finds. ``main``: the list it is about, of which ``rows`` and ``distinct`` (differing from each
    other) are counted; ``new``: tables made beside the served ones; ``totals``: rows served once this load is.
    """

    facts: Facts
    rejections: Rejections = field(default_factory=Rejections)
    main: str = ACTIVITIES
    stamp: str = ""
    rows: int = 0
    distinct: int = 0
    found: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    warnings: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None
    lists: dict[str, tuple[int, int]] = field(default_factory=dict)  # new and lost rows, by table
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the list, in the register."""
        return NAMES[self.main]

    @property
    def figures(self) -> Figures:
        """What the guards look at."""
        known = self.outcome
        counted = Figures(rows=self.rows, rejected=self.rejections.count, persons=self.facts.counts["directory_person"])
        if known is None:
            return counted
        return replace(
            counted,
            persons=known.after,
            before=known.before,
            missing=known.missing,
            changed=known.changed,
            by_profession=known.by_profession,
        )


async def read(
    session: Session,
    found: Mapping[str, Member],
    reading: Reading,
    progress: Progress | None,
    compare: Callable[[], Awaitable[None]],
) -> None:
    """Read every list of a file, one after the other: new rows to their tables, the numbers of lost ones beside. ``compare``: what
    the database is to do once the rows of Personne_activite are known, when they are not the first ones.
    """
    filled = reading.found = tuple(prefix for prefix in TABLE if prefix in found)
    empty = [prefix for prefix in filled if await directory_load.is_empty(session, TABLE[prefix])]
    reading.new = tuple(table for prefix in empty for table in FILLED[prefix])
    if reading.new:
        await directory_load.begin(session, reading.new)
    await directory_load.stage(
        session, [LABEL, *(one for prefix in filled for one in FILLED[prefix] if one not in reading.new)]
    )
    held: dict[str, Held] = {}
    for place, prefix in enumerate(filled):
        if prefix in held:
            memory, pieces = held.pop(prefix)
            for lines in pieces:
                await directory_load.copy(session, lines, COLUMNS, reading.new)
        else:
            memory = Memory() if prefix in empty else await _remembered(session, prefix)
            reading.facts.begin(memory)
            await _copy(session, _member(prefix, found[prefix], reading, progress), reading.new)
        await _end(session, prefix, memory, reading)
        if prefix in empty or prefix == ACTIVITIES:
            rest = [one for one in filled[place + 1 :] if one not in held]
            known = {one: Memory() if one in empty else await _remembered(session, one) for one in rest}
            work = _index(session, prefix, reading) if prefix in empty else compare()
            held |= await _meanwhile(work, partial(_ahead, known, found, reading, progress))
    await directory_load.copy(session, reading.facts.drain_last(), COLUMNS, reading.new)
    if NAME in reading.new:
        await directory_load.finish(session, (NAME,))


Held = tuple[Memory, list[dict[str, str]]]  # a list that was read while the database was busy


async def _remembered(session: Session, prefix: str) -> Memory:
    known = await directory_load.numbers(session, TABLE[prefix])
    return Memory.of(known, *await directory_load.lines(session, prefix))


async def _end(session: Session, prefix: str, memory: Memory, reading: Reading) -> None:
    """A list has been read: what was lost of it, and its lines, are kept for the comparison and for the next load."""
    memory.before.clear()
    known = len(memory.known)
    left = memory.left()
    if prefix == reading.main:
        reading.distinct = known - len(left) + len(reading.facts.fresh)
        reading.rows += memory.repeated
    if TABLE[prefix] not in reading.new:
        await directory_compare.note_lost(session, TABLE[prefix], left)
    await directory_load.keep_lines(session, prefix, memory.digests, memory.rows)
    reading.facts.let_go()


async def _index(session: Session, prefix: str, reading: Reading) -> None:
    if reading.facts.awake and prefix == ACTIVITIES:
        await directory_load.wake(session, reading.facts.awake)
    await directory_load.finish(session, [table for table in FILLED[prefix] if table != NAME])


def _ahead(
    known: Mapping[str, Memory], found: Mapping[str, Member], reading: Reading, progress: Progress | None
) -> dict[str, Held]:
    reading.facts.settle()
    made: dict[str, Held] = {}
    for prefix, memory in known.items():
        reading.facts.begin(memory)
        made[prefix] = memory, list(_member(prefix, found[prefix], reading, progress))
    return made


async def _meanwhile(work: Awaitable[None], read: Callable[[], dict[str, Held]]) -> dict[str, Held]:
    """Read the lists that follow, which are small, in a thread while the database is at work. Both end, whatever becomes of one."""
    done = await asyncio.gather(work, asyncio.to_thread(read), return_exceptions=True)
    for trouble in done:
        if isinstance(trouble, BaseException):
            raise trouble
    return cast(dict[str, Held], done[1])


async def _copy(session: Session, coming: Generator[dict[str, str]], new: tuple[str, ...]) -> None:
    """Give to the database what a thread reads, one piece behind it."""
    reader = ThreadPoolExecutor(1, "directory")
    ahead = partial(asyncio.get_running_loop().run_in_executor, reader, next, coming, None)
    following = ahead()
    try:
        while (lines := await following) is not None:
            following = ahead()
            await directory_load.copy(session, lines, COLUMNS, new)
    finally:
        await asyncio.to_thread(
            reader.shutdown
        )  # it must let go of the file first, also when nobody waits for it any more
        await asyncio.gather(following, return_exceptions=True)
        coming.close()


def _member(
    prefix: str, member: Member, reading: Reading, progress: Progress | None = None
) -> Generator[dict[str, str]]:
    """The lines of one list for COPY, by table, some megabytes at a time."""
    layout, done, take = None, 0, reading.facts.taker(TABLE[prefix])
    memory = reading.facts.memory
    for count, block in enumerate(blocks(member.stream), 1):
        done += block.size
        if layout is None:
            layout = _header(prefix, block.text(0), reading)
            block = block.rest()
        if is_cut(block, layout):
            raise failure("file-cut", member.name)
        read = take(rows(memory.unknown(block), layout, reading.rejections, is_plain=block.is_plain))
        if prefix == reading.main:
            reading.rows += read
        if count % BATCH == 0:
            if progress:
                progress("read", done, member.size)
            yield reading.facts.drain()
    if layout is None:
        raise failure("file-empty", member.name)
    yield reading.facts.drain()


def _header(prefix: str, header: str, reading: Reading) -> Layout:
    """What the first line announces."""
    reading.facts.memory.announced(header)
    try:
        layout = mapping.read_header(header, *HEADERS[prefix])
    except mapping.MissingColumns as trouble:
        raise failure("column-missing", ", ".join(trouble.args)) from trouble
    for kind, titles in (("columns missing", layout.missing), ("columns unknown", layout.unknown)):
        reading.warnings.setdefault(kind, []).extend(titles)
    return layout
