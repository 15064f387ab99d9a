"""Delivers notifications and appointments to a SAS platform over mutual TLS."""

from __future__ import annotations

import httpx

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import ErrorRow, call
from hub.connectors.sas import mapping
from hub.connectors.sas.mapping import Notification
from hub.connectors.sas.settings import SasSettings


class SasClient:
    """One method per transaction; raises :class:`ConnectorFailure` only."""

    def __init__(self, http: httpx.AsyncClient, settings: SasSettings, errors: dict[str, ErrorRow]) -> None:
        self.http = http
        self.settings = settings
        self.errors = errors

    async def notify(self, notification: Notification) -> None:
        """Send one notification or appointment; the receiver recognises a repeat by Task id and ``meta.versionId``, or by the
        identifier of the appointment.
        """
        if not mapping.is_allowed(notification.url, self.settings.allowed_hosts):
            raise ConnectorFailure("sas", Kind.REFUSED, "host-not-allowed", "the endpoint is not in sas.allowed_hosts")
        request = self.http.request(
            notification.method,
            notification.url,
            headers=notification.headers,
            content=notification.body.encode("utf-8"),
        )
        await call("sas", request, self.errors)
