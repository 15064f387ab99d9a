"""One clock for all twins: real time plus an offset that visitors may push, to see a delay run out."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """With a file, the offset lies there (one decimal number, seconds) and any process may read it; else in memory."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._offset = 0.0

    @property
    def offset(self) -> float:
        """Seconds ahead of real time. Raises ValueError when the file holds something else than a number."""
        if self._file is None:
            return self._offset
        try:
            text = self._file.read_text(encoding="ascii")
        except FileNotFoundError:
            return 0.0
        return float(text)

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def advance(self, seconds: float) -> None:
        """Push the clock; the file is replaced in one step, so that a reader never sees half a number."""
        offset = self.offset + seconds
        if self._file is None:
            self._offset = offset
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(repr(offset))
        Path(name).replace(self._file)
