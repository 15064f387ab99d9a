"""The notebook when the patient objects, and notes hidden from other professionals (workflow.md 4.3, 7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.connectors.dmp import outbound
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.failure import ConnectorFailure
from hub.domain.notebook import Agreement, FilingState, Mask
from hub.r4 import names
from hub.storage import filings, resources
from hub.storage.search import search
from hub.workflows import circle, handoffs, notebook, patients, requests
from hub.workflows.topics import DmpSubmission

VASSEUR, LEBRUN = "899700999909", "899700999917"


@pytest.fixture
async def cared(place: Any, bundle: Any) -> Any:
    """A patient whose circle holds two doctors, informed about the DMP."""
    doctor = await place.professional(VASSEUR, "VASSEUR")
    other = await place.professional(LEBRUN, "LEBRUN", skill="SM54")
    handoff = bundle()
    born = {"extension": [{"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "51215"}}]}
    handoff["entry"][0]["resource"]["extension"].append({"url": names.BIRTH_PLACE_EXTENSION, "valueAddress": born})
    received = await handoffs.receive(place.session, place.sas, handoff)
    patient = (await requests.accept(place.session, doctor, received.request)).patient
    await circle.join(place.session, patient, other.role)
    await notebook.record_agreement(place.session, doctor, patient, Agreement.INFORMED)
    return place, patient


async def test_a_filed_note_is_corrected_although_the_patient_objects_now(cared: Any, clock: Any) -> None:
    place, patient = cared
    doctor = place.people["VASSEUR"]
    note = await notebook.add(place.session, doctor, patient, kind="INTERV", text="Tension 12/7.", to_dmp=True)
    clock.advance(timedelta(minutes=1))
    await notebook.record_agreement(place.session, doctor, patient, Agreement.OBJECTS)
    corrected = await notebook.correct(place.session, doctor, note.id, text="Tension 17/9.")
    assert corrected.version == 2
    first, second = await filings.of_note(place.session, note.id)
    assert (first.state, second.state, second.code) == (FilingState.WAITING, FilingState.HELD, "dmp-objection")
    assert second.remedy


async def test_an_objection_stops_a_submission_on_its_way(cared: Any, clock: Any) -> None:
    place, patient = cared
    doctor = place.people["VASSEUR"]
    note = await notebook.add(place.session, doctor, patient, kind="INTERV", text="Tension 12/7.", to_dmp=True)
    clock.advance(timedelta(minutes=1))
    await notebook.record_agreement(place.session, doctor, patient, Agreement.OBJECTS)
    assert await patients.agreement(place.session, patient) is Agreement.OBJECTS
    (asked,) = await filings.of_note(place.session, note.id)
    message = DmpSubmission(
        note=note.id, version=1, unique_id=asked.unique_id, set_id=asked.set_id, submission_id=asked.submission_id,
        asked_by="x",
    )  # fmt: skip
    (delivery,) = outbound.topics(DmpSettings.model_construct(tables=None), None).values()  # type: ignore[arg-type]
    assert delivery.allow is not None and delivery.give_up is not None
    with pytest.raises(ConnectorFailure, match="dmp-objection") as stopped:
        await delivery.allow(place.session, message)
    await delivery.give_up(place.session, message, stopped.value)
    (held,) = await filings.of_note(place.session, note.id)
    assert (held.state, held.code) == (FilingState.HELD, "dmp-objection")


async def test_a_note_hidden_from_professionals_is_read_by_its_author_alone(cared: Any) -> None:
    place, patient = cared
    doctor, other = place.people["VASSEUR"], place.people["LEBRUN"]
    hidden = await notebook.add(
        place.session, doctor, patient, kind="INTERV", text="Confidence.", mask=Mask.HIDDEN_FROM_PROFESSIONALS
    )
    shown = await notebook.add(place.session, doctor, patient, kind="INTERV", text="Pouls régulier.")
    assert await resources.read(place.session, doctor, "DocumentReference", hidden.id) is not None
    assert await resources.read(place.session, other, "DocumentReference", hidden.id) is None
    assert await resources.vread(place.session, other, "DocumentReference", hidden.id, 1) is None
    found = await search(place.session, other, "DocumentReference", [("patient", f"Patient/{patient}")], count=10)
    assert [one.id for one in found.matches] == [shown.id]
