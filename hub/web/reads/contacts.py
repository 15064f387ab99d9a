"""How to reach a patient when several told it, and who the usual GP is: what an operator looks at and chooses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.r4 import elements
from hub.r4.shapes import patient as shape
from hub.r4.shapes import shared_patient as shared
from hub.r4.shapes import usual_gp as links
from hub.r4.shapes.usual_gp import Confirmation
from hub.storage import directory
from hub.storage.session import Session

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One phone or address that stands after the first. ``element`` and ``key`` name it in the form."""

    element: str
    key: str
    phone: str = ""
    address: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualGp:
    """Whom the record names. ``name`` is that of the directory, else the number; ``said`` is ``None`` until confirmed."""

    name: str
    number: str
    said: Confirmation | None


def others(patient: Resource) -> tuple[Contact, ...]:
    """The phones, then the addresses, beside those that pages show first."""
    person, home = shape.read(patient), shape.home(patient)
    phones = [
        part
        for part in patient.get("telecom", [])
        if part.get("system") == "phone" and part.get("value") != person.phone
    ]
    return (
        *(_contact("telecom", part, phone=str(part.get("value", ""))) for part in phones if part.get("value")),
        *(_contact("address", part, address=_written(part)) for part in patient.get("address", []) if part != home),
    )


def _contact(element: str, part: Resource, **words: str) -> Contact:
    since = elements.instant(part.get("period", {}).get("start"))
    return Contact(element=element, key=shared.key(part), since=since, **words)


def _written(address: Resource) -> str:
    town = f"{address.get('postalCode', '')} {address.get('city', '')}".strip()
    return ", ".join(part for part in (*address.get("line", []), town) if part) or str(address.get("text", ""))


async def usual_gp(session: Session, patient: Resource) -> UsualGp | None:
    """Whom the record names as usual GP, confirmed or not."""
    national_id = shape.usual_gp(patient)
    if national_id is None:
        return None
    person = await directory.by_national_id(session, national_id)
    number = national_id[1:]
    name = " ".join(person.names[0]) if person and person.names else f"RPPS {number}"
    return UsualGp(name=name, number=number, said=links.confirmed(patient))
