"""ITI-57: logical deletion (TD3.3c). Masking, visibility and archiving are not open to a structure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from sandbox.dmp import dom, xds, xds_rules
from sandbox.dmp.findings import Finding, finding, refusals
from sandbox.dmp.registry import Filed, Registry

ACTION = "urn:ihe:iti:2010:UpdateDocumentSet"
PLACE = "TD3.3c, UpdateAvailabilityStatus"
RIGHTS = "Matrice des droits fonctionnels du DMP, TD3.3"
DENIED = "DMPAccessDenied"  # imitation: the DMP's own code is not public


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    structure: str
    subject: str  # NameID
    mode: str
    patient: str  # CX


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    targets: tuple[tuple[Filed, str], ...]  # entry, new status
    submission: str
    findings: tuple[Finding, ...]


def read(body: etree._Element, registry: Registry, caller: Caller, now: datetime) -> Change:
    submission = xds.read(body)
    findings = [
        finding(
            body.tag == f"{{{dom.LCM}}}SubmitObjectsRequest",
            "La demande est un SubmitObjectsRequest.",
            "IHE ITI-57",
            detail=body.tag,
            code="XDSMetadataUpdateError",
        )
    ]
    findings += xds_rules.of_set(submission, now)
    if len(submission.sets) != 1:
        return Change(targets=(), submission="", findings=tuple(findings))
    lot = submission.sets[0]
    findings += _of_set(submission, registry, caller)
    targets = []
    for one in submission.of_kind(xds.UPDATES_STATUS):
        target = registry.by_uuid(one.target)
        checks = list(_of_target(one, target, registry=registry, caller=caller, lot=lot.id))
        findings += checks
        if target is not None and not refusals(checks):
            targets.append((target, one.slots["NewStatus"][0]))
    return Change(targets=tuple(targets), submission=lot.identifier("uniqueId"), findings=tuple(findings))


def _of_set(submission: xds.Submission, registry: Registry, caller: Caller) -> Iterator[Finding]:
    lot = submission.sets[0]
    yield finding(
        lot.identifier("patientId") == caller.patient,
        "Le patient est celui du VIHF.",
        "VIHF, resource-id",
        detail=lot.identifier("patientId"),
        code="XDSPatientIdDoesNotMatch",
    )
    yield finding(
        lot.identifier("uniqueId") not in registry.submissions,
        "Le lot n'a pas déjà été soumis.",
        "IHE XDS.b, SubmissionSet.uniqueId",
        detail=lot.identifier("uniqueId"),
        code="XDSDuplicateUniqueIdInRegistry",
    )
    yield finding(
        submission.of_kind(xds.UPDATES_STATUS),
        "Le lot porte un changement d'état.",
        PLACE,
        code="XDSMetadataUpdateError",
    )
    masking = submission.entries or submission.of_kind(xds.MEMBER)
    yield finding(
        not masking or caller.mode == "DIRECTE",
        "Le masquage et la visibilité ne sont pas ouverts à une structure.",
        RIGHTS + "a, TD3.3b",
        code=DENIED,
    )


def _of_target(
    one: xds.Association, target: Filed | None, *, registry: Registry, caller: Caller, lot: str
) -> Iterator[Finding]:
    new, original = one.slots.get("NewStatus", ()), one.slots.get("OriginalStatus", ())
    yield finding(
        one.source == lot, "Le changement part du lot.", PLACE, detail=one.source, code="XDSMetadataUpdateError"
    )
    yield finding(
        new in ((xds.DELETED,), (xds.ARCHIVED,), (xds.APPROVED,)),
        "Le nouvel état est connu.",
        PLACE,
        detail=", ".join(new),
        code="XDSMetadataUpdateOperationError",
    )
    yield finding(
        new == (xds.DELETED,) or caller.mode != "INDIRECTE",
        "L'archivage n'est pas ouvert au mode INDIRECTE.",
        RIGHTS + "d",
        detail=", ".join(new),
        code=DENIED,
    )
    if target is None:
        code = "XDSMetadataVersionError" if one.target in registry.retired else "UnresolvedReferenceException"
        yield finding(False, "La fiche existe, sous cet entryUUID.", PLACE, detail=one.target, code=code)
        return
    yield finding(
        target.patient == caller.patient,
        "La fiche est du patient.",
        PLACE,
        detail=target.patient,
        code="XDSPatientIdDoesNotMatch",
    )
    yield finding(
        original == (target.status,),
        "L'état d'origine est celui de la fiche.",
        PLACE,
        detail=f"{original} / {target.status}",
        code="XDSMetadataUpdateOperationError",
    )
    own = target.structure == caller.structure
    if caller.mode == "INDIRECTE_RENFORCEE":
        own = any(person.split("^")[0] == caller.subject for person in target.people)
    yield finding(
        own,
        "Le document est de la structure, ou de l'auteur, qui le supprime.",
        RIGHTS + "c",
        detail=target.structure,
        code=DENIED,
    )


def apply(change: Change, registry: Registry) -> list[Filed]:
    registry.submissions.add(change.submission)
    return [registry.change_status(one, status) for one, status in change.targets]
