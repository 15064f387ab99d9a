"""Every connector has the same files in the same roles, and so have its twin and its tests (architecture, Connectors)."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.connectors.failure import Kind
from tests.architecture.house import ROOT

CORE = {"__init__.py", "settings.py", "errors.csv", "mapping.py", "client.py"}
# Which test goes with which file.
TESTED = {
    "mapping.py": "test_mapping.py",
    "client.py": "test_client.py",
    "errors.csv": "test_errors.py",
    "outbound.py": "test_outbound.py",
    "inbound.py": "test_inbound.py",
    "settings.py": "test_settings.py",
    "extract.py": "test_extract.py",
    "load.py": "test_load.py",
}
COLUMNS = ["code", "kind", "french", "remedy"]


def connectors(root: Path) -> list[str]:
    folder = root / "hub" / "connectors"
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and one.name != "__pycache__")


def missing(root: Path, name: str) -> Iterator[str]:
    """What connector ``name`` lacks."""
    folder = root / "hub" / "connectors" / name
    present = {file.name for file in folder.iterdir()}
    yield from (f"hub/connectors/{name}/{file}" for file in CORE - present)
    if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))):
        yield f"hub/connectors/{name}/__init__.py does not say what the service is"
    tests = root / "tests" / "connectors" / name
    for file, test in TESTED.items():
        if file in present and not (tests / test).is_file():
            yield f"tests/connectors/{name}/{test}"
    twin = root / "sandbox" / name
    if not (twin.with_suffix(".py").is_file() or (twin / "__init__.py").is_file()):
        yield f"sandbox/{name}, its twin"


def bad_errors(file: Path) -> Iterator[str]:
    """Rows of an ``errors.csv`` that the worker or a reader could do nothing with."""
    with file.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        if table.fieldnames != COLUMNS:
            yield f"columns are {table.fieldnames}"
            return
        seen = set[str]()
        for row in table:
            if row["kind"] not in set(Kind):
                yield f"{row['code']}: {row['kind']} is no kind"
            if not row["french"] or not row["remedy"]:
                yield f"{row['code']}: nothing to tell the user"
            if row["code"] in seen:
                yield f"{row['code']} stands twice"
            seen.add(row["code"])


@pytest.mark.parametrize("name", connectors(ROOT))
def test_the_shape_is_kept(name: str) -> None:
    lacking = list(missing(ROOT, name))
    assert not lacking, "missing: " + ", ".join(lacking)


@pytest.mark.parametrize("name", connectors(ROOT))
def test_national_codes_have_a_kind_and_a_remedy(name: str) -> None:
    file = ROOT / "hub" / "connectors" / name / "errors.csv"
    faults = list(bad_errors(file)) if file.exists() else []
    assert not faults, "\n".join(faults)


def test_a_connector_without_twin_tests_or_mapping_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "connectors" / "fax"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "settings.py", "errors.csv", "client.py", "outbound.py"):
        (folder / name).write_text("")
    lacking = set(missing(tmp_path, "fax"))
    assert connectors(tmp_path) == ["fax"]
    assert lacking >= {
        "hub/connectors/fax/mapping.py",
        "tests/connectors/fax/test_outbound.py",
        "sandbox/fax, its twin",
    }
    assert any("does not say" in one for one in lacking)


def test_a_code_of_unknown_kind_or_told_twice_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "errors.csv"
    file.write_text("code,kind,french,remedy\n1,odd,Non.,Attendre.\n1,busy,Non.,\n", encoding="utf-8")
    assert list(bad_errors(file)) == ["1: odd is no kind", "1: nothing to tell the user", "1 stands twice"]


def test_other_columns_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "errors.csv"
    file.write_text("code,kind,french\n", encoding="utf-8")
    assert list(bad_errors(file)) == ["columns are ['code', 'kind', 'french']"]
