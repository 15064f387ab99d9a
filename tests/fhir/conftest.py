"""The FHIR face in process, on a database of the test's own, with the SAS and a doctor's software as clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from hub import clock as hub_clock
from hub.domain.people import Viewer, role_key
from hub.fhir import subscriptions, throttle
from hub.fhir.app import FhirApp, FhirContext, TokenEndpoint
from hub.fhir.smart.tokens import AccessToken, TokenKeys
from hub.storage import clients, crypto
from hub.storage.clients import Client
from hub.storage.session import Database
from tests.workflows.conftest import SAS, Place, make_place

BASE = "https://hub.test/fhir"
SAS_SCOPES = (
    "system/Patient.c", "system/Organization.c", "system/Practitioner.c", "system/Location.c", "system/ServiceRequest.crus",
    "system/Task.crus", "system/Appointment.rs", "system/Subscription.cruds",
)  # fmt: skip
SOFTWARE_SCOPES = ("system/*.rs", "system/Task.u", "system/DocumentReference.c")


def certificate(common_name: str) -> tuple[bytes, str]:
    """A self-signed certificate (DER) and its subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = hub_clock.now()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now.replace(year=now.year + 1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.DER), made.subject.rfc4514_string()


@dataclass(slots=True)
class Face:
    """The application, and tokens for whom the test speaks as."""

    database: Database
    keys: TokenKeys
    http: httpx.AsyncClient
    place: Place
    peer: dict[str, bytes | None] = field(default_factory=lambda: {"certificate": None})

    def token(self, client: str, *scopes: str) -> dict[str, str]:
        """Headers with a token of that client."""
        now = hub_clock.now()
        made = AccessToken(client=client, scopes=scopes, expires_at=now.replace(hour=23))
        return {"Authorization": f"Bearer {self.keys.issue(made, audience=BASE, now=now)}"}

    @property
    def sas(self) -> dict[str, str]:
        return self.token(SAS, *SAS_SCOPES)

    def software(self, family: str) -> dict[str, str]:
        """The software of a doctor of the place."""
        return self.token(f"software-{family.lower()}", *SOFTWARE_SCOPES)

    async def register_software(self, viewer: Viewer, family: str) -> None:
        assert viewer.role is not None and role_key(viewer.role) in viewer.keys
        one = Client(
            id=f"software-{family.lower()}", name=f"Logiciel {family}", kind="software", role=viewer.role,
            scopes=SOFTWARE_SCOPES,
        )  # fmt: skip
        async with self.database.transaction() as session:
            await clients.keep(session, one)


@pytest.fixture
async def face(database: Database, clock: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Face]:
    del clock
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])
    throttle.use(60)
    subscriptions.allow(["localhost"])
    keys = TokenKeys(["clé d'essai"])
    context = FhirContext(database=database, keys=keys, base=BASE, token_endpoint="https://hub.test/oauth/token")
    peer: dict[str, bytes | None] = {"certificate": None}
    inner = Starlette(
        routes=[
            Route("/oauth/token", TokenEndpoint(context).__call__, methods=["POST"]),
            Route("/fhir", FhirApp(context)),
            Mount("/fhir", FhirApp(context)),
        ]
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "state": {"client_certificate": peer["certificate"]}}, receive, send)

    async with database.transaction() as session:
        place = await make_place(session)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://hub.test") as http:
        yield Face(database=database, keys=keys, http=http, place=place, peer=peer)
