"""The FHIR door against baseline A, and the journey through it. One server process, as in ``hub serve``."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.house import JSON, House
from bench.load import Door, Line, flood, gets, request
from bench.rows import Row

BARE_PORT = 18090
READERS, WRITERS = 32, 8
SEARCHED = 20
NOTE_TYPE = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long a round lasts, in seconds, and how many there are."""

    seconds: float
    rounds: int


@contextmanager
def bare(body: bytes, folder: Path) -> Iterator[Door]:
    """Baseline A on these bytes."""
    file = folder / "bare.bin"
    file.write_bytes(body)
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(BARE_PORT), str(file)])
    try:
        yield Door(port=BARE_PORT)
    finally:
        process.terminate()
        process.wait()


async def listening(door: Door) -> None:
    for _ in range(100):
        try:
            line = await Line.open(door)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        await line.close()
        return
    raise RuntimeError("baseline A did not start")


async def against_bare(house: House, body: bytes, name: str, measure: Measure, *, target: float, effort: Effort) -> Row:
    """``measure`` and baseline A on ``body``, round after round."""
    with bare(body, house.stack.directory) as door:
        await listening(door)
        pairs = []
        for _ in range(effort.rounds):
            rate = await gets(door, "/", {}, clients=READERS, seconds=effort.seconds)
            pairs.append((await measure(), rate))
    return Row(name=name, baseline="A", pairs=pairs, target=target)


async def reading(house: House, path: str, name: str, *, target: float, effort: Effort) -> Row:
    """GETs of one address, against A returning the same bytes."""
    line = await Line.open(house.plain)
    status, body = await line.ask(request("GET", path, house.software))
    await line.close()
    if status != 200:
        raise RuntimeError(f"{path}: {status} {body[:300]!r}")

    async def measure() -> float:
        return await gets(house.plain, path, house.software, clients=READERS, seconds=effort.seconds)

    return await against_bare(house, body, name, measure, target=target, effort=effort)


def note(patient: str) -> bytes:
    """A liaison note as a piece of software writes it."""
    text = base64.b64encode("Pas de fièvre, tension stable. Revoir dans huit jours.".encode()).decode()
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": NOTE_TYPE, "code": "GEN"}]},
        "subject": {"reference": patient},
        "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
    }
    return json.dumps(resource).encode()


async def creating(house: House, patients: Sequence[str], *, effort: Effort) -> Row:
    """Notes written by eight connections, each for the next of these patients, against A returning the bytes of one."""
    headers = {**house.software, **JSON}
    turn = cycle([request("POST", "/fhir/DocumentReference", headers, note(patient)) for patient in patients])
    line = await Line.open(house.plain)
    status, body = await line.ask(next(turn))
    await line.close()
    if status != 201:
        raise RuntimeError(f"create: {status} {body[:500]!r}")

    async def measure() -> float:
        return await flood(house.plain, lambda: next(turn), clients=WRITERS, seconds=effort.seconds)

    return await against_bare(house, body, "FHIR create (a note), 8 clients", measure, target=0.03, effort=effort)


async def taking(house: House, count: int, *, clients: int = WRITERS) -> tuple[float, list[dict[str, Any]]]:
    """Requests a second from the SAS's call to the software's acceptance, and the Tasks accepted."""
    left = iter(range(count))
    accepted: list[dict[str, Any]] = []

    async def one() -> None:
        handing, software = await Line.open(house.machine), await Line.open(house.plain)
        for _ in left:
            accepted.append(await house.take(handing, software))
        await handing.close()
        await software.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return count / (time.perf_counter() - started), accepted


async def handing(house: House, *, seconds: float) -> float:
    """Handoffs a second that are answered 200, eight connections."""
    return await flood(house.machine, house.handoff, clients=WRITERS, seconds=seconds)


async def rows(house: House, effort: Effort) -> tuple[list[Row], list[str], list[dict[str, Any]]]:
    """The rows against A, what is told without a baseline, and the Tasks that were accepted on the way."""
    await taking(house, 1, clients=1)  # what is read once at the first request is read
    _, accepted = await taking(house, SEARCHED + WRITERS)
    task = accepted[0]
    patient, owner = task["for"]["reference"], task["owner"]["reference"]
    found = [
        await reading(house, f"/fhir/{patient}", "FHIR read by id, through a grant", target=0.15, effort=effort),
        await reading(
            house, f"/fhir/Task?owner={owner}&_count={SEARCHED}", "FHIR search, one parameter, 20 results", target=0.06,
            effort=effort,
        ),
        await creating(house, [one["for"]["reference"] for one in accepted], effort=effort),
    ]  # fmt: skip
    stored = await handing(house, seconds=effort.seconds * effort.rounds)
    whole, more = await taking(house, 10 * WRITERS)
    house.stop_worker()
    alone, _ = await taking(house, 10 * WRITERS)
    told = [
        f"handoffs stored, 8 clients over mutual TLS                {stored:8.1f}/s",
        f"handed over, put to the usual GP, accepted by software    {whole:8.1f}/s   with the worker sending on the same cores",
        f"the same, worker stopped                                  {alone:8.1f}/s",
    ]
    return found, told, accepted + more
