"""What goes back to the SAS, in order: every version of the coordinating Task to whoever handed the request over, and every
version of the appointment to the national platform (INT_R03).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import NoReturn

from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.installation import Installation
from hub.connectors.sas import mapping
from hub.connectors.sas.client import SasClient
from hub.connectors.sas.settings import SasSettings
from hub.domain.appointment import Appointment
from hub.domain.hours import zone_of
from hub.domain.people import Capacity, Viewer, client_key
from hub.r4 import elements, names
from hub.r4.shapes import appointment as shape
from hub.r4.shapes import patient as patients
from hub.storage import resources, subscriptions
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Session
from hub.workflows import handoffs
from hub.workflows.topics import SasAppointment, SasOutcome

Deliveries = dict[type[Message], Delivery]

GIVE_UP_AFTER = timedelta(hours=24)  # sas.md 17.10, then an alert


def topics(settings: SasSettings, _installation: Installation) -> Deliveries:
    """The deliveries of this connector."""
    return {
        SasOutcome: Delivery(
            connector="sas", prepare=prepare, send=send, give_up=give_up, give_up_after=GIVE_UP_AFTER
        ),
        SasAppointment: Delivery(
            connector="sas", prepare=partial(prepare_appointment, settings), send=send, give_up=give_up,
            give_up_after=GIVE_UP_AFTER,
        ),
    }  # fmt: skip


async def prepare(session: Session, message: SasOutcome) -> bytes | None:
    """The notification for the client's active subscription, cut to what this client may see; nothing without a subscription:
    the SAS then reads by polling (sas.md 17.10).
    """
    viewer = Viewer(
        id=message.client,
        capacity=Capacity.SAS,
        name=message.client,
        keys=frozenset({client_key(message.client)}),
        client=message.client,
    )
    stored = await resources.vread(session, viewer, "Task", message.task, message.version)
    if stored is None:
        return None
    task = stored.json()
    for subscription in await subscriptions.of_client(session, message.client):
        if subscription["status"] == "active" and mapping.criteria_match(subscription["criteria"], task):
            notification = mapping.to_notification(subscription, task, stored.content)
            return _kept(notification)
    return None


def _kept(notification: mapping.Notification) -> bytes:
    return json.dumps(asdict(notification)).encode()


async def prepare_appointment(settings: SasSettings, session: Session, message: SasAppointment) -> bytes | None:
    """One version as the platform takes it; nothing where no platform is told, or when this version is no news to it.

    Raises :class:`ConnectorFailure` when the regulator or the doctor has no identifier that the platform knows.
    """
    if not settings.platform_url:
        return None
    versions = await _versions(session, message)
    method = mapping.method(versions, tells_pending=settings.tells_pending) if versions else ""
    if not method:
        return None
    request = await resources.peek(session, "ServiceRequest", message.request) or {}
    patient = await resources.peek(session, "Patient", versions[-1].patient) or {}
    made = mapping.to_appointment(
        versions[-1],
        doctor=await _doctor(session, versions[-1].performer),
        operator=await _regulator(session, request),
        category=settings.category,
        zone=zone_of(patients.read(patient).address.commune),
    )
    return _kept(mapping.to_exchange(settings.platform_url, method, made))


async def _versions(session: Session, message: SasAppointment) -> list[Appointment]:
    """The versions of the appointment up to the one of the message, oldest first."""
    found = await resources.history(session, Viewer.hub(), "Appointment", message.appointment, count=100)
    kept = [one for one in found if one.version <= message.version and not one.deleted]
    return [shape.read(one.json()) for one in sorted(kept, key=lambda one: one.version)]


async def _doctor(session: Session, role_id: str) -> str:
    role = await resources.peek(session, "PractitionerRole", role_id) or {}
    id = elements.reference_id(role.get("practitioner"), "Practitioner")
    person = await resources.peek(session, "Practitioner", id) if id else None
    return elements.identifier(person or {}, names.IDNPS) or _lacking("doctor-without-identifier")


async def _regulator(session: Session, request: mapping.Resource) -> mapping.Resource:
    id = elements.reference_id(request.get("requester"), "Practitioner")
    person = await resources.peek(session, "Practitioner", id) if id else None
    return mapping.regulator(person or {}) or _lacking("regulator-without-identifier")


def _lacking(code: str) -> NoReturn:
    raise ConnectorFailure("sas", Kind.REFUSED, code)


async def send(client: SasClient, prepared: bytes) -> None:
    """One exchange with the platform."""
    await client.notify(mapping.Notification(**json.loads(prepared)))


async def give_up(session: Session, message: SasOutcome | SasAppointment, _failure: ConnectorFailure) -> None:
    """Refused, or silent for a day: the operators hear that the regulation must be phoned."""
    await handoffs.untold(session, message.request)
