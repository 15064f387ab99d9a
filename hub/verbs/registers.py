"""What ``hub user`` and ``hub client`` do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from hub import clock
from hub.domain.people import Capacity, Viewer
from hub.domain.refusal import Refusal
from hub.fhir.smart import scopes as smart
from hub.storage import accounts, audit, clients, situations
from hub.storage.accounts import Account
from hub.storage.clients import Client
from hub.storage.session import Database, Session
from hub.workflows import accounts as entries
from hub.workflows import capacities

GIVABLE = (Capacity.OPERATOR, Capacity.COORDINATOR, Capacity.THIRD_PARTY, Capacity.ADMINISTRATOR)


async def add_user(database: Database, *, capacity: str, organization: str, **known: str) -> str:
    """Open a local account with one capacity and send its owner the link to set a secret; its five digits."""
    if capacity not in {one.value for one in GIVABLE}:
        raise Refusal("bad-value", value=capacity, form=", ".join(one.value for one in GIVABLE))
    async with database.transaction() as session:
        account = await entries.create_local(session, **known)
        given = situations.Capacity(
            account=account.id, capacity=capacity, organization=organization or None, since=clock.now()
        )
        await situations.give_capacity(session, given)
        await entries.ask_secret(session, account)
    return account.identifier or ""


async def _found(session: Session, identifier: str) -> Account:
    method = await accounts.method(session, "local", identifier)
    account = await accounts.by_id(session, method.account) if method else None
    matching = [account] if account else await accounts.matching(session, [identifier])
    if not matching:
        raise Refusal("account-unknown")
    return matching[0]


async def roles(database: Database, identifier: str) -> list[dict[str, str]]:
    """The capacities of an account."""
    async with database.transaction() as session:
        account = await _found(session, identifier)
        choices = await capacities.choices(session, account.id)
    return [{"capacity": one.capacity.value, "as": one.label, "where": one.place} for one in choices]


async def lock_user(database: Database, identifier: str) -> None:
    """Close an account."""
    async with database.transaction() as session:
        account = await _found(session, identifier)
        await entries.close(session, Viewer.hub(), account.id)


def client_of(*, certificate: bytes | None, jwks: Mapping[str, Any] | None, **known: Any) -> Client:
    """A client from what the command line was given. Raises :class:`Refusal` on a scope the hub does not know."""
    unknown = [text for text in known["scopes"] if smart.parse(text) is None]
    if unknown:
        raise Refusal("bad-value", value=unknown[0], form="system/Type.cruds")
    parsed = x509.load_pem_x509_certificate(certificate) if certificate else None
    return Client(
        **{**known, "organization": known["organization"] or None, "role": known["role"] or None},
        certificate_subject=parsed.subject.rfc4514_string() if parsed else None,
        thumbprint=parsed.fingerprint(hashes.SHA256()).hex() if parsed else None,
        jwks=jwks,
    )


async def add_client(database: Database, one: Client) -> None:
    """Register a client."""
    async with database.transaction() as session:
        await clients.keep(session, one)
        await audit.record(session, viewer=Viewer.hub(), event="client.registered", details={"client": one.id})


async def clients_listed(database: Database) -> list[dict[str, str]]:
    """Every client as rows of a table."""
    async with database.reading() as session:
        found = await clients.everyone(session)
    return [
        {
            "id": one.id,
            "name": one.name,
            "kind": one.kind,
            "active": "yes" if one.active else "no",
            "scopes": " ".join(one.scopes),
        }
        for one in found
    ]


async def revoke_client(database: Database, id: str) -> bool:
    """Shut a client out; ``False`` when it was not active."""
    async with database.transaction() as session:
        done = await clients.revoke(session, id)
        if done:
            await audit.record(session, viewer=Viewer.hub(), event="client.revoked", details={"client": id})
        return done
