from __future__ import annotations

import pytest

from tests.connectors.psc.forge import Signer


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()
