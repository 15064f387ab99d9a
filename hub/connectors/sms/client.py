"""Sends one text message through the gateway."""

from __future__ import annotations

import httpx

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.http import ErrorRow, call
from hub.connectors.sms.settings import SmsSettings


class SmsClient:
    """Speaks to the gateway of the settings; ``errors``: rows of ``errors.csv`` by HTTP status."""

    def __init__(self, http: httpx.AsyncClient, settings: SmsSettings, errors: dict[str, ErrorRow]) -> None:
        self.http = http
        self.settings = settings
        self.errors = errors

    async def send(self, body: dict[str, str]) -> str:
        """Hand one message over; the identifier given by the gateway. Raises :class:`ConnectorFailure`."""
        headers = {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}
        answer = await call("sms", self.http.post(str(self.settings.url), json=body, headers=headers), self.errors)
        try:
            return str(answer.json()["id"])
        except (ValueError, KeyError, TypeError) as trouble:
            raise ConnectorFailure("sms", Kind.GARBLED, "no-id", raw=answer.content[:1000]) from trouble
