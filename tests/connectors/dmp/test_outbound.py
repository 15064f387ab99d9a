"""From the record to the DMP and back: prepare, send, settle, give up, on a real database and the twin."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import text

from hub import clock
from hub.connectors.dmp import outbound
from hub.connectors.dmp.client import DmpClient
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import unpack
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.installation import Installation
from hub.domain.appointment import Appointment, Mode, Standing
from hub.domain.notebook import Agreement, FilingState, Mask, Note
from hub.domain.patient import Reliability
from hub.domain.people import Capacity, Viewer
from hub.r4 import elements, names
from hub.r4.shapes import appointment as appointment_shape
from hub.r4.shapes import note as note_shape
from hub.r4.shapes import patient as patient_shape
from hub.storage import crypto, filings, outbox, resources
from hub.storage.session import Database, Session
from hub.worker import Worker, merge
from hub.workflows import filing, notebook
from hub.workflows.topics import DmpSubmission
from sandbox.dmp import DmpTwin
from sandbox.world import World

H = {"h": "urn:hl7-org:v3"}
OPERATOR = Viewer(id="op", capacity=Capacity.OPERATOR, name="Opératrice", organization="cpts-boucles-oise")
PLACE = Installation(public_url="https://hub.example.org", phone="")
V2_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


def patient() -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [
            {
                "use": "official",
                "type": elements.concept(V2_0203, "INS-NIR-TEST"),
                "system": "urn:oid:1.2.250.1.213.1.4.10",
                "value": "279035121518989",
            }
        ],
        "name": [
            {
                "extension": [{"url": names.BIRTH_GIVEN_EXTENSION, "valueString": "DOMINIQUE MARIE-LOUISE"}],
                "use": "official",
                "family": "PAT-TROIS",
                "given": ["DOMINIQUE"],
            }
        ],
        "gender": "female",
        "birthDate": "1979-03-28",
        "extension": [
            {
                "url": names.BIRTH_PLACE_EXTENSION,
                "valueAddress": {
                    "extension": [
                        {"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "51215"}}
                    ]
                },
            }
        ],
    }
    patient_shape.set_reliability(made, Reliability.QUALIFIED)
    return made


def practitioner() -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "identifier": [{"system": names.IDNPS, "value": "899700999909"}],
        "name": [{"family": "VASSEUR", "given": ["Hélène"], "prefix": ["MME"], "suffix": ["DR"]}],
    }


class Story:
    """A patient told about the DMP, a physician, a visit an hour ago, and what is promised to the DMP."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def begin(self) -> Story:
        hub = Viewer.hub()
        self.patient = (await resources.create(self.session, hub, patient()))["id"]
        person = (await resources.create(self.session, hub, practitioner()))["id"]
        role = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": f"Practitioner/{person}"},
            "code": [elements.concept(names.PROFESSION, "10")],
            "specialty": [elements.concept(names.SPECIALTY, "SM26")],
        }
        self.role = (await resources.create(self.session, hub, role))["id"]
        request = {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{self.patient}"},
        }
        self.request = (await resources.create(self.session, hub, request))["id"]
        await notebook.record_agreement(self.session, OPERATOR, self.patient, Agreement.INFORMED)
        return self

    async def visit(self, mode: Mode = Mode.HOME_VISIT) -> None:
        start = clock.now() - timedelta(hours=1)
        made = Appointment(
            id=str(uuid.uuid4()),
            request=self.request,
            patient=self.patient,
            performer=self.role,
            mode=mode,
            standing=Standing.BOOKED,
            created_at=start - timedelta(hours=2),
            start=start,
            end=start + timedelta(minutes=20),
        )
        await resources.create(self.session, Viewer.hub(), appointment_shape.write(made), id=made.id)

    async def note(self, text: str = "Fièvre cédée.", **changes: Any) -> str:
        one = Note(
            id=str(uuid.uuid4()),
            patient=self.patient,
            author=self.role,
            kind="OBS",
            text=text,
            written_at=clock.now() - timedelta(minutes=3),
            **changes,
        )
        await resources.create(self.session, Viewer.hub(), note_shape.write(one, request=self.request), id=one.id)
        return one.id

    async def correct(self, note: str, text: str) -> None:
        """What the author's correction does, in the same transaction."""
        resource = await resources.lock(self.session, "DocumentReference", note)
        before = note_shape.read(resource)
        made = Note(**{name: getattr(before, name) for name in Note.__dataclass_fields__} | {"text": text})
        await resources.save(self.session, Viewer.hub(), note_shape.write(made, resource))

    async def ask(self, note: str) -> DmpSubmission:
        await filing.ask(self.session, OPERATOR, note)
        row = next(one for one in await outbox.rows(self.session, topic=DmpSubmission.topic))
        return DmpSubmission.model_validate(row.payload)


@pytest.fixture
async def story(session: Session) -> Story:
    return await Story(session).begin()


@pytest.fixture
def delivery(twin_settings: DmpSettings) -> outbox.Delivery:
    return outbound.topics(twin_settings, PLACE)[DmpSubmission]


async def deliver(story: Story, delivery: outbox.Delivery, dmp: DmpClient, note: str) -> filings.Filing:
    """The whole of a message's life when nothing goes wrong."""
    message = await story.ask(note)
    prepared = await delivery.prepare(story.session, message)
    await delivery.settle(story.session, message, await delivery.send(dmp, prepared))
    ended = await filings.by_unique_id(story.session, message.unique_id)
    assert ended is not None
    return ended


async def test_a_note_of_the_record_is_filed(
    story: Story, delivery: outbox.Delivery, dmp: DmpClient, twin: DmpTwin
) -> None:
    await story.visit()
    ended = await deliver(story, delivery, dmp, await story.note(is_urgent=True))
    assert (ended.state, ended.code) == (FilingState.FILED, None)
    assert ended.ended_at is not None


async def test_what_is_prepared_comes_from_the_record(
    story: Story, delivery: outbox.Delivery, twin_settings: DmpSettings
) -> None:
    await story.visit()
    message = await story.ask(await story.note(mask=Mask.HIDDEN_FROM_PATIENT, title="Visite du soir"))
    made = unpack(await delivery.prepare(story.session, message))
    root = etree.fromstring(made.document)
    assert root.find("h:id", H).get("root") == message.unique_id
    assert root.find("h:setId", H).get("root") == message.set_id
    assert made.submission_set.unique_id == message.submission_id
    assert made.submission_set.content_type.code == "16"
    assert made.actor.identifier == "899700999909"
    assert [role.code for role in made.actor.roles] == ["10", "SM26"]
    assert made.actor.authentication_class.endswith(":unspecified"), "no browser session of the author: nothing claimed"
    assert [code.code for code in made.entry.confidentialities] == ["N", "INVISIBLE_PATIENT"]
    assert made.entry.title == "Cahier de liaison - Visite du soir (note d'observation)"
    assert made.entry.service_start < made.entry.creation_time
    assert made.entry.service_stop
    assert b"VASSEUR" in made.document
    assert root.findtext(".//h:given[@qualifier='BR']", namespaces=H) == "DOMINIQUE"


async def test_what_is_prepared_twice_is_the_same_bytes(story: Story, delivery: outbox.Delivery) -> None:
    message = await story.ask(await story.note())
    assert await delivery.prepare(story.session, message) == await delivery.prepare(story.session, message)


async def test_a_note_without_visit_tells_its_own_hour(story: Story, delivery: outbox.Delivery) -> None:
    made = unpack(await delivery.prepare(story.session, await story.ask(await story.note())))
    assert made.submission_set.content_type.code == "07"
    assert made.entry.service_stop == ""


async def test_a_correction_replaces_what_is_filed_at_that_moment(
    story: Story, delivery: outbox.Delivery, dmp: DmpClient
) -> None:
    note = await story.note()
    first = await deliver(story, delivery, dmp, note)
    await story.correct(note, "Fièvre revenue.")
    message = await story.ask(note)
    made = unpack(await delivery.prepare(story.session, message))
    root = etree.fromstring(made.document)
    assert made.replaces == first.unique_id
    assert root.find("h:versionNumber", H).get("value") == "2"
    assert root.find("h:relatedDocument/h:parentDocument/h:id", H).get("root") == first.unique_id
    assert message.set_id == first.set_id
    await delivery.settle(
        story.session, message, await delivery.send(dmp, await delivery.prepare(story.session, message))
    )
    states = [one.state for one in await filings.of_note(story.session, note)]
    assert states == [FilingState.FILED, FilingState.FILED]


async def test_a_refused_note_may_be_sent_again_as_a_first_version(
    story: Story, delivery: outbox.Delivery, dmp: DmpClient, twin: DmpTwin
) -> None:
    note = await story.note()
    message = await story.ask(note)
    prepared = await delivery.prepare(story.session, message)
    twin.faults.set("refuse-patient", times=2)
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(unpack(prepared))
    await delivery.give_up(story.session, message, caught.value)
    ended = await filings.by_unique_id(story.session, message.unique_id)
    assert ended is not None
    assert (ended.state, ended.code) == (FilingState.REFUSED, "XDSUnknownPatientId")
    assert ended.french == "Le DMP ne connaît pas ce patient."
    assert "INS" in (ended.remedy or "")
    twin.faults.clear()
    assert (await deliver(story, delivery, dmp, note)).state is FilingState.FILED


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (ConnectorFailure("dmp", Kind.GARBLED, "garbled"), FilingState.REVIEW),
        (ConnectorFailure("hub", Kind.REFUSED, "bug"), FilingState.REVIEW),
        (ConnectorFailure("dmp", Kind.UNREACHABLE, "ReadTimeout"), FilingState.REFUSED),
        (ConnectorFailure("dmp", Kind.REFUSED, "DMPInconnu"), FilingState.REFUSED),
    ],
    ids=["garbled", "bug", "never-answered", "unknown-code"],
)
async def test_how_giving_up_is_shown(
    story: Story, delivery: outbox.Delivery, failure: ConnectorFailure, state: FilingState
) -> None:
    message = await story.ask(await story.note())
    await delivery.give_up(story.session, message, failure)
    ended = await filings.by_unique_id(story.session, message.unique_id)
    assert ended is not None
    assert (ended.state, ended.code) == (state, failure.code)
    assert ended.french
    assert ended.remedy


async def test_an_objection_between_two_tries_stops_the_second(
    database: Database, delivery: outbox.Delivery, dmp: DmpClient, twin: DmpTwin, world: World
) -> None:
    """Prepared, tried, to be tried again; then the patient objects: nothing more leaves, and the note says why."""
    async with database.transaction() as session:
        story = await Story(session).begin()
        message = await story.ask(await story.note())
    worker = Worker(database=database, topics=merge({DmpSubmission: delivery}), clients={"dmp": dmp})
    twin.faults.set("busy", times=1)
    assert await worker.round() == 1
    async with database.transaction() as session:
        (waiting,) = await outbox.rows(session, topic=DmpSubmission.topic)
        assert waiting.state == "waiting" and waiting.prepared
        await notebook.record_agreement(session, OPERATOR, story.patient, Agreement.OBJECTS)
        await session.execute(text("UPDATE outbox SET due_at = put_at"))
    heard = len(world.journal.entries())
    assert await worker.round() == 1
    assert len(world.journal.entries()) == heard
    async with database.reading() as session:
        (stopped,) = await outbox.rows(session, topic=DmpSubmission.topic)
        kept = await filings.by_unique_id(session, message.unique_id)
    assert (stopped.state, stopped.last_error["code"]) == ("stopped", "dmp-objection")
    assert kept is not None and (kept.state, kept.code) == (FilingState.HELD, "dmp-objection")
    assert kept.french == "Le patient s’oppose au dépôt dans son DMP."


async def test_a_patient_who_lost_a_trait_stops_the_message(story: Story, delivery: outbox.Delivery) -> None:
    message = await story.ask(await story.note())
    known = await resources.lock(story.session, "Patient", story.patient)
    del known["birthDate"]
    await resources.save(story.session, Viewer.hub(), known)
    with pytest.raises(ValueError, match="birth date"):
        await delivery.prepare(story.session, message)


async def test_a_dry_run_settles_nothing(story: Story, delivery: outbox.Delivery) -> None:
    message = await story.ask(await story.note())
    await delivery.settle(story.session, message, None)
    kept = await filings.by_unique_id(story.session, message.unique_id)
    assert kept is not None
    assert kept.state is FilingState.WAITING
