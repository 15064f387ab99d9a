"""The hub's clock: the only caller of the system clock.

In the sandbox a file holds an offset in seconds, so that a visitor can let two hours pass in one click; the twins read the same
file, hence tokens and signatures stay coherent. Without that setting the clock is the system's.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

READ_EVERY = 0.2  # seconds between two looks at the offset file


class _Offset:
    """Where the sandbox keeps its offset, and what was last read there."""

    file: Path | None = None
    seconds: float = 0.0
    read_at: float = float("-inf")


def set_file(file: Path | None) -> None:
    """Follow the offset of the sandbox clock kept in ``file``; ``None`` goes back to the system clock."""
    _Offset.file = file
    _Offset.seconds = 0.0
    _Offset.read_at = float("-inf")


def _offset() -> float:
    if _Offset.file is None:
        return 0.0
    if time.monotonic() - _Offset.read_at >= READ_EVERY:
        _Offset.read_at = time.monotonic()
        with contextlib.suppress(FileNotFoundError, ValueError):  # not written yet, or being replaced
            _Offset.seconds = float(_Offset.file.read_text(encoding="ascii") or 0.0)
    return _Offset.seconds


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=_offset())
