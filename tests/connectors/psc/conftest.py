from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox import authority
from sandbox.authority import Certificates
from tests.connectors.psc.forge import Signer
from tests.psc_twin import Psc


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.create(tmp_path_factory.mktemp("psc") / "certificates")


@pytest.fixture
async def psc(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Psc]:
    opened = Psc(tmp_path, certificates)
    yield opened
    await opened.close()
