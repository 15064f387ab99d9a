"""The borrowed style and script: copied when they are installed, missed in one line when they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.web import front, render


def test_the_wanted_files_are_copied(tmp_path: Path) -> None:
    for source in front.WANTED:
        file = tmp_path / "node_modules" / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    written = front.copy(tmp_path, tmp_path / "vendor")
    assert {file.name for file in written} == set(front.WANTED.values())
    assert (tmp_path / "vendor" / "pico.min.css").read_text() == "@picocss/pico/css/pico.min.css"


def test_a_missing_package_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(front.NotInstalled, match="is not installed"):
        front.copy(tmp_path, tmp_path / "vendor")
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(front.NotInstalled, match="npm ci answered"):
        front.fetch(tmp_path)


def test_npm_comes_from_the_machine_or_from_its_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/somewhere/{name}")
    assert front.npm() == ("/somewhere/npm",)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(front, "find_spec", lambda name: object())
    assert front.npm()[1:] == ("-c", front.BROUGHT)
    monkeypatch.setattr(front, "find_spec", lambda name: None)
    with pytest.raises(front.NotInstalled, match="no npm"):
        front.npm()


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((front.ROOT / "package-lock.json").read_text())
    packages = {name: value for name, value in lock["packages"].items() if name}
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


def test_a_page_does_without_the_files_that_are_not_there() -> None:
    assert render.asset("vendor/nothing.css") == ""
    assert render.asset("colibri.css").startswith("/static/colibri.css?v=")
