"""What a load remembers of the one before, so that by night nearly all lines need not be read. Pure.

Two million lines go through loops that the interpreter runs in C, a block at a time: digests, one look-up in one dictionary. Only
what is not found there is read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress

from xxhash import xxh3_64_intdigest

from hub.connectors.rpps.extract import Block

SIXTY_BITS = (1 << 60) - 1  # what Python holds in two digits: a third less memory than 64 bits for sets of millions
HEADING = 0  # in the place of the number of a row: the line is the header


def number(content: str) -> int:
    """The number of a content: the same on every machine and every day."""
    return xxh3_64_intdigest(content.encode()) & SIXTY_BITS


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the load before knew of a list, and what this one has read of it. ``known``: numbers of the rows served; ``before``: of
    each line that stood for one of them, by the digest of the line. Of today: ``digests`` of the lines and numbers of their
    ``rows``, side by side; ``line``: digest of the line being read; ``repeated``: how many came again to the letter.
    """

    known: set[int] = field(default_factory=set)
    before: dict[int, int] = field(default_factory=dict)
    digests: array[int] = field(default_factory=lambda: array("Q"))
    rows: array[int] = field(default_factory=lambda: array("q"))
    line: int = 0
    repeated: int = 0

    @classmethod
    def of(cls, known: set[int], digests: array[int], rows: array[int]) -> Memory:
        """``known``: rows served; ``digests`` and ``rows``: as the load before left them, the header first. A row may have ended
        since: its line then says nothing any more."""
        is_served = bytearray(map(known.__contains__, rows))
        is_served[:1] = b"\1"[: len(rows)]
        before = dict(zip(compress(digests, is_served), compress(rows, is_served), strict=True))
        return cls(known=known, before=before)

    def announced(self, header: str) -> None:
        """The first line of the list: under another one, the same line would mean something else."""
        title = xxh3_64_intdigest(header.encode())
        if self.before.pop(title, None) != HEADING:
            self.before.clear()
        self.digests.append(title)
        self.rows.append(HEADING)

    def unknown(self, block: Block) -> Iterator[tuple[int, str]]:
        """The lines of a block that are to be read, with their numbers: all but those of the load before that come again to the
        letter, in which nothing is new. Raises ``not-utf-8``."""
        digests = [*map(xxh3_64_intdigest, block.lines)]
        places = self._met(digests) if self.before else range(len(digests))
        for place in places:
            self.line = digests[place]
            yield block.line + place, block.text(place)

    def _met(self, digests: list[int]) -> list[int]:
        """Note the lines of the load before that come again; places of the others."""
        found = [*map(self.before.get, digests)]
        others = [place for place, row in enumerate(found) if row is None]
        if others:
            digests = [digest for digest, row in zip(digests, found, strict=True) if row is not None]
        again = [row for row in found if row is not None]
        self.digests.extend(digests)
        self.rows.extend(again)
        self.repeated += len(again)
        return others

    def left(self) -> set[int]:
        """Rows served that were not met again, once everything was read: ``known`` is used up."""
        left, self.known = self.known, set()
        left.difference_update(self.rows)
        return left
