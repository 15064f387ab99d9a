"""A territory with its professionals, an operator and a SAS, made through the workflows themselves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from hub import clock as hub_clock
from hub.domain.identity import Activity, Exercise, Identity
from hub.domain.people import Capacity, Viewer, client_key, operators_key
from hub.r4 import names
from hub.storage import accounts, clients, crypto, resources, territories
from hub.storage.accounts import Account
from hub.storage.clients import Client
from hub.storage.session import Session
from hub.storage.territories import Network
from hub.workflows import accounts as account_workflows
from hub.workflows import accounts as entries
from hub.workflows import capacities

ALWAYS = {name: ["00:00-24:00"] for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")}
NETWORK = "cpts-boucles-oise"
SAS = "fr.health.samu950"
V2_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
CERGY, PONTOISE, MARINES = "95127", "95500", "95370"
FILE = "fr.health.samu950.patient.DRFR159502621900417.1"


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


def identity(
    national_id: str, family: str, *, commune: str = CERGY, profession: str = "10", skill: str = "SM26"
) -> Identity:
    """A professional with one practice, as national claims tell it."""
    activity = Activity(
        mode="L",
        sector="SA07",
        kind="GENR01",
        technical_id=f"R{national_id[1:]}001",
        former_id=f"4{national_id[1:]}001",
        name=f"CABINET DU DR {family}",
        postal_code="95000",
        city="CERGY",
        commune=commune,
        department="95",
    )
    exercise = Exercise(
        profession=profession,
        category="C",
        title="DR" if profession == "10" else "",
        given="Hélène",
        family=family,
        know_how=(("S", skill),) if skill else (),
        activities=(activity,),
    )
    return Identity(
        issuer="https://psc.example.org",
        national_id=national_id,
        sub=f"f:1:{national_id}",
        given="Hélène",
        family=family,
        exercises=(exercise,),
    )


@dataclass(slots=True)
class Place:
    """The people of a test: viewers by family name, an operator, the SAS."""

    session: Session
    operator: Viewer
    sas: Viewer
    people: dict[str, Viewer] = field(default_factory=dict)

    async def professional(self, national_id: str, family: str, **words: Any) -> Viewer:
        """A volunteer of the network with mail and mobile, as a first sign-in and the settings page would make."""
        arrival = await entries.arrive(
            self.session, identity(national_id, family, **words), accepts_test_identities=True
        )
        account = arrival.account
        assert account is not None
        now = hub_clock.now()
        await accounts.change(
            self.session, account.id, email=f"{family.lower()}@example.org", email_confirmed_at=now,
            mobile="+33639981126", mobile_confirmed_at=now,
        )  # fmt: skip
        viewer = await self.viewer(account)
        assert viewer.role is not None
        await account_workflows.set_preferences(
            self.session, viewer, viewer.role, network=NETWORK, sas_networks=[NETWORK], hours=ALWAYS,
            kinds=["visite", "consultation"],
        )  # fmt: skip
        self.people[family] = viewer
        return viewer

    async def viewer(self, account: Account) -> Viewer:
        """The viewer of an account in its first situation."""
        fresh = await accounts.by_id(self.session, account.id)
        assert fresh is not None
        (choice, *_) = await capacities.choices(self.session, account.id)
        viewer = await capacities.viewer(self.session, fresh, role=choice.role, held=choice.held)
        assert viewer is not None
        return viewer


@pytest.fixture
async def place(session: Session, clock: Any) -> Place:
    """CPTS des Boucles de l'Oise, open day and night; nobody has an account yet but the operator."""
    del clock
    return await make_place(session)


async def make_place(session: Session) -> Place:
    """The territory of the tests."""
    hub = Viewer.hub()
    network = Network(
        id=NETWORK, name="CPTS des Boucles de l'Oise", structure_id="10B0123456", rules={"opening": ALWAYS}
    )
    await territories.keep(session, network, [CERGY, PONTOISE])
    sas = {"resourceType": "Organization", "name": "SAMU-SAS 95"}
    sas["identifier"] = [{"system": names.ns("hubsante-client"), "value": SAS}]  # type: ignore[assignment]
    organization = await resources.create(session, hub, sas, id="samu950")
    await clients.keep(
        session, Client(id=SAS, name="SAMU-SAS 95", kind="sas", organization=organization["id"], identity_trusted=True)
    )
    await resources.create(session, hub, {"resourceType": "Organization", "name": network.name}, id=NETWORK)
    operator = Viewer(
        id="operator", capacity=Capacity.OPERATOR, name="Nadia Roche, opératrice", organization=NETWORK,
        keys=frozenset({operators_key(NETWORK)}),
    )  # fmt: skip
    machine = Viewer(
        id=SAS, capacity=Capacity.SAS, name="SAMU-SAS 95", organization=organization["id"], client=SAS,
        keys=frozenset({client_key(SAS)}),
    )  # fmt: skip
    return Place(session=session, operator=operator, sas=machine)


def _patient(file: str, commune: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "extension": [
            {
                "url": names.RELIABILITY_EXTENSION,
                "extension": [
                    {
                        "url": "identityStatus",
                        "valueCoding": {
                            "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445",
                            "code": "VALI",
                        },
                    }
                ],
            }
        ],
        "identifier": [
            {"system": names.ns("sas-patient"), "value": file},
            {
                "use": "official",
                "type": {"coding": [{"system": V2_0203, "code": "INS-NIR-TEST"}]},
                "system": "urn:oid:1.2.250.1.213.1.4.10",
                "value": "279035121518989",
            },
        ],
        "name": [{"use": "official", "family": "PAT-TROIS", "given": ["DOMINIQUE"]}],
        "telecom": [{"system": "phone", "value": "+33639981100"}],
        "gender": "female",
        "birthDate": "1979-03-28",
        "address": [
            {
                "extension": [{"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": commune}}],
                "use": "home",
                "line": ["12 rue des Essais"],
                "city": "Cergy",
                "postalCode": "95000",
            }
        ],
    }  # fmt: skip


def handoff_bundle(file: str = FILE, *, commune: str = CERGY, due: str = "2026-11-16T10:00:00Z") -> dict[str, Any]:
    """A level-2 handoff as the SAS sends it."""
    mine = [{"system": names.ns("sas-patient"), "value": file}]
    dossier = {"system": names.ns("sas-dossier"), "value": file.replace(".patient", "").rsplit(".", 1)[0]}

    def concept(system: str, code: str) -> dict[str, Any]:
        return {"coding": [{"system": names.system(system), "code": code}]}

    request = {
        "resourceType": "ServiceRequest",
        "identifier": mine,
        "requisition": dossier,
        "status": "active",
        "intent": "order",
        "category": [concept("kind-of-care", "consultation"), concept("sas-level", "level-2")],
        "priority": "routine",
        "code": concept("care-type", "consultation-medicale"),
        "orderDetail": [concept("hubsante-priorite", "P2"), concept("hubsante-niveau-soin", "R3")],
        "subject": {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000001"},
        "authoredOn": "2026-11-16T07:59:00Z",
        "performerType": {"coding": [{"system": names.SPECIALTY, "code": "SM54"}]},
        "reasonCode": [{"text": "Fièvre depuis deux jours"}],
        "note": [{"text": "Vit seule au troisième étage."}],
    }
    task = {
        "resourceType": "Task",
        "identifier": mine,
        "groupIdentifier": dossier,
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": names.TASK_CODE, "code": "fulfill"}]},
        "focus": {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000005"},
        "for": {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000001"},
        "authoredOn": "2026-11-16T07:59:00Z",
        "requester": {"reference": "urn:uuid:0e5a0417-0000-4000-8000-000000000002"},
        "reasonCode": concept("sas-handoff-reason", "no-level-1-slot"),
        "restriction": {"period": {"end": due}},
    }
    organization = {
        "resourceType": "Organization",
        "identifier": [{"system": names.ns("hubsante-client"), "value": SAS}],
        "name": "SAMU-SAS 95",
    }
    made = {"1": _patient(file, commune), "2": organization, "5": request, "6": task}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:0e5a0417-0000-4000-8000-00000000000{number}",
                "resource": copy.deepcopy(resource),
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for number, resource in made.items()
        ],
    }


Bundle = Callable[..., dict[str, Any]]


@pytest.fixture
def bundle() -> Bundle:
    """Makes handoffs."""
    return handoff_bundle


@pytest.fixture
def instant() -> Callable[[str], datetime]:
    """An instant from its text."""
    return lambda text: datetime.fromisoformat(text)
