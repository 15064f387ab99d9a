"""The import contracts of pyproject.toml, run as a test; and proof that a breach is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.house import ROOT

CONTRACTS = """
[importlinter]
root_package = small

[importlinter:contract:floors]
name = Floors
type = layers
layers =
    small.web
    small.storage
"""


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``lint-imports`` in a folder, without its cache."""
    order = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run([*order, *options], cwd=folder, capture_output=True, text=True, check=False)


def small_house(folder: Path, storage: str) -> Path:
    (folder / "small").mkdir()
    for name, text in {"__init__": "", "web": "from small import storage\n", "storage": storage}.items():
        (folder / "small" / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / ".importlinter").write_text(CONTRACTS, encoding="utf-8")
    return folder


def test_nobody_imports_upwards() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_floor_that_looks_up_is_seen(tmp_path: Path) -> None:
    done = lint(small_house(tmp_path, "from small import web\n"))
    assert done.returncode == 1
    assert "small.storage is not allowed to import small.web" in done.stdout


def test_a_house_in_order_passes(tmp_path: Path) -> None:
    done = lint(small_house(tmp_path, "x = 1\n"))
    assert done.returncode == 0, done.stdout + done.stderr
