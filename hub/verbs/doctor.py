"""``hub doctor``: database, communes, certificates and their last day, each outside service, queue, board."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from hub import clock
from hub.domain import places
from hub.settings import Settings, communes
from hub.storage import outbox
from hub.storage.migrations import run as migrations
from hub.storage.session import Database
from hub.workflows import board

WARN_BEFORE = timedelta(days=60)
KNOCK = 2.0  # seconds
MOST_REJECTED = 0.01  # of the lines of the file of communes


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    is_well: bool
    detail: str

    @property
    def verdict(self) -> str:
        """A word for the table."""
        return "well" if self.is_well else "look here"


async def examine(settings: Settings, database: Database) -> list[Finding]:
    """Everything, in the order an operator would look."""
    found = [_schema(database)]
    found += await _queue(database)
    found += [await _board(database)]
    found += _communes(settings)
    found += _certificates(settings)
    found += _services(settings)
    return found


def _schema(database: Database) -> Finding:
    differences = migrations.check(database.url)
    detail = "as this version wants it" if not differences else f"{len(differences)} differences: hub db upgrade"
    return Finding(what="database", is_well=not differences, detail=detail)


async def _queue(database: Database) -> list[Finding]:
    async with database.reading() as session:
        depth = await outbox.depth(session)
        oldest = await outbox.oldest_due(session, clock.now())
    stopped = sum(count for (_, state), count in depth.items() if state == "stopped")
    age = clock.now() - oldest if oldest is not None else timedelta(0)
    return [
        Finding(
            what="queue",
            is_well=age < timedelta(minutes=5),
            detail=f"oldest message due for {int(age.total_seconds())} s",
        ),
        Finding(what="stopped messages", is_well=stopped == 0, detail=f"{stopped}: hub outbox list --state stopped"),
    ]


async def _board(database: Database) -> Finding:
    async with database.transaction() as session:
        differences = await board.rebuild(session)
    return Finding(
        what="board", is_well=not differences, detail=f"{len(differences)} rows differed from the record, put right"
    )


def _communes(settings: Settings) -> list[Finding]:
    """What the file of the operator gives: a few lines without a point are no fault, many are."""
    if settings.communes_file is None:
        return []
    known = communes(settings.communes_file)
    placed = sum(code in known.centres for code in places.gazetteer().communes)
    detail = f"{placed} of {len(places.gazetteer().communes)} placed by {settings.communes_file}"
    if known.rejected:
        line, reason = known.told[0]
        detail += f"; {known.rejected} lines set aside, the first: {line}, {reason}"
    return [Finding(what="communes", is_well=known.rejected <= known.lines * MOST_REJECTED, detail=detail)]


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    named = {
        "server certificate": settings.serve.certificate,
        "Pro Santé Connect certificate": settings.psc.certificate,
        "SAS certificate": settings.sas.certificate,
        "DMP transport certificate": settings.dmp.transport_certificate,
        "DMP seal": settings.dmp.signing_certificate,
    }
    yield from ((name, path) for name, path in named.items() if path is not None)


def _certificates(settings: Settings) -> list[Finding]:
    found = []
    for name, path in _files(settings):
        try:
            last = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as trouble:
            found.append(Finding(what=name, is_well=False, detail=f"{path}: {type(trouble).__name__}"))
            continue
        left = last - clock.now()
        found.append(
            Finding(what=name, is_well=left > timedelta(0), detail=f"until {last:%Y-%m-%d}, {left.days} days left")
        )
    return found


def _services(settings: Settings) -> list[Finding]:
    addresses = {
        "Pro Santé Connect": settings.psc.issuer,
        "DMP": settings.dmp.service_root,
        "SMS gateway": str(settings.sms.url),
        "mail server": f"smtp://{settings.mail.host}:{settings.mail.port}",
    }
    return [_knock(name, address) for name, address in addresses.items()]


def _knock(name: str, address: str) -> Finding:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), KNOCK):
            return Finding(what=name, is_well=True, detail=f"{parts.hostname}:{port} answers")
    except OSError as trouble:
        return Finding(what=name, is_well=False, detail=f"{parts.hostname}:{port}: {trouble.strerror or trouble}")
