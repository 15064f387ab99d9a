"""The files that ``hub rpps`` reads: of this machine, standard input, or downloaded; and the folders they are kept in meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hub.connectors.rpps.client import Source
from hub.connectors.rpps.troubles import failure

PIECE = 1 << 20  # bytes
PREFIX = "hub-rpps-"
SETTLED = 60.0  # seconds after which whoever made a folder has locked it


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder in the temporary directory, gone afterwards. Those that killed processes left there are taken away as well."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, _lock(Path(name)):
        _sweep(Path(name))
        yield Path(name)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a folder for as long as its process lives. Raises ``BlockingIOError`` when another one does."""
    held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def _sweep(mine: Path) -> None:
    """Take away the folders beside ours that no process holds."""
    now = mine.stat().st_mtime
    for other in mine.parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, not a folder, held, or taken away meanwhile
            if now - other.lstat().st_mtime > SETTLED:
                with _lock(other):
                    shutil.rmtree(other)


@contextlib.contextmanager
def at_hand(source: str | Path, most_bytes: int) -> Iterator[Source]:
    """A file of this machine where it is, or standard input (``-``) kept for as long as it is read. Raises ``ConnectorFailure``."""
    if source != "-":
        path = Path(source)
        try:
            with path.open("rb") as file:
                digest = _digest(file, most_bytes)
        except OSError as trouble:
            raise failure("file-missing", f"{path.name}: {type(trouble).__name__}") from trouble
        yield Source(path=path, name=path.name, origin=path.name, digest=digest)
        return
    with folder() as kept:
        path, name = kept / "input", "standard input"
        try:
            with path.open("wb") as file:
                digest = _digest(sys.stdin.buffer, most_bytes, file)
        except OSError as trouble:
            raise failure("file-missing", f"{name}: {type(trouble).__name__}") from trouble
        yield Source(path=path, name=name, origin=name, digest=digest)


def _digest(stream: IO[bytes], most_bytes: int, copy: IO[bytes] | None = None) -> str:
    """SHA-256 of what a stream holds, kept in ``copy`` on the way. Raises ``file-too-large``."""
    digest, done = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        done += len(piece)
        if done > most_bytes:
            raise failure("file-too-large")
        digest.update(piece)
        if copy is not None:
            copy.write(piece)
    return digest.hexdigest()
