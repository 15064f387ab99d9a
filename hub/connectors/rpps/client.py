"""Fetches the extraction of the day (rpps.md 2.2): HEAD tells which one is published, GET brings it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from hub.connectors.http import call
from hub.connectors.rpps.extract import stamp_of
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import ERRORS, SERVICE, failure

EXTRACTION = "PS_LibreAcces"
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

    async def published(self) -> str:
        """The stamp of the extraction published now, without downloading it. Raises ``ConnectorFailure``."""
        answer = await call(SERVICE, self.http.head(self._address()), ERRORS)
        return stamp_of(_name(answer))

    async def fetch(self, folder: Path, progress: Progress | None = None) -> Source:
        """Download the extraction into ``folder``. Raises ``ConnectorFailure``: ``incomplete`` when the line is cut on the way."""
        answer = await call(SERVICE, self._open(), ERRORS)
        try:
            name = _name(answer)
            total = int(answer.headers.get("Content-Length", 0))
            digest, done = hashlib.sha256(), 0
            with (folder / name).open("wb") as file:
                async for piece in answer.aiter_bytes(1 << 20):
                    done += len(piece)
                    if done > self.settings.most_bytes:
                        raise failure("file-too-large", name)
                    digest.update(piece)
                    file.write(piece)
                    if progress:
                        progress("download", done, total)
        except httpx.TransportError as trouble:
            raise failure("incomplete", type(trouble).__name__) from trouble
        finally:
            await answer.aclose()
        return Source(path=folder / name, name=name, origin=self._address(), digest=digest.hexdigest())

    async def _open(self) -> httpx.Response:
        answer = await self.http.send(self.http.build_request("GET", self._address()), stream=True)
        if answer.status_code != 200:
            await answer.aread()
        return answer

    def _address(self) -> str:
        if not self.settings.base_url:
            raise failure("no-address")
        return f"{self.settings.base_url.rstrip('/')}/{EXTRACTION}"


def _name(answer: httpx.Response) -> str:
    found = NAME.search(answer.headers.get("Content-Disposition", ""))
    if answer.status_code != 200 or found is None or not stamp_of(found[1]):
        raise failure("no-stamp", f"status {answer.status_code}")
    return found[1]
