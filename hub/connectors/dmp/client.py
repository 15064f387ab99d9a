"""The DMP over the wire: one method per transaction, each with a VIHF of its own. Raises :class:`ConnectorFailure` only."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

import httpx
from lxml import etree

from hub import clock
from hub.connectors.dmp import feeding, prpa, signatures, xds
from hub.connectors.dmp.exchange import Call, Line, failure, garbled
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Actor, Insured, Submission
from hub.connectors.failure import ConnectorFailure

ITI_18 = "urn:ihe:iti:2007:RegistryStoredQuery"
ITI_41 = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
ITI_57 = "urn:ihe:iti:2010:UpdateDocumentSet"
TD02 = f"urn:hl7-org:v3:{prpa.REQUEST}"

DUPLICATE = "XDSDuplicateUniqueIdInRegistry"
STALE = frozenset({"XDSRegistryDeprecatedDocumentError", "UnresolvedReferenceException"})  # worth one new look
NOT_FOUND = "UnresolvedReferenceException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A document the DMP holds. ``entry_uuid`` and ``logical_id`` are known only when the registry was asked.

    ``repeated``: an earlier try had arrived, and the registry shows the document with our content.
    """

    unique_id: str
    entry_uuid: str | None = None
    logical_id: str | None = None
    repeated: bool = False


class DmpClient:
    """The DMP, as one structure sees it. ``keys``: its seal, read from the files of the settings when not given."""

    def __init__(self, http: httpx.AsyncClient, settings: DmpSettings, keys: signatures.Keys | None = None) -> None:
        seal = keys or signatures.read_keys(settings.signing_certificate, settings.signing_key)
        self.line = Line(http, settings, seal)
        self.settings = settings

    async def td02(self, patient: Insured, actor: Actor) -> prpa.DmpStatus:
        """TD0.2: does the DMP of this patient exist, is it open."""
        query = prpa.Query(
            id=str(uuid.uuid4()),
            sender=self.settings.source_oid,
            software=self.settings.lps_name,
            created_at=clock.now(),
            ins=patient.ins,
            ins_oid=patient.ins_oid,
            mode="P" if self.settings.production else "T",
        )
        call = Call(service="patients", action=TD02, payload=prpa.request(query), actor=actor, patient=patient)
        payload = await self.line.exchange(call)
        try:
            status = prpa.read(payload)
        except ValueError as trouble:
            raise garbled(trouble, etree.tostring(payload)) from trouble
        if status.problem:
            raise failure(status.problem)
        return status

    async def iti41(self, submission: Submission) -> Registered:
        """TD2.1: feed one document, or replace the version in force.

        A uniqueId the registry has already counts as delivered only once it shows the document with our content.
        """
        try:
            if submission.replaces is None:
                await self._provide(submission, None)
            else:
                await self._replace(submission, submission.replaces)
        except ConnectorFailure as trouble:
            if trouble.code not in STALE | {DUPLICATE}:
                raise
            arrived = await self._arrived(submission)
            if arrived is None:
                raise
            return arrived
        return Registered(unique_id=submission.entry.unique_id)

    async def iti18_get_documents(
        self, unique_id: str, *, patient: Insured, actor: Actor
    ) -> tuple[xds.DocumentEntry, ...]:
        """TD3.1 GetDocuments: every entry of a document, whatever its status; empty when the registry knows none."""
        call = Call(
            service="registry", action=ITI_18, payload=xds.get_documents(unique_id), actor=actor, patient=patient
        )
        answer = await self.line.registry(call)
        return tuple(one for one in answer.entries if one.unique_id == unique_id)

    async def iti57_delete(
        self, submission_set: xds.SubmissionSet, *, unique_id: str, patient: Insured, actor: Actor
    ) -> None:
        """TD3.3c: delete (logically) a document of the structure; nothing to do when it is deleted already."""
        entries = await self.iti18_get_documents(unique_id, patient=patient, actor=actor)
        current = next((one for one in entries if one.status == xds.APPROVED), None)
        if current is None:
            if any(one.status == xds.DELETED for one in entries):
                return
            raise failure(NOT_FOUND)
        change = xds.Association(
            kind=xds.UPDATE_STATUS,
            source=submission_set.id,
            target=current.id,
            slots=(("OriginalStatus", xds.APPROVED), ("NewStatus", xds.DELETED)),
        )
        payload = xds.submit(submission_set, (), (change,))
        await self.line.registry(Call(service="registry", action=ITI_57, payload=payload, actor=actor, patient=patient))

    async def _replace(self, submission: Submission, replaced: str) -> None:
        """Replace the version in force, whose entryUUID is asked just before; a stale one is asked again once."""
        target = await self._in_force(submission, replaced)
        try:
            await self._provide(submission, target)
        except ConnectorFailure as trouble:
            if trouble.code not in STALE:
                raise
            fresh = await self._in_force(submission, replaced)
            if fresh == target:
                raise
            await self._provide(submission, fresh)

    async def _in_force(self, submission: Submission, unique_id: str) -> str:
        entries = await self.iti18_get_documents(unique_id, patient=submission.patient, actor=submission.actor)
        for one in entries:
            if one.status == xds.APPROVED:
                return one.id
        raise failure("XDSRegistryDeprecatedDocumentError" if entries else NOT_FOUND)

    async def _arrived(self, submission: Submission) -> Registered | None:
        """The document of an earlier try, when the registry shows it with our content."""
        entry = submission.entry
        found = await self.iti18_get_documents(entry.unique_id, patient=submission.patient, actor=submission.actor)
        for one in found:
            if one.hash == entry.hash and one.status != xds.DELETED:
                return Registered(
                    unique_id=one.unique_id, entry_uuid=one.id, logical_id=one.logical_id or None, repeated=True
                )
        return None

    async def _provide(self, submission: Submission, target: str | None) -> None:
        signed = await asyncio.to_thread(
            signatures.sign_submission,
            submission.submission_set.unique_id,
            [(submission.entry.unique_id, submission.document)],
            keys=self.line.keys,
            signed_at=submission.signed_at,
            digest=self.settings.submission_digest,
        )
        payload, parts = feeding.message(submission, signed, target=target)
        call = Call(
            service="repository",
            action=ITI_41,
            payload=payload,
            actor=submission.actor,
            patient=submission.patient,
            parts=parts,
        )
        await self.line.registry(call)
