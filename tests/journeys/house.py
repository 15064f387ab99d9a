"""The whole house in processes of its own, and what a journey may look at: side doors of the twins, pages, the database."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from hub.storage.session import libpq_url
from hub.verbs.stack import Stack
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.scenes import cast
from sandbox.scenes.browser import Browser
from sandbox.scenes.cast import Stagehand
from sandbox.scenes.scene import Hub
from sandbox.settings import Settings
from sandbox.world import World

TWINS = ("psc", "sas", "dmp", "rpps", "mail", "sms")
LOOK = 0.2  # seconds between two looks
# What was due once, be it to be tried again later; timers whose hour has not come are left out.
TO_SEND = "SELECT count(*) AS n FROM outbox WHERE state = 'waiting' AND first_due_at <= %s"


class Journal:
    """The journal of the twins of another process, read by the side doors as a scene reads its own."""

    def __init__(self, home: str) -> None:
        self._home = home

    def entries(self, twin: str | None = None, since: int = 0) -> list[Any]:
        found: list[Any] = []
        with httpx.Client(base_url=self._home, trust_env=False, timeout=30) as line:
            for name in TWINS if twin is None else (twin,):
                answer = line.get(f"/twins/{name}/journal", params={"since": since})
                answer.raise_for_status()
                found += [_entry(one) for one in answer.json()["entries"]]
        return sorted(found, key=lambda entry: entry.id)


def _entry(values: dict[str, Any]) -> Any:
    checks = [SimpleNamespace(**check) for check in values["checks"]]
    return SimpleNamespace(**{**values, "checks": checks, "at": datetime.fromisoformat(values["at"])})


@dataclass(slots=True)
class House:
    """One installation, with the twins beside it."""

    stack: Stack
    database_url: str

    @property
    def directory(self) -> Path:
        return self.stack.directory

    @property
    def hub(self) -> Hub:
        return Hub(url=self.stack.web, machine_url=self.stack.machine, certificates=self.certificates)

    @property
    def certificates(self) -> Certificates:
        return Certificates(dir=self.directory / "certificates")

    @property
    def world(self) -> World:
        """What the scenes' helpers need, seen from outside the sandbox's process."""
        settings = Settings(base_port=self.stack.ports.sandbox, run_dir=self.directory)
        journal: Any = Journal(self.stack.home)
        clock = Clock(self.directory / "clock")
        return World(settings=settings, clock=clock, certificates=self.certificates, journal=journal)

    def command(self, *words: str) -> str:
        """What a command prints, run with the settings of the installation. Raises AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", *words], env=self.stack.variables(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the installation's database, each as a dict."""
        with psycopg.connect(libpq_url(self.database_url), autocommit=True, row_factory=dict_row) as line:
            return line.execute(query, values).fetchall()

    def resource(self, type_name: str, id: str) -> dict[str, Any]:
        """A resource as stored."""
        (row,) = self.rows("SELECT content FROM resource WHERE type = %s AND id = %s", type_name, id)
        found: dict[str, Any] = json.loads(bytes(row["content"]))
        return found

    def invitations(self, request: str) -> list[dict[str, Any]]:
        """The child Tasks of a request, oldest first."""
        rows = self.rows("SELECT content FROM resource WHERE type = 'Task' AND request = %s", request)
        tasks = [json.loads(bytes(row["content"])) for row in rows]
        return sorted((task for task in tasks if task.get("partOf")), key=lambda task: task["authoredOn"])

    def kill(self, *names: str) -> None:
        """``kill -9``."""
        for name in names:
            self.stack.kill(name)

    async def start(self, *names: str) -> None:
        """Start processes again, once their doors answer."""
        starts = {"serve": self.stack.start_serve, "work": self.stack.start_work}
        for name in names:
            await asyncio.to_thread(starts[name])

    def end_leases(self) -> None:
        """What the time of a lease without a sign of life does to the messages of a dead worker."""
        with psycopg.connect(libpq_url(self.database_url), autocommit=True) as line:
            line.execute("UPDATE outbox SET held_until = clock_timestamp() WHERE held_until > clock_timestamp()")

    async def quiet(self, within: float = 60.0) -> None:
        """Until nothing is left to send, by the clock of the sandbox."""

        async def nothing_waits() -> bool:
            now = self.world.clock.now()
            return self.rows(TO_SEND, now)[0]["n"] == 0

        await cast.until(nothing_waits, "an outbox with nothing left to send", within=within)

    def stopped(self, since: int) -> list[dict[str, Any]]:
        """Messages given up, of those put after that number."""
        query = "SELECT id, topic, last_error FROM outbox WHERE state = 'stopped' AND id > %s"
        return self.rows(query, since)

    def references(self, request: str, *, since: int = 0) -> list[str]:
        """By what mails and text messages about a request are recognised, of those put after that message."""
        query = "SELECT payload ->> 'reference' AS one FROM outbox WHERE payload ->> 'request' = %s AND id > %s"
        return [row["one"] for row in self.rows(query, request, since) if row["one"]]

    def last_message(self) -> int:
        """Number of the last message promised."""
        number: int = self.rows("SELECT coalesce(max(id), 0) AS n FROM outbox")[0]["n"]
        return number

    @asynccontextmanager
    async def people(self, count: int) -> AsyncIterator[tuple[Stagehand, list[Browser]]]:
        """The side doors, and browsers with nobody signed in."""
        async with AsyncExitStack() as stack:
            hand = await stack.enter_async_context(cast.stagehand(self.world))
            yield hand, [await stack.enter_async_context(cast.person(self.hub)) for _ in range(count)]

    async def play(self, scene: str) -> list[dict[str, Any]]:
        """The steps of a scene; raises AssertionError with what failed."""
        url = f"{self.stack.home}/scenes/{scene}"
        headers = {"Accept": "application/x-ndjson"}
        async with httpx.AsyncClient(trust_env=False, timeout=120) as line:
            answer = await line.post(url, headers=headers)
        answer.raise_for_status()
        *steps, end = [json.loads(text) for text in answer.text.splitlines()]
        failed = [step for step in steps if not step["passed"]]
        assert not end["trouble"], f"{end['trouble']}\n{json.dumps(steps, indent=1, ensure_ascii=False)}"
        assert not failed, json.dumps(failed, indent=1, ensure_ascii=False)
        return steps


async def until(look: Callable[[], Awaitable[Any]], what: str, within: float = 30.0) -> Any:
    """Look until there is something to see."""
    return await cast.until(look, what, within=within)
