"""Professionals as pages name them: always with their capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub import codes
from hub.domain.people import Viewer
from hub.r4 import elements, names
from hub.storage import resources
from hub.storage.session import Session

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """``capacity`` begins in lower case: « médecin généraliste, Cabinet des Tilleuls »."""

    id: str
    name: str
    capacity: str
    phone: str = ""


SOMEBODY = "Un professionnel"


async def of_role(session: Session, viewer: Viewer, role: str) -> Person:
    """The person of a PractitionerRole; a nameless professional when it is no longer there."""
    stored = await resources.read(session, viewer, "PractitionerRole", role)
    if stored is None or stored.deleted:
        return Person(id=role, name=SOMEBODY, capacity="")
    resource = stored.json()
    place = resource.get("organization", {}).get("display", "")
    trade = profession(resource)
    return Person(
        id=role,
        name=resource.get("practitioner", {}).get("display") or SOMEBODY,
        capacity=", ".join(part for part in (trade, place) if part),
        phone=next((part["value"] for part in resource.get("telecom", []) if part.get("system") == "phone"), ""),
    )


def profession(role: Resource) -> str:
    """« médecin généraliste »: the group of the profession, else its own words."""
    code = elements.code_among(role.get("code", []), names.PROFESSION) or ""
    skills = [found for concept in role.get("specialty", []) if (found := elements.code(concept, names.SPECIALTY))]
    group = codes.profession_group(code, skills)
    words = codes.table("hub-profession-group").display(group) if group else codes.table("TRE_G15").display(code, "")
    return words[:1].lower() + words[1:]


class Directory:
    """The people of one page, each read once."""

    def __init__(self, session: Session, viewer: Viewer) -> None:
        self._session = session
        self._viewer = viewer
        self._known: dict[str, Person] = {}

    async def person(self, role: str) -> Person:
        """As :func:`of_role`."""
        if role not in self._known:
            self._known[role] = await of_role(self._session, self._viewer, role)
        return self._known[role]
