"""Sends one mail over SMTP."""

from __future__ import annotations

import ssl
from email import message_from_bytes, policy

import aiosmtplib

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import ErrorRow
from hub.connectors.mail.settings import MailSettings


class MailClient:
    """Speaks to the SMTP server of the settings; ``errors``: rows of ``errors.csv`` by reply code."""

    def __init__(self, settings: MailSettings, errors: dict[str, ErrorRow]) -> None:
        self.settings = settings
        self.errors = errors

    def _context(self) -> ssl.SSLContext | None:
        if self.settings.security == "none":
            return None
        return ssl.create_default_context(cafile=str(self.settings.authority) if self.settings.authority else None)

    async def send(self, mail: bytes) -> None:
        """Hand one mail over. Raises :class:`ConnectorFailure`."""
        settings = self.settings
        try:
            await aiosmtplib.send(
                message_from_bytes(mail, policy=policy.SMTP),
                hostname=settings.host,
                port=settings.port,
                timeout=settings.timeout,
                use_tls=settings.security == "tls",
                start_tls=settings.security == "starttls",
                tls_context=self._context(),
                username=settings.user or None,
                password=settings.password.get_secret_value() or None,
            )
        except aiosmtplib.SMTPResponseException as answer:
            raise self._failure(str(answer.code)) from answer
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise self._failure(str(refused.recipients[0].code)) from refused
        except (aiosmtplib.SMTPException, OSError) as trouble:
            raise ConnectorFailure("mail", Kind.UNREACHABLE, type(trouble).__name__) from trouble

    def _failure(self, code: str) -> ConnectorFailure:
        row = self.errors.get(code)
        usual = Kind.BUSY if code.startswith("4") else Kind.REFUSED
        return ConnectorFailure("mail", row.kind if row else usual, code, row.french if row else "")
