"""The grammar of the files (rpps.md 3), blocks, rejected lines, ZIP members (2.4)."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps import extract
from hub.connectors.rpps.extract import ACTIVITIES, SKILLS, Block, Bounds, Rejections, blocks, is_cut, members, rows
from hub.connectors.rpps.mapping import read_header
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY, HEADER, archive, line, text

LAYOUT = read_header(HEADER)
BOUNDS = Bounds(most_unpacked=10_000_000, most_ratio=100)


def read(content: bytes, *, size: int = 1 << 20) -> tuple[list[list[str]], Rejections]:
    """Every row of a file, and what was set aside."""
    found, rejections, layout = [], Rejections(), None
    for block in blocks(io.BytesIO(content), size=size):
        if layout is None:
            layout, block = read_header(block.text(0)), block.rest()
        found += [cells[:56] for cells in rows(block.texts(), layout, rejections, is_plain=block.is_plain)]
    return found, rejections


EXPECTED = [line(row).split("|") for row in EVERYBODY]


@pytest.mark.parametrize(
    "content",
    [
        text(),
        text(trailing=True),
        text(end="\r\n"),
        text(end="\r\n", trailing=True),
        b"\xef\xbb\xbf" + text(),
        text()[:-1],
    ],
    ids=["plain", "trailing pipe", "crlf", "crlf and pipe", "bom", "no last lf"],
)
@pytest.mark.parametrize("size", [64, 1 << 20])
def test_the_same_rows_in_every_dress(content: bytes, size: int) -> None:
    found, rejections = read(content, size=size)
    assert found == EXPECTED
    assert rejections.count == 0


def test_columns_in_another_order() -> None:
    titles, cells = HEADER.split("|"), line(DOCTOR).split("|")
    turned = "|".join([*titles[::-1], "Nouvelle"]) + "\n" + "|".join([*cells[::-1], "x"]) + "\n"
    assert read(turned.encode())[0] == [cells]


def test_only_lf_ends_a_line_and_nothing_is_quoted() -> None:
    strange = {**DOCTOR, "structure_name": '"A\rB\x0bC\x0cD\u0085E\u2028F\\', "structure_alias": '"'}
    found, rejections = read(text([strange, DOCTOR]))
    assert found == [line(strange).split("|"), line(DOCTOR).split("|")]
    assert rejections.count == 0


def test_rejected_lines_are_told_with_their_number_and_first_fields() -> None:
    broken = [
        "8|1|81|a",
        "",
        f"{line(DOCTOR)}|extra",
        line({**DOCTOR, "national_id": ""}),
        line({**DOCTOR, "street": "\0"}),
    ]
    broken.append(line({**DOCTOR, "street": "x" * 5000}))
    content = "\n".join([HEADER, line(DOCTOR), *broken, line(DOCTOR), ""]).encode()
    found, rejections = read(content)
    assert len(found) == 2
    assert rejections.count == len(broken)
    assert [one.line for one in rejections.sample] == [3, 4, 5, 6, 7, 8]
    assert rejections.sample[0].fields == ("8", "1", "81")
    assert [one.reason for one in rejections.sample] == [
        "4 fields instead of 56",
        "1 fields instead of 56",
        "57 fields instead of 56",
        "no key: neither national identifier nor address",
        "null character",
        "a field of more than 1000 characters",
    ]


def test_a_thousand_rejected_lines_do_not_fill_the_memory() -> None:
    _, rejections = read((HEADER + "\n" + "a|b\n" * 1000).encode())
    assert (rejections.count, len(rejections.sample)) == (1000, extract.SAMPLE)


LINES = st.lists(
    st.sampled_from(EVERYBODY).map(line) | st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=80),
    max_size=20,
)


@given(LINES, st.integers(16, 4000), st.booleans())
def test_every_line_is_a_row_or_is_told(lines: list[str], size: int, trailing: bool) -> None:
    header = HEADER + ("|" if trailing else "")
    found, rejections = read("".join(f"{one}\n" for one in (header, *lines)).encode(), size=size)
    assert len(found) + rejections.count == len(lines)
    assert all(len(cells) == 56 for cells in found)
    bare = [one.removesuffix("\r") for one in lines]
    wanted = [one.split("|") for one in bare]
    kept = [cells[:56] for cells in wanted if len(cells) - (trailing and len(cells) > 1 and not cells[-1]) == 56]
    assert found == [cells for cells in kept if cells[2] and "\0" not in "".join(cells)]


def whole_text(block: Block) -> str:
    """What the lines of a block say, with what ends them."""
    return "\n".join(text for _, text in block.texts()) + "\n" * block.is_ended


@given(st.binary(max_size=400), st.integers(1, 64))
@example(b"\xef\xbb\xbf", 64)
@example(b"a\r\nb\xe9\r\n", 64)
def test_any_bytes_are_read_or_refused_by_their_name(content: bytes, size: int) -> None:
    try:
        found = "".join(map(whole_text, blocks(io.BytesIO(content), size=size)))
    except ConnectorFailure as trouble:
        assert trouble.code == "not-utf-8"
        place = int(trouble.detail.removeprefix("byte "))
        with pytest.raises(UnicodeDecodeError) as caught:
            content.decode()
        assert caught.value.start == place
    else:
        assert found == content.decode().removeprefix("\ufeff").replace("\r\n", "\n")


def test_latin_1_is_refused_at_its_first_byte() -> None:
    content = text().decode().encode("latin-1", "replace")
    with pytest.raises(ConnectorFailure) as caught:
        read(content)
    assert caught.value.code == "not-utf-8"
    assert content[int(caught.value.detail.removeprefix("byte "))] > 127


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ConnectorFailure) as caught:
        list(blocks(io.BytesIO(b" " * 4_000_000)))
    assert caught.value.code == "line-endless"


def test_a_file_cut_in_a_row_is_seen() -> None:
    whole = text()
    *_, last = blocks(io.BytesIO(whole[:-200]))
    assert is_cut(last, LAYOUT)
    *_, last = blocks(io.BytesIO(whole[:-1]))
    assert not is_cut(last, LAYOUT)


def test_members_are_known_by_their_prefix(tmp_path: Path) -> None:
    packed = {f"dossier/{ACTIVITIES}_202611160911.txt": b"a", f"{SKILLS}_202611160911.txt": b"b", "LISEZMOI.txt": b"c"}
    with members(archive(tmp_path, packed).path, BOUNDS) as found:
        assert {prefix: one.stream.read() for prefix, one in found.items()} == {ACTIVITIES: b"a", SKILLS: b"b"}


def refused(path: Path, bounds: Bounds = BOUNDS) -> str:
    with pytest.raises(ConnectorFailure) as caught, members(path, bounds) as found:
        for one in found.values():
            list(blocks(one.stream))
    return caught.value.code


def test_zips_that_are_refused(tmp_path: Path) -> None:
    name = f"{ACTIVITIES}_202611160911.txt"
    whole = archive(tmp_path, {name: text()}).path
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-300])
    changed = bytearray(whole.read_bytes())
    changed[len(changed) // 3] ^= 0xFF
    spoiled = tmp_path / "spoiled.zip"
    spoiled.write_bytes(changed)
    assert refused(cut) == "zip-damaged"
    assert refused(spoiled) == "zip-damaged"
    assert refused(archive(tmp_path, {"autre.txt": b"x"}, stamp="202611161201").path) == "member-missing"
    twice = {name: text(), f"{ACTIVITIES}_202611160912.txt": text()}
    assert refused(archive(tmp_path, twice, stamp="202611161202").path) == "member-twice"
    bomb = archive(tmp_path, {name: b" " * 5_000_000}, stamp="202611161203").path
    assert refused(bomb) == "zip-suspect"
    assert refused(bomb, Bounds(most_unpacked=1_000_000, most_ratio=100_000)) == "file-too-large"
    assert refused(tmp_path / "absent.zip") == "file-missing"


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("PS_LibreAcces_202611161200.zip", "202611161200"),
        ("/x/PS_LibreAcces_Personne_activite_202611160911.txt", "202611160911"),
        ("PS_LibreAcces_202611161200", "202611161200"),
        ("extraction.zip", ""),
        ("standard input", ""),
    ],
)
def test_the_stamp_of_a_name(name: str, stamp: str) -> None:
    assert extract.stamp_of(name) == stamp
