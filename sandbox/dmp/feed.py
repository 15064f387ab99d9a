"""ITI-41 (TD2.1): a submission set received, looked at from every side, filed whole or refused whole."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lxml import etree

from sandbox.dmp import cda, content_rules, dom, hl7text, links, mtom, set_signature, xds, xds_rules
from sandbox.dmp.findings import Finding, finding, refusals
from sandbox.dmp.registry import Filed, Registry, new_uuid

ACTION = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    submission: xds.Submission
    contents: dict[str, bytes]  # Document/@id to octets
    trees: dict[str, etree._Element] = field(default_factory=dict)  # only of documents that passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    registry: Registry
    structure: str  # of the VIHF
    patient: str  # of the VIHF, CX
    now: datetime
    authority: bytes  # PEM
    official_schema: Path | None = None


def receive(request: etree._Element, parts: dict[str, bytes], around: Surroundings) -> tuple[Received, list[Finding]]:
    """Everything that was checked; the set may be filed when no finding refuses."""
    submit = dom.first(request, "lcm:SubmitObjectsRequest")
    lawful = finding(
        request.tag == f"{{{dom.XDSB}}}ProvideAndRegisterDocumentSetRequest" and submit is not None,
        "La demande est un ProvideAndRegisterDocumentSetRequest.",
        "IHE ITI-41",
        detail=request.tag,
        code="XDSRepositoryError",
    )
    if submit is None:
        return Received(submission=xds.Submission(sets=(), entries=(), associations=(), others=()), contents={}), [
            lawful
        ]
    contents, findings = _contents(request, parts)
    received = Received(submission=xds.read(submit), contents=contents)
    findings = [lawful, *findings, *xds_rules.of_set(received.submission, around.now)]
    findings += _presence(received)
    if len(received.submission.sets) == 1:
        findings += _look(received, around)
    return received, findings


def _contents(request: etree._Element, parts: dict[str, bytes]) -> tuple[dict[str, bytes], list[Finding]]:
    contents: dict[str, bytes] = {}
    findings = []
    for one in dom.find(request, "xdsb:Document"):
        try:
            octets = mtom.included(one, parts)
            contents[one.get("id", "")] = mtom.plain(one) if octets is None else octets
        except (KeyError, ValueError) as error:
            findings.append(
                finding(
                    False,
                    "Le contenu du document est joint et lisible.",
                    "XOP, Include",
                    detail=error,
                    code="XDSMissingDocument",
                )
            )
    return contents, findings


def _presence(received: Received) -> Iterator[Finding]:
    ids = [one.id for one in received.submission.entries]
    missing = [one for one in ids if one not in received.contents]
    yield finding(
        not missing,
        "Chaque fiche a son document, au même identifiant à la lettre près.",
        "IHE ITI-41, Document/@id",
        detail=", ".join(missing),
        code="XDSMissingDocument",
    )
    orphans = [one for one in received.contents if one not in ids]
    yield finding(
        not orphans,
        "Chaque document a sa fiche.",
        "IHE ITI-41, Document/@id",
        detail=", ".join(orphans),
        code="XDSMissingDocumentMetadata",
    )


def _look(received: Received, around: Surroundings) -> list[Finding]:
    submission, registry = received.submission, around.registry
    lot = submission.sets[0]
    findings = [one for entry in submission.entries for one in xds_rules.of_entry(entry)]
    findings += links.of_links(submission)
    findings += _of_patient(lot.identifier("patientId"), around)
    findings += _of_author(lot, around.structure)
    for entry in submission.entries:
        findings += content_rules.of_bytes(entry, received.contents.get(entry.id, b""))
    findings.append(
        finding(submission.documents, "Le lot porte au moins un document.", "IHE XDS.b", code=xds_rules.METADATA)
    )
    for entry in submission.documents:
        findings.append(xds_rules.masks_may_be_added(entry, allowed=registry.options.masks_together))
        findings += _of_content(entry, received, around)
    findings += _of_signature(received, around)
    repeated = list(links.of_repeats(submission, received.contents, registry))
    findings += repeated
    if not refusals(repeated):
        findings += links.of_replacements(submission, received.trees, registry, around.structure)
    return findings


def _of_patient(patient: str, around: Surroundings) -> Iterator[Finding]:
    known = around.registry.patients.get(patient)
    yield finding(
        patient == around.patient,
        "Le patient est celui du VIHF.",
        "VIHF, resource-id",
        detail=f"{patient} / {around.patient}",
        code="XDSPatientIdDoesNotMatch",
    )
    yield finding(
        known is not None,
        "Le patient a un DMP.",
        "IHE XDS.b, patientId ; TD0.2",
        detail=patient,
        code="XDSUnknownPatientId",
    )
    if known is not None:
        yield finding(known.status == "active", "Le DMP du patient est ouvert.", "TD2.1 ; DMP fermé", code="DMPClosed")


def _of_author(lot: xds.Registered, structure: str) -> Iterator[Finding]:
    institutions = [
        hl7text.xon(one) for author in lot.coded("author") for one in author.slots.get("authorInstitution", ())
    ]
    yield finding(
        any(one is not None and one.id == structure for one in institutions),
        "L'auteur de la soumission appartient à la structure authentifiée.",
        "EX_2.1-1140 ; Aucun AuthorInstitution ne correspond à l'utilisateur du VIHF",
        detail=structure,
        code=xds_rules.METADATA,
    )


def _of_content(entry: xds.Registered, received: Received, around: Surroundings) -> Iterator[Finding]:
    root, findings = cda.check(received.contents.get(entry.id, b""), official=around.official_schema)
    yield from findings
    if root is not None and not refusals(findings):
        received.trees[entry.id] = root
        yield from content_rules.of_document(entry, root)


def _of_signature(received: Received, around: Surroundings) -> Iterator[Finding]:
    submission = received.submission
    alone = len(submission.signatures) == 1
    yield finding(
        alone,
        "Le lot est signé : une entrée de signature, une seule.",
        "TD2.1, signature du lot",
        detail=len(submission.signatures),
        code=xds_rules.METADATA,
    )
    if not alone:
        return
    entry = submission.signatures[0]
    yield from set_signature.of_metadata(entry, submission)
    documents = {
        one.identifier("uniqueId"): received.contents[one.id]
        for one in submission.documents
        if one.id in received.trees
    }
    if len(documents) < len(submission.documents):
        return  # a document that is refused has no digest worth comparing
    signed = set_signature.Signed(
        content=received.contents.get(entry.id, b""),
        structure=around.structure,
        documents=documents,
        set_id=submission.sets[0].identifier("uniqueId"),
    )
    yield from set_signature.of_content(signed, authority=around.authority, now=around.now)


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def file(received: Received, around: Surroundings) -> list[Filed]:
    """Called when nothing refuses: the set enters the registry whole."""
    submission, registry = received.submission, around.registry
    lot = submission.sets[0]
    replaced = {one.source: registry.by_uuid(one.target) for one in submission.of_kind(xds.REPLACES)}
    filed = []
    for entry in submission.entries:
        root = received.trees.get(entry.id)
        old = replaced.get(entry.id)
        new = Filed(
            unique_id=entry.identifier("uniqueId"),
            entry_uuid=new_uuid(),
            logical_id=new_uuid(),
            patient=lot.identifier("patientId"),
            status=xds.APPROVED,
            content=received.contents[entry.id],
            structure=around.structure,
            people=tuple(one for author in entry.coded("author") for one in author.slots.get("authorPerson", ())),
            set_id="" if root is None else dom.value(root, "h:setId/@root"),
            version=0 if root is None else int(dom.value(root, "h:versionNumber/@value")),
            submission=lot.identifier("uniqueId"),
            fields=entry,
            replaces=old.unique_id if old else "",
        )
        if old is not None:
            registry.deprecate(old)
        registry.put(new)
        filed.append(new)
    registry.submissions.add(lot.identifier("uniqueId"))
    return filed
