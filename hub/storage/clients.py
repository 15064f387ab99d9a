"""Machine clients: the SAS and third-party software, how each proves who it is, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.storage import swift
from hub.storage.session import Database, Session
from hub.storage.tables.accounts import account, situation
from hub.storage.tables.machinery import assertion, client


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """``kind``: sas or software. ``organization``: the Organization it speaks for; ``role``: the PractitionerRole it acts for.

    It proves who it is by a certificate (``certificate_subject`` in RFC 4514 form, ``thumbprint`` SHA-256 in lower-case
    hexadecimal) or by assertions signed with the keys of ``jwks`` or ``jwks_uri``. ``identity_trusted``: patient identities it
    says are qualified count as such.
    """

    id: str
    name: str
    kind: str
    organization: str | None = None
    role: str | None = None
    certificate_subject: str | None = None
    thumbprint: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    scopes: tuple[str, ...] = ()
    identity_trusted: bool = False
    active: bool = True
    national_id: str | None = None  # of the professional in ``role``: read from the account, never kept here


KEPT = tuple(name for name in Client.__dataclass_fields__ if name != "national_id")
_PERSON = (
    select(account.c.national_id)
    .join(situation, situation.c.account == account.c.id)
    .where(situation.c.role == client.c.role, situation.c.ended_at.is_(None))
    .scalar_subquery()
)
COLUMNS = (*(client.c[name] for name in KEPT), _PERSON.label("national_id"))


def _client(row: Any) -> Client:
    return Client(**{**row, "scopes": tuple(row["scopes"])})


class _Register:
    """How often this process has changed the register: what is remembered of a client holds until then."""

    changes: int = 0


def changes() -> int:
    """A number that grows whenever this process keeps or revokes a client."""
    return _Register.changes


ALL = select(*COLUMNS).order_by(client.c.id)
BY_ID = ALL.where(client.c.id == bindparam("id"))
BY_THUMBPRINT = ALL.where(client.c.thumbprint == bindparam("thumbprint"), client.c.active)


async def by_id(session: Session, id: str) -> Client | None:
    """One client, active or not: the caller looks at ``active``."""
    row = (await session.execute(BY_ID, {"id": id})).mappings().one_or_none()
    return _client(row) if row else None


@cache
def _by_id() -> swift.Order:
    return swift.order(BY_ID)


async def current(database: Database, id: str) -> Client | None:
    """What :func:`by_id` gives, outside a transaction and in one round trip."""
    found = await swift.rows(database, _by_id(), {"id": id})
    return _client(found[0]) if found else None


async def by_thumbprint(session: Session, thumbprint: str) -> Client | None:
    """The active client that presents this certificate; ``None`` when nobody does, or several."""
    rows = (await session.execute(BY_THUMBPRINT, {"thumbprint": thumbprint})).mappings().all()
    return _client(rows[0]) if len(rows) == 1 else None


async def everyone(session: Session) -> list[Client]:
    """Every client, by id."""
    return [_client(row) for row in (await session.execute(ALL)).mappings()]


async def keep(session: Session, one: Client) -> None:
    """Create a client, or replace what is known of it."""
    values = {name: getattr(one, name) for name in KEPT}
    values |= {"scopes": list(one.scopes), "jwks": dict(one.jwks) if one.jwks is not None else None}
    changed = {name: value for name, value in values.items() if name != "id"}
    order = insert(client).values(values).on_conflict_do_update(index_elements=["id"], set_=changed)
    await session.execute(order)
    _Register.changes += 1


async def revoke(session: Session, id: str) -> bool:
    """Shut a client out; ``False`` when there is none, or it was already."""
    order = update(client).where(client.c.id == id, client.c.active).values(active=False)
    done = bool((await session.execute(order)).rowcount)
    _Register.changes += 1
    return done


async def use_once(session: Session, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Spend an assertion: ``True`` the first time, ``False`` for a replay."""
    values = {"client": client_id, "jti": jti, "expires_at": expires_at}
    order = insert(assertion).values(values).on_conflict_do_nothing().returning(assertion.c.jti)
    return (await session.execute(order)).first() is not None


async def forget_assertions(session: Session, now: datetime) -> None:
    """Assertions that have expired need no memory: their date refuses them."""
    await session.execute(delete(assertion).where(assertion.c.expires_at < now))
