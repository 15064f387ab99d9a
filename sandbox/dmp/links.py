"""Rules between the objects of a set, and between the set and what the registry holds already (IHE ITI TF-3, 4.2.2)."""

from collections.abc import Iterator, Mapping

from lxml import etree

from sandbox.dmp import cda, dom, xds
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.registry import Filed, Registry
from sandbox.dmp.xds_rules import METADATA

REPEATED = "XDSDuplicateUniqueIdInRegistry"
DEPRECATED = "XDSRegistryDeprecatedDocumentError"
OTHER_PATIENT = "XDSPatientIdDoesNotMatch"
PLACE = "IHE XDS.b, remplacement (RPLC)"
LINKS = "IHE XDS.b, associations"
VERSIONS = "CI-SIS, Structuration minimale, versions"
REPLACED = "h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root"


def _found(passed: object, what: str, detail: object = "", code: str = METADATA, where: str = PLACE) -> Finding:
    return finding(passed, what, where, detail=detail, code=code)


def of_links(submission: xds.Submission) -> Iterator[Finding]:
    """Symbolic identifiers, associations, one patient everywhere."""
    lot = submission.sets[0]
    ids = [lot.id, *(one.id for one in submission.entries), *(one.id for one in submission.associations)]
    yield _found(len(ids) == len(set(ids)) and all(ids), "Chaque objet a un identifiant symbolique à lui.", where=LINKS)
    yield from _of_members(submission, lot)
    documents = {one.id for one in submission.documents}
    sources = [one.source for one in submission.of_kind(xds.REPLACES)]
    once = documents.issuperset(sources) and len(set(sources)) == len(sources)
    yield _found(once, "Un remplacement part du nouveau document, une seule fois.", ", ".join(sources))
    patients = {lot.identifier("patientId"), *(one.identifier("patientId") for one in submission.entries)}
    same = "Le patient est le même dans tout le lot."
    yield _found(len(patients) == 1, same, " ; ".join(sorted(patients)), OTHER_PATIENT, "IHE XDS.b, patientId")
    unique = [lot.identifier("uniqueId"), *(one.identifier("uniqueId") for one in submission.entries)]
    once, code = len(unique) == len(set(unique)), "XDSRepositoryDuplicateUniqueIdInMessage"
    what = "Aucun uniqueId n'est employé deux fois dans le lot."
    yield _found(once, what, ", ".join(unique), code, "IHE XDS.b, uniqueId")


def _of_members(submission: xds.Submission, lot: xds.Registered) -> Iterator[Finding]:
    members = submission.of_kind(xds.MEMBER)
    linked = sorted(one.target for one in members if one.source == lot.id)
    all_linked = linked == sorted(one.id for one in submission.entries) and len(linked) == len(members)
    what = "Chaque document est rattaché une fois au lot (HasMember)."
    yield _found(all_linked, what, ", ".join(linked), where=LINKS)
    original = all(one.slots.get("SubmissionSetStatus") == ("Original",) for one in members)
    yield _found(original, "Le rattachement porte SubmissionSetStatus = Original.", where=LINKS)
    known = {xds.MEMBER, xds.SIGNS, xds.REPLACES}
    others = [one.kind for one in submission.associations if one.kind not in known]
    yield _found(not others, "Les associations sont HasMember, signs ou RPLC.", ", ".join(others), where=LINKS)


def of_repeats(submission: xds.Submission, contents: Mapping[str, bytes], registry: Registry) -> Iterator[Finding]:
    """A uniqueId serves once: the same octets again are a repeat, other octets are a defect of the sender."""
    place = "IHE XDS.b, DocumentEntry.uniqueId"
    for entry in submission.entries:
        unique_id = entry.identifier("uniqueId")
        known = registry.filed.get(unique_id)
        same = known is None or known.content == contents.get(entry.id)
        what = "Un uniqueId connu ne revient pas avec un autre contenu."
        yield _found(same, what, unique_id, "XDSNonIdenticalHash", place)
        new = known is None or not same
        yield _found(new, "Le document n'est pas déjà au registre.", unique_id, REPEATED, place)
    lot = submission.sets[0].identifier("uniqueId")
    new, place = lot not in registry.submissions, "IHE XDS.b, SubmissionSet.uniqueId"
    yield _found(new, "Le lot n'a pas déjà été soumis.", lot, REPEATED, place)


def of_replacements(
    submission: xds.Submission, trees: Mapping[str, etree._Element], registry: Registry, structure: str
) -> Iterator[Finding]:
    """`trees`: documents whose CDA passed, by symbolic id."""
    targets = {one.source: one.target for one in submission.of_kind(xds.REPLACES)}
    for entry in submission.documents:
        root = trees.get(entry.id)
        if root is None:
            continue
        said = dom.value(root, REPLACED)
        what = "Le remplacement est dit à la fois par le document et par les métadonnées."
        yield _found(bool(said) == (entry.id in targets), what, said, cda.CODE)
        yield from _of_version(entry, root, registry, replacing=entry.id in targets)
        if entry.id in targets:
            yield from _of_target(entry, root, targets[entry.id], registry=registry, structure=structure)


def _of_version(
    entry: xds.Registered, root: etree._Element, registry: Registry, *, replacing: bool
) -> Iterator[Finding]:
    version, set_id = int(dom.value(root, "h:versionNumber/@value")), dom.value(root, "h:setId/@root")
    others = registry.in_set(set_id, entry.identifier("patientId"))
    new = all(one.version != version for one in others)
    yield _found(new, "La version n'est pas déjà au registre pour cet ensemble (setId).", version, cda.CODE, VERSIONS)
    follows = replacing or not others
    yield _found(follows, "Une nouvelle version remplace la précédente.", set_id, cda.CODE, VERSIONS)


def _of_target(
    entry: xds.Registered, root: etree._Element, target: str, *, registry: Registry, structure: str
) -> Iterator[Finding]:
    old, moved = registry.by_uuid(target), target in registry.retired
    yield _found(not moved, "La fiche remplacée est désignée par son entryUUID du moment.", target, DEPRECATED)
    if old is None:
        yield _found(moved, "La fiche remplacée existe.", target, "UnresolvedReferenceException")
        return
    in_force, same_patient = old.status == xds.APPROVED, old.patient == entry.identifier("patientId")
    yield _found(in_force, "La fiche remplacée est en vigueur (Approved).", old.status, DEPRECATED)
    yield _found(same_patient, "La fiche remplacée est du même patient.", old.patient, OTHER_PATIENT)
    yield _found(old.structure == structure, "La fiche remplacée vient de la même structure.", old.structure)
    yield from _of_succession(entry, root, old)


def _of_succession(entry: xds.Registered, root: etree._Element, old: Filed) -> Iterator[Finding]:
    said, set_id = dom.value(root, REPLACED), dom.value(root, "h:setId/@root")
    both = f"{said} / {old.unique_id}"
    yield _found(said == old.unique_id, "Le document cite le uniqueId de la version remplacée.", both, cda.CODE)
    yield _found(set_id == old.set_id, "Les versions d'un document gardent leur setId.", old.set_id, cda.CODE, VERSIONS)
    later = int(dom.value(root, "h:versionNumber/@value")) > old.version
    yield _found(later, "Le numéro de version croît.", old.version, cda.CODE, VERSIONS)
    changes = "Une nouvelle version change le contenu ou les métadonnées."
    yield _found(_changes(entry, root, old), changes, "", cda.CODE, "EX_GEN-1060")


def _changes(entry: xds.Registered, root: etree._Element, old: Filed) -> bool:
    before = dom.parse(old.content)
    masks = sorted(entry.pairs("confidentialityCode")) != sorted(old.fields.pairs("confidentialityCode"))
    same_words = cda.body(root) == cda.body(before) and entry.title == old.fields.title
    same_codes = all(
        entry.pairs(name) == old.fields.pairs(name) for name in ("typeCode", "practiceSettingCode", "eventCodeList")
    )
    return masks or not same_words or not same_codes
