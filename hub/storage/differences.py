"""On what the directory and the accounts disagree, for the person and for the operators (rpps.md 10.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.storage import rows
from hub.storage.session import Session
from hub.storage.tables.accounts import account, account_difference, preference, situation

SHOWN = timedelta(days=30)  # to the person, after an operator has seen it (Choice)


class Kind(StrEnum):
    """What differs. The first five are seen at a sign-in, the others after a load."""

    PERSON = "person"  # not in the directory yet
    NAME = "name"
    EXERCISE = "exercise"
    SKILL = "skill"
    PLACE = "place"
    ENDED = "situation-ended"
    PROFESSION = "profession"
    MISSING = "missing"
    GONE = "gone"
    RETURNED = "returned"


AT_SIGN_IN = (Kind.PERSON, Kind.NAME, Kind.EXERCISE, Kind.SKILL, Kind.PLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A difference to keep. ``said``: by Pro Santé Connect or known to the hub; ``directory``: by the directory; codes, ``""`` for
    nothing. ``role``: of a situation; ``load``: that brought it, ``None`` at a sign-in.
    """

    account: str
    kind: Kind
    said: str = ""
    directory: str = ""
    role: str = ""
    load: int | None = None

    @property
    def what(self) -> tuple[str, str, str, str]:
        """By which two differences of an account are the same."""
        return (self.kind, self.role, self.said, self.directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A difference on a page: of whom, since when; ``place`` is the structure of the situation that ended."""

    id: int
    account: str
    kind: str
    said: str
    directory: str
    created_at: datetime
    given: str
    family: str
    national_id: str | None
    place: str | None


_all = account_difference.c
_is_open = _all.done_at.is_(None)


async def note(session: Session, found: Iterable[Noted], at: datetime) -> None:
    """Keep differences; one that is open already stays as it is."""
    values = [
        {
            "account": one.account,
            "kind": one.kind,
            "role": one.role,
            "said": one.said,
            "directory": one.directory,
            "load": one.load,
            "created_at": at,
        }
        for one in found
    ]
    if values:
        await session.execute(upsert(account_difference).on_conflict_do_nothing(), values)


async def settle(session: Session, accounts: Collection[str], kinds: Collection[Kind], at: datetime) -> None:
    """These kinds of difference are no longer true of these accounts."""
    if accounts:
        same = and_(_all.account == func.any(list(accounts)), _all.kind == func.any([str(one) for one in kinds]))
        await session.execute(update(account_difference).where(same, _is_open).values(done_at=at))


async def ended_by(session: Session, load: int) -> list[str]:
    """The situations that ended after a load."""
    query = select(_all.role).where(_all.load == load, _all.kind == Kind.ENDED, _all.role != "").order_by(_all.role)
    return list((await session.execute(query.distinct())).scalars())


async def back(session: Session, roles: Collection[str], at: datetime) -> None:
    """These situations have not ended, or no longer: nobody is told so any more, whoever has seen it."""
    over = and_(_all.kind == Kind.ENDED, _all.role == func.any(list(roles)))
    await session.execute(update(account_difference).where(over).values(done_at=at, done_by=None))


async def take_back(session: Session, load: int, at: datetime) -> None:
    """What a load brought was never so: it is settled, and told to nobody any more."""
    brought = update(account_difference).where(_all.load == load)
    await session.execute(brought.values(done_at=func.coalesce(_all.done_at, at), done_by=None))


async def reopen(
    session: Session, accounts: Collection[str], kinds: Collection[Kind], since: datetime, until: datetime
) -> None:
    """These kinds of difference are true again of these accounts, as far as they were settled between two instants, and by no
    operator."""
    twin = account_difference.alias().c
    same = (getattr(twin, name) == getattr(_all, name) for name in ("account", "kind", "role", "said", "directory"))
    wanted = and_(
        _all.account == func.any(list(accounts)),
        _all.kind == func.any([str(one) for one in kinds]),
        _all.done_at.between(since, until),
        _all.done_by.is_(None),
        ~exists().where(*same, twin.done_at.is_(None)),
    )
    await session.execute(update(account_difference).where(wanted).values(done_at=None))


async def compared(session: Session, id: str, found: Collection[Noted], at: datetime) -> None:
    """What a sign-in shows now, in place of what the one before showed. What an operator has seen is not shown again for being
    still true.
    """
    ours = and_(_all.account == id, _all.kind.in_(AT_SIGN_IN))
    key = (_all.kind, _all.role, _all.said, _all.directory)
    wanted = [one.what for one in found]
    over = and_(ours, _is_open, ~tuple_(*key).in_(wanted)) if wanted else and_(ours, _is_open)
    await session.execute(update(account_difference).where(over).values(done_at=at))
    if not found:
        return
    seen = {tuple(row) for row in await session.execute(select(*key).where(ours, _all.done_by.is_not(None)))}
    await note(session, [one for one in found if one.what not in seen], at)


def _shown(*where: Any) -> Any:
    return (
        select(
            *(_all[name] for name in ("id", "account", "kind", "said", "directory", "created_at")),
            *(account.c.given, account.c.family, account.c.national_id, situation.c.structure_name.label("place")),
        )
        .select_from(
            account_difference.join(account, account.c.id == _all.account).outerjoin(
                situation, situation.c.role == _all.role
            )
        )
        .where(*where)
        .order_by(_all.id.desc())
    )


async def of_account(session: Session, id: str, at: datetime) -> list[Shown]:
    """What somebody should know of themselves, newest first: what is open, and what an operator has seen lately."""
    lately = and_(_all.done_by.is_not(None), _all.created_at > at - SHOWN)
    return await rows.every(session, Shown, _shown(_all.account == id, or_(_is_open, lately)))


def _served(network: str) -> Any:
    """Accounts of a CPTS, and those of none: somebody must see them."""
    wishes = select(preference.c.network).join(situation, situation.c.role == preference.c.role)
    of_them = wishes.where(situation.c.account == _all.account, preference.c.network.is_not(None))
    return or_(exists(of_them.where(preference.c.network == network)), ~exists(of_them))


async def open_ones(session: Session, network: str, *, count: int, before: int | None = None) -> list[Shown]:
    """For the operators of a CPTS, newest first, those of a smaller number than ``before``."""
    after = [_all.id < before] if before is not None else []
    return await rows.every(session, Shown, _shown(_is_open, _served(network), *after).limit(count))


async def seen(session: Session, id: int, network: str, *, by: str, at: datetime) -> bool:
    """An operator has seen one. Whether there was one for them to see."""
    mine = and_(_all.id == id, _is_open, _served(network))
    done = await session.execute(update(account_difference).where(mine).values(done_at=at, done_by=by))
    return bool(done.rowcount)
