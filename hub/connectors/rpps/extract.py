"""Reading an extraction (rpps.md 2.4 and 3): the ZIP or the text, blocks of lines, rows. One pass, bounded memory.

Only LF ends a line, the pipe separates, nothing is quoted. A line with another number of fields is set aside and told; what is
wrong with the file as a whole raises ``ConnectorFailure`` with a code of ``errors.csv``.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import IO

from hub.connectors.rpps.mapping import Layout
from hub.connectors.rpps.troubles import failure

ACTIVITIES, SKILLS = "PS_LibreAcces_Personne_activite", "PS_LibreAcces_SavoirFaire"
DIPLOMAS, MAILBOXES = "PS_LibreAcces_Dipl_AutExerc", "Extraction_Correspondance_MSSante"
MEMBERS = (
    ACTIVITIES,
    SKILLS,
    DIPLOMAS,
    MAILBOXES,
)  # by their prefix: the stamp in their name may differ from the ZIP's
STAMP = re.compile(r"_(\d{12})(?:\.|$)")
BOM = b"\xef\xbb\xbf"
BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 1 << 20  # bytes; a line is about 358 long
LONGEST_CELL = USUAL_ROW = 1000  # characters, bytes: a longer field is none, a shorter row has no such field
SAMPLE = 100  # rejected lines kept in the report


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is accepted of a file that comes from outside: bytes once unpacked, and how much it may have been squeezed."""

    most_unpacked: int
    most_ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of an extraction, open for reading: its own name, and its size in bytes once unpacked."""

    name: str
    stream: IO[bytes]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that is no row: its number from 1 (the header), its first three fields, and why."""

    line: int
    fields: tuple[str, ...]
    reason: str


@dataclass(slots=True, kw_only=True)
class Rejections:
    """Every rejected line is counted, the first ones are kept."""

    count: int = 0
    sample: list[Rejected] = field(default_factory=list)

    def add(self, line: int, cells: list[str], reason: str) -> None:
        """Set a line aside."""
        self.count += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(Rejected(line=line, fields=tuple(part[:100] for part in cells[:3]), reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole lines of a file, without what ends them. ``line``: number of the first, from 1; ``offset``: its place in the file, in
    bytes; ``is_ended``: whether LF ends the last one; ``is_plain``: none is longer than usual, none holds a null character.
    """

    lines: list[bytes]
    line: int
    offset: int
    is_ended: bool
    is_plain: bool

    @classmethod
    def of(cls, content: bytes, line: int, offset: int) -> Block:
        """The lines of some bytes."""
        lines = content.split(b"\n")
        is_ended = not lines[-1]
        if is_ended:
            lines.pop()
        is_plain = b"\0" not in content and max(map(len, lines), default=0) <= USUAL_ROW
        return cls(lines=lines, line=line, offset=offset, is_ended=is_ended, is_plain=is_plain)

    def text(self, place: int) -> str:
        """One of the lines, from 0. Raises ``not-utf-8`` with the place of the wrong byte in the file."""
        try:
            return self.lines[place].decode()
        except UnicodeDecodeError as trouble:
            before = sum(map(len, self.lines[:place])) + place
            raise failure("not-utf-8", f"byte {self.offset + before + trouble.start}") from trouble

    def texts(self) -> Iterator[tuple[int, str]]:
        """All of them, with their numbers. Raises ``not-utf-8``."""
        return ((self.line + place, self.text(place)) for place in range(len(self.lines)))

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.lines)) + len(self.lines)

    def rest(self) -> Block:
        """All lines but the first, which is the header."""
        offset = self.offset + len(self.lines[0]) + 1
        return replace(self, lines=self.lines[1:], line=self.line + 1, offset=offset)


def stamp_of(name: str) -> str:
    """The moment of publication in a file name (``YYYYMMDDhhmm``), ``""`` when there is none."""
    found = STAMP.search(Path(name).name)
    return found[1] if found else ""


@contextlib.contextmanager
def members(path: Path, bounds: Bounds) -> Iterator[Mapping[str, Member]]:
    """The files of an extraction by prefix, each with its own name and open for reading: those of the ZIP, or the text itself,
    which is known by its name, else by its header; anything else is read as Personne_activite."""
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb"))
        except OSError as trouble:
            raise failure("file-missing", type(trouble).__name__) from trouble
        if stream.read(2) != b"PK":
            stream.seek(0)
            yield {_kind(path.name, stream): Member(name=path.name, stream=stream, size=path.stat().st_size)}
            return
        with _damage():
            archive = stack.enter_context(zipfile.ZipFile(stream))
            opened = {
                prefix: Member(name=info.filename, stream=stack.enter_context(archive.open(info)), size=info.file_size)
                for prefix, info in _chosen(archive, bounds).items()
            }
        yield opened


HEADINGS = {"Code diplôme obtenu": DIPLOMAS, "Adresse BAL": MAILBOXES, "Raison sociale site": ACTIVITIES}


def _kind(name: str, stream: IO[bytes]) -> str:
    """Which list a text is: by the beginning of its name, else by a title of its header; SavoirFaire has none of its own."""
    named = next((prefix for prefix in MEMBERS if name.startswith(prefix)), None)
    if named is not None:
        return named
    header = stream.readline(LONGEST_LINE).decode("utf-8", "replace")
    stream.seek(0)
    found = next((prefix for title, prefix in HEADINGS.items() if title in header), None)
    return found or (SKILLS if "savoir-faire" in header and "mode exercice" not in header else ACTIVITIES)


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as trouble:
        raise failure("zip-damaged", str(trouble)) from trouble


def _chosen(archive: zipfile.ZipFile, bounds: Bounds) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        prefix = next((prefix for prefix in MEMBERS if Path(info.filename).name.startswith(prefix)), None)
        if prefix is None:
            continue
        if prefix in found:
            raise failure("member-twice", prefix)
        if info.file_size > bounds.most_unpacked:
            raise failure("file-too-large", info.filename)
        if info.file_size > bounds.most_ratio * max(1, info.compress_size):
            raise failure("zip-suspect", info.filename)
        found[prefix] = info
    if ACTIVITIES not in found and MAILBOXES not in found:
        raise failure("member-missing", ", ".join(archive.namelist())[:300])
    return found


def blocks(stream: IO[bytes], *, size: int = BLOCK) -> Iterator[Block]:
    """The lines of a file, without BOM, CRLF read as LF. What is not UTF-8 is found when a line is read as text, at once in a file
    of CRLF. Raises: ``not-utf-8`` with the place of the first wrong byte, ``line-endless``, ``zip-damaged``."""
    rest, offset, line = b"", 0, 1
    while True:
        with _damage():
            data = stream.read(size)
        if not data:
            break
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest += data
            if len(rest) > LONGEST_LINE:
                raise failure("line-endless", f"line {line}")
            continue
        piece, rest = rest + data[:cut], data[cut:]
        yield (block := _block(piece, line, offset))
        offset += len(piece)
        line += len(block.lines)
    if rest and (offset or rest != BOM):
        yield _block(rest, line, offset)


def _block(piece: bytes, line: int, offset: int) -> Block:
    if offset == 0 and piece.startswith(BOM):
        piece, offset = piece[len(BOM) :], len(BOM)
    if b"\r\n" not in piece:
        return Block.of(piece, line, offset)
    whole = Block(lines=[piece], line=line, offset=offset, is_ended=True, is_plain=False)
    whole.text(0)  # while places are those of the file
    return Block.of(piece.replace(b"\r\n", b"\n"), line, offset)


def rows(
    lines: Iterable[tuple[int, str]], layout: Layout, rejections: Rejections, *, is_plain: bool = False
) -> Iterator[list[str]]:
    """The rows that lines hold, each given with its number: in the order of our columns, at least as many cells as columns.
    ``is_plain``: as of :class:`Block`. One at a time: a list of them all would keep the garbage collector busy for a fifth of the
    load."""
    expected, key = layout.width, layout.key
    pick = itemgetter(*layout.order) if layout.order else None
    is_plain = is_plain and not layout.has_trailing_pipe
    for number, line in lines:
        cells = line.split("|")
        if not (is_plain and len(cells) == expected and cells[key]) and (fault := _fault(cells, layout)):
            rejections.add(number, cells, fault)
        elif pick is None:
            yield cells
        else:
            yield list(pick([*cells[:expected], ""]))


def is_cut(block: Block, layout: Layout) -> bool:
    """Whether a file ends in the middle of a row: no LF, and no row."""
    if block.is_ended or not block.lines:
        return False
    return bool(_fault(block.lines[-1].decode("utf-8", "replace").split("|"), layout))


def _fault(cells: list[str], layout: Layout) -> str:
    """Why a line is no row, ``""`` when it is one."""
    count = len(cells) - (layout.has_trailing_pipe and len(cells) > 1 and not cells[-1])
    if count != layout.width:
        return f"{count} fields instead of {layout.width}"
    if not cells[layout.key]:
        return "no key: neither national identifier nor address"
    if len(max(cells, key=len)) > LONGEST_CELL:
        return f"a field of more than {LONGEST_CELL} characters"
    return "null character" if any("\0" in cell for cell in cells) else ""
