"""The real client against the twin, without a socket: each transaction, and what a lost answer leads to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.connectors.dmp import outbound, xds
from hub.connectors.dmp.client import DmpClient
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Submission, pack, unpack
from hub.connectors.failure import ConnectorFailure, Kind
from sandbox.dmp import DmpTwin
from sandbox.world import World
from tests.connectors.dmp.notes import PATIENT, PDF, oid, sendable


@pytest.fixture
def submission(twin_settings: DmpSettings) -> Submission:
    return sendable(settings=twin_settings)


def correction(
    submission: Submission, settings: DmpSettings, set_id: str, *, number: int = 1, **changes: Any
) -> Submission:
    replaced = {"unique_id": submission.entry.unique_id, "number": number}
    return sendable(settings=settings, set_id=set_id, replaces=replaced, **{"text": "Version corrigée.", **changes})


async def test_status_of_an_open_and_of_an_unknown_dmp(dmp: DmpClient, submission: Submission) -> None:
    status = await dmp.td02(submission.patient, submission.actor)
    assert (status.exists, status.is_open, status.authorisation) == (True, True, "VALIDE")
    assert status.families == ("PAT-TROIS",)
    assert status.birth_date == PATIENT["birth_date"]
    unknown = replace(submission.patient, ins="187039900120315")
    assert not (await dmp.td02(unknown, submission.actor)).exists


async def test_a_note_is_filed_and_found(dmp: DmpClient, submission: Submission) -> None:
    answer = await dmp.iti41(submission)
    assert (answer.unique_id, answer.repeated) == (submission.entry.unique_id, False)
    found = await dmp.iti18_get_documents(answer.unique_id, patient=submission.patient, actor=submission.actor)
    assert [one.status for one in found] == [xds.APPROVED]
    kept = replace(found[0], id=submission.entry.id, status="", logical_id="")
    assert kept == submission.entry


async def test_what_the_twin_checked(dmp: DmpClient, submission: Submission, world: World) -> None:
    await dmp.iti41(submission)
    entry = world.journal.entries("dmp")[-1]
    assert entry.accepted
    assert [check.what for check in entry.checks if not check.passed] == []
    assert len(entry.checks) > 20


@pytest.mark.parametrize(
    "changes",
    [
        {"pdf": PDF},
        {"masks": ("MASQUE_PS",)},
        {"masks": ("INVISIBLE_PATIENT",), "is_urgent": True},
        {"title": "A & B <c> «é» ^|~\\ " * 12},
        {"patient": {**PATIENT, "used_name": "D'USAGE & CIE", "used_given": "Domi"}},
    ],
    ids=["pdf", "masked", "invisible", "odd-title", "used-name"],
)
async def test_every_kind_of_note_is_taken(dmp: DmpClient, twin_settings: DmpSettings, changes: dict[str, Any]) -> None:
    assert (await dmp.iti41(sendable(settings=twin_settings, **changes))).unique_id


async def test_sha256_in_the_submission_set_is_taken(
    dmp: DmpClient, twin_settings: DmpSettings, submission: Submission
) -> None:
    dmp.settings = twin_settings.model_copy(update={"submission_digest": "sha256"})
    assert (await dmp.iti41(submission)).unique_id == submission.entry.unique_id


async def test_the_same_submission_twice_counts_as_delivered(dmp: DmpClient, submission: Submission) -> None:
    await dmp.iti41(submission)
    again = await dmp.iti41(submission)
    assert again.repeated
    assert again.entry_uuid is not None
    assert again.entry_uuid.startswith("urn:uuid:")


async def test_a_duplicate_with_other_content_is_refused(
    dmp: DmpClient, twin_settings: DmpSettings, submission: Submission
) -> None:
    """The identifier is known, and the registry shows something else under it: nothing may be called filed."""
    await dmp.iti41(submission)
    other = sendable(settings=twin_settings, text="Un autre texte.")
    forged = replace(
        other,
        submission_set=replace(other.submission_set, unique_id=submission.submission_set.unique_id),
    )
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(forged)
    assert caught.value.kind is Kind.REFUSED
    assert caught.value.code == "XDSDuplicateUniqueIdInRegistry"


async def test_a_lost_answer_is_settled_at_the_retry(dmp: DmpClient, twin: DmpTwin, submission: Submission) -> None:
    twin.faults.set("lost-answer", times=1)
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(submission)
    assert caught.value.kind is Kind.UNREACHABLE
    retried = unpack(pack(submission))
    assert (await dmp.iti41(retried)).repeated


async def test_a_correction_replaces_the_version_in_force(
    dmp: DmpClient, twin: DmpTwin, twin_settings: DmpSettings
) -> None:
    set_id = oid()
    first = sendable(settings=twin_settings, set_id=set_id)
    await dmp.iti41(first)
    second = correction(first, twin_settings, set_id)
    await dmp.iti41(second)
    found = await dmp.iti18_get_documents(first.entry.unique_id, patient=first.patient, actor=first.actor)
    assert [one.status for one in found] == [xds.DEPRECATED]
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(correction(first, twin_settings, set_id, text="Trop tard."))
    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "XDSRegistryDeprecatedDocumentError")
    twin.faults.set("moved", times=1)  # the entryUUID changes between our look and our replacement
    third = correction(second, twin_settings, set_id, number=2, text="Troisième version.")
    assert not (await dmp.iti41(third)).repeated


async def test_a_lost_answer_to_a_correction_is_settled_too(
    dmp: DmpClient, twin: DmpTwin, twin_settings: DmpSettings
) -> None:
    """At the retry the old version is deprecated, by ourselves."""
    set_id = oid()
    first = sendable(settings=twin_settings, set_id=set_id)
    await dmp.iti41(first)
    second = correction(first, twin_settings, set_id)
    twin.faults.set("lost-answer", times=1)
    with pytest.raises(ConnectorFailure):
        await dmp.iti41(second)
    assert (await dmp.iti41(second)).repeated


async def test_replacing_what_the_registry_never_had_is_refused(dmp: DmpClient, twin_settings: DmpSettings) -> None:
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(sendable(settings=twin_settings, replaces={"unique_id": oid(), "number": 1}))
    assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "UnresolvedReferenceException")


async def test_a_document_of_the_structure_is_deleted_once(dmp: DmpClient, submission: Submission) -> None:
    await dmp.iti41(submission)
    who = {"patient": submission.patient, "actor": submission.actor}
    unique_id = submission.entry.unique_id
    for _ in range(2):
        package = replace(submission.submission_set, unique_id=oid())
        await dmp.iti57_delete(package, unique_id=unique_id, **who)
    found = await dmp.iti18_get_documents(unique_id, **who)
    assert [one.status for one in found] == [xds.DELETED]
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti57_delete(replace(submission.submission_set, unique_id=oid()), unique_id=oid(), **who)
    assert caught.value.code == "UnresolvedReferenceException"


@pytest.mark.parametrize(
    ("fault", "value", "kind", "code"),
    [
        ("html", "", Kind.GARBLED, "garbled"),
        ("status", "503", Kind.BUSY, "503"),
        ("status", "500", Kind.UNREACHABLE, "500"),
        ("busy", "", Kind.BUSY, "XDSRepositoryBusy"),
        ("refuse-patient", "", Kind.REFUSED, "XDSUnknownPatientId"),
        ("closed", "", Kind.REFUSED, "DMPClosed"),
        ("soap-fault", "", Kind.UNREACHABLE, "Receiver"),
    ],
)
async def test_each_trouble_has_its_kind(
    dmp: DmpClient, twin: DmpTwin, submission: Submission, fault: str, value: str, kind: Kind, code: str
) -> None:
    twin.faults.set(fault, times=1, value=value)
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(submission)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    if kind is Kind.GARBLED:
        assert b"<html" in caught.value.raw
    assert not (await dmp.iti41(submission)).repeated


async def test_a_foreign_seal_is_denied(dmp: DmpClient, settings: DmpSettings, submission: Submission) -> None:
    """Signed by a seal of another authority: our certificate is the matter, so the whole connector is held."""
    foreign = DmpClient(dmp.line.http, settings)
    with pytest.raises(ConnectorFailure) as caught:
        await foreign.iti41(submission)
    assert caught.value.kind is Kind.DENIED


async def test_send_looks_at_the_status_first(dmp: DmpClient, twin: DmpTwin, submission: Submission) -> None:
    assert (await outbound.send(dmp, pack(submission))).unique_id == submission.entry.unique_id
    for patient, code in (
        (replace(submission.patient, ins="187039900120315"), "DMPNotFound"),
        (replace(submission.patient, birth_name="AUTRE"), "DMPIdentityMismatch"),
    ):
        with pytest.raises(ConnectorFailure) as caught:
            await outbound.send(dmp, pack(replace(submission, patient=patient)))
        assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, code)
    twin.faults.set("closed", times=1)
    with pytest.raises(ConnectorFailure) as caught:
        await outbound.send(dmp, pack(submission))
    assert caught.value.code == "DMPClosed"
