"""Every code of errors.csv and every status, as they come to whoever loads."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

import hub.connectors.rpps
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.rpps.client import RppsClient
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import ERRORS, failure

NAMED = {"Content-Disposition": 'attachment; filename="PS_LibreAcces_202611160217.zip"'}


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_each_code_has_its_sentence_and_its_remedy(code: str) -> None:
    row = ERRORS[code]
    assert row.french.endswith(".")
    assert row.remedy.endswith(".")
    assert failure(code, "détail").kind is row.kind


def test_each_code_that_is_raised_has_its_row_and_each_row_is_raised() -> None:
    folder = Path(hub.connectors.rpps.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    verb = folder.parents[1] / "verbs" / "rpps.py"
    named = set(re.findall(r'failure\(\s*"([a-z0-9-]+)"', text + verb.read_text(encoding="utf-8")))
    counted = set(re.findall(r'"(too-(?:many|few)-[a-z-]+)"', text)) | {"readers-busy", "not-storable"}
    assert named | counted | {"404"} == set(ERRORS)


async def met(answer: httpx.Response | Exception, *, head: bool, folder: Path) -> ConnectorFailure:
    def peer(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(peer)) as http:
        client = RppsClient(http, RppsSettings(base_url="https://annuaire.test/x/", most_bytes=1000))
        with pytest.raises(ConnectorFailure) as caught:
            await (client.published() if head else client.fetch(folder))
    return caught.value


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx.Response(404), Kind.REFUSED, "404"),
        (httpx.Response(403), Kind.DENIED, "403"),
        (httpx.Response(429, headers={"Retry-After": "7"}), Kind.BUSY, "429"),
        (httpx.Response(503), Kind.BUSY, "503"),
        (httpx.Response(500), Kind.UNREACHABLE, "500"),
        (httpx.Response(302, headers={"Location": "https://ailleurs.test/"}), Kind.GARBLED, "no-stamp"),
        (httpx.Response(200, content=b"<html>"), Kind.GARBLED, "no-stamp"),
        (httpx.Response(200, headers={"Content-Disposition": "attachment; filename=a.zip"}), Kind.GARBLED, "no-stamp"),
        (httpx.ConnectError("certificate verify failed"), Kind.UNREACHABLE, "ConnectError"),
        (httpx.ReadTimeout("slow"), Kind.UNREACHABLE, "ReadTimeout"),
    ],
)
async def test_each_kind_of_trouble(
    answer: httpx.Response | Exception, kind: Kind, code: str, head: bool, tmp_path: Path
) -> None:
    trouble = await met(answer, head=head, folder=tmp_path)
    assert (trouble.kind, trouble.code) == (kind, code)


async def test_a_download_is_bounded(tmp_path: Path) -> None:
    trouble = await met(httpx.Response(200, headers=NAMED, content=b"x" * 2000), head=False, folder=tmp_path)
    assert trouble.code == "file-too-large"


async def test_without_address_nothing_is_asked(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ConnectorFailure) as caught:
            await RppsClient(http, RppsSettings()).fetch(tmp_path)  # type: ignore[call-arg]
    assert caught.value.code == "no-address"


async def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    headers = {"Content-Disposition": 'attachment; filename="../PS_LibreAcces_202611160217.zip"'}
    trouble = await met(httpx.Response(200, headers=headers, content=b"PK"), head=False, folder=tmp_path)
    assert trouble.code == "no-stamp"
