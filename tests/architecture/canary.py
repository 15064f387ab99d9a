"""One patient nobody may recognise, and everybody who looks without full access.

Every text about the patient that an outline must hide holds a word of ``WORDS``; the rest of the record is ordinary. The story
has two moments: while the request is searched for, and after somebody else has taken it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub.domain.appointment import Mode
from hub.domain.people import Capacity, Viewer, account_key, client_key, coordinators_key, operators_key, role_key
from hub.domain.visibility import REACH
from hub.r4 import names
from hub.storage import accounts as account_store
from hub.storage import clients, resources, situations
from hub.storage.accounts import Account
from hub.storage.clients import Client
from hub.storage.session import Database, Session
from hub.workflows import accounts, appointments, handoffs, invitations, notebook, record, requests
from hub.workflows.appointments import Proposal
from tests.workflows.conftest import NETWORK, SAS, Place, handoff_bundle, make_place

CANARY = "CANARI-7F3A"
PHONE, CALLER, NIR, FILE = "+33639981177", "+33639981178", "279035121518989", "DRFR15950262190041799"
BORN = "1979-03-28"
ELSEWHERE = "cpts-vexin"
OTHER_SAS = "fr.health.samu750"
# What must appear nowhere. Digits are looked for with and without what people put between them.
WORDS = ("CANARI", "39981177", "39981178", NIR, NIR[:13], FILE, BORN, "28 mars 1979", "28/03/1979", "19790328")
DOCTORS = {  # national identifiers of invented professionals; their part in the story
    "VASSEUR": "899700999909",  # takes the request
    "LEBRUN": "899700999917",  # took it, and gave it back
    "MARCHAND": "899700999925",  # declined
    "DUVAL": "899700999933",  # is asked, then comes too late
    "LEROY": "899700999941",  # is not asked: takes no visits for the SAS
}


def told(whole: str) -> list[str]:
    """Which secrets a text holds, however they are cut up or written."""
    low = whole.lower()
    squeezed = re.sub(r"[\s.\-\u00a0\u202f]", "", low)
    return [word for word in WORDS if word.lower() in low or (word.isdigit() and word in squeezed)]


def bundle() -> dict[str, Any]:
    """The handoff, with a canary in every part that an outline hides."""
    made = handoff_bundle(f"fr.health.samu950.patient.{FILE}.1")
    patient, _, request, task = (entry["resource"] for entry in made["entry"])
    patient |= {
        "name": [{"use": "official", "family": CANARY, "given": ["Canarine"]}, {"use": "usual", "text": "Mme Canari"}],
        "telecom": [{"system": "phone", "value": PHONE}, {"system": "email", "value": "canari@example.org"}],
        "birthDate": BORN,
        "contact": [{"name": {"family": "CANARI-TANTE"}, "telecom": [{"system": "phone", "value": CALLER}]}],
        "generalPractitioner": [{"display": "Dr Canari", "identifier": {"system": names.RPPS, "value": "99700999958"}}],
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Canari</div>'},
    }
    patient["address"][0] |= {
        "line": ["77 impasse du Canari", "code CANARI-B42"],
        "text": "77 impasse du Canari, Cergy",
    }
    request["note"] = [{"authorString": "Mme Canari-Appelante", "text": "Digicode CANARI-B42, clé chez Mme Canari"}]
    request["reasonCode"] = [
        {"text": "Fièvre depuis deux jours", "extension": [{"url": "urn:x", "valueString": CANARY}]}
    ]
    request["patientInstruction"] = "Rappeler Canari le soir"
    task["input"] = [
        {"type": {"text": "callback-phone"}, "valueString": CALLER},
        {"type": {"text": "wish"}, "valueString": CANARY},
    ]
    task["description"] = "Pour Canari"
    return made


def beside(patient: str, request: str) -> list[dict[str, Any]]:
    """One resource of every type that concerns a patient and that the handoff does not bring, each with a canary."""
    subject = {"reference": f"Patient/{patient}", "display": CANARY}
    about = [{"reference": f"ServiceRequest/{request}"}]
    of_patient = {"url": names.structure("patient"), "valueReference": {"reference": f"Patient/{patient}"}}
    of_request = {"url": names.structure("request"), "valueReference": about[0]}
    made: dict[str, dict[str, Any]] = {
        "RelatedPerson": {"patient": subject, "name": [{"family": CANARY}], "telecom": [{"system": "phone", "value": CALLER}]},
        "Location": {
            "name": "Chez Canari", "status": "active", "mode": "instance", "extension": [of_patient, of_request],
            "address": {"use": "home", "line": ["77 impasse du Canari"], "city": "Cergy", "postalCode": "95000"},
        },
        "Flag": {
            "status": "active", "subject": subject, "extension": [of_request],
            "code": {"coding": [{"system": names.system("hubsante-risque"), "code": "R33"}], "extension": [
                {"url": "urn:x", "valueString": CANARY}]},
        },
        "Communication": {
            "status": "completed", "subject": subject, "basedOn": about, "payload": [{"contentString": f"{CANARY} attend"}]},
        "QuestionnaireResponse": {
            "status": "completed", "subject": subject, "basedOn": about,
            "item": [{"linkId": "1", "text": "Nom", "answer": [{"valueString": CANARY}]}],
        },
        "Consent": {
            "status": "active", "patient": subject, "dateTime": "2026-11-16", "scope": {"text": "Canari"},
            "category": [{"text": "Canari"}], "policyRule": {"text": "Canari"},
        },
    }  # fmt: skip
    return [{"resourceType": name, **content} for name, content in made.items()]


@dataclass(slots=True)
class Aviary:
    """The house of the story. ``viewers``: who looks without full access, by part; ``browsers``: whom of them has an account."""

    database: Database
    place: Place
    request: str = ""
    patient: str = ""
    viewers: dict[str, Viewer] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    async def begin(self) -> None:
        """Handed over; one doctor took it and gave it back, one declined, one is asked."""
        async with self.database.transaction() as session:
            self.place.session = session
            for family, national_id in DOCTORS.items():
                await self._doctor(session, family, national_id)
            await self._others(session)
            received = await handoffs.receive(session, self.place.sas, bundle())
            self.request = received.request
            self.patient = next(place.split("/")[1] for place in received.locations if place.startswith("Patient/"))
            second = handoff_bundle("fr.health.samu950.patient.DRFR15950262190041800.1")
            second["entry"][0]["resource"]["name"][0]["family"] = "AAA-AUTRE"
            second["entry"][0]["resource"]["birthDate"] = "1950-01-02"
            del second["entry"][0]["resource"]["identifier"][1]  # somebody else, without a national number
            await handoffs.receive(session, self.place.sas, second)
            for resource in beside(self.patient, self.request):
                await resources.create(session, Viewer.hub(), resource)
        await self._act(requests.accept, "LEBRUN")
        await self._act(requests.release, "LEBRUN", "too-far")
        await self._act(requests.decline, "MARCHAND", "not-available")
        await self._change_patient()

    async def _act(self, what: Any, family: str, *words: Any) -> None:
        async with self.database.transaction() as session:
            await what(session, self.place.people[family], self.request, *words)

    async def _change_patient(self) -> None:
        """An older version that says more than the current one."""
        async with self.database.transaction() as session:
            patient = await resources.lock(session, "Patient", self.patient)
            patient["maritalStatus"] = {"text": "Canari seule"}
            await resources.save(session, Viewer.hub(), patient)

    async def go_on(self) -> None:
        """Taken by Dr Vasseur, with an appointment and a note in the notebook."""
        await self._act(requests.accept, "VASSEUR")
        doctor = self.place.people["VASSEUR"]
        async with self.database.transaction() as session:
            start = datetime(2026, 11, 17, 8, 30, tzinfo=UTC)
            proposal = Proposal(mode=Mode.HOME_VISIT, start=start, comment="Chez Canari", phone_told=CALLER)
            await appointments.propose(session, doctor, self.request, proposal)
        async with self.database.transaction() as session:
            await notebook.add(session, doctor, self.patient, kind="OBS", text="Canari va mieux.", title="Canari")
            (team,) = await resources.of_patient(session, "CareTeam", self.patient, lock=True)
            await resources.save(session, Viewer.hub(), {**team, "note": [{"text": "Cercle de Mme Canari"}]})

    async def _doctor(self, session: Session, family: str, national_id: str) -> None:
        viewer = await self.place.professional(national_id, family)
        assert viewer.role is not None and viewer.account is not None
        account = await account_store.by_id(session, viewer.account)
        assert account is not None
        if family == "LEROY":
            preference = await situations.preference_of(session, viewer.role)
            assert preference is not None
            await accounts.set_preferences(
                session, viewer, viewer.role, network=NETWORK, sas_networks=[], hours={}, kinds=[]
            )
        software = Client(
            id=f"software-{family}", name=family, kind="software", role=viewer.role, scopes=("system/*.cruds",)
        )
        await clients.keep(session, software)
        if family != "VASSEUR":
            self.accounts[family] = account
            self.viewers[f"software of {family}"] = machine(software, Capacity.SOFTWARE, role_key(viewer.role))

    async def _others(self, session: Session) -> None:
        for name, capacity, network in (
            ("coordinator", Capacity.COORDINATOR, NETWORK),
            ("operator elsewhere", Capacity.OPERATOR, ELSEWHERE),
            ("administrator", Capacity.ADMINISTRATOR, None),
        ):
            account = await accounts.create_local(session, given="Nadia", family="ROCHE")
            held = situations.Capacity(
                account=account.id, capacity=capacity, since=datetime(2026, 1, 1, tzinfo=UTC), organization=network
            )
            await situations.give_capacity(session, held)
            self.accounts[name] = account
            own = {account_key(account.id)}
            of_network = {coordinators_key(NETWORK)} if name == "coordinator" else set()
            of_network |= {operators_key(ELSEWHERE)} if name == "operator elsewhere" else set()
            self.viewers[name] = Viewer(
                id=account.id, capacity=capacity, name=name, account=account.id, organization=network,
                keys=frozenset(own | of_network),
            )  # fmt: skip
        for id, kind in ((OTHER_SAS, "sas"), ("software-nobody", "software")):
            one = Client(id=id, name=id, kind=kind, scopes=("system/*.cruds",))
            await clients.keep(session, one)
            self.viewers[id] = machine(one, Capacity(kind))

    async def everything(self) -> list[resources.Stored]:
        """Every version of every resource, uncut."""
        async with self.database.reading() as session:
            return await resources.history(session, Viewer.hub(), count=10_000)


def machine(client: Client, capacity: Capacity, *keys: str) -> Viewer:
    return Viewer(
        id=client.id, capacity=capacity, name=client.name, client=client.id, role=client.role, scopes=client.scopes,
        keys=frozenset({client_key(client.id), *keys}),
    )  # fmt: skip


def planted(stored: Iterable[resources.Stored]) -> Mapping[str, int]:
    """How many resources of each type hold a secret: the story proves nothing about a type without any."""
    found = dict.fromkeys((name for name, reach in REACH.items() if reach not in ("open", "own")), 0)
    for one in stored:
        if told(one.content.decode()):
            found[one.type] = found.get(one.type, 0) + 1
    return found


async def open_aviary(database: Database) -> Aviary:
    """The story up to the search."""
    async with database.transaction() as session:
        place = await make_place(session)
    aviary = Aviary(database=database, place=place)
    await aviary.begin()
    return aviary


__all__ = ["CANARY", "SAS", "WORDS", "Aviary", "invitations", "open_aviary", "planted", "record", "told"]
