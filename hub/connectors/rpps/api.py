"""Speaks to the FHIR API of the directory (rpps.md 11.1 to 11.3): searches, page after page, no faster than it allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from hub.connectors.failure import ConnectorFailure
from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import failure
from hub.r4 import json

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]

HEADER = "ESANTE-API-KEY"
TRIES, PAUSE, LONGEST_PAUSE = 4, 0.5, 30.0  # seconds, doubling
MOST_BYTES = 64 << 20  # of one answer
MOST_PAGES = 20_000  # of one search
STARTS = 2  # of a search whose frozen pages were lost on the way
SHOWN = 300  # characters of what the API says is wrong
LOST = frozenset({404, 410})  # of a page that was announced


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, read whole. ``retry_after``: seconds, when the API said so."""

    status: int
    body: bytes
    retry_after: float | None


class Pace:
    """Lets calls go one after the other, no more than so many a second."""

    def __init__(self, rate: float) -> None:
        self.gap = 1 / rate
        self.free_at = 0.0

    async def wait(self) -> None:
        """Until the next call may go."""
        now = time.monotonic()
        start = max(now, self.free_at)
        self.free_at = start + self.gap
        await asyncio.sleep(start - now)


class DirectoryApi:
    """Speaks to the API of the settings. The key goes to that host and nowhere else."""

    def __init__(self, http: httpx.AsyncClient, settings: RppsSettings) -> None:
        self.http = http
        self.settings = settings
        self.pace = Pace(settings.api_rate)
        self.calls = 0

    async def search(self, type: str, parameters: Parameters) -> list[Resource]:
        """Every resource of an answer, all its pages, included ones too, each once. Pages that expire on the way are asked for
        again from the beginning, once. Raises ``ConnectorFailure``; nothing is given of an answer that was cut.
        """
        if not self.settings.has_api:
            raise failure("no-api")
        for start in range(1, STARTS + 1):
            try:
                return await self._pages(type, parameters)
            except ConnectorFailure as trouble:
                if trouble.code != "page-lost" or start == STARTS:
                    raise
        raise AssertionError("the last start returns or raises")

    async def _pages(self, type: str, parameters: Parameters) -> list[Resource]:
        address = f"{self.settings.api_url.rstrip('/')}/{type}"
        asked = [*parameters, ("_count", str(self.settings.api_page))]
        bundle = _bundle(await self._page(str(httpx.URL(address, params=asked)), is_first=True))
        found, met = _resources(bundle), set[str]()
        while link := self._following(bundle):
            if link in met or len(met) == MOST_PAGES:
                raise failure("api-garbled", "pages without end")
            met.add(link)
            bundle = _bundle(await self._page(link, is_first=False))
            found |= _resources(bundle)
        return list(found.values())

    def _following(self, bundle: Resource) -> str:
        """The address of the next page, as the API gave it; empty on the last one. Raises ``api-elsewhere``."""
        links = bundle.get("link")
        for link in links if isinstance(links, list) else []:
            if isinstance(link, dict) and link.get("relation") == "next":
                url = str(link.get("url", ""))
                if _origin(url) != _origin(self.settings.api_url):
                    raise failure("api-elsewhere", _origin(url)[1][:SHOWN])
                return url
        return ""

    async def _page(self, url: str, *, is_first: bool) -> bytes:
        """The content of a success, tried again while the API is busy or away."""
        for attempt in range(1, TRIES + 1):
            wait = PAUSE * 2 ** (attempt - 1)
            try:
                answer = await self._call(url)
            except (httpx.TransportError, TimeoutError) as trouble:
                if attempt == TRIES:
                    raise failure("api-silent", type(trouble).__name__) from trouble
            else:
                if answer.status != 429 and answer.status < 500:
                    return self._checked(answer, is_first=is_first)
                wait = max(wait, answer.retry_after or 0.0)
                if attempt == TRIES or wait > LONGEST_PAUSE:
                    raise self._given_up(answer)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _call(self, url: str) -> Answer:
        await self.pace.wait()
        self.calls += 1
        headers = {HEADER: self.settings.api_key.get_secret_value(), "Accept": "application/fhir+json"}
        request = self.http.build_request("GET", url, headers=headers)
        async with asyncio.timeout(self.settings.api_timeout):
            answer = await self.http.send(request, stream=True)
            try:
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise failure("api-garbled", f"an answer of more than {MOST_BYTES} bytes")
            finally:
                await answer.aclose()
        return Answer(
            status=answer.status_code, body=bytes(body), retry_after=_seconds(answer.headers.get("Retry-After", ""))
        )

    def _checked(self, answer: Answer, *, is_first: bool) -> bytes:
        if answer.status == 200:
            return answer.body
        if answer.status in (401, 403):
            raise failure("api-denied", self._said(answer))
        if answer.status in LOST and not is_first:
            raise failure("page-lost", self._said(answer))
        raise failure("api-refused", self._said(answer))

    def _given_up(self, answer: Answer) -> ConnectorFailure:
        trouble = failure("api-busy" if answer.status in (429, 503) else "api-silent", self._said(answer))
        trouble.retry_after = answer.retry_after
        return trouble

    def _said(self, answer: Answer) -> str:
        """The status, and the words of the OperationOutcome, without our key should it be quoted there."""
        words = " ".join(_issues(answer.body)).replace(self.settings.api_key.get_secret_value(), "…")
        return f"status {answer.status} {''.join(filter(str.isprintable, words))[:SHOWN]}".strip()


def _seconds(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdigit() else None


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, as a call would read them; ``("", "", None)`` for what is no address."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "", "", None
    return parts.scheme, parts.host, parts.port


def _read(body: bytes) -> Resource:
    """The object of a body, empty when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}


def _bundle(body: bytes) -> Resource:
    found = _read(body)
    if found.get("resourceType") != "Bundle":
        raise failure("api-garbled", "no Bundle")
    return found


def _resources(bundle: Resource) -> dict[tuple[str, str], Resource]:
    """The resources of a page by type and id; an OperationOutcome among them is none."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise failure("api-garbled", "entries that are no list")
    found = {}
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            continue
        if not isinstance(resource, dict) or not isinstance(resource.get("id"), str):
            raise failure("api-garbled", "an entry without a resource and its id")
        found[str(resource.get("resourceType")), resource["id"]] = resource
    return found


def _issues(body: bytes) -> list[str]:
    issues = _read(body).get("issue")
    found = []
    for issue in issues if isinstance(issues, list) else []:
        if isinstance(issue, dict):
            details = issue.get("details")
            words = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else "")
            found.append(f"{issue.get('code', '')}: {words or ''}")
    return found
