"""An age is told to whoever sees the outline; the birth date to nobody."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.domain.people import Capacity, Viewer, role_key
from hub.domain.visibility import Level
from hub.storage import ages, grants, resources
from hub.storage.ages import Age
from hub.storage.session import Session

TODAY = date(2026, 11, 16)


async def born(session: Session, text: str | None) -> str:
    patient: dict[str, Any] = {"resourceType": "Patient", "gender": "female"}
    if text:
        patient["birthDate"] = text
    return str((await resources.create(session, Viewer.hub(), patient))["id"])


async def test_who_sees_the_outline_reads_the_age_and_a_stranger_nothing(session: Session, clock: Any) -> None:
    del clock
    old, child, vague = (
        await born(session, "1942-05-02"),
        await born(session, "2025-05-17"),
        await born(session, "1950"),
    )
    asked = Viewer(id="a", capacity=Capacity.PROFESSIONAL, name="A", role="a", keys=frozenset({role_key("a")}))
    stranger = Viewer(id="b", capacity=Capacity.PROFESSIONAL, name="B", role="b", keys=frozenset({role_key("b")}))
    for patient in (old, child, vague):
        await grants.give(session, audience=role_key("a"), level=Level.OUTLINE, request=f"r-{patient}", patient=patient)
    found = await ages.of(session, asked, [old, child, vague], TODAY)
    assert found == {old: Age("84 ans", 84), child: Age("17 mois", 1)}
    assert await ages.of(session, stranger, [old, child, vague], TODAY) == {}
    assert await ages.of(session, asked, [], TODAY) == {}
