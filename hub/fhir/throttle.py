"""Too many requests: a sliding minute for each client, kept in the process (a limit against accidents, not an accounting)."""

from __future__ import annotations

import time
from collections import deque

from hub.domain.refusal import Refusal

WINDOW = 60.0  # seconds


class Window:
    """At most ``limit`` events a minute for each name."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, deque[float]] = {}

    def take(self, name: str) -> float:
        """Count one event; how many seconds to wait when there are too many, else 0."""
        now = time.monotonic()
        seen = self._seen.setdefault(name, deque())
        while seen and seen[0] <= now - WINDOW:
            seen.popleft()
        if len(seen) >= self.limit:
            return seen[0] + WINDOW - now
        seen.append(now)
        return 0.0


class _Limits:
    """The windows of this process; the composition floor sets their sizes."""

    handoffs = Window(60)


def use(handoffs_per_minute: int) -> None:
    """Set the limits of this process (settings ``fhir.handoffs_per_minute``)."""
    _Limits.handoffs = Window(handoffs_per_minute)


def handoffs(client: str) -> None:
    """Count one handoff of a client. Raises ``Refusal("too-many-handoffs")`` with ``retry_after``."""
    wait = _Limits.handoffs.take(client)
    if wait > 0:
        raise Refusal("too-many-handoffs", retry_after=max(1, round(wait)), limit=_Limits.handoffs.limit)
