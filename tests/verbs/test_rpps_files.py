"""What the loads of the directory leave on the disk: nothing, even when they are killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import settings
from hub.connectors.failure import ConnectorFailure
from hub.storage.session import Database
from hub.verbs import rpps as verb
from hub.verbs import rpps_files
from tests.connectors.rpps.rows import source, text
from tests.verbs.conftest import run

HOLDS_A_FOLDER = """
import sys
from hub.verbs import rpps_files
with rpps_files.folder() as kept:
    (kept / "download").write_bytes(b"half")
    print(kept, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of the test's own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


class Holder:
    """Another process that has taken a folder."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDS_A_FOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())
        os.utime(self.folder, (0, 0))  # long ago

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def holder(temporary: Path) -> Iterator[Holder]:
    found = Holder()
    yield found
    found.kill()


def content(folder: Path) -> list[str]:
    return os.listdir(folder)


async def test_a_file_of_this_machine_is_read_where_it_is(
    installation: pytest.MonkeyPatch, temporary: Path, tmp_path: Path, database: Database
) -> None:
    seen: list[list[str]] = []

    def look(*_: object) -> None:
        seen.append(content(temporary))

    given = source(tmp_path, text()).path
    await verb.check(settings.load(), database, given, look)
    await verb.load(settings.load(), database, given, look)
    verb.diff(settings.load(), given, given, look)
    assert seen
    assert not any(seen)


async def test_standard_input_is_kept_while_it_is_read_and_nowhere_else(
    installation: pytest.MonkeyPatch, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = source(tmp_path, text()).path
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    told = await run("diff", "-", str(given), given=text())
    assert "3 persons, then 3" in told.output
    assert content(here) == content(temporary) == []


def test_what_a_killed_process_left_goes_with_the_next_download(holder: Holder) -> None:
    with rpps_files.folder():
        assert (holder.folder / "download").exists()  # its process lives
    holder.kill()
    with rpps_files.folder() as mine:
        assert not holder.folder.exists()
        assert mine.exists()
    assert not mine.exists()


def test_nothing_else_is_taken_away(temporary: Path) -> None:
    precious = temporary / "precious"
    precious.mkdir()
    os.utime(precious, (0, 0))
    lead = temporary / f"{rpps_files.PREFIX}elsewhere"
    lead.symlink_to(precious)
    os.utime(lead, (0, 0), follow_symlinks=False)
    young = temporary / f"{rpps_files.PREFIX}young"
    young.mkdir()
    with rpps_files.folder():
        assert precious.exists() and lead.is_symlink() and young.exists()


def test_standard_input_is_bounded(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        buffer = io.BytesIO(b"x" * 5000)

    monkeypatch.setattr(sys, "stdin", Pipe)
    with pytest.raises(ConnectorFailure) as caught, rpps_files.at_hand("-", 1000):
        pass
    assert caught.value.code == "file-too-large"
    assert content(temporary) == []
