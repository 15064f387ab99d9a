"""Ports for what a test starts: each worker of a run has its own thousands, so that none takes what another has just found free."""

from __future__ import annotations

import os
from collections.abc import Iterator

FIRST, WORKERS, EACH = (
    18_000,
    4,
    2_700,
)  # below the ports that the system gives by itself, above those of an installation


def rows(width: int) -> Iterator[int]:
    """The first port of each row of ``width``, from a place that depends on the process: other runs begin elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    count = EACH // width
    for step in range(count):
        yield FIRST + worker * EACH + (os.getpid() * 7 + step) % count * width
