"""Encryption at rest: AES-256-GCM with a list of keys: the first encrypts, all decrypt (setting ``HUB_ENCRYPTION_KEYS``).

A sealed value is ``version (1 byte) | key name (4) | nonce (12) | ciphertext and tag``. The purpose is authenticated with it: what
was sealed for one column does not open in another.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
KEY_SIZE = 32
NAME_SIZE, NONCE_SIZE = 4, 12


class _Keys:
    """Where :func:`use` keeps the keys of this process, in order, by their name."""

    ciphers: dict[bytes, AESGCM] = {}  # noqa: RUF012 - replaced as a whole, never changed in place


def new_key() -> str:
    """A fresh key as it is written in the setting: 32 random bytes in base64."""
    return base64.b64encode(os.urandom(KEY_SIZE)).decode()


def use(keys: Sequence[str]) -> None:
    """Give this process its keys, base64 of 32 bytes each; called once by the composition floor. Raises ``ValueError``."""
    ciphers = {}
    for key in keys:
        raw = base64.b64decode(key, validate=True)
        if len(raw) != KEY_SIZE:
            raise ValueError(f"an encryption key has {KEY_SIZE} bytes, this one {len(raw)}")
        ciphers[hashlib.sha256(b"colibri key name" + raw).digest()[:NAME_SIZE]] = AESGCM(raw)
    if not ciphers:
        raise ValueError("at least one encryption key is needed")
    _Keys.ciphers = ciphers


def seal(data: bytes, *, purpose: str) -> bytes:
    """Encrypt with the first key. Raises ``RuntimeError`` when the process was given no key."""
    if not _Keys.ciphers:
        raise RuntimeError("no encryption key was given to this process")
    name, cipher = next(iter(_Keys.ciphers.items()))
    nonce = os.urandom(NONCE_SIZE)
    return VERSION + name + nonce + cipher.encrypt(nonce, data, purpose.encode())


def unseal(sealed: bytes, *, purpose: str) -> bytes:
    """Decrypt with whichever key sealed it. Raises ``ValueError`` when no key opens it, or it was sealed for another purpose."""
    cipher = _Keys.ciphers.get(sealed[1 : 1 + NAME_SIZE])
    if sealed[:1] != VERSION or cipher is None:
        raise ValueError("sealed with a key this process does not have")
    start = 1 + NAME_SIZE
    nonce, text = sealed[start : start + NONCE_SIZE], sealed[start + NONCE_SIZE :]
    try:
        return cipher.decrypt(nonce, text, purpose.encode())
    except InvalidTag as error:
        raise ValueError("altered, or sealed for another purpose") from error
