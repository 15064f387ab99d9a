"""One way to speak HTTP to an outside service: mutual TLS, timeouts, and failures sorted in kinds."""

from __future__ import annotations

import csv
import ssl
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from hub.connectors.failure import ConnectorFailure, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    """A line of a connector's ``errors.csv``: what a national code means for us and for the user."""

    code: str
    kind: Kind
    french: str
    remedy: str


def read_errors(path: Path) -> dict[str, ErrorRow]:
    """The table ``code,kind,french,remedy`` of a connector, by code."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: ErrorRow(code=row["code"], kind=Kind(row["kind"]), french=row["french"], remedy=row["remedy"])
            for row in csv.DictReader(file)
        }


# Seconds an idle line is kept: less than the five after which common servers close theirs, lest a call leave on a closed line.
KEPT_OPEN = 2.0


def client(
    *,
    base_url: str = "",
    timeout: float = 10.0,
    authority: Path | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> httpx.AsyncClient:
    """A client for one peer. ``timeout`` in seconds; ``authority``: the only root trusted for this peer (PEM);
    ``certificate``: our certificate chain and key (PEM), for mutual TLS. Redirects are not followed.
    """
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(str(certificate[0]), str(certificate[1]))
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout,
        verify=context,
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(keepalive_expiry=KEPT_OPEN),
    )


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdigit() else None


STATUS_KINDS: Mapping[int, Kind] = {
    401: Kind.DENIED,
    403: Kind.DENIED,
    408: Kind.UNREACHABLE,
    429: Kind.BUSY,
    500: Kind.UNREACHABLE,
    502: Kind.UNREACHABLE,
    503: Kind.BUSY,
    504: Kind.UNREACHABLE,
}


async def call(
    service: str, request: Awaitable[httpx.Response], errors: Mapping[str, ErrorRow] | None = None
) -> httpx.Response:
    """The answer of the peer when it is a success (1xx to 3xx), else :class:`ConnectorFailure`.

    Transport trouble is ``unreachable``; 429 and 503 ``busy`` with the peer's ``Retry-After``; 401 and 403 ``denied``; other
    4xx are looked up in ``errors`` by status, and are ``refused`` when absent; other 5xx ``unreachable``.
    """
    try:
        answer = await request
    except (httpx.TransportError, ssl.SSLError) as trouble:
        raise ConnectorFailure(service, Kind.UNREACHABLE, type(trouble).__name__, str(trouble)) from trouble
    status = answer.status_code
    if status < 400:
        return answer
    row = (errors or {}).get(str(status))
    kind = row.kind if row else STATUS_KINDS.get(status, Kind.REFUSED if status < 500 else Kind.UNREACHABLE)
    raise ConnectorFailure(
        service,
        kind,
        str(status),
        retry_after=_seconds(answer.headers.get("Retry-After")),
        raw=answer.content[:100_000],
    )
