"""ITI-41 at the DMP twin: what is filed, what is refused and under which code."""

import base64
from collections.abc import Callable

import httpx
import pytest

from sandbox.authority import Certificates
from sandbox.dmp import DmpTwin
from sandbox.dmp.registry import PATIENTS, Options
from sandbox.world import World
from tests.sandbox.dmp_caller import Caller
from tests.sandbox.dmp_messages import ARC, CX, ITI41, Lot, Note, cda, envelope, multipart, provide, seal_of, xades

ClientFor = Callable[..., httpx.AsyncClient]
METADATA = "XDSRepositoryMetadataError"


@pytest.fixture
def caller(world: World, client_for: ClientFor, certificates: Certificates) -> Caller:
    twin = DmpTwin(world)
    return Caller(twin=twin, line=client_for(twin.app, certificate="hub-auth-cli"), certificates=certificates)


@pytest.mark.parametrize("method", ["sha1", "sha256"])
async def test_a_signed_set_is_filed(caller: Caller, method: str) -> None:
    lot = Lot(note=Note(number=1), method=method)
    answer = await caller.feed(lot)
    assert answer.success, (answer.contexts, answer.reason)
    assert answer.content_type.startswith("multipart/related")
    filed = caller.twin.registry.filed[lot.note.unique_id]
    assert filed.content == cda(lot.note)
    facts = caller.last.facts
    assert (facts["uniqueId"], facts["hash"], facts["patient"]) == (lot.note.unique_id, filed.sha1, CX)
    assert (facts["entryUUID"], facts["logicalId"]) == (filed.entry_uuid, filed.logical_id)
    assert facts["submission"] == lot.submission
    assert caller.last.accepted
    assert caller.last.verdict == "Document classé"
    assert all(check.passed and check.where for check in caller.last.checks)


async def test_the_answer_relates_to_the_question(caller: Caller) -> None:
    answer = await caller.feed(Lot(note=Note(number=1)))
    assert answer.text("//a:Action") == f"{ITI41}Response"
    sent = caller.last.request.split("<a:MessageID>")[1].split("<")[0]
    assert answer.text("//a:RelatesTo") == sent


async def test_content_inside_the_xml_is_taken_in_a_multipart(caller: Caller) -> None:
    lot = Lot(note=Note(number=1))
    body, parts = provide(lot, caller.seal)
    for name, content in parts.items():
        include = f'<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:{name.replace("@", "%40")}"/>'
        body = body.replace(include, base64.b64encode(content).decode())
    whole = envelope(body, action=ITI41, service="repository", security=caller.security())
    answer = await caller.post("repository", *multipart(whole, {}, action=ITI41))
    assert answer.success, answer.contexts


async def test_plain_soap_is_not_taken(caller: Caller) -> None:
    body, _ = provide(Lot(note=Note(number=1)), caller.seal)
    answer = await caller.ask("repository", ITI41, body)
    assert answer.status == 400
    assert "EX_2.1-1260" in answer.reason


async def test_start_info_is_demanded(caller: Caller) -> None:
    body, parts = provide(Lot(note=Note(number=1)), caller.seal)
    whole = envelope(body, action=ITI41, service="repository", security=caller.security())
    answer = await caller.post("repository", *multipart(whole, parts, action=ITI41, start_info="text/xml"))
    assert answer.status == 400
    assert "start-info" in answer.reason


METADATA_CHANGES = {
    "hash": ('<Slot name="hash"><ValueList><Value>', '<Slot name="hash"><ValueList><Value>0', "XDSNonIdenticalHash"),
    "size": ('<Slot name="size"><ValueList><Value>', '<Slot name="size"><ValueList><Value>1', "XDSNonIdenticalSize"),
    "local time": ("20261105173000", "20261105183000", "InvalidDocumentContent"),
    "time with offset": ("20261105170000", "20261105180000+0100", METADATA),
    "class of another type": ('nodeRepresentation="10"', 'nodeRepresentation="11"', METADATA),
    "type outside the DMP": ('nodeRepresentation="11506-3"', 'nodeRepresentation="34120-6"', METADATA),
    "content type": ('nodeRepresentation="07"', 'nodeRepresentation="ZZ"', METADATA),
    "format": ("urn:ihe:iti:xds-sd:text:2008", "urn:ihe:iti:xds-sd:pdf:2008", "InvalidDocumentContent"),
    "facility": ('nodeRepresentation="SA63"', 'nodeRepresentation="SA64"', METADATA),
    "confidentiality": ('nodeRepresentation="N"', 'nodeRepresentation="R"', METADATA),
    "scheme": ("a09d5840-386c-46f2-b5ad-9c3699a4309d", "a09d5840-386c-46f2-b5ad-9c3699a43090", METADATA),
    "letter case of an id": ('Document id="Note"', 'Document id="note"', "XDSMissingDocument"),
    "association": ("AssociationType:HasMember", "AssociationType:IsMember", METADATA),
    "signs": (
        'AssociationType:signs" sourceObject="Signature"',
        'AssociationType:signs" sourceObject="Note"',
        METADATA,
    ),
    "original": ("<Value>Original</Value>", "<Value>Reference</Value>", METADATA),
    "patient of one object": (
        f'value="{CX.replace("&", "&amp;")}"><Name><LocalizedString charset="UTF8" xml:lang="FR" '
        'value="patientId"/></Name></ExternalIdentifier><ExternalIdentifier id="Note-uniqueId"',
        'value="155069512700193^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH"><Name><LocalizedString '
        'charset="UTF8" xml:lang="FR" value="patientId"/></Name></ExternalIdentifier>'
        '<ExternalIdentifier id="Note-uniqueId"',
        "XDSPatientIdDoesNotMatch",
    ),
    "extension of uniqueId": (f'value="{ARC}.3.1"', f'value="{ARC}.3.1^7"', METADATA),
    "author of the note": ("899700000017^MARTIN", "899700000018^MARTIN", "InvalidDocumentContent"),
    "shape of an author": ("^D^^^IDNPS", "^D^^^IDN", METADATA),
    "other structure": ("IDNST^^^10B0123456", "IDNST^^^10B0999999", METADATA),
    "trait": ("PID-7|19790328", "PID-7|19790329", "InvalidDocumentContent"),
    "two titles in a slot": ("<Value>fr-FR</Value>", "<Value>fr-FR</Value><Value>fr-FR</Value>", METADATA),
    "repository chosen by the sender": (
        '<Slot name="languageCode">',
        '<Slot name="repositoryUniqueId"><ValueList><Value>1.2.3</Value></ValueList></Slot><Slot name="languageCode">',
        METADATA,
    ),
    "no format at all": ('nodeRepresentation="urn:ihe:iti:xds-sd:text:2008"', 'nodeRepresentation=""', METADATA),
    "entry instead of a set": (
        "a54d6aa5-d40d-43f9-88c5-b4633d873bdd",
        "a54d6aa5-d40d-43f9-88c5-b4633d873bde",
        METADATA,
    ),
    "signature not so named": ('value="Source"', 'value="Signature"', METADATA),
    "label in no language": ('xml:lang="FR" value="Texte"', 'value="Texte"', METADATA),
    "slot without a name": ('name="sourcePatientInfo"', 'name=""', METADATA),
    "author slot twice": ("authorSpecialty", "authorInstitution", METADATA),
    "two includes": (
        "</p:Document>",
        '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:x"/></p:Document>',
        "XDSMissingDocument",
    ),
    "title": ("Cahier de liaison - note 1", "Cahier de liaison - note 2", "InvalidDocumentContent"),
}


@pytest.mark.parametrize("what", METADATA_CHANGES)
async def test_metadata_that_do_not_hold_are_refused(caller: Caller, what: str) -> None:
    before, after, code = METADATA_CHANGES[what]

    def change(text: str) -> str:
        assert before in text
        return text.replace(before, after)

    answer = await caller.feed(Lot(note=Note(number=1), change=change))
    assert code in answer.errors, (answer.errors, answer.contexts, answer.reason)
    assert not caller.twin.registry.filed
    assert not caller.last.accepted
    assert "Règle non respectée" in answer.contexts


@pytest.mark.parametrize(
    "slot", ["creationTime", "languageCode", "legalAuthenticator", "serviceStartTime", "sourcePatientId"]
)
async def test_required_metadata_are_required(caller: Caller, slot: str) -> None:
    lot = Lot(note=Note(number=1), change=lambda text: text.replace(f'name="{slot}"', 'name="URI"'))
    answer = await caller.feed(lot)
    assert METADATA in answer.errors
    assert slot in answer.contexts


async def test_submission_time_in_local_time_is_in_the_future(caller: Caller) -> None:
    now = caller.twin.world.clock.now()
    ahead = now.replace(year=now.year + 1).strftime("%Y%m%d%H%M%S")
    answer = await caller.feed(Lot(note=Note(number=1), submitted=ahead))
    assert answer.errors == [METADATA]
    assert "submissionTime" in answer.contexts


async def test_the_same_set_again_is_a_repeat(caller: Caller) -> None:
    lot = Lot(note=Note(number=1))
    assert (await caller.feed(lot)).success
    again = await caller.feed(lot)
    assert set(again.errors) == {"XDSDuplicateUniqueIdInRegistry"}
    other = await caller.feed(Lot(note=Note(number=1, words="Autre texte."), number=2))
    assert "XDSNonIdenticalHash" in other.errors
    assert len(caller.twin.registry.filed) == 2  # the note and its signature, once


async def test_a_new_version_replaces_the_one_in_force(caller: Caller) -> None:
    first = Note(number=1)
    await caller.feed(Lot(note=first))
    second = Note(number=2, version=2, series=1, replaces=first.unique_id, words="Plaie fermée.")
    answer = await caller.feed(Lot(note=second, number=2, target=caller.entry_uuid(first.unique_id)))
    assert answer.success, answer.contexts
    assert caller.twin.registry.filed[first.unique_id].status.endswith("Deprecated")
    assert caller.last.facts["replaces"] == first.unique_id
    third = Note(number=3, version=3, series=1, replaces=first.unique_id, words="Guérie.")
    stale = await caller.feed(Lot(note=third, number=3, target=caller.entry_uuid(first.unique_id)))
    assert "XDSRegistryDeprecatedDocumentError" in stale.errors


async def test_a_replacement_names_what_it_replaces_everywhere(caller: Caller) -> None:
    first = Note(number=1)
    await caller.feed(Lot(note=first))
    uuid = caller.entry_uuid(first.unique_id)
    second = Note(number=2, version=2, series=1, replaces=first.unique_id, words="Plaie fermée.")
    silent = await caller.feed(Lot(note=second, number=2))
    assert silent.errors == ["InvalidDocumentContent"] * 2
    unknown = await caller.feed(Lot(note=second, number=3, target="urn:uuid:0a0b0c0d-0000-4000-8000-000000000000"))
    assert unknown.errors == ["UnresolvedReferenceException"]
    other_series = Note(number=4, version=2, series=9, replaces=first.unique_id, words="Plaie fermée.")
    assert (await caller.feed(Lot(note=other_series, number=4, target=uuid))).errors == ["InvalidDocumentContent"]


async def test_a_replacement_that_changes_nothing_is_refused(caller: Caller) -> None:
    first = Note(number=1)
    await caller.feed(Lot(note=first))
    second = Note(number=2, version=2, series=1, replaces=first.unique_id)
    content = cda(second).replace(second.title.encode(), first.title.encode())
    lot = Lot(note=second, number=2, target=caller.entry_uuid(first.unique_id), content=content)
    answer = await caller.feed(lot.again(change=lambda text: text.replace(second.title, first.title)))
    assert answer.errors == ["InvalidDocumentContent"]
    assert "EX_GEN-1060" in answer.contexts
    masked = Note(number=2, version=2, series=1, replaces=first.unique_id, masks=("MASQUE_PS",))
    assert (await caller.feed(lot.again(note=masked, content=None, number=3))).success


async def test_a_replacement_stays_with_the_patient(caller: Caller) -> None:
    caller.twin.registry.patients[PATIENTS[1].cx] = PATIENTS[0].__class__(ins=PATIENTS[1].ins, oid=PATIENTS[1].oid)
    first = Note(number=1, ins=PATIENTS[1].ins)
    assert (await caller.feed(Lot(note=first))).success
    second = Note(number=2, version=2, series=1, replaces=first.unique_id, words="Plaie fermée.")
    answer = await caller.feed(Lot(note=second, number=2, target=caller.entry_uuid(first.unique_id)))
    assert answer.errors == ["XDSPatientIdDoesNotMatch"]


async def test_masks(caller: Caller) -> None:
    both = ("MASQUE_PS", "INVISIBLE_PATIENT")
    assert (await caller.feed(Lot(note=Note(number=1, masks=("MASQUE_PS",))))).success
    assert caller.last.facts["confidentiality"] == "N,MASQUE_PS"
    refused = await caller.feed(Lot(note=Note(number=2, masks=both), number=2))
    assert refused.errors == [METADATA]
    assert "EX_2.1-1050" in refused.contexts
    caller.twin.registry.options = Options(masks_together=True)
    assert (await caller.feed(Lot(note=Note(number=2, masks=both), number=3))).success
    social = await caller.feed(Lot(note=Note(number=3, masks=("MASQUE_PSOCIAL",)), number=4))
    assert social.errors == [METADATA]


async def test_the_patient_must_have_an_open_dmp(caller: Caller) -> None:
    unknown = await caller.feed(Lot(note=Note(number=1, ins="279035121518990")))
    assert unknown.errors == ["XDSUnknownPatientId"]
    closed = await caller.feed(Lot(note=Note(number=1, ins=PATIENTS[1].ins)))
    assert closed.errors == ["DMPClosed"]


async def test_the_patient_is_the_one_of_the_assertion(caller: Caller) -> None:
    lot = Lot(note=Note(number=1, ins=PATIENTS[1].ins))
    answer = await caller.feed(lot, security=caller.security())
    assert "XDSPatientIdDoesNotMatch" in answer.errors


async def test_a_document_that_breaks_the_rules_is_refused(caller: Caller) -> None:
    broken = cda(Note(number=1)).replace(b"11506-3", b"28651-8")
    answer = await caller.feed(Lot(note=Note(number=1), content=broken))
    assert "InvalidDocumentContent" in answer.errors
    assert "JDV_J66" in answer.contexts


async def test_a_signature_over_another_document_is_refused(caller: Caller) -> None:
    other = xades(Lot(note=Note(number=1, words="Autre texte.")), caller.seal)
    answer = await caller.feed(Lot(note=Note(number=1), signature=other))
    assert answer.errors == [METADATA]
    assert "empreinte du document" in answer.contexts


async def test_a_signature_that_was_touched_is_refused(caller: Caller) -> None:
    lot = Lot(note=Note(number=1))
    signed = xades(lot, caller.seal)
    for before, after in (
        (b"2026-11-05T17:30:00Z", b"2026-11-05T17:30:01Z"),
        (b">AA==<", b">AAA=<"),
        (b"#IHEManifest", b"#S0"),
    ):
        answer = await caller.feed(Lot(note=lot.note, signature=signed.replace(before, after)))
        assert METADATA in answer.errors, before


async def test_a_set_signed_with_the_wrong_certificate_is_refused(caller: Caller) -> None:
    lot = Lot(note=Note(number=1))
    signed = xades(lot, seal_of(caller.certificates, "hub-auth-cli"))
    answer = await caller.feed(Lot(note=lot.note, signature=signed))
    assert answer.errors == ["DMPInvalidCertificate"]


async def test_a_set_without_signature_is_refused(caller: Caller) -> None:
    def unsigned(text: str) -> str:
        begin, end = text.index('<ExtrinsicObject id="Signature"'), text.rindex("</ExtrinsicObject>")
        return text[:begin] + text[end + len("</ExtrinsicObject>") :]

    answer = await caller.feed(Lot(note=Note(number=1), change=unsigned))
    assert "signature du lot" in answer.contexts
