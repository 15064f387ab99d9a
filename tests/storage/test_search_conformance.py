"""The published search cases: each must give its matches and its included resources, no more and no less."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from hub.storage import resources, values
from hub.storage.search import search
from hub.storage.session import Database
from tests.conftest import ROOT, administer, named
from tests.storage.people import HUB

FOLDER = Path(os.environ.get("HUB_TEST_CONFORMANCE", ROOT.parent / "shared" / "conformance")) / "fhir" / "search"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_bytes()) if FOLDER.is_dir() else []


@pytest.fixture(scope="module")
async def loaded(conformance: Path, server_url: str, template: str) -> AsyncIterator[Database]:
    """The published resources, in a database of their own, under the base address the cases suppose."""
    name = "search_cases"
    administer(server_url, "DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name)
    administer(server_url, "CREATE DATABASE {name} TEMPLATE {template}", name=name, template=template)
    before = values._Own.addresses
    values.use_addresses("https://hub.example/fhir/")
    database = await Database.open(named(server_url, name))
    async with database.transaction() as session:
        for one in json.loads((conformance / "fhir" / "search" / "data.json").read_bytes()):
            await resources.create(session, HUB, one, id=one["id"])
    yield database
    await database.close()
    values._Own.addresses = before
    administer(server_url, "DROP DATABASE {name} WITH (FORCE)", name=name)


def _asked(text: str) -> tuple[str, str | None, list[tuple[str, str]]]:
    path, _, params = text.partition("?")
    words = path.split("/")
    return words[-1], words[1] if len(words) == 3 else None, parse_qsl(params, keep_blank_values=True)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_published_case(loaded: Database, case: dict[str, Any]) -> None:
    type, patient, params = _asked(case["query"])
    async with loaded.reading() as session:
        page = await search(session, HUB, type, params, count=100, compartment=patient)
    found = [f"{one.type}/{one.id}" for one in page.matches]
    assert sorted(found) == sorted(case["expect"])
    assert sorted(f"{one.type}/{one.id}" for one in page.includes) == sorted(case["include"])
    assert page.total == len(found)
    for group in case.get("order", []):
        assert set(found[: len(group)]) == set(group)
        found = found[len(group) :]


def test_the_cases_are_there(conformance: Path) -> None:
    assert len(CASES) == 74
