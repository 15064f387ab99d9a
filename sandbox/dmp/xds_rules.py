"""Rules of the metadata taken alone (IHE ITI TF-3, 4.2; DMP restrictions): one object at a time, then the whole set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.dmp import hl7text, tables, xds
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.ins import from_cx

METADATA = "XDSRepositoryMetadataError"
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A coded metadata: value set, and how many times it may appear (0 = as many as wanted, at least once)."""

    name: str
    table: str
    most: int = 1


ENTRY_CODES = (
    Meta(name="classCode", table=tables.J57_CLASS),
    Meta(name="typeCode", table=tables.J66_TYPE),
    Meta(name="confidentialityCode", table=tables.J58_CONFIDENTIALITY, most=0),
    Meta(name="formatCode", table=tables.J60_FORMAT),
    Meta(name="healthcareFacilityTypeCode", table=tables.J61_FACILITY),
    Meta(name="practiceSettingCode", table=tables.J04_PRACTICE),
)
SET_CODES = (Meta(name="contentTypeCode", table=tables.J59_CONTENT),)
ENTRY_SLOTS = ("creationTime", "languageCode", "legalAuthenticator", "serviceStartTime", "sourcePatientId")
ENTRY_TIMES = ("creationTime", "serviceStartTime", "serviceStopTime")
SINGLE = ("authorPerson", "submissionTime", *ENTRY_SLOTS, "serviceStopTime", "hash", "size")
KNOWN_SLOTS = frozenset(
    {*ENTRY_SLOTS, *ENTRY_TIMES, "sourcePatientInfo", "hash", "size", "urn:ihe:iti:xds:2013:referenceIdList", "URI"}
)


def _found(passed: object, what: str, where: str, detail: object = "") -> Finding:
    return finding(passed, what, f"IHE XDS.b, {where}", detail=detail, code=METADATA)


def of_set(submission: xds.Submission, now: datetime) -> Iterator[Finding]:
    """The registry package alone; nothing more is looked at when there is not exactly one."""
    one_set, others = len(submission.sets) == 1, ", ".join(submission.others)
    yield _found(one_set, "Le lot contient un seul RegistryPackage.", "SubmissionSet", len(submission.sets))
    yield _found(not others, "Le lot ne contient que lot, documents et associations.", "RegistryObjectList", others)
    if not one_set:
        return
    lot = submission.sets[0]
    classed = xds.SET_NODE in lot.nodes
    yield _found(classed, "Le RegistryPackage est classé comme lot de soumission.", "SubmissionSet")
    yield from _of_object(lot, "SubmissionSet", xds.SET_IDENTIFIERS, SET_CODES)
    written, source = lot.slot("submissionTime"), lot.identifier("sourceId")
    sent = hl7text.instant(written)
    what = "La date de soumission est en temps universel et n'est pas à venir."
    yield _found(sent is not None and sent <= now + SKEW, what, "SubmissionSet.submissionTime", written)
    yield _found(hl7text.is_oid(source), "La source du lot est un OID.", "SubmissionSet.sourceId", source)


def of_entry(entry: xds.Registered) -> Iterator[Finding]:
    place = "DocumentEntry"
    yield from _of_object(entry, place, xds.ENTRY_IDENTIFIERS, ENTRY_CODES)
    stable = entry.object_type == xds.ENTRY_TYPE
    yield _found(stable, "L'objet est une fiche de document stable.", f"{place}.objectType", entry.object_type)
    is_xml = entry.mime_type == "text/xml"
    yield _found(is_xml, "Le type de média est text/xml.", f"{place}.mimeType", entry.mime_type)
    yield from _of_slots(entry, place)
    patient, legal = entry.identifier("patientId"), entry.slot("legalAuthenticator")
    lawful = hl7text.person_is_lawful(legal)
    yield _found(lawful, "Le responsable est écrit en XCN.", f"{place}.legalAuthenticator", legal)
    yield _found(from_cx(patient), "Le patient est désigné par son INS en CX.", f"{place}.patientId", patient)
    yield from _of_confidentiality(entry)
    type_code, class_code = (next(iter(entry.pairs(name)), ("", ""))[0] for name in ("typeCode", "classCode"))
    same = tables.class_of_type().get(type_code) == class_code
    yield _found(
        same, "La classe est celle du type (ASS_X04).", f"{place}.classCode", f"{type_code} classé {class_code}"
    )


def _of_slots(entry: xds.Registered, place: str) -> Iterator[Finding]:
    for name in ENTRY_SLOTS:
        yield _found(entry.slot(name), f"La métadonnée {name} est présente.", f"{place}.{name}")
    for name in ENTRY_TIMES:
        if name in entry.slots:
            written = entry.slot(name)
            what = f"{name} est en temps universel, à la seconde."
            yield _found(hl7text.instant(written), what, f"{place}.{name}", written)
    unknown = sorted(set(entry.slots) - KNOWN_SLOTS)
    what = "La fiche ne porte que des métadonnées qu'un producteur envoie."
    yield _found(not unknown, what, f"{place} ; repositoryUniqueId est donné par le DMP", ", ".join(unknown))


def _of_object(
    thing: xds.Registered, place: str, identifiers: Mapping[str, str], codes: tuple[Meta, ...]
) -> Iterator[Finding]:
    yield _found(thing.id, "L'objet a un identifiant.", f"{place}.entryUUID")
    yield _found(thing.ordered, "Les éléments suivent l'ordre du schéma rim.", f"{place}, ebRIM 3.0")
    multiple = {*thing.repeated_slots, *(name for name in SINGLE if len(thing.slots.get(name, ())) > 1)}
    yield _found(not multiple, "Aucune métadonnée simple n'est répétée.", place, ", ".join(sorted(multiple)))
    yield _found(thing.localised, "Les libellés sont en UTF8 et en français (FR).", place)
    for name in identifiers:
        given = thing.identifiers.get(name, ())
        once = len(given) == 1 and given[0]
        yield _found(once, f"L'identifiant {name} est présent une fois.", f"{place}.{name}", ", ".join(given))
    attached = not thing.foreign_identifiers and "" not in thing.identifiers
    what = "Les identifiants externes sont connus, nommés et rattachés à leur objet."
    yield _found(attached, what, place, ", ".join(thing.foreign_identifiers))
    unique_id = thing.identifier("uniqueId")
    what = "uniqueId est un OID de 64 caractères au plus, sans extension."
    yield _found(hl7text.is_oid(unique_id), what, f"{place}.uniqueId", unique_id)
    yield from _of_classifications(thing, place)
    for meta in codes:
        yield from _of_code(thing, meta, place)
    yield from _of_authors(thing, place)


def _of_classifications(thing: xds.Registered, place: str) -> Iterator[Finding]:
    astray = [one.name or one.code for one in thing.classifications if one.classified != thing.id]
    yield _found(not astray, "Chaque classification désigne son objet, à la lettre près.", place, ", ".join(astray))
    unknown = [one.code for one in thing.classifications if not one.name]
    yield _found(not unknown, "Chaque classification suit un schéma connu.", place, ", ".join(unknown))
    partial = [one.name for one in thing.classifications if not one.whole]
    yield _found(not partial, "Chaque code porte son système (un seul) et son libellé.", place, ", ".join(partial))


def _of_code(thing: xds.Registered, meta: Meta, place: str) -> Iterator[Finding]:
    pairs = thing.pairs(meta.name)
    enough = len(pairs) >= 1 if meta.most == 0 else 1 <= len(pairs) <= meta.most
    yield _found(enough, f"{meta.name} est présent.", f"{place}.{meta.name}", len(pairs))
    allowed, label = tables.published_in_dmp(meta.table), tables.label(meta.table, in_dmp=True)
    strangers = ", ".join(f"{code} ({system})" for code, system in pairs if (code, system) not in allowed)
    yield _found(not strangers, f"{meta.name} appartient à {label}.", f"{place}.{meta.name}, {label}", strangers)


def _of_authors(thing: xds.Registered, place: str) -> Iterator[Finding]:
    authors = thing.coded("author")
    yield _found(authors, "Un auteur est présent.", f"{place}.author")
    for author in authors:
        people = author.slots.get("authorPerson", ())
        lawful = len(people) == 1 and hl7text.person_is_lawful(people[0])
        where = f"{place}.author.authorPerson"
        yield _found(lawful, "L'auteur est écrit en XCN, une fois.", where, " ; ".join(people))
        structures = author.slots.get("authorInstitution", ())
        lawful = all(hl7text.structure_is_lawful(one) for one in structures)
        where = f"{place}.author.authorInstitution"
        yield _found(lawful, "La structure de l'auteur est écrite en XON.", where, " ; ".join(structures))
        strangers = [one for one in author.slots.get("authorSpecialty", ()) if not _is_specialty(one)]
        where = f"{place}.author.authorSpecialty"
        yield _found(not strangers, "La spécialité de l'auteur appartient à JDV_J01.", where, " ; ".join(strangers))


def _is_specialty(text: str) -> bool:
    parts = text.split("^")
    return len(parts) == 3 and (parts[0], parts[2]) in tables.codes(tables.J01_AUTHOR) and bool(parts[1])


def _of_confidentiality(entry: xds.Registered) -> Iterator[Finding]:
    found = [code for code, _ in entry.pairs("confidentialityCode")]
    yield finding(
        "N" in found and len(found) == len(set(found)),
        "La confidentialité N est toujours présente, sans doublon.",
        "DMP, confidentialityCode",
        detail=", ".join(found),
        code=METADATA,
    )


def masks_may_be_added(entry: xds.Registered, *, allowed: bool) -> Finding:
    """MASQUE_PS and INVISIBLE_PATIENT together depend on a parameter of the DMP (EX_2.1-1050)."""
    found = {code for code, _ in entry.pairs("confidentialityCode")}
    both = {"MASQUE_PS", "INVISIBLE_PATIENT"} <= found
    return finding(
        allowed or not both,
        "MASQUE_PS et INVISIBLE_PATIENT ne sont pas cumulés.",
        "EX_2.1-1050, paramètre cumul-invisible_patient-masque_ps",
        detail=", ".join(sorted(found)),
        code=METADATA,
    )
