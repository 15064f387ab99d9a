"""`python -m sandbox`: opens every door, says where, and stops on SIGTERM or Ctrl+C."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sandbox.app import open_doors
from sandbox.settings import DOORS, Settings


def options(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Plays every national service on real doors."
    )
    parser.add_argument("--base-port", type=int, help="home port; the twins take the seven after it")
    parser.add_argument("--run-dir", type=Path, help="where certificates are written")
    parser.add_argument("--hub-url", help="the hub, for people")
    parser.add_argument("--hub-machine-url", help="the hub, for machines")
    parser.add_argument("--clock-file", type=Path, help="offset of the clock, shared with the hub")
    parser.add_argument("--moody", action="store_true", default=None, help="one call in twenty fails in a lawful way")
    parser.add_argument("--steady", action="store_false", dest="moody", help="no fault nobody asked for (default)")
    parser.add_argument("--ready-file", type=Path, help="written, with the home address, when every door is open")
    return parser.parse_args(words)


async def run(settings: Settings, ready_file: Path | None) -> None:
    """Serve until a signal. Raises OSError when a port is taken."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_doors(settings) as house:
        for name in DOORS:
            print(f"{name:<8}{house.world.settings.url(name)}")
        print(f"{'ca':<8}{house.world.certificates.authority}")
        if ready_file is not None:
            await asyncio.to_thread(_write, ready_file, settings.url("home"))
        print("ready", flush=True)
        await stop.wait()
    print("stopped", flush=True)


def _write(file: Path, text: str) -> None:
    """In one step: who waits for the file never reads an empty one."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(f"{text}\n", encoding="ascii")
    fresh.replace(file)


def main(words: list[str] | None = None) -> int:
    given: dict[str, Any] = {name: value for name, value in vars(options(words)).items() if value is not None}
    ready_file = given.pop("ready_file", None)
    try:
        settings = Settings(**given)
    except ValidationError as trouble:
        print("\n".join(problem["msg"] for problem in trouble.errors()), file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(run(settings, ready_file))
        except OSError as trouble:
            print(f"cannot open the doors: {trouble}", file=sys.stderr)
            return 1
    return 0


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
