"""The transactions this DMP answers, each from an admitted call to a reply."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lxml import etree

from sandbox.dmp import answers, dom, feed, patients, query, update, vihf_attributes, xds
from sandbox.dmp.exchange import Admitted
from sandbox.dmp.findings import Finding, finding, refusals
from sandbox.dmp.registry import Filed, Registry
from sandbox.faults import Faults

ITI_43 = "urn:ihe:iti:2007:RetrieveDocumentSet"
MODES = frozenset(vihf_attributes.MODES)
RIGHTS = {feed.ACTION: MODES - {"INDIRECTE_RENFORCEE"}, ITI_43: MODES - {"INDIRECTE"}}  # others: every mode
RIGHTS_PLACE = "Matrice des droits fonctionnels du DMP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a transaction works on."""

    registry: Registry
    faults: Faults
    now: datetime
    authority: bytes
    official_schema: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`body` is None when the transaction ends in a fault; the first finding that refuses gives its code."""

    body: etree._Element | None
    action: str
    verdict: str
    findings: tuple[Finding, ...]
    subject: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    lost: bool = False


def right(admitted: Admitted) -> Finding:
    mode = admitted.bearer.mode if admitted.bearer else ""
    return finding(
        mode in RIGHTS.get(admitted.action, MODES),
        "La transaction est ouverte à ce mode d'authentification.",
        RIGHTS_PLACE,
        detail=mode,
        code=update.DENIED,
    )


def _why(refused: list[Finding]) -> str:
    return ", ".join(dict.fromkeys(one.code for one in refused))


def td02(admitted: Admitted, desk: Desk) -> Reply:
    assert admitted.request is not None and admitted.bearer is not None
    question = patients.read(admitted.request, admitted.bearer.patient)
    facts = {"patient": question.patient, "transaction": "TD0.2"}
    if refused := refusals(question.findings):
        return Reply(
            body=None,
            action="",
            verdict=f"Refusé : {_why(refused)}",
            findings=question.findings,
            subject=question.patient,
            facts=facts,
        )
    patient = desk.registry.patients.get(question.patient)
    if desk.faults.take("refuse-patient"):
        patient = None
    if patient is not None and desk.faults.take("closed"):
        patient = patient.shut()
    status = "unknown" if patient is None else patient.status
    verdict = {"unknown": "Aucun DMP", "active": "DMP ouvert"}.get(status, "DMP fermé")
    return Reply(
        body=patients.answer(question, patient, desk.now),
        action=patients.ANSWER_ACTION,
        verdict=verdict,
        findings=question.findings,
        subject=question.patient,
        facts={**facts, "status": status},
    )


def _wanted(desk: Desk) -> list[Finding]:
    """Refusals that somebody asked this DMP to play."""
    wanted = {
        "busy": ("Le DMP a le temps de traiter la demande.", "XDSRepositoryBusy"),
        "refuse-patient": ("Le patient a un DMP.", "XDSUnknownPatientId"),
        "closed": ("Le DMP du patient est ouvert.", "DMPClosed"),
    }
    return [
        finding(False, what, "panne demandée au bac à sable", code=code)
        for kind, (what, code) in wanted.items()
        if desk.faults.take(kind)
    ]


def iti41(admitted: Admitted, desk: Desk) -> Reply:
    assert admitted.request is not None and admitted.bearer is not None
    if wanted := _wanted(desk):
        return _fed(admitted, (), wanted, facts={})
    if desk.faults.take("moved"):
        _move(admitted.request, desk.registry)
    around = feed.Surroundings(
        registry=desk.registry,
        structure=admitted.bearer.structure,
        patient=admitted.bearer.patient,
        now=desk.now,
        authority=desk.authority,
        official_schema=desk.official_schema,
    )
    received, findings = feed.receive(admitted.request, admitted.parts, around)
    facts = _facts_of(received)
    if refusals(findings):
        return _fed(admitted, (), findings, facts=facts)
    filed = feed.file(received, around)
    documents = [one for one in filed if not one.fields.is_signature]
    facts |= {
        "entryUUID": documents[0].entry_uuid,
        "logicalId": documents[0].logical_id,
        "version": str(documents[0].version),
        "replaces": documents[0].replaces,
    }
    return _fed(admitted, documents, findings, facts=facts, lost=desk.faults.take("lost-answer") is not None)


def _move(request: etree._Element, registry: Registry) -> None:
    """Somebody else changes the metadata of what is about to be replaced: its entryUUID is no longer the one known."""
    for one in dom.find(request, f".//rim:Association[@associationType='{xds.REPLACES}']"):
        target = registry.by_uuid(one.get("targetObject", ""))
        if target is not None:
            registry.change_status(target, target.status)


def _facts_of(received: feed.Received) -> dict[str, str]:
    submission = received.submission
    facts = {"transaction": "TD2.1"}
    if submission.sets:
        facts |= {
            "submission": submission.sets[0].identifier("uniqueId"),
            "patient": submission.sets[0].identifier("patientId"),
        }
    for entry in submission.documents[:1]:
        content = received.contents.get(entry.id, b"")
        facts |= {
            "uniqueId": entry.identifier("uniqueId"),
            "hash": feed.sha1(content),
            "confidentiality": ",".join(code for code, _ in entry.pairs("confidentialityCode")),
        }
    return facts


def _fed(
    admitted: Admitted,
    filed: list[Filed] | tuple[()],
    findings: list[Finding],
    *,
    facts: dict[str, str],
    lost: bool = False,
) -> Reply:
    refused = refusals(findings)
    verdict = (
        f"Refusé : {_why(refused)}" if refused else "Document remplacé" if facts.get("replaces") else "Document classé"
    )
    return Reply(
        body=answers.registry_response(refused),
        action=f"{admitted.action}Response",
        verdict=verdict,
        findings=tuple(findings),
        subject=filed[0].unique_id if filed else facts.get("uniqueId", ""),
        facts=facts,
        lost=lost,
    )


def iti18(admitted: Admitted, desk: Desk) -> Reply:
    assert admitted.request is not None and admitted.bearer is not None
    bearer = admitted.bearer
    question = query.read(admitted.request, bearer.mode, bearer.patient)
    refused = refusals(question.findings)
    found = [] if refused else query.run(question, desk.registry, patient=bearer.patient, structure=bearer.structure)
    facts = {"transaction": "TD3.1", "patient": bearer.patient, "query": question.query, "found": str(len(found))}
    if found:
        facts |= {"uniqueId": found[0].unique_id, "entryUUID": found[0].entry_uuid, "logicalId": found[0].logical_id}
    return Reply(
        body=answers.query_response(found, leaf=question.leaf, refused=refused),
        action=f"{admitted.action}Response",
        verdict=f"Refusé : {_why(refused)}" if refused else f"{len(found)} fiche(s) trouvée(s)",
        findings=question.findings,
        subject=found[0].unique_id if found else "",
        facts=facts,
    )


def iti57(admitted: Admitted, desk: Desk) -> Reply:
    assert admitted.request is not None and admitted.bearer is not None
    bearer = admitted.bearer
    caller = update.Caller(structure=bearer.structure, subject=bearer.subject, mode=bearer.mode, patient=bearer.patient)
    change = update.read(admitted.request, desk.registry, caller, desk.now)
    refused = refusals(change.findings)
    changed = [] if refused else update.apply(change, desk.registry)
    facts = {"transaction": "TD3.3", "patient": bearer.patient, "submission": change.submission}
    if changed:
        facts |= {"uniqueId": changed[0].unique_id, "entryUUID": changed[0].entry_uuid, "status": changed[0].status}
    return Reply(
        body=answers.registry_response(refused),
        action=f"{admitted.action}Response",
        verdict=f"Refusé : {_why(refused)}"
        if refused
        else "Document supprimé"
        if changed[0].status == xds.DELETED
        else "État changé",
        findings=change.findings,
        subject=changed[0].unique_id if changed else "",
        facts=facts,
    )


HANDLERS: dict[tuple[str, str], Callable[[Admitted, Desk], Reply]] = {
    ("patients", patients.ACTION): td02,
    ("repository", feed.ACTION): iti41,
    ("registry", query.ACTION): iti18,
    ("registry", update.ACTION): iti57,
}
