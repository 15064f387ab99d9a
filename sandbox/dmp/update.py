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
OTHER_PATIENT = "XDSPatientIdDoesNotMatch"
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


def _found(passed: object, what: str, detail: object, code: str, where: str = PLACE) -> Finding:
    return finding(passed, what, where, detail=detail, code=code)


def _of_set(submission: xds.Submission, registry: Registry, caller: Caller) -> Iterator[Finding]:
    patient, unique_id = (submission.sets[0].identifier(name) for name in ("patientId", "uniqueId"))
    same, new = patient == caller.patient, unique_id not in registry.submissions
    yield _found(same, "Le patient est celui du VIHF.", patient, OTHER_PATIENT, "VIHF, resource-id")
    place = "IHE XDS.b, SubmissionSet.uniqueId"
    yield _found(new, "Le lot n'a pas déjà été soumis.", unique_id, "XDSDuplicateUniqueIdInRegistry", place)
    changes = submission.of_kind(xds.UPDATES_STATUS)
    yield _found(changes, "Le lot porte un changement d'état.", "", "XDSMetadataUpdateError")
    masking = submission.entries or submission.of_kind(xds.MEMBER)
    what = "Le masquage et la visibilité ne sont pas ouverts à une structure."
    yield _found(not masking or caller.mode == "DIRECTE", what, caller.mode, DENIED, RIGHTS + "a, TD3.3b")


def _of_target(
    one: xds.Association, target: Filed | None, *, registry: Registry, caller: Caller, lot: str
) -> Iterator[Finding]:
    new = ", ".join(one.slots.get("NewStatus", ()))
    yield _found(one.source == lot, "Le changement part du lot.", one.source, "XDSMetadataUpdateError")
    known = new in (xds.DELETED, xds.ARCHIVED, xds.APPROVED)
    yield _found(known, "Le nouvel état est connu.", new, "XDSMetadataUpdateOperationError")
    allowed = new == xds.DELETED or caller.mode != "INDIRECTE"
    yield _found(allowed, "L'archivage n'est pas ouvert au mode INDIRECTE.", new, DENIED, RIGHTS + "d")
    if target is None:
        code = "XDSMetadataVersionError" if one.target in registry.retired else "UnresolvedReferenceException"
        yield _found(False, "La fiche existe, sous cet entryUUID.", one.target, code)
        return
    yield _found(target.patient == caller.patient, "La fiche est du patient.", target.patient, OTHER_PATIENT)
    original = ", ".join(one.slots.get("OriginalStatus", ()))
    both, code = f"{original} / {target.status}", "XDSMetadataUpdateOperationError"
    yield _found(original == target.status, "L'état d'origine est celui de la fiche.", both, code)
    what = "Le document est de la structure, ou de l'auteur, qui le supprime."
    yield _found(_is_own(target, caller), what, target.structure, DENIED, RIGHTS + "c")


def _is_own(target: Filed, caller: Caller) -> bool:
    if caller.mode == "INDIRECTE_RENFORCEE":
        return any(person.split("^")[0] == caller.subject for person in target.people)
    return target.structure == caller.structure


def apply(change: Change, registry: Registry) -> list[Filed]:
    registry.submissions.add(change.submission)
    return [registry.change_status(one, status) for one, status in change.targets]
