"""In which capacity somebody acts: what they may choose, and the viewer they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import hub.codes
from hub import clock
from hub.domain.people import Capacity, Viewer, account_key, coordinators_key, operators_key, role_key, usual_gp_key
from hub.storage import accounts, situations, territories
from hub.storage.accounts import Account
from hub.storage.session import Session
from hub.storage.situations import Capacity as Held
from hub.storage.situations import Situation

TITLES = {"DR": "Dr ", "PR": "Pr "}
STUDENT = "E"
PROFESSION_TABLES = (  # in this order (rpps.md 8.2)
    "TRE_G15-ProfessionSante",
    "TRE_R95-UsagerTitre",
    "TRE_R94-ProfessionSocial",
    "TRE_R85-RolePriseCharge",
    "TRE_R96-AutreFonctionSanitaire",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One capacity a person may take. Either ``role`` (a situation) or ``held`` (number of a capacity row) is set; ``label`` and
    ``place`` are French.
    """

    capacity: Capacity
    label: str
    place: str
    role: str | None = None
    held: int | None = None

    @property
    def value(self) -> str:
        """What a form sends back."""
        return f"role/{self.role}" if self.role is not None else f"capacity/{self.held}"


LABELS: Mapping[Capacity, str] = {
    Capacity.OPERATOR: "cellule de coordination",
    Capacity.COORDINATOR: "coordination de la CPTS",
    Capacity.THIRD_PARTY: "tiers de confiance",
    Capacity.ADMINISTRATOR: "administration",
    Capacity.SECRETARY: "secrétariat",
}
NETWORK_KEYS: Mapping[Capacity, Callable[[str], str]] = {
    Capacity.OPERATOR: operators_key,
    Capacity.COORDINATOR: coordinators_key,
}


def profession_label(situation: Situation) -> str:
    """« Médecin », « Médecin (étudiant) »: from the national table."""
    tables = (hub.codes.table(name) for name in PROFESSION_TABLES)
    label = next(
        (table.display(situation.profession) for table in tables if table.has(situation.profession)), "Professionnel"
    )
    return f"{label} (étudiant)" if situation.category == STUDENT else label


def situation_name(situation: Situation) -> str:
    """« Dr Hélène VASSEUR »: the names of exercise."""
    return f"{TITLES.get(situation.title, '')}{situation.given} {situation.family}".strip()


async def choices(session: Session, account: str) -> list[Choice]:
    """Everything a person may act as now: their situations, then the capacities given to them. Empty: no right at all."""
    found = [
        Choice(capacity=Capacity.PROFESSIONAL, label=profession_label(one), place=one.structure_name, role=one.role)
        for one in await situations.situations(session, account)
    ]
    for held in await situations.capacities(session, account, clock.now()):
        kind = Capacity(held.capacity)
        place = await _place(session, held)
        if place is not None:
            found.append(Choice(capacity=kind, label=LABELS[kind].capitalize(), place=place, held=held.id))
    return found


async def _place(session: Session, held: Held) -> str | None:
    """The CPTS served, or the professional acted for; ``None`` when that professional no longer exercises there."""
    if held.role is not None:
        situation = await situations.situation_of(session, held.role)
        return situation_name(situation) if situation is not None and situation.ended_at is None else None
    network = await territories.by_id(session, held.organization) if held.organization else None
    return network.name if network else ""


async def viewer(
    session: Session, account: Account, *, role: str | None, held: int | None, since: datetime | None = None
) -> Viewer | None:
    """The viewer somebody is in the capacity chosen, checked again; ``None`` when nothing is chosen, or no longer possible.
    ``since``: when their session began; a situation that ended later serves until the end of that session (rpps.md 10.5).
    """
    if account.state != "active":
        return None
    if role is not None:
        situation = await situations.situation_of(session, role)
        is_theirs = situation is not None and situation.account == account.id and _serves(situation, since)
        return _professional(account, situation) if situation is not None and is_theirs else None
    given = next((one for one in await situations.capacities(session, account.id, clock.now()) if one.id == held), None)
    if given is None:
        return None
    if given.role is not None:
        return await _secretary(session, account, given.role, since)
    return _in_capacity(account, given)


def _professional(account: Account, situation: Situation) -> Viewer:
    return Viewer(
        id=account.id,
        capacity=Capacity.PROFESSIONAL,
        name=f"{situation_name(situation)}, {profession_label(situation).lower()}",
        keys=frozenset({role_key(situation.role), account_key(account.id), *_as_usual_gp(account)}),
        role=situation.role,
        practitioner=account.practitioner,
        organization=situation.organization,
        account=account.id,
    )


def _as_usual_gp(professional: Account) -> set[str]:
    return {usual_gp_key(professional.national_id)} if professional.national_id else set()


def _in_capacity(account: Account, given: Held) -> Viewer:
    kind = Capacity(given.capacity)
    keys = {account_key(account.id)}
    if given.organization and kind in NETWORK_KEYS:
        keys.add(NETWORK_KEYS[kind](given.organization))
    return Viewer(
        id=account.id,
        capacity=kind,
        name=f"{account.given} {account.family}, {LABELS[kind]}",
        keys=frozenset(keys),
        organization=given.organization,
        account=account.id,
    )


def _serves(one: Situation, since: datetime | None) -> bool:
    return one.ended_at is None or (since is not None and since < one.ended_at)


async def _secretary(session: Session, account: Account, role: str, since: datetime | None) -> Viewer | None:
    """A secretary sees what the professional sees; every act bears both names."""
    situation = await situations.situation_of(session, role)
    if situation is None or not _serves(situation, since):
        return None
    delegating = await accounts.by_id(session, situation.account)
    if delegating is None or delegating.state != "active":
        return None
    principal = situation_name(situation)
    return Viewer(
        id=account.id,
        capacity=Capacity.SECRETARY,
        name=f"{account.given} {account.family}, {LABELS[Capacity.SECRETARY]}, pour {principal}",
        keys=frozenset({role_key(role), account_key(account.id), *_as_usual_gp(delegating)}),
        role=role,
        practitioner=delegating.practitioner,
        organization=situation.organization,
        account=account.id,
        on_behalf_of=principal,
    )
