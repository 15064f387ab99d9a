"""A patient who could not be reached, and then agrees: the SAS hears every step in an order it allows (sas.md 17.5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from hub.domain.appointment import Mode
from hub.domain.care_request import State
from hub.domain.people import Viewer
from hub.storage import resources
from hub.storage.tables.machinery import outbox as outbox_table
from hub.workflows import appointments, handoffs, record, requests
from hub.workflows.appointments import Proposal


async def test_a_patient_reached_at_last_confirms_through_the_proposal(place: Any, bundle: Any) -> None:
    doctor = await place.professional("899700999909", "VASSEUR")
    request = (await handoffs.receive(place.session, place.sas, bundle())).request
    await requests.accept(place.session, doctor, request)
    start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
    await appointments.propose(place.session, doctor, request, Proposal(mode=Mode.PRACTICE, start=start))
    await appointments.not_reached(place.session, place.operator, request)
    await appointments.confirm(place.session, place.operator, request)
    assert (await record.lock(place.session, request)).request.state is State.CONFIRMED
    told = select(outbox_table.c.payload).where(outbox_table.c.topic == "sas.outcome").order_by(outbox_table.c.id)
    statuses = []
    for (payload,) in await place.session.execute(told):
        version = await resources.vread(place.session, Viewer.hub(), "Task", payload["task"], payload["version"])
        assert version is not None
        statuses.append(version.json()["status"])
    assert statuses == ["accepted", "in-progress", "in-progress", "on-hold", "in-progress", "completed"]
