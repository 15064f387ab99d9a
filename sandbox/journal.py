"""What each twin received and sent, and what it thought of it: for visitors to read and for tests to assert on."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Clock

KEPT = 5000  # entries; the oldest leave first


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing the twin verified. `what` and `detail` in French; `where` is the place in the specification."""

    what: str
    passed: bool
    where: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call or message. `direction` is "in" or "out" seen from the twin; `subject` groups what concerns one thing
    (a request, a document, an address); `facts` is for machines (identifiers, versions, hashes)."""

    id: int
    at: datetime
    twin: str
    direction: str
    title: str
    verdict: str
    accepted: bool
    subject: str = ""
    request: str = ""
    answer: str = ""
    checks: tuple[Check, ...] = ()
    milliseconds: float = 0.0
    facts: dict[str, str] = field(default_factory=dict)


class Journal:
    """In memory only, nothing is kept between starts. Ids grow by one and are never used twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._last = 0

    def add(self, **fields: Any) -> Entry:
        """Keep one entry; the fields are those of Entry but `id` and `at`."""
        self._last += 1
        entry = Entry(id=self._last, at=self._clock.now(), **fields)
        self._entries.append(entry)
        return entry

    def entries(self, twin: str | None = None, since: int = 0) -> list[Entry]:
        """Oldest first; `since` is the id of the last entry already seen."""
        return [entry for entry in self._entries if entry.id > since and twin in (None, entry.twin)]

    def entry(self, id: int) -> Entry | None:
        return next((entry for entry in self._entries if entry.id == id), None)

    def clear(self, twin: str | None = None) -> None:
        kept = [] if twin is None else [entry for entry in self._entries if entry.twin != twin]
        self._entries = deque(kept, maxlen=KEPT)
