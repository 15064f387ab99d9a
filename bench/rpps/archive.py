"""ZIP files that are the same bytes each time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

LONG_AGO = (1980, 1, 1, 0, 0, 0)
PIECE = 1 << 20


def member_name(name: str, stamp: str) -> str:
    return (
        f"Extraction_Correspondance_MSSante_{stamp}.txt" if name == "MSSante" else f"PS_LibreAcces_{name}_{stamp}.txt"
    )


def add_member(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as out:
        for piece in pieces:
            out.write(piece)


def pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while data := stream.read(PIECE):
            yield data


def pack(target: Path, members: list[tuple[str, Path]]) -> int:
    """Write a ZIP of files under names of one's own; its size in bytes. Quick rather than small."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in members:
            add_member(archive, name, pieces_of(path))
    return target.stat().st_size
