"""Two files of the directory compared without any database: who was added, who is missing, who changed (rpps.md 10.3 and 10.7)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from hub.connectors.rpps import mapping
from hub.connectors.rpps.client import Progress, Source
from hub.connectors.rpps.extract import ACTIVITIES, Bounds, Rejections, blocks, is_cut, members, rows
from hub.connectors.rpps.facts import NATIONAL_ID, row_number
from hub.connectors.rpps.troubles import failure

WRAP = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """National identifiers, sorted, and how many persons each file has."""

    added: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    before: int
    after: int


def compare(old: Source, new: Source, bounds: Bounds, progress: Progress | None = None) -> Difference:
    """Who differs. A person has changed when the set of their distinct rows has. Raises ``ConnectorFailure``."""
    before, after = _persons(old, bounds, progress), _persons(new, bounds, progress)
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        missing=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(who for who in before.keys() & after.keys() if before[who] != after[who])),
        before=len(before),
        after=len(after),
    )


def _persons(source: Source, bounds: Bounds, progress: Progress | None) -> dict[str, int]:
    """For each person the sum of the numbers of their distinct rows, which no order changes."""
    sums: defaultdict[str, int] = defaultdict(int)
    met: set[int] = set()
    with members(source.path, bounds) as found:
        member = found.get(ACTIVITIES)
        if member is None:
            raise failure("member-missing", source.name)
        layout, done = None, 0
        for block in blocks(member.stream):
            done += block.size
            if layout is None:
                try:
                    layout = mapping.read_header(block.text(0))
                except mapping.MissingColumns as trouble:
                    raise failure("column-missing", ", ".join(trouble.args)) from trouble
                block = block.rest()
            if is_cut(block, layout):
                raise failure("file-cut", member.name)
            for cells in rows(block.texts(), layout, Rejections(), is_plain=block.is_plain):
                row = row_number(cells)
                if row not in met:
                    met.add(row)
                    sums[cells[NATIONAL_ID]] = (sums[cells[NATIONAL_ID]] + row) & WRAP
            if progress:
                progress(source.name, done, member.size)
    if not sums:
        raise failure("file-empty", source.name)
    return sums
