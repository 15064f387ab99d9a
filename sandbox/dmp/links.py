"""Rules between the objects of a set, and between the set and what the registry holds already (IHE ITI TF-3, 4.2.2)."""

from collections.abc import Iterator, Mapping

from lxml import etree

from sandbox.dmp import cda, dom, xds
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.registry import Filed, Registry
from sandbox.dmp.xds_rules import METADATA

REPEATED = "XDSDuplicateUniqueIdInRegistry"
PLACE = "IHE XDS.b, remplacement (RPLC)"


def of_links(submission: xds.Submission) -> Iterator[Finding]:
    """Symbolic identifiers, associations, one patient everywhere."""
    place = "IHE XDS.b, associations"
    lot = submission.sets[0]
    ids = [lot.id, *(one.id for one in submission.entries), *(one.id for one in submission.associations)]
    yield finding(
        len(ids) == len(set(ids)) and all(ids), "Chaque objet a un identifiant symbolique à lui.", place, code=METADATA
    )
    members = submission.of_kind(xds.MEMBER)
    linked = sorted(one.target for one in members if one.source == lot.id)
    yield finding(
        linked == sorted(one.id for one in submission.entries) and len(linked) == len(members),
        "Chaque document est rattaché une fois au lot (HasMember).",
        place,
        detail=", ".join(linked),
        code=METADATA,
    )
    yield finding(
        all(one.slots.get("SubmissionSetStatus") == ("Original",) for one in members),
        "Le rattachement porte SubmissionSetStatus = Original.",
        place,
        code=METADATA,
    )
    known = {xds.MEMBER, xds.SIGNS, xds.REPLACES}
    others = [one.kind for one in submission.associations if one.kind not in known]
    yield finding(
        not others, "Les associations sont HasMember, signs ou RPLC.", place, detail=", ".join(others), code=METADATA
    )
    documents = {one.id for one in submission.documents}
    replacing = submission.of_kind(xds.REPLACES)
    yield finding(
        all(one.source in documents for one in replacing) and len({one.source for one in replacing}) == len(replacing),
        "Un remplacement part du nouveau document, une seule fois.",
        place,
        code=METADATA,
    )
    patients = {lot.identifier("patientId"), *(one.identifier("patientId") for one in submission.entries)}
    yield finding(
        len(patients) == 1,
        "Le patient est le même dans tout le lot.",
        "IHE XDS.b, patientId",
        detail=" ; ".join(sorted(patients)),
        code="XDSPatientIdDoesNotMatch",
    )
    unique = [lot.identifier("uniqueId"), *(one.identifier("uniqueId") for one in submission.entries)]
    yield finding(
        len(unique) == len(set(unique)),
        "Aucun uniqueId n'est employé deux fois dans le lot.",
        "IHE XDS.b, uniqueId",
        detail=", ".join(unique),
        code="XDSRepositoryDuplicateUniqueIdInMessage",
    )


def of_repeats(submission: xds.Submission, contents: Mapping[str, bytes], registry: Registry) -> Iterator[Finding]:
    """A uniqueId serves once: the same octets again are a repeat, other octets are a defect of the sender."""
    for entry in submission.entries:
        unique_id = entry.identifier("uniqueId")
        known = registry.filed.get(unique_id)
        same = known is None or known.content == contents.get(entry.id)
        yield finding(
            same,
            "Un uniqueId connu ne revient pas avec un autre contenu.",
            "IHE XDS.b, DocumentEntry.uniqueId",
            detail=unique_id,
            code="XDSNonIdenticalHash",
        )
        yield finding(
            known is None or not same,
            "Le document n'est pas déjà au registre.",
            "IHE XDS.b, DocumentEntry.uniqueId",
            detail=unique_id,
            code=REPEATED,
        )
    lot = submission.sets[0].identifier("uniqueId")
    yield finding(
        lot not in registry.submissions,
        "Le lot n'a pas déjà été soumis.",
        "IHE XDS.b, SubmissionSet.uniqueId",
        detail=lot,
        code=REPEATED,
    )


def of_replacements(
    submission: xds.Submission, trees: Mapping[str, etree._Element], registry: Registry, structure: str
) -> Iterator[Finding]:
    """`trees`: documents whose CDA passed, by symbolic id."""
    targets = {one.source: one.target for one in submission.of_kind(xds.REPLACES)}
    for entry in submission.documents:
        root = trees.get(entry.id)
        if root is None:
            continue
        said = dom.value(root, "h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root")
        yield finding(
            bool(said) == (entry.id in targets),
            "Le remplacement est dit à la fois par le document et par les métadonnées.",
            PLACE,
            detail=said,
            code=cda.CODE,
        )
        yield from _of_version(entry, root, registry, replacing=entry.id in targets)
        if entry.id in targets:
            yield from _of_target(entry, root, targets[entry.id], registry=registry, structure=structure)


def _of_version(
    entry: xds.Registered, root: etree._Element, registry: Registry, *, replacing: bool
) -> Iterator[Finding]:
    version = int(dom.value(root, "h:versionNumber/@value"))
    others = registry.in_set(dom.value(root, "h:setId/@root"), entry.identifier("patientId"))
    yield finding(
        all(one.version != version for one in others),
        "La version n'est pas déjà au registre pour cet ensemble (setId).",
        "CI-SIS, Structuration minimale, versions",
        detail=version,
        code=cda.CODE,
    )
    yield finding(
        replacing or not others,
        "Une nouvelle version remplace la précédente.",
        "CI-SIS, Structuration minimale, versions",
        detail=dom.value(root, "h:setId/@root"),
        code=cda.CODE,
    )


def _of_target(
    entry: xds.Registered, root: etree._Element, target: str, *, registry: Registry, structure: str
) -> Iterator[Finding]:
    old = registry.by_uuid(target)
    yield finding(
        target not in registry.retired,
        "La fiche remplacée est désignée par son entryUUID du moment.",
        PLACE,
        detail=target,
        code="XDSRegistryDeprecatedDocumentError",
    )
    if old is None:
        yield finding(
            target in registry.retired,
            "La fiche remplacée existe.",
            PLACE,
            detail=target,
            code="UnresolvedReferenceException",
        )
        return
    yield finding(
        old.status == xds.APPROVED,
        "La fiche remplacée est en vigueur (Approved).",
        PLACE,
        detail=old.status,
        code="XDSRegistryDeprecatedDocumentError",
    )
    yield finding(
        old.patient == entry.identifier("patientId"),
        "La fiche remplacée est du même patient.",
        PLACE,
        detail=old.patient,
        code="XDSPatientIdDoesNotMatch",
    )
    yield finding(
        old.structure == structure,
        "La fiche remplacée vient de la même structure.",
        PLACE,
        detail=old.structure,
        code=METADATA,
    )
    said = dom.value(root, "h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root")
    yield finding(
        said == old.unique_id,
        "Le document cite le uniqueId de la version remplacée.",
        PLACE,
        detail=f"{said} / {old.unique_id}",
        code=cda.CODE,
    )
    yield finding(
        dom.value(root, "h:setId/@root") == old.set_id,
        "Les versions d'un document gardent leur setId.",
        "CI-SIS, Structuration minimale, versions",
        detail=old.set_id,
        code=cda.CODE,
    )
    yield finding(
        int(dom.value(root, "h:versionNumber/@value")) > old.version,
        "Le numéro de version croît.",
        "CI-SIS, Structuration minimale, versions",
        detail=old.version,
        code=cda.CODE,
    )
    yield finding(
        _changes(entry, root, old),
        "Une nouvelle version change le contenu ou les métadonnées.",
        "EX_GEN-1060",
        code=cda.CODE,
    )


def _changes(entry: xds.Registered, root: etree._Element, old: Filed) -> bool:
    before = dom.parse(old.content)
    masks = sorted(entry.pairs("confidentialityCode")) != sorted(old.fields.pairs("confidentialityCode"))
    same_words = cda.body(root) == cda.body(before) and entry.title == old.fields.title
    same_codes = all(
        entry.pairs(name) == old.fields.pairs(name) for name in ("typeCode", "practiceSettingCode", "eventCodeList")
    )
    return masks or not same_words or not same_codes
