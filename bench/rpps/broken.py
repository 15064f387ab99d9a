"""Files that must be refused, made from a good one, line by line: bounded memory."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.rpps.archive import add_member, member_name
from bench.rpps.render import ACTIVITIES

REMOVED = 24  # column of the structure's key, required
RENAMED = (b"Code profession", "Code de la spécialité".encode())
KEPT = 0.6  # of the bytes of a ZIP cut short

Lines = Iterator[bytes]


def _half(lines: Lines, total: int) -> Lines:
    for number, line in enumerate(lines):
        if number > total // 2:
            return
        yield line


def _missing_column(lines: Lines, total: int) -> Lines:
    for line in lines:
        cells = line.split(b"|")
        yield b"|".join([*cells[: REMOVED - 1], *cells[REMOVED:]])


def _renamed_column(lines: Lines, total: int) -> Lines:
    yield next(lines).replace(b"|" + RENAMED[0] + b"|", b"|" + RENAMED[1] + b"|")
    yield from lines


def _latin_1(lines: Lines, total: int) -> Lines:
    for line in lines:
        yield line.decode().encode("latin-1", "replace")


CHANGES: dict[str, Callable[[Lines, int], Lines]] = {
    "half": _half,
    "missing-column": _missing_column,
    "renamed-column": _renamed_column,
    "latin-1": _latin_1,
}
KINDS = ("truncated", *CHANGES)


def write(kind: str, good: Path, target: Path, total: int) -> None:
    """``target``: the ZIP to write, whose stamp its members take. ``total``: data lines of Personne_activite in ``good``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "truncated":
        left = int(good.stat().st_size * KEPT)
        with good.open("rb") as source, target.open("wb") as out:
            while left and (data := source.read(min(left, 1 << 20))):
                left -= len(data)
                out.write(data)
        return
    stamp = target.stem.rpartition("_")[2]
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for info in source.infolist():
            name = info.filename.removeprefix("PS_LibreAcces_").rpartition("_")[0]
            with source.open(info) as stream:
                lines: Lines = iter(stream)
                if name == ACTIVITIES:
                    lines = CHANGES[kind](lines, total)
                add_member(out, member_name(name, stamp), lines)
