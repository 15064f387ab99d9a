"""TD0.2, ITI-18 and ITI-57 at the DMP twin, its side door and the faults it plays."""

import ssl
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from sandbox.authority import Certificates
from sandbox.dmp import DmpTwin
from sandbox.dmp.registry import PATIENTS
from sandbox.servers import listening
from sandbox.world import World
from tests.sandbox.dmp_caller import GET_DOCUMENTS, Caller, heard
from tests.sandbox.dmp_messages import CX, ITI18, ROOT, TD02, Lot, Note, Vihf, cda, envelope, existence, stored_query

ClientFor = Callable[..., httpx.AsyncClient]
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"
ARCHIVED = "urn:asip:ci-sis:2010:StatusType:Archived"
FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
APPROVED = "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"


@pytest.fixture
def twin(world: World) -> DmpTwin:
    return DmpTwin(world)


@pytest.fixture
def caller(twin: DmpTwin, client_for: ClientFor, certificates: Certificates) -> Caller:
    app = twin.listeners()[0].app
    return Caller(twin=twin, line=client_for(app, certificate="hub-auth-cli"), certificates=certificates)


@pytest.fixture
async def side(twin: DmpTwin) -> httpx.AsyncClient:
    home = FastAPI()
    home.include_router(twin.side, prefix="/twins/dmp")
    return httpx.AsyncClient(transport=httpx.ASGITransport(home), base_url="http://localhost/twins/dmp/")


async def test_an_open_dmp(caller: Caller) -> None:
    answer = await caller.exists()
    assert answer.text("//h:interactionId/@extension") == "PRPA_IN201308UV02"
    assert answer.text("//a:Action") == "urn:hl7-org:v3:PRPA_IN201308UV02"
    assert answer.text("//h:acknowledgement/@typeCode") == "AA"
    assert answer.text("//h:queryResponseCode/@code") == "OK"
    assert answer.text("//h:patient/h:statusCode/@code") == "active"
    assert answer.text("//h:patient/h:id/@extension") == "279035121518989"
    assert answer.text("//h:patientPerson/h:name/h:family[@qualifier='BR']") == "PAT-TROIS"
    assert answer.text("//h:attentionLine[h:keyWordText/@code='AUTORISATION']/h:value/@code") == "VALIDE"
    assert answer.text("//h:queryAck/h:queryId/@extension") == "q1"


async def test_a_closed_dmp_and_none(caller: Caller) -> None:
    closed = await caller.exists(PATIENTS[1].cx)
    assert closed.text("//h:patient/h:statusCode/@code") == "closed"
    assert closed.text("//h:acknowledgementDetail/h:code/@code") == "DMPClosed"
    unknown = await caller.exists("279035121518990^^^&1.2.250.1.213.1.4.10&ISO^NH")
    assert unknown.text("//h:queryResponseCode/@code") == "NF"
    assert not unknown.root.xpath("//h:patient", namespaces={"h": "urn:hl7-org:v3"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("TEST_EXST", "TEST"),
        ('typeCode="SND"', 'typeCode="RCV"'),
        ("</patientIdentifier>", '<value root="1" extension="2"/></patientIdentifier>'),
        ("Patient.id", "Patient.nom"),
        ('<statusCode code="new"/>', '<statusCode code="old"/>'),
        ("<softwareName>DMP</softwareName>", "<softwareName>AUTRE</softwareName>"),
        ('<acceptAckCode code="AL"/>', ""),
        ('ITSVersion="XML_1.0"', ""),
        ("279035121518989", "155069512700193"),
    ],
)
async def test_a_wrong_question_is_a_fault(caller: Caller, before: str, after: str) -> None:
    body = existence()
    assert before in body
    answer = await caller.ask("patients", TD02, body.replace(before, after))
    assert answer.status == 400
    assert not caller.last.accepted


async def test_get_documents_gives_the_references(caller: Caller) -> None:
    note = Note(number=1)
    await caller.feed(Lot(note=note))
    filed = caller.twin.registry.filed[note.unique_id]
    answer = await caller.find(note.unique_id)
    assert answer.success
    assert answer.text("//rim:ExtrinsicObject/@id") == filed.entry_uuid
    assert answer.text("//rim:ExtrinsicObject/@lid") == filed.logical_id
    assert answer.text("//rim:ExtrinsicObject/@status").endswith("Approved")
    assert answer.text("//rim:Slot[@name='hash']/rim:ValueList/rim:Value") == filed.sha1
    assert answer.text("//rim:Slot[@name='repositoryUniqueId']/rim:ValueList/rim:Value") == "1.2.250.1.213.4.1.1.1.2"
    assert answer.text("//rim:Classification/@classifiedObject") == filed.entry_uuid
    by_uuid = stored_query(GET_DOCUMENTS, {"$XDSDocumentEntryEntryUUID": f"'{filed.entry_uuid}'"})
    assert (await caller.ask("registry", ITI18, by_uuid)).text("//rim:ExtrinsicObject/@lid") == filed.logical_id
    bare = (await caller.ask("registry", ITI18, by_uuid.replace("LeafClass", "ObjectRef"))).text("//rim:ObjectRef/@id")
    assert bare == filed.entry_uuid
    assert not (await caller.find("1.2.3")).root.xpath("//*[local-name()='ExtrinsicObject']")


@pytest.mark.parametrize(
    ("identifier", "slots", "code"),
    [
        ("urn:uuid:00000000-0000-4000-8000-000000000000", {}, "XDSUnknownStoredQuery"),
        (GET_DOCUMENTS, {}, "XDSStoredQueryMissingParam"),
        (
            GET_DOCUMENTS,
            {"$XDSDocumentEntryUniqueId": "'1.2'", "$XDSDocumentEntryEntryUUID": "'urn:uuid:1'"},
            "XDSStoredQueryParamNumber",
        ),
        (GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": "1.2.3"}, "XDSRegistryError"),
    ],
)
async def test_wrong_queries(caller: Caller, identifier: str, slots: dict[str, str], code: str) -> None:
    answer = await caller.ask("registry", ITI18, stored_query(identifier, slots))
    assert code in answer.errors
    assert not answer.success


async def test_find_documents_in_reinforced_mode(caller: Caller) -> None:
    await caller.feed(Lot(note=Note(number=1)))
    slots = {
        "$XDSDocumentEntryPatientId": f"'{CX}'",
        "$XDSDocumentEntryStatus": APPROVED,
        "$XDSDocumentEntryTypeCode": "('11506-3^^2.16.840.1.113883.6.1')",
    }

    async def found(extra: dict[str, str]) -> int:
        security = caller.security(Vihf(now=caller.twin.world.clock.now(), mode="INDIRECTE_RENFORCEE"))
        answer = await caller.ask(
            "registry", ITI18, stored_query(FIND_DOCUMENTS, {**slots, **extra}), security=security
        )
        assert answer.success, answer.contexts
        return len(answer.root.xpath("//*[local-name()='ExtrinsicObject']"))

    assert await found({}) == 1
    assert await found({"$XDSDocumentEntryServiceStartTimeFrom": "'20261105'"}) == 1
    assert await found({"$XDSDocumentEntryServiceStartTimeFrom": "'20261106'"}) == 0
    assert await found({"$XDSDocumentEntryTypeCode": "('34133-9^^2.16.840.1.113883.6.1')"}) == 0


async def test_a_structure_deletes_its_documents(caller: Caller) -> None:
    note = Note(number=1)
    await caller.feed(Lot(note=note))
    before = caller.entry_uuid(note.unique_id)
    answer = await caller.delete(2, before, new=DELETED)
    assert answer.success, answer.contexts
    filed = caller.twin.registry.filed[note.unique_id]
    assert (filed.status, caller.last.facts["status"]) == (DELETED, DELETED)
    assert filed.entry_uuid != before
    assert caller.last.verdict == "Document supprimé"
    assert (await caller.delete(3, before, new=DELETED)).errors == ["XDSMetadataVersionError"]
    again = await caller.delete(4, filed.entry_uuid, new=DELETED)
    assert again.errors == ["XDSMetadataUpdateOperationError"]


async def test_what_a_structure_may_not_change(caller: Caller) -> None:
    note = Note(number=1)
    await caller.feed(Lot(note=note))
    uuid = caller.entry_uuid(note.unique_id)
    assert (await caller.delete(2, uuid, new=ARCHIVED)).errors == ["DMPAccessDenied"]
    unknown = await caller.delete(3, "urn:uuid:0a0b0c0d-0000-4000-8000-000000000000", new=DELETED)
    assert unknown.errors == ["UnresolvedReferenceException"]
    others = Vihf(now=caller.twin.world.clock.now(), mode="INDIRECTE_RENFORCEE", subject="899700999909")
    refused = await caller.delete(4, uuid, new=DELETED, security=caller.security(others))
    assert refused.errors == ["DMPAccessDenied"]
    assert caller.twin.registry.filed[note.unique_id].status.endswith("Approved")


async def test_the_number_of_a_set_serves_once(caller: Caller) -> None:
    note = Note(number=1)
    await caller.feed(Lot(note=note))
    answer = await caller.delete(1, caller.entry_uuid(note.unique_id), new=DELETED)
    assert answer.errors == ["XDSDuplicateUniqueIdInRegistry"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("busy", "XDSRepositoryBusy"), ("refuse-patient", "XDSUnknownPatientId"), ("closed", "DMPClosed")],
)
async def test_refusals_on_demand(caller: Caller, kind: str, code: str) -> None:
    caller.twin.faults.set(kind)
    lot = Lot(note=Note(number=1))
    assert (await caller.feed(lot)).errors == [code]
    assert (await caller.feed(lot)).success


async def test_a_soap_fault_on_demand(caller: Caller) -> None:
    caller.twin.faults.set("soap-fault")
    answer = await caller.exists()
    assert (answer.status, answer.text("//e:Fault/e:Code/e:Value")) == (500, "soapenv:Receiver")


async def test_html_on_demand(caller: Caller) -> None:
    caller.twin.faults.set("html")
    answer = await caller.line.post(f"{ROOT}patients", content=b"", headers={"content-type": "application/soap+xml"})
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_lost_answer_leaves_the_document_filed(caller: Caller) -> None:
    caller.twin.faults.set("lost-answer")
    lot = Lot(note=Note(number=1))
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.feed(lot)
    assert lot.note.unique_id in caller.twin.registry.filed
    again = await caller.feed(lot)
    assert set(again.errors) == {"XDSDuplicateUniqueIdInRegistry"}
    assert (await caller.find(lot.note.unique_id)).text("//rim:ExtrinsicObject/@id") == caller.entry_uuid(
        lot.note.unique_id
    )


async def test_an_entry_that_moved_must_be_looked_up_again(caller: Caller) -> None:
    first = Note(number=1)
    await caller.feed(Lot(note=first))
    second = Note(number=2, version=2, series=1, replaces=first.unique_id, words="Plaie fermée.")
    caller.twin.faults.set("moved")
    stale = await caller.feed(Lot(note=second, number=2, target=caller.entry_uuid(first.unique_id)))
    assert stale.errors == ["XDSRegistryDeprecatedDocumentError"]
    fresh = (await caller.find(first.unique_id)).text("//rim:ExtrinsicObject/@id")
    assert (await caller.feed(Lot(note=second, number=3, target=fresh))).success


async def test_the_side_door_shows_documents(caller: Caller, side: httpx.AsyncClient) -> None:
    note = Note(number=1)
    await caller.feed(Lot(note=note))
    listed = (await side.get("documents")).json()["documents"]
    assert [one["uniqueId"] for one in listed] == [note.unique_id]
    assert listed[0]["confidentiality"] == ["N"]
    assert len((await side.get("documents", params={"signatures": True})).json()["documents"]) == 2
    assert (await side.get(f"documents/{note.unique_id}")).content == cda(note)
    assert (await side.get("documents/1.2.3")).status_code == 404


async def test_the_side_door_invents_patients(caller: Caller, side: httpx.AsyncClient) -> None:
    given = {"ins": "279035121518989", "oid": "1.2.250.1.213.1.4.10", "status": "closed"}
    assert (await side.post("patients", json=given)).status_code == 201
    assert (await caller.exists()).text("//h:patient/h:statusCode/@code") == "closed"
    assert (await side.post("patients", json={**given, "status": "lost"})).status_code == 422
    caller.twin.reset()
    assert (await caller.exists()).text("//h:patient/h:statusCode/@code") == "active"
    assert len((await side.get("patients")).json()["patients"]) == len(PATIENTS)


async def test_the_side_door_changes_settings(caller: Caller, side: httpx.AsyncClient) -> None:
    assert (await side.post("settings", json={"multipart_answers": False})).json()["multipart_answers"] is False
    answer = await caller.feed(Lot(note=Note(number=1)))
    assert answer.content_type.startswith("application/soap+xml")
    assert (await side.post("settings", json={"multipart": False})).status_code == 422


async def test_over_real_mutual_tls(open_world: World) -> None:
    """One question and one lost answer over a real socket."""
    twin = DmpTwin(open_world)
    certificates = open_world.certificates
    caller = Caller(twin=twin, line=httpx.AsyncClient(), certificates=certificates)
    whole = envelope(existence(), action=TD02, service="patients", security=caller.security())
    context = ssl.create_default_context(cafile=str(certificates.authority))
    bare = ssl.create_default_context(cafile=str(certificates.authority))
    context.load_cert_chain(certificates.path("hub-auth-cli"), certificates.key("hub-auth-cli"))
    headers = {"content-type": "application/soap+xml; charset=UTF-8"}
    base = open_world.settings.url("dmp")
    async with listening(twin.listeners(), open_world), httpx.AsyncClient(verify=context, base_url=base) as line:
        answer = heard(await line.post(f"{ROOT}patients", content=whole, headers=headers))
        assert answer.text("//h:patient/h:statusCode/@code") == "active"
        caller.line = line
        twin.faults.set("lost-answer")
        with pytest.raises(httpx.TransportError):
            await caller.feed(Lot(note=Note(number=1)))
        assert len(twin.registry.filed) == 2
        async with httpx.AsyncClient(verify=bare, base_url=base) as stranger:
            with pytest.raises(httpx.TransportError):
                await stranger.post(f"{ROOT}patients", content=whole, headers=headers)
    await caller.line.aclose()
