"""Golden files of the connectors: compared, and rewritten only when asked (``pytest tests/connectors --write-golden``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

DATA = Path(__file__).parents[1] / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", default=False, help="rewrite the golden files")


def canonical(content: bytes) -> bytes:
    """Canonical XML 1.0."""
    return etree.tostring(etree.fromstring(content), method="c14n")


@pytest.fixture
def golden_xml(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Compare a document with ``tests/data/<name>`` as canonical XML."""
    is_writing = bool(request.config.getoption("--write-golden", default=False))

    def compare(name: str, content: bytes) -> None:
        file = DATA / name
        if is_writing:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        assert canonical(content).decode() == canonical(file.read_bytes()).decode()

    return compare
