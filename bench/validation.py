"""Validation, parse included, against baseline C: ``orjson.loads`` of the same document."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from bench.rows import Row
from hub.r4 import validation
from sandbox.sas.bundle import build
from sandbox.sas.wish import Regulator, Wish

EACH, ROUNDS = 40, 7


def _per_call(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def documents() -> dict[str, bytes]:
    """A handoff, and the resources in it."""
    bundle = build(Wish(dossier="BENCH1", gp="899700999917"), Regulator(), datetime.now(UTC))
    parts = {one["resource"]["resourceType"]: one["resource"] for one in bundle["entry"]}
    chosen = {"Bundle of a handoff": bundle, **{name: parts[name] for name in ("Patient", "ServiceRequest", "Task")}}
    return {name: json.dumps(one, ensure_ascii=False).encode() for name, one in chosen.items()}


def rows() -> list[Row]:
    """One for each document."""
    made = []
    for name, body in documents().items():
        validation.parse(body)
        pairs = [
            (_per_call(lambda: validation.parse(body), EACH), _per_call(lambda: orjson.loads(body), 20 * EACH))  # noqa: B023
            for _ in range(ROUNDS)
        ]
        words = f"validation, {name} ({len(body) / 1000:.1f} kB)"
        made.append(Row(name=words, baseline="C", pairs=pairs, target=5.0, is_rate=False))
    return made
