"""The situations of a professional: kept as national claims declare them, as FHIR resources, and as rows that may be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import clock
from hub.domain import places
from hub.domain.identity import (
    Activity,
    Identity,
    Situation,
    organization_id,
    practitioner_id,
    profession_key,
    role_id,
    situations,
)
from hub.domain.people import Viewer
from hub.domain.preferences import DEFAULT_HOURS, DEFAULT_KINDS, DEFAULT_RADIUS_KM
from hub.r4 import names
from hub.r4.shapes import professional as shape
from hub.storage import candidates, resources
from hub.storage import situations as store
from hub.storage.accounts import Account
from hub.storage.session import Session
from hub.storage.situations import Preference

Resource = dict[str, Any]


async def settle(session: Session, account: Account, who: Identity) -> str | None:
    """Bring an account's situations in step with its identity, and return the id of its Practitioner.

    A situation that is declared again keeps its PractitionerRole, also when its mode, role or kind changed (rpps.md 5.1); one no
    longer declared ends. Nothing happens for somebody without profession: no professional right.
    """
    declared = [one for one in situations(who) if one.has_profession]
    known = await store.situations(session, account.id, ended=True)
    person: Resource | None = None
    if declared:
        person = await _practitioner(session, account, who)
    roles = _roles(declared, known)
    for one in declared:
        assert person is not None
        await _situation(session, account, one, role=roles[one.key], person=person)
    for gone in known:
        if gone.role not in roles.values() and gone.ended_at is None:
            await end(session, gone.role)
    return person["id"] if person else account.practitioner


def _roles(declared: Sequence[Situation], known: Sequence[store.Situation]) -> dict[str, str]:
    """The PractitionerRole of each situation: the one of the same key, else of the same exercise and structure, else a new one."""
    by_key = {old.key: old.role for old in known}
    roles = {one.key: by_key[one.key] for one in declared if one.key in by_key}
    for one in declared:
        if one.key not in roles:
            roles[one.key] = _moved(one, [old for old in known if old.role not in roles.values()]) or role_id(one.key)
    return roles


def _moved(one: Situation, free: Sequence[store.Situation]) -> str | None:
    wanted = (one.exercise.profession, one.exercise.category, one.structure_key)
    return next((old.role for old in free if (old.profession, old.category, old.structure_key) == wanted), None)


async def _practitioner(session: Session, account: Account, who: Identity) -> Resource:
    """The Practitioner of a person: the account's, one with that number, or a new one with an id made from the number."""
    id = account.practitioner
    if id is None:
        found = await resources.find(session, "Practitioner", names.IDNPS, who.national_id)
        if not found and who.national_id.startswith("8"):
            found = await resources.find(session, "Practitioner", names.RPPS, who.national_id[1:])
        id = found[0] if found else None
    if id is None:
        made = shape.practitioner(who)
        return await resources.create(session, Viewer.hub(), made, id=practitioner_id(who.national_id))
    known = await resources.lock(session, "Practitioner", id)
    return await resources.save(session, Viewer.hub(), shape.practitioner(who, known))


async def _organization(session: Session, activity: Activity) -> Resource | None:
    """The structure of an activity: one already known by its national identifier is left as it is."""
    if not activity.structure_key:
        return None
    id = organization_id(activity.structure_key)
    if activity.structure_id:
        found = await resources.find(session, "Organization", names.IDNST, activity.structure_id)
        id = found[0] if found else id
    known = await resources.peek(session, "Organization", id)
    return known or await resources.create(session, Viewer.hub(), shape.organization(activity), id=id)


async def _situation(session: Session, account: Account, one: Situation, *, role: str, person: Resource) -> None:
    activity, exercise = one.activity or Activity(), one.exercise
    where = await _organization(session, activity)
    if await resources.peek(session, "PractitionerRole", role) is None:
        made = shape.role(one, who=person, where=where)
        await resources.create(session, Viewer.hub(), made, id=role)
    else:
        known = await resources.lock(session, "PractitionerRole", role)
        edited = shape.role(one, who=person, where=where, resource=known)
        await resources.save(session, Viewer.hub(), {**edited, "active": True})
    row = store.Situation(
        role=role,
        account=account.id,
        key=one.key,
        seen_at=clock.now(),
        profession=exercise.profession,
        category=exercise.category,
        title=exercise.title,
        given=exercise.given or account.given,
        family=exercise.family or account.family,
        specialties=[code for _, code in exercise.know_how],
        structure_key=one.structure_key,
        structure_id=activity.structure_id,
        structure_name=activity.name or activity.trade_name,
        organization=where["id"] if where else None,
        commune=places.normalise(activity.commune) if activity.commune else "",
        mode=activity.mode,
        sector=activity.sector,
        role_code=activity.role,
        kind=activity.kind,
        section=activity.section,
    )
    await store.keep_situation(session, row)
    if await store.preference_of(session, role) is None:
        await store.keep_preference(session, default_preference(role))
    await refresh_candidate(session, account, role)


def default_preference(role: str) -> Preference:
    """What applies before the person has said anything (workflow.md 3)."""
    return Preference(role=role, radius_km=DEFAULT_RADIUS_KM, kinds=list(DEFAULT_KINDS), hours=dict(DEFAULT_HOURS))


async def move(session: Session, account: Account, role: str, one: Situation) -> None:
    """A situation goes on under another key: same exercise and structure, another mode, role or kind (rpps.md 5.1)."""
    person = await resources.peek(session, "Practitioner", account.practitioner or "")
    if person is not None:
        await _situation(session, account, one, role=role, person=person)


async def end(session: Session, role: str) -> None:
    """A situation is over: nobody is asked there any more, and its PractitionerRole is no longer active."""
    await store.end_situation(session, role, clock.now())
    await candidates.forget(session, role)
    if await resources.peek(session, "PractitionerRole", role) is not None:
        known = await resources.lock(session, "PractitionerRole", role)
        await resources.save(session, Viewer.hub(), {**known, "active": False})


async def refresh_candidate(session: Session, account: Account, role: str) -> None:
    """Bring the row by which a situation is found in step with the account, the situation and its preferences."""
    situation, wish = await store.situation_of(session, role), await store.preference_of(session, role)
    if situation is None or wish is None or situation.ended_at is not None:
        await candidates.forget(session, role)
        return
    place = _place(situation, wish)
    if place is None:
        await candidates.forget(session, role)
        return
    row = candidates.Row(
        role=role,
        account=account.id,
        national_id=account.national_id,
        profession=profession_key(situation.profession, situation.category),
        specialties=situation.specialties,
        commune=place[0],
        longitude=place[1],
        latitude=place[2],
        network=wish.network,
        sas_networks=wish.sas_networks,
        kinds=wish.kinds,
        care_types=wish.care_types,
        radius_km=wish.radius_km,
        max_open=wish.max_open,
        absences=wish.absences,
        is_active=account.state == "active",
    )
    await candidates.keep(session, row)


def _place(situation: store.Situation, wish: Preference) -> tuple[str, float | None, float | None] | None:
    """Where distances start: the first place of practice when it has a point, else the middle of its commune or of the
    situation's.
    """
    first = wish.addresses[0] if wish.addresses else {}
    commune = places.normalise(first["commune"]) if first.get("commune") else situation.commune
    if not commune:
        return None
    if first.get("longitude") is not None and first.get("latitude") is not None:
        return commune, float(first["longitude"]), float(first["latitude"])
    known = places.commune(commune)
    return (commune, known.longitude, known.latitude) if known else (commune, None, None)
