"""What a load remembers of the one before, so that by night nearly all lines need not be read. Pure.

Two million lines are looked up in a dictionary and marked in an array: each further set would cost as much again, in memory that no
cache holds.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import compress

from xxhash import xxh3_64_intdigest

SIXTY_BITS = (1 << 60) - 1  # what Python holds in two digits: a third less memory than 64 bits for sets of millions
HEADING = 0  # in the place of the number of a row: the line is the header


def number(content: str) -> int:
    """The number of a content: the same on every machine and every day."""
    return xxh3_64_intdigest(content.encode()) & SIXTY_BITS


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the load before knew of a list. ``known``: numbers of the rows it served; ``left``: those not met again yet; ``line``:
    digest of the line being read; ``pairs``: lines and rows of today, in turn, for the next load; ``repeated``: lines that came
    again to the letter. ``left`` and ``pairs`` are whole once :meth:`settle` has been called.
    """

    known: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    line: int = 0
    pairs: array[int] = field(default_factory=lambda: array("q"))
    repeated: int = 0
    places: dict[int, int] = field(default_factory=dict)  # of the lines before, by digest
    digests: array[int] = field(default_factory=lambda: array("q"))  # of the lines before, by place
    rows: array[int] = field(default_factory=lambda: array("q"))  # numbers of their rows, by place
    served: bytearray = field(default_factory=bytearray)  # 1 where the row is known still, by place
    seen: bytearray = field(default_factory=bytearray)  # 1 where the line has come again, by place

    @classmethod
    def of(cls, known: set[int], pairs: array[int]) -> Memory:
        """``known``: rows served; ``pairs``: as the load before left them."""
        digests, rows = pairs[::2], pairs[1::2]
        return cls(
            known=known,
            left=set(known),
            places=dict(zip(digests, range(len(digests)), strict=True)),
            digests=digests,
            rows=rows,
            served=bytearray(map(known.__contains__, rows)),
            seen=bytearray(len(rows)),
        )

    def announced(self, header: str) -> None:
        """The first line of the list: under another one, the same line would mean something else."""
        title = number(header)
        place = self.places.get(title)
        if place is None or self.rows[place] != HEADING:
            self.places = {}
        self.pairs.extend((title, HEADING))

    def met(self, line: str) -> bool:
        """Whether a line of the load before comes again to the letter: then nothing in it is new, and it need not be read."""
        self.line = xxh3_64_intdigest(line.encode()) & SIXTY_BITS
        place = self.places.get(self.line)
        if place is None or not self.served[place]:
            return False
        self.seen[place] = 1
        self.repeated += 1
        return True

    def settle(self) -> None:
        """Everything was read: count the lines that came again as met, and forget the others."""
        rows = array("q", compress(self.rows, self.seen))
        self.left.difference_update(rows)
        again = array("q", bytes(16 * len(rows)))
        again[::2], again[1::2] = array("q", compress(self.digests, self.seen)), rows
        self.pairs.extend(again)
        self.places.clear()
        self.digests = self.rows = array("q")
        self.served = self.seen = bytearray()
