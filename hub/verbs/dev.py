"""``hub dev``: everything in one terminal, and one patient from the SAS to the DMP before your eyes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from rich.console import Console
from rich.panel import Panel

from hub import composition
from hub.settings import Settings
from hub.storage.migrations import run as migrations
from hub.verbs import seed
from hub.verbs.stack import CannotStart, Ports, Stack, taken

JOURNEY = "journee"
SCENE_WITHIN = 120.0  # seconds
console = Console()


def run(*, once: bool, fresh: bool, directory: Path, steady: bool) -> int:
    """Start, seed, play, and stay up unless ``once``. The exit code: 0 when every step of the journey held."""
    stack = Stack(directory=directory.resolve(), ports=Ports(), steady=steady)
    busy = taken(stack.ports)
    if busy:
        console.print(f"hub: these ports are in use: {', '.join(map(str, busy))}. Is another hub running?", style="red")
        return 2
    try:
        if fresh:
            stack.clear()
        people = start(stack, tell=console.print)
        went_well = play(stack)
        if not once:
            addresses(stack, people)
            _wait()
        return 0 if went_well else 1
    except CannotStart as trouble:
        console.print(f"hub: {trouble}", style="red")
        return 2
    finally:
        with console.status("Stopping…"):
            stack.stop()


def settings_of(stack: Stack) -> Settings:
    """The settings of the installation, read as its own processes read them."""
    from hub import settings

    for name in [name for name in os.environ if name.startswith("HUB_") and name != "HUB_DATABASE_URL"]:
        del os.environ[name]
    os.environ.update({name: value for name, value in stack.variables().items() if name.startswith("HUB_")})
    settings.load.cache_clear()
    return settings.load()


def start(stack: Stack, *, tell: Any) -> list[dict[str, str]]:
    """Bring everything up in order; the demonstration accounts."""
    with console.status("The twins: certificates, doors…"):
        stack.start_sandbox()
    tell(f"[green]✓[/] sandbox    {stack.home}")
    settings = settings_of(stack)
    composition.prepare(settings)
    with console.status("The database (embedded PostgreSQL, unless HUB_DATABASE_URL is set)…"):
        migrations.upgrade(composition.database_url(settings))
    tell("[green]✓[/] database   migrated")
    with console.status("The national directory, through its own loader…"):
        people, loaded = asyncio.run(_fill(settings, stack))
    tell(f"[green]✓[/] directory  {loaded}")
    with console.status("The hub…"):
        stack.start_serve()
        stack.start_work()
    tell(f"[green]✓[/] hub        {stack.web}  (machines: {stack.machine})")
    return people


async def _fill(settings: Settings, stack: Stack) -> tuple[list[dict[str, str]], str]:
    async with composition.database(settings, pool=2) as database:
        loaded = await seed.directory_of_twin(settings, database)
        people = await seed.demo(settings, database, stack.directory / "certificates")
    return people, loaded


def steps(stack: Stack, scene: str = JOURNEY) -> Iterator[dict[str, Any]]:
    """The steps of a scene as the sandbox plays them, one by one: ``title``, ``evidence``, ``look_at``, ``passed``."""
    url = f"{stack.home}/scenes/{scene}"
    headers = {"Accept": "application/x-ndjson"}
    with httpx.stream("POST", url, headers=headers, timeout=SCENE_WITHIN) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line:
                yield json.loads(line)


def play(stack: Stack) -> bool:
    """Play the journey and print each step with its evidence; whether every one held."""
    console.print("\n[b]One patient, from the SAS to the DMP[/b]\n")
    held, count = True, 0
    for step in steps(stack):
        if "trouble" in step:  # the last line sums up
            if step["trouble"]:
                console.print(f"[red]✗ {step['trouble']}[/]", highlight=False)
            held = held and bool(step["passed"])
            continue
        count += 1
        held = held and bool(step["passed"])
        mark = "[green]✓[/]" if step["passed"] else "[red]✗[/]"
        console.print(f"{mark} [b]{step['title']}[/b]", highlight=False)
        for name, value in step["evidence"].items():
            console.print(f"    {name}: {value}", style="dim", highlight=False, soft_wrap=True)
        if step.get("look_at"):
            console.print(
                f"    → {urljoin(stack.home, step['look_at'])}", style="cyan", highlight=False, soft_wrap=True
            )
    return held and count > 0


def addresses(stack: Stack, people: list[dict[str, str]]) -> None:
    """What to open next, and as whom."""
    lines = [
        f"[b]Portal[/b]    {stack.web}/connexion",
        f"[b]Sandbox[/b]   {stack.home}   scenes, journal, mails and SMS, faults",
        f"[b]FHIR[/b]      {stack.machine}/fhir/metadata",
        f"[b]Health[/b]    {stack.web}/health   [b]Metrics[/b] {stack.web}/metrics",
        "",
    ]
    for one in people:
        lines.append(f"[b]{one['who']}[/b]\n    {one['signs in with']}  {one['secret']}")
    lines += ["", f"Logs: {stack.directory / 'logs'}    Stop with Ctrl-C"]
    console.print(Panel("\n".join(lines), title="Colibri is up", expand=False))


def _wait() -> None:
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    stopped.wait()
