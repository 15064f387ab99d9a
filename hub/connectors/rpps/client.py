"""Fetches the extraction of the day (rpps.md 2.2): HEAD tells which one is published, GET brings it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hub.connectors.http import call
from hub.connectors.rpps.extract import ACTIVITIES, DIPLOMAS, MAILBOXES, SKILLS, stamp_of
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import ERRORS, SERVICE, failure

EXTRACTION, MAILBOX_EXTRACTION = "PS_LibreAcces", "Extraction_Correspondance_MSSante"
# Resources of data.gouv.fr (rpps.md 2.1): stable addresses that lead to today's dated copy.
COPIES = {
    ACTIVITIES: "fffda7e9-0ea2-4c35-bba0-4496f3af935d",
    DIPLOMAS: "41ae70ac-90c8-4c4e-8644-4ef1b100f045",
    SKILLS: "fb55f15f-bd61-4402-b551-51ef387f2fab",
    MAILBOXES: "afe01105-d9a1-41fe-921f-e40ea48b2ba6",
}
RESUMPTIONS, PAUSE = 3, 0.5  # seconds, doubling
MARGIN = 64 << 20  # bytes left free on the disk
DATED = re.compile(r"/(\d{8})-?(\d{4})\d*/")
NAME = re.compile(r'filename="?([^";/\\]+)"?')
Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all (0 when nobody knows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file at hand. ``name``: as published; ``origin``: where it came from; ``digest``: SHA-256, hexadecimal."""

    path: Path
    name: str
    origin: str
    digest: str

    @property
    def stamp(self) -> str:
        """The moment of publication its name tells, ``""`` when it tells none."""
        return stamp_of(self.name)


class RppsClient:
    """Speaks to the directory of the settings. Its root is the only one trusted: who can alter the file decides who is a doctor."""

    def __init__(self, http: httpx.AsyncClient, settings: RppsSettings) -> None:
        self.http = http
        self.settings = settings

    async def published(self, extraction: str = EXTRACTION) -> str:
        """The stamp of the extraction published now, without downloading it. Raises ``ConnectorFailure``."""
        answer = await call(SERVICE, self.http.head(self._address(extraction)), ERRORS)
        return stamp_of(_name(answer))

    async def fetch(self, folder: Path, progress: Progress | None = None, extraction: str = EXTRACTION) -> Source:
        """Download an extraction into ``folder``, going on from where a line was cut as long as the name and size are the same.
        Raises ``ConnectorFailure``: ``incomplete`` when it is cut too often, ``disk-full`` before it would fill the disk."""
        address = self._address(extraction)
        return await self._fetched(address, folder, progress)

    async def fetch_copy(self, prefix: str, folder: Path, progress: Progress | None = None) -> Source:
        """Download the copy of one list, as text, from the mirror: its stable address leads to a dated file. Raises
        ``ConnectorFailure``."""
        if not self.settings.mirror_url:
            raise failure("no-address")
        return await self._fetched(f"{self.settings.mirror_url.rstrip('/')}/{COPIES[prefix]}", folder, progress)

    async def _fetched(self, address: str, folder: Path, progress: Progress | None) -> Source:
        partial = Partial(path=folder / "download")
        for attempt in range(RESUMPTIONS + 1):
            try:
                await self._take(address, partial, progress)
                break
            except httpx.TransportError as trouble:
                if attempt == RESUMPTIONS or not partial.size:
                    raise failure("incomplete", type(trouble).__name__) from trouble
                await asyncio.sleep(PAUSE * 2**attempt)
        path = partial.path.rename(folder / partial.name)
        return Source(path=path, name=partial.name, origin=address, digest=partial.digest.hexdigest())

    async def _take(self, address: str, partial: Partial, progress: Progress | None) -> None:
        """One exchange: the whole file, or what is left of it where the directory honours ranges."""
        headers = {"Range": f"bytes={partial.size}-"} if partial.size else {}
        answer = await call(SERVICE, self._open(address, headers), ERRORS)
        try:
            name, total = _name(answer), int(answer.headers.get("Content-Length", 0))
            is_rest = answer.status_code == 206 and partial.name == name
            if not is_rest:
                partial.start(name)
            if total > self.settings.most_bytes:
                raise failure("file-too-large", name)
            if total + MARGIN > shutil.disk_usage(partial.path.parent).free:
                raise failure("disk-full", f"{total} bytes for {name}")
            with partial.path.open("ab" if is_rest else "wb") as file:
                expected = partial.size + total
                async for piece in answer.aiter_bytes(1 << 20):
                    partial.size += len(piece)
                    if partial.size > self.settings.most_bytes:
                        raise failure("file-too-large", name)
                    partial.digest.update(piece)
                    file.write(piece)
                    if progress:
                        progress("download", partial.size, expected if total else 0)
        finally:
            await answer.aclose()

    async def _open(self, address: str, headers: dict[str, str]) -> httpx.Response:
        request = self.http.build_request("GET", address, headers={**headers, "Accept-Encoding": "identity"})
        try:
            answer = await self.http.send(request, stream=True, follow_redirects=True)
        except httpx.TooManyRedirects as trouble:
            raise failure("no-stamp", "redirects without end") from trouble
        if answer.status_code not in (200, 206):
            await answer.aread()
        return answer

    def _address(self, extraction: str) -> str:
        if not self.settings.base_url:
            raise failure("no-address")
        return f"{self.settings.base_url.rstrip('/')}/{extraction}"


@dataclass(slots=True, kw_only=True)
class Partial:
    """What has been received of a file: its name as published, how much, and the digest of that much."""

    path: Path
    name: str = ""
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def start(self, name: str) -> None:
        """Begin again: nothing was received, or another file is published now."""
        self.name, self.size, self.digest = name, 0, hashlib.sha256()


def _name(answer: httpx.Response) -> str:
    """The name of the file: announced, or made of the dated address that a copy was found at."""
    found = NAME.search(answer.headers.get("Content-Disposition", ""))
    name = found[1] if found else _copied_name(answer)
    if answer.status_code not in (200, 206) or not stamp_of(name):
        raise failure("no-stamp", f"status {answer.status_code}")
    return name


def _copied_name(answer: httpx.Response) -> str:
    """A copy tells its day in the address that the stable one led to: the name it would have in the ZIP."""
    dated = DATED.search(answer.url.path) if answer.history else None
    if dated is None:
        return ""
    resource = answer.history[0].url.path.rpartition("/")[2]
    prefix = next((prefix for prefix, known in COPIES.items() if known == resource), "")
    return f"{prefix}_{dated[1]}{dated[2]}.txt"
