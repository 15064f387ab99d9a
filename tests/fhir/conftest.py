"""The FHIR face in process, on a database of the test's own, with the SAS and a doctor's software as clients."""

from __future__ import annotations

import json
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
from tests.workflows.conftest import SAS, Place, handoff_bundle, make_place

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


VASSEUR, LEBRUN, MARCHAND = "899700999909", "899700999917", "899700999925"
JSON_TYPE = {"Content-Type": "application/fhir+json"}
PATCH_TYPE = {"Content-Type": "application/json-patch+json"}


@dataclass(slots=True)
class Story:
    """A request handed over by the SAS; Dr Vasseur and Dr Lebrun are asked, and each has a software."""

    face: Face
    patient: str
    request: str
    task: str
    invitations: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, headers: dict[str, str], **more: str) -> httpx.Response:
        return await self.face.http.get(f"/fhir/{path}", headers={**headers, **more})

    async def put(self, resource: dict[str, Any], headers: dict[str, str], **more: str) -> httpx.Response:
        path = f"/fhir/{resource['resourceType']}/{resource['id']}"
        return await self.face.http.put(path, content=json.dumps(resource), headers={**JSON_TYPE, **headers, **more})

    async def patch(self, path: str, operations: Any, headers: dict[str, str], **more: str) -> httpx.Response:
        body = operations if isinstance(operations, (bytes, str)) else json.dumps(operations)
        return await self.face.http.patch(f"/fhir/{path}", content=body, headers={**PATCH_TYPE, **headers, **more})

    async def invitation(self, family: str) -> tuple[dict[str, Any], str]:
        """The child Task of a doctor as its software reads it, and its ETag."""
        answer = await self.get(f"Task/{self.invitations[family]}", self.face.software(family))
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]

    async def move(self, family: str, status: str, **changes: Any) -> httpx.Response:
        """PUT by the software of a doctor on its own child Task, as just read."""
        task, tag = await self.invitation(family)
        return await self.put({**task, "status": status, **changes}, self.face.software(family), **{"If-Match": tag})


@pytest.fixture
async def story(face: Face) -> Story:
    async with face.database.transaction() as session:
        face.place.session = session
        doctors = {
            "VASSEUR": await face.place.professional(VASSEUR, "VASSEUR"),
            "LEBRUN": await face.place.professional(LEBRUN, "LEBRUN", skill="SM54"),
        }
    for family, viewer in doctors.items():
        await face.register_software(viewer, family)
    answer = await face.http.post("/fhir", content=json.dumps(handoff_bundle()), headers={**JSON_TYPE, **face.sas})
    assert answer.status_code == 200, answer.text
    made = dict(one["response"]["location"].split("/")[:2] for one in answer.json()["entry"])
    told = Story(face=face, patient=made["Patient"], request=made["ServiceRequest"], task=made["Task"])
    for family in doctors:
        found = await told.get("Task?status=requested", face.software(family))
        (entry,) = found.json()["entry"]
        told.invitations[family] = entry["resource"]["id"]
    return told


def issue(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, IssueType and our own code of a refusal, which is always an OperationOutcome in French."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", answer.text
    first = body["issue"][0]
    assert first["details"]["text"]
    return answer.status_code, first["code"], first["details"]["coding"][0]["code"]
