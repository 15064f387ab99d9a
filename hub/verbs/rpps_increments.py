"""``hub rpps sync --increments``, and every hour in the worker: what the FHIR API of the directory says has changed."""

from __future__ import annotations

from hub.connectors import http
from hub.connectors.rpps import delta
from hub.connectors.rpps.api import DirectoryApi
from hub.connectors.rpps.client import Progress
from hub.connectors.rpps.load import Report
from hub.connectors.rpps.troubles import failure
from hub.settings import Settings
from hub.storage.session import Database


async def increment(settings: Settings, database: Database, progress: Progress | None = None) -> Report:
    """Serve what has changed since the last increment, or since the extraction. Raises ``ConnectorFailure``; what was served before
    still is."""
    known = settings.rpps
    if not known.has_api:
        raise failure("no-api")
    async with http.client(authority=known.api_authority, timeout=known.api_timeout) as line:
        return await delta.increment(database, known, DirectoryApi(line, known), progress)
