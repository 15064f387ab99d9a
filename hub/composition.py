"""What every process of the hub needs, made once from the settings: database, keys, names, clients of the outside services.

Composition wires and decides nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub import clock, log
from hub.connectors import http
from hub.connectors.dmp import outbound as dmp_outbound
from hub.connectors.dmp.client import DmpClient
from hub.connectors.installation import Installation
from hub.connectors.mail import outbound as mail_outbound
from hub.connectors.mail.client import MailClient
from hub.connectors.psc.client import PscClient
from hub.connectors.sas import outbound as sas_outbound
from hub.connectors.sas.client import SasClient
from hub.connectors.sms import outbound as sms_outbound
from hub.connectors.sms.client import SmsClient
from hub.domain import places
from hub.fhir import subscriptions, throttle
from hub.r4 import names, validation
from hub.settings import Settings, communes
from hub.storage import crypto, values
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Database, embedded
from hub.workflows import patients, timers

KEY_FILE = "encryption.key"
CONNECTORS = Path(__file__).with_name("connectors")


def installation(settings: Settings) -> Installation:
    """What connectors may know of this installation."""
    return Installation(
        public_url=settings.serve.public_url.rstrip("/"),
        phone=settings.phone,
        is_production=settings.env == "production",
    )


def encryption_keys(settings: Settings) -> list[str]:
    """The keys of the settings; outside production, one made at the first start and kept in the data folder."""
    given = [key.get_secret_value() for key in settings.encryption_keys]
    if given:
        return given
    file = settings.data_dir / KEY_FILE
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        draft.write_text(crypto.new_key(), encoding="ascii")
        draft.chmod(0o600)
        with contextlib.suppress(FileExistsError):  # another process was faster: its key is the one
            os.link(draft, file)
        draft.unlink()
    return [file.read_text(encoding="ascii").strip()]


def database_url(settings: Settings) -> str:
    """The address given, or that of the embedded server, started when need be (two seconds the first time)."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded(settings.data_dir / "postgresql")


def prepare(settings: Settings) -> None:
    """Set up what is one for the whole process: names, clock, keys, limits, points of communes."""
    log.configure(level=settings.log_level)
    names.use(settings.fhir.canonical_base)
    values.use_addresses(
        f"{settings.serve.machine_url.rstrip('/')}/fhir", f"{settings.serve.public_url.rstrip('/')}/fhir"
    )
    clock.set_file(settings.clock_file)
    crypto.use(encryption_keys(settings))
    patients.use(is_production=settings.env == "production")
    throttle.use(settings.fhir.handoffs_per_minute)
    subscriptions.allow(settings.sas.allowed_hosts)
    if settings.communes_file is not None:
        found = communes(settings.communes_file)
        places.use(found.centres)
        log.event("communes.read", count=len(found.centres), rows=found.lines)


def warm() -> None:
    """Load what the first handoff would otherwise wait for: communes, tables of FHIR. A third of a second, once."""
    places.commune("75056")
    validation.check({"resourceType": "Bundle", "type": "transaction", "entry": []})


@contextlib.asynccontextmanager
async def database(settings: Settings, *, pool: int = 10) -> AsyncIterator[Database]:
    """The database, for as long as the block lasts."""
    opened = await Database.open(database_url(settings), pool=pool)
    try:
        yield opened
    finally:
        await opened.close()


def topics(settings: Settings) -> tuple[Mapping[type[Message], Delivery], ...]:
    """The deliveries of every connector and of the timers."""
    place = installation(settings)
    return (
        timers.TOPICS,
        sas_outbound.topics(settings.sas, place),
        dmp_outbound.topics(settings.dmp, place),
        mail_outbound.topics(settings.mail, place),
        sms_outbound.topics(settings.sms, place),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What speaks to each outside service."""

    psc: PscClient
    others: Mapping[str, Any]


def _pair(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    return (certificate, key) if certificate is not None and key is not None else None


def _errors(name: str) -> dict[str, http.ErrorRow]:
    return http.read_errors(CONNECTORS / name / "errors.csv")


@contextlib.asynccontextmanager
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    """The clients of all outside services; each is made without speaking to anybody."""
    async with contextlib.AsyncExitStack() as stack:

        async def line(**words: Any) -> httpx.AsyncClient:
            return await stack.enter_async_context(http.client(**words))

        sas, dmp, sms = settings.sas, settings.dmp, settings.sms
        psc = PscClient(settings.psc)  # builds its own lines, again when its certificate's files change
        stack.push_async_callback(psc.close)
        yield Clients(
            psc=psc,
            others={
                "sas": SasClient(
                    await line(
                        authority=sas.authority, timeout=sas.timeout, certificate=_pair(sas.certificate, sas.key)
                    ),
                    sas,
                    _errors("sas"),
                ),
                "dmp": DmpClient(
                    await line(
                        base_url=dmp.service_root,
                        authority=dmp.authority,
                        timeout=dmp.timeout,
                        certificate=_pair(dmp.transport_certificate, dmp.transport_key),
                    ),
                    dmp,
                ),
                "mail": MailClient(settings.mail, _errors("mail")),
                "sms": SmsClient(await line(authority=sms.authority, timeout=sms.timeout), sms, _errors("sms")),
            },
        )
