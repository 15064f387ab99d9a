"""What a load of the directory means for the accounts of the people it changed, and what a sign-in shows (rpps.md 10.5).

Nobody is kept out: a situation that ends in the directory comes back at the next sign-in if Pro Santé Connect still vouches for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub import clock, log
from hub.domain.identity import Identity, Situation, situations
from hub.domain.people import Viewer
from hub.storage import accounts, audit, differences, directory, directory_accounts, outbox
from hub.storage import situations as store
from hub.storage.accounts import Account
from hub.storage.differences import Kind, Noted
from hub.storage.directory_accounts import Place, Touched
from hub.storage.directory_load import Load
from hub.storage.session import Session
from hub.workflows import professionals
from hub.workflows.directory import compare, identity_of
from hub.workflows.topics import SendMail, SituationEnded

EVENTS = {"missing": Kind.MISSING, "gone": Kind.GONE, "returned": Kind.RETURNED}
SETTLED = {  # what is no longer true of who came, came back or left
    frozenset({"added", "returned"}): (Kind.PERSON, Kind.MISSING, Kind.GONE),
    frozenset({"gone"}): (Kind.MISSING, Kind.RETURNED),
}
REREAD = {"changed", "gone"}  # only these end or change a situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """``moved``: situations that go on under another key, with what they are now; ``over``: those that ended."""

    moved: tuple[tuple[store.Situation, Situation], ...]
    over: tuple[store.Situation, ...]


def reread(known: Sequence[store.Situation], declared: Sequence[Situation], ended: Collection[Place]) -> Reread:
    """Compare the open situations of an account with what the directory now declares, and where it ended some work.

    The key of a situation changes with its role: before it is said to have ended, another one of the same exercise and structure is
    looked for (rpps.md 5.1). What the directory never had cannot end there.
    """
    keys = {one.key for one in known}
    free = [one for one in declared if one.key not in keys]
    still = {one.key for one in declared}
    moved, over = [], []
    for old in known:
        if old.key in still:
            continue
        place = (old.profession, old.category, old.structure_key)
        new = next((one for one in free if _place(one) == place), None)
        if new is not None:
            free.remove(new)
            moved.append((old, new))
        elif place in ended:
            over.append(old)
    return Reread(moved=tuple(moved), over=tuple(over))


def _place(one: Situation) -> Place:
    return one.exercise.profession, one.exercise.category, one.structure_key


async def follow(session: Session, load: int) -> int:
    """Take note, in the transaction of a load, of what it changes for accounts; how many it touches. What ends is put in the
    outbox, and ends just after.
    """
    found, now = await directory_accounts.touched(session, load), clock.now()
    notes: list[Noted] = []
    for one in found:
        declared = _declared(one)
        if one.kinds & REREAD:
            outcome = reread(one.situations, declared, one.ended)
            for old, new in outcome.moved:
                await professionals.move(session, one.account, old.role, new)
            for old in outcome.over:
                message = SituationEnded(account=one.account.id, role=old.role, load=load, at=now)
                await outbox.put(session, message)
        notes += _events(one, declared, load)
    for kinds, settled in SETTLED.items():
        await differences.settle(session, [one.account.id for one in found if one.kinds & kinds], settled, now)
    await differences.note(session, notes, now)
    await directory_accounts.know(session)
    if found:
        log.event("directory.accounts", load=load, count=len(found), notes=len(notes))
    return len(found)


async def undo(session: Session, load: Load) -> int:
    """Take note, in the transaction that takes a load back, of what it no longer changes for accounts; how many it had touched. The
    directory must still tell who differed at it.

    What it ended goes on, what it moved is what it was, what it noted is settled. Nothing ends: what was known before says nothing
    of today. A sign-in since the load has the last word. An end that is not delivered yet will find that it is none.
    """
    found, now = await directory_accounts.touched(session, load.id), clock.now()
    roles = await differences.ended_by(session, load.id)
    for one in found:
        declared = _declared(one)
        moved = () if _has_signed_in(one.account, load.loaded_at) else reread(one.situations, declared, ()).moved
        for old, new in moved:
            await professionals.move(session, one.account, old.role, new)
        for old in await store.situations(session, one.account.id, ended=True):
            if old.role in roles:
                await _give_back(session, one.account, old, declared)
    await differences.take_back(session, load.id, now)
    began = load.loaded_at - timedelta(seconds=load.seconds)
    for kinds, settled in SETTLED.items():
        touched = [one.account.id for one in found if one.kinds & kinds]
        await differences.reopen(session, touched, settled, began, load.loaded_at)
    await directory_accounts.know(session)
    if found:
        log.event("directory.accounts", load=load.id, count=len(found), notes=0)
    return len(found)


async def _give_back(session: Session, account: Account, old: store.Situation, declared: Sequence[Situation]) -> None:
    """A situation that a load ended goes on, unless its holder has signed in since."""
    place = (old.profession, old.category, old.structure_key)
    new = next((one for one in declared if one.key == old.key), None)
    new = new or next((one for one in declared if _place(one) == place), None)
    if new is None or old.ended_at is None or _has_signed_in(account, old.ended_at):
        return
    await professionals.move(session, account, old.role, new)
    details = {"account": account.id}
    role = f"PractitionerRole/{old.role}"
    await audit.record(session, viewer=Viewer.hub(), event="situation.back", resource=role, details=details)
    await _tell(session, account, old, "situation-back")


def _has_signed_in(account: Account, since: datetime) -> bool:
    return account.signed_in_at is not None and account.signed_in_at > since


def _declared(one: Touched) -> tuple[Situation, ...]:
    return situations(identity_of(one.person, issuer="")) if one.person is not None else ()


def _events(one: Touched, declared: Sequence[Situation], load: int) -> Iterator[Noted]:
    """What the operators should know of an account."""
    for kind in sorted(one.kinds & set(EVENTS)):
        yield Noted(account=one.account.id, kind=EVENTS[kind], load=load)
    now = {_place(found)[:2] for found in declared}
    before = {place[:2] for place in one.ended}
    held = {(found.profession, found.category) for found in one.situations}
    lost, gained = (before - now) & held, now - before - held
    if "changed" in one.kinds and lost:
        said, instead = (",".join(sorted("/".join(pair) for pair in pairs)) for pairs in (lost, gained))
        yield Noted(account=one.account.id, kind=Kind.PROFESSION, said=said, directory=instead, load=load)


async def situation_ended(session: Session, message: SituationEnded) -> None:
    """End a situation that the directory no longer has: nobody is asked there any more, and its holder and the operators are told.

    Does nothing when the person has signed in with it since, or the directory has it again.
    """
    account = await accounts.lock(session, message.account)
    old = await store.situation_of(session, message.role)
    if account is None or old is None or old.ended_at is not None or old.seen_at > message.at:
        return
    if await _is_back(session, account, old):
        return
    await professionals.end(session, old.role)
    now = clock.now()
    noted = Noted(account=account.id, kind=Kind.ENDED, said=old.structure_key, role=old.role, load=message.load)
    await differences.note(session, [noted], now)
    details = {"account": account.id, "load": str(message.load)}
    role = f"PractitionerRole/{old.role}"
    await audit.record(session, viewer=Viewer.hub(), event="situation.ended", resource=role, details=details)
    await _tell(session, account, old, "situation-ended")


async def _is_back(session: Session, account: Account, old: store.Situation) -> bool:
    number = account.national_id or ""
    person = (await directory_accounts.people(session, [number])).get(number)
    declared = situations(identity_of(person, issuer="")) if person is not None else ()
    known = await store.situations(session, account.id)
    place = (old.profession, old.category, old.structure_key)
    return old not in reread(known, declared, {place}).over


async def _tell(session: Session, account: Account, old: store.Situation, template: str) -> None:
    channels = await accounts.channels_of(session, account.id)
    if channels.email:
        mail = SendMail(account=account.id, template=template, reference=str(uuid.uuid4()), role=old.role)
        await outbox.put(session, mail, due_at=channels.opens_at)


async def compared_at_sign_in(session: Session, account: Account, who: Identity, at: datetime) -> None:
    """Keep what somebody who signs in and the directory disagree on, for them and for the operators; nobody is kept out for it.
    Nothing while no directory is served.
    """
    if await directory.status(session) is None:
        return
    person = await directory.by_national_id(session, who.national_id)
    found = [
        Noted(account=account.id, kind=Kind(one.what), said=one.national, directory=one.directory)
        for one in dict.fromkeys(compare(who, person))
    ]
    await differences.compared(session, account.id, found, at)
    await differences.back(session, [one.role for one in await store.situations(session, account.id)], at)
