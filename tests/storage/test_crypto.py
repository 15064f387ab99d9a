from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.storage import crypto


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(data: bytes) -> None:
    crypto.use([crypto.new_key()])
    sealed = crypto.seal(data, purpose="a")
    assert crypto.unseal(sealed, purpose="a") == data
    assert crypto.seal(data, purpose="a") != sealed


def test_an_old_key_still_opens_and_the_first_one_seals() -> None:
    old, new = crypto.new_key(), crypto.new_key()
    crypto.use([old])
    before = crypto.seal(b"x", purpose="a")
    crypto.use([new, old])
    after = crypto.seal(b"y", purpose="a")
    assert crypto.unseal(before, purpose="a") == b"x"
    crypto.use([new])
    assert crypto.unseal(after, purpose="a") == b"y"
    with pytest.raises(ValueError, match="does not have"):
        crypto.unseal(before, purpose="a")


def test_neither_another_purpose_nor_an_altered_byte_opens() -> None:
    sealed = crypto.seal(b"secret", purpose="a")
    assert b"secret" not in sealed
    with pytest.raises(ValueError, match="altered"):
        crypto.unseal(sealed, purpose="b")
    with pytest.raises(ValueError, match="altered"):
        crypto.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), purpose="a")
    with pytest.raises(ValueError, match="does not have"):
        crypto.unseal(b"", purpose="a")


@pytest.mark.parametrize("keys", [[], [base64.b64encode(b"short").decode()], ["not base64 !"]])
def test_bad_keys_are_refused_at_the_start(keys: list[str]) -> None:
    with pytest.raises(ValueError):
        crypto.use(keys)


def test_without_a_key_nothing_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    with pytest.raises(RuntimeError):
        crypto.seal(b"x", purpose="a")
