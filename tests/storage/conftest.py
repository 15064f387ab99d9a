from __future__ import annotations

import pytest

from hub.storage import crypto


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test seals with a key of its own."""
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])
