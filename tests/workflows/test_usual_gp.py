"""The usual GP: a name opens nothing; confirmed, it opens the circle and the notes hidden from other professionals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.notebook import Mask
from hub.domain.people import client_key, role_key, usual_gp_key
from hub.domain.refusal import Refusal
from hub.fhir.smart import backend
from hub.fhir.smart.tokens import AccessToken
from hub.r4 import names
from hub.r4.shapes import patient as shape
from hub.r4.shapes import usual_gp as links
from hub.storage import clients, grants, resources
from hub.storage.clients import Client
from hub.storage.search import search
from hub.workflows import circle, handoffs, notebook, requests, usual_gp

VASSEUR, LEBRUN, MARCHAND = "899700999909", "899700999917", "899700999925"


@pytest.fixture
async def named(place: Any, bundle: Any) -> Any:
    """Dr Lebrun is named as usual GP by the SAS; Dr Vasseur took the request and wrote two notes, one hidden."""
    doctor = await place.professional(VASSEUR, "VASSEUR")
    await place.professional(LEBRUN, "LEBRUN")
    await place.professional(MARCHAND, "MARCHAND")
    handoff = bundle()
    gp = [{"identifier": {"system": names.RPPS, "value": LEBRUN[1:]}}]
    handoff["entry"][0]["resource"]["generalPractitioner"] = gp
    received = await handoffs.receive(place.session, place.sas, handoff)
    return place, doctor, received.request


async def written(place: Any, doctor: Any, request: str) -> tuple[str, str, str]:
    """The patient, a note for the circle and a hidden one; Dr Lebrun, asked first, has declined."""
    await requests.decline(place.session, place.people["LEBRUN"], request, "not-available")
    patient = (await requests.accept(place.session, doctor, request)).patient
    shown = await notebook.add(place.session, doctor, patient, kind="INTERV", text="Pouls régulier.")
    hidden = await notebook.add(
        place.session, doctor, patient, kind="INTERV", text="Confidence.", mask=Mask.HIDDEN_FROM_PROFESSIONALS
    )
    return patient, shown.id, hidden.id


async def read_by(place: Any, viewer: Any, patient: str) -> set[str]:
    """The notes that search, read and history give."""
    page = await search(place.session, viewer, "DocumentReference", [("patient", f"Patient/{patient}")])
    found = {one.id for one in page.matches}
    assert found == {one.id for one in await resources.history(place.session, viewer, "DocumentReference")}
    for id in found:
        assert await resources.read(place.session, viewer, "DocumentReference", id) is not None
    return found


async def test_the_word_of_the_issuer_alone_opens_nothing(named: Any) -> None:
    place, doctor, request = named
    patient, *_ = await written(place, doctor, request)
    assert await read_by(place, place.people["LEBRUN"], patient) == set()
    assert await resources.read(place.session, place.people["LEBRUN"], "Patient", patient) is None


async def test_confirmed_by_an_operator_they_read_all_and_the_others_not_what_is_hidden(named: Any, clock: Any) -> None:
    place, doctor, request = named
    patient, shown, hidden = await written(place, doctor, request)
    other, gp = place.people["MARCHAND"], place.people["LEBRUN"]
    await circle.join(place.session, patient, other.role)
    assert await usual_gp.confirm(place.session, place.operator, patient, LEBRUN[1:]) == LEBRUN
    assert await read_by(place, gp, patient) == {shown, hidden}
    assert await read_by(place, other, patient) == {shown}
    assert await resources.read(place.session, other, "DocumentReference", hidden) is None
    for stranger in (place.operator, place.sas):
        assert await read_by(place, stranger, patient) == set()
    clock.advance(timedelta(days=3650))
    assert await read_by(place, gp, patient) == {shown, hidden}  # the link has no end of its own
    note = await notebook.add(place.session, gp, patient, kind="INTERV", text="Revue au cabinet.")
    assert note.author == gp.role


async def test_how_it_lies_in_fhir(named: Any) -> None:
    place, doctor, request = named
    patient, *_ = await written(place, doctor, request)
    await usual_gp.confirm(place.session, place.operator, patient, LEBRUN)
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None
    said = links.confirmed(known)
    assert said is not None
    assert (said.national_id, said.by, said.request) == (LEBRUN, "Nadia Roche, opératrice", None)
    assert said.at.isoformat() == "2026-11-16T08:00:00+00:00"
    assert known["generalPractitioner"][0]["identifier"] == {"system": names.RPPS, "value": LEBRUN[1:]}
    team = await circle.of(place.session, patient)
    assert team is not None
    (gp,) = [part for part in team["participant"] if links.is_usual_gp(part)]
    assert gp["member"] == {"reference": f"PractitionerRole/{place.people['LEBRUN'].role}"}
    assert gp["period"] == {"start": "2026-11-16T08:00:00Z"}
    stored = await resources.read(place.session, place.people["LEBRUN"], "CareTeam", team["id"])
    assert stored is not None


async def test_accepting_confirms_and_giving_back_undoes(named: Any) -> None:
    place, _, request = named
    gp = place.people["LEBRUN"]
    patient = (await requests.accept(place.session, gp, request)).patient
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None
    said = links.confirmed(known)
    assert said is not None and (said.national_id, said.request) == (LEBRUN, request)
    hidden = await notebook.add(
        place.session, gp, patient, kind="INTERV", text="Confidence.", mask=Mask.HIDDEN_FROM_PROFESSIONALS
    )
    assert await read_by(place, gp, patient) == {hidden.id}
    await requests.release(place.session, gp, request, "too-far")
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None and links.confirmed(known) is None
    assert usual_gp_key(LEBRUN) not in await _audiences(place, patient)


async def _audiences(place: Any, patient: str) -> set[str]:
    ends = {key: await grants.end_of(place.session, audience=key, patient=patient) for key in (usual_gp_key(LEBRUN),)}
    return {key for key, end in ends.items() if end is not None}


async def test_another_who_accepts_confirms_nothing(named: Any) -> None:
    place, doctor, request = named
    patient, *_ = await written(place, doctor, request)
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None and links.confirmed(known) is None
    assert shape.usual_gp(known) == LEBRUN


async def test_another_one_confirmed_replaces_the_first(named: Any) -> None:
    place, doctor, request = named
    patient, _, hidden = await written(place, doctor, request)
    for number in (LEBRUN, MARCHAND, MARCHAND):
        await usual_gp.confirm(place.session, place.operator, patient, number)
    assert await read_by(place, place.people["LEBRUN"], patient) == set()
    assert hidden in await read_by(place, place.people["MARCHAND"], patient)
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None and shape.usual_gp(known) == MARCHAND
    await usual_gp.withdraw(place.session, place.operator, patient)
    await usual_gp.withdraw(place.session, place.operator, patient)
    assert await read_by(place, place.people["MARCHAND"], patient) == set()
    team = await circle.of(place.session, patient)
    assert team is not None and not any(links.is_usual_gp(part) for part in team["participant"])


async def test_who_has_no_account_yet_reads_once_they_have_one(named: Any) -> None:
    place, doctor, request = named
    patient, shown, hidden = await written(place, doctor, request)
    newcomer = "899700999933"
    await usual_gp.confirm(place.session, place.operator, patient, newcomer)
    team = await circle.of(place.session, patient)
    assert team is not None
    (gp,) = [part for part in team["participant"] if links.is_usual_gp(part)]
    assert gp["member"]["identifier"] == {"system": names.IDNPS, "value": newcomer}
    viewer = await place.professional(newcomer, "DUVAL")
    assert await read_by(place, viewer, patient) == {shown, hidden}


async def test_their_software_reads_as_they_do(named: Any, clock: Any) -> None:
    place, doctor, request = named
    patient, shown, hidden = await written(place, doctor, request)
    await usual_gp.confirm(place.session, place.operator, patient, LEBRUN)
    role = place.people["LEBRUN"].role
    await clients.keep(
        place.session, Client(id="soft", name="Logiciel", kind="software", role=role, scopes=("system/*.rs",))
    )
    client = await clients.by_id(place.session, "soft")
    assert client is not None
    token = AccessToken(client="soft", scopes=("system/*.rs",), expires_at=clock.instant)
    viewer = backend.viewer(client, token)
    assert viewer.keys == {client_key("soft"), role_key(role), usual_gp_key(LEBRUN)}
    assert await read_by(place, viewer, patient) == {shown, hidden}


async def test_only_an_operator_of_the_territory_confirms(named: Any) -> None:
    place, doctor, request = named
    patient, *_ = await written(place, doctor, request)
    for viewer, code in ((doctor, "not-allowed"), (place.sas, "not-allowed"), (place.people["MARCHAND"], "not-found")):
        with pytest.raises(Refusal, match=code):
            await usual_gp.confirm(place.session, viewer, patient, LEBRUN)
    with pytest.raises(Refusal, match="bad-identifier"):
        await usual_gp.confirm(place.session, place.operator, patient, "12345678901")
    elsewhere = replace(place.operator, keys=frozenset())
    with pytest.raises(Refusal, match="not-found"):
        await usual_gp.withdraw(place.session, elsewhere, patient)


async def test_a_sas_that_speaks_again_does_not_undo_it(named: Any, bundle: Any, clock: Any) -> None:
    place, doctor, request = named
    patient, *_ = await written(place, doctor, request)
    await usual_gp.confirm(place.session, place.operator, patient, MARCHAND)
    await requests.cancel(place.session, place.sas, request, "withdrawn-by-issuer")
    clock.advance(timedelta(minutes=30))
    again = bundle(due="2026-11-16T10:00:00Z")
    for entry in again["entry"]:
        if "authoredOn" in entry["resource"]:
            entry["resource"]["authoredOn"] = "2026-11-16T08:20:00Z"
    await handoffs.receive(place.session, place.sas, again)
    known = await resources.peek(place.session, "Patient", patient)
    assert known is not None and shape.usual_gp(known) == MARCHAND and links.confirmed(known) is not None
