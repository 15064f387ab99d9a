"""Health and metrics (OpenMetrics 1.0): counts and ages, never a name."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse, Response

from hub import clock
from hub.storage import board, outbox
from hub.storage.session import Database

ALIVE = text("SELECT 1")


async def health(database: Database) -> Response:
    """200 when the database answers, else 503: without it nothing can be acknowledged."""
    try:
        async with database.reading() as session:
            await session.execute(ALIVE)
    except (OperationalError, TimeoutError):
        return JSONResponse({"status": "fail", "database": "unreachable"}, status_code=503)
    return JSONResponse({"status": "pass", "time": clock.now().isoformat()})


async def metrics(database: Database) -> Response:
    """The figures of the whole installation, read from the database at each scrape."""
    registry = CollectorRegistry()
    messages = Gauge("colibri_outbox_messages", "Messages of the outbox", ["topic", "state"], registry=registry)
    oldest = Gauge("colibri_outbox_oldest_seconds", "Age of the oldest message due", registry=registry)
    requests = Gauge("colibri_open_requests", "Open care requests", ["state"], registry=registry)
    async with database.reading() as session:
        for (topic, state), count in (await outbox.depth(session)).items():
            messages.labels(topic=topic, state=state).set(count)
        due = await outbox.oldest_due(session, clock.now())
        oldest.set((clock.now() - due).total_seconds() if due is not None else 0)
        for state, count in (await board.counts(session)).items():
            requests.labels(state=state).set(count)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
