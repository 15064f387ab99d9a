from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from hub.storage import clients
from hub.storage.clients import Client
from hub.storage.session import Database, Session
from tests.conftest import FrozenClock

SAS = Client(
    id="fr.health.samu950",
    name="SAMU-SAS 95",
    kind="sas",
    organization="sas-95",
    certificate_subject="CN=fr.health.samu950,OU=1950999995,O=SAMU-SAS 95,C=FR",
    thumbprint="ab" * 32,
    scopes=("system/Task.rs", "system/Bundle.c"),
    identity_trusted=True,
)
SOFTWARE = Client(
    id="logiciel", name="Logiciel", kind="software", role="role", jwks={"keys": [{"kty": "EC", "kid": "1"}]}
)


async def test_what_is_kept_comes_back(session: Session) -> None:
    await clients.keep(session, SAS)
    await clients.keep(session, SOFTWARE)
    assert await clients.by_id(session, SAS.id) == SAS
    assert await clients.by_thumbprint(session, "ab" * 32) == SAS
    assert await clients.everyone(session) == [SAS, SOFTWARE]
    assert await clients.by_id(session, "nobody") is None
    assert await clients.by_thumbprint(session, "cd" * 32) is None


async def test_kept_again_it_is_replaced(session: Session) -> None:
    await clients.keep(session, SAS)
    changed = replace(SAS, name="SAS 95", scopes=(), thumbprint=None)
    await clients.keep(session, changed)
    assert await clients.everyone(session) == [changed]


async def test_a_revoked_client_is_known_and_shut_out(session: Session) -> None:
    await clients.keep(session, SAS)
    assert await clients.revoke(session, SAS.id)
    assert not await clients.revoke(session, SAS.id)
    assert await clients.by_id(session, SAS.id) == replace(SAS, active=False)
    assert await clients.by_thumbprint(session, "ab" * 32) is None


async def test_a_certificate_of_two_clients_names_neither(session: Session) -> None:
    await clients.keep(session, SAS)
    await clients.keep(session, replace(SAS, id="twin"))
    assert await clients.by_thumbprint(session, "ab" * 32) is None


async def test_an_assertion_serves_once(database: Database, clock: FrozenClock) -> None:
    async def spend() -> bool:
        async with database.transaction() as session:
            return await clients.use_once(session, "logiciel", "jti-1", clock.instant + timedelta(minutes=5))

    assert sorted(await asyncio.gather(*(spend() for _ in range(8)))) == [False] * 7 + [True]
    async with database.transaction() as session:
        assert await clients.use_once(session, "other", "jti-1", clock.instant)
        await clients.forget_assertions(session, clock.instant + timedelta(minutes=1))
        assert not await clients.use_once(session, "logiciel", "jti-1", clock.instant)
        assert await clients.use_once(session, "other", "jti-1", clock.instant)
