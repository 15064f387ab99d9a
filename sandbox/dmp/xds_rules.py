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


def of_set(submission: xds.Submission, now: datetime) -> Iterator[Finding]:
    one_set = len(submission.sets) == 1
    yield finding(
        one_set,
        "Le lot contient un seul RegistryPackage.",
        "IHE XDS.b, SubmissionSet",
        detail=len(submission.sets),
        code=METADATA,
    )
    yield finding(
        not submission.others,
        "Le lot ne contient que lot, documents et associations.",
        "IHE XDS.b, RegistryObjectList",
        detail=", ".join(submission.others),
        code=METADATA,
    )
    if not one_set:
        return
    lot = submission.sets[0]
    yield finding(
        xds.SET_NODE in lot.nodes,
        "Le RegistryPackage est classé comme lot de soumission.",
        "IHE XDS.b, SubmissionSet",
        code=METADATA,
    )
    yield from _of_object(lot, "SubmissionSet", xds.SET_IDENTIFIERS, SET_CODES)
    sent = hl7text.instant(lot.slot("submissionTime"))
    yield finding(
        sent is not None and sent <= now + SKEW,
        "La date de soumission est en temps universel et n'est pas à venir.",
        "IHE XDS.b, SubmissionSet.submissionTime",
        detail=lot.slot("submissionTime"),
        code=METADATA,
    )
    yield finding(
        hl7text.is_oid(lot.identifier("sourceId")),
        "La source du lot est un OID.",
        "IHE XDS.b, SubmissionSet.sourceId",
        detail=lot.identifier("sourceId"),
        code=METADATA,
    )


def of_entry(entry: xds.Registered) -> Iterator[Finding]:
    yield from _of_object(entry, "DocumentEntry", xds.ENTRY_IDENTIFIERS, ENTRY_CODES)
    yield finding(
        entry.object_type == xds.ENTRY_TYPE,
        "L'objet est une fiche de document stable.",
        "IHE XDS.b, DocumentEntry.objectType",
        detail=entry.object_type,
        code=METADATA,
    )
    yield finding(
        entry.mime_type == "text/xml",
        "Le type de média est text/xml.",
        "IHE XDS.b, DocumentEntry.mimeType",
        detail=entry.mime_type,
        code=METADATA,
    )
    for name in ENTRY_SLOTS:
        yield finding(
            entry.slot(name), f"La métadonnée {name} est présente.", f"IHE XDS.b, DocumentEntry.{name}", code=METADATA
        )
    for name in ENTRY_TIMES:
        if name in entry.slots:
            yield finding(
                hl7text.instant(entry.slot(name)),
                f"{name} est en temps universel, à la seconde.",
                f"IHE XDS.b, DocumentEntry.{name}",
                detail=entry.slot(name),
                code=METADATA,
            )
    unknown = sorted(set(entry.slots) - KNOWN_SLOTS)
    yield finding(
        not unknown,
        "La fiche ne porte que des métadonnées qu'un producteur envoie.",
        "IHE XDS.b, DocumentEntry ; repositoryUniqueId est donné par le DMP",
        detail=", ".join(unknown),
        code=METADATA,
    )
    yield finding(
        hl7text.person_is_lawful(entry.slot("legalAuthenticator")),
        "Le responsable est écrit en XCN.",
        "IHE XDS.b, DocumentEntry.legalAuthenticator",
        detail=entry.slot("legalAuthenticator"),
        code=METADATA,
    )
    yield finding(
        from_cx(entry.identifier("patientId")),
        "Le patient est désigné par son INS en CX.",
        "IHE XDS.b, DocumentEntry.patientId",
        detail=entry.identifier("patientId"),
        code=METADATA,
    )
    yield from _of_confidentiality(entry)
    type_code = entry.pairs("typeCode")[0][0] if entry.pairs("typeCode") else ""
    class_code = entry.pairs("classCode")[0][0] if entry.pairs("classCode") else ""
    yield finding(
        tables.class_of_type().get(type_code) == class_code,
        "La classe est celle du type.",
        "ASS_X04, classe d'un type",
        detail=f"{type_code} classé {class_code}",
        code=METADATA,
    )


def _of_object(
    thing: xds.Registered, kind: str, identifiers: Mapping[str, str], codes: tuple[Meta, ...]
) -> Iterator[Finding]:
    place = f"IHE XDS.b, {kind}"
    yield finding(thing.id, "L'objet a un identifiant.", f"{place}.entryUUID", code=METADATA)
    yield finding(thing.ordered, "Les éléments suivent l'ordre du schéma rim.", "ebRIM 3.0", code=METADATA)
    multiple = {*thing.repeated_slots, *(name for name in SINGLE if len(thing.slots.get(name, ())) > 1)}
    yield finding(
        not multiple,
        "Aucune métadonnée simple n'est répétée.",
        place,
        detail=", ".join(sorted(multiple)),
        code=METADATA,
    )
    for name in identifiers:
        found = thing.identifiers.get(name, ())
        yield finding(
            len(found) == 1 and found[0],
            f"L'identifiant {name} est présent une fois.",
            f"{place}.{name}",
            detail=", ".join(found),
            code=METADATA,
        )
    yield finding(
        not thing.foreign_identifiers and "" not in thing.identifiers,
        "Les identifiants externes sont connus, nommés et rattachés à leur objet.",
        place,
        detail=", ".join(thing.foreign_identifiers),
        code=METADATA,
    )
    yield finding(
        hl7text.is_oid(thing.identifier("uniqueId")),
        "uniqueId est un OID de 64 caractères au plus, sans extension.",
        f"{place}.uniqueId",
        detail=thing.identifier("uniqueId"),
        code=METADATA,
    )
    yield from _of_classifications(thing, place)
    for meta in codes:
        yield from _of_code(thing, meta, place)
    yield from _of_authors(thing, place)


def _of_classifications(thing: xds.Registered, place: str) -> Iterator[Finding]:
    astray = [one.name or one.code for one in thing.classifications if one.classified != thing.id]
    yield finding(
        not astray,
        "Chaque classification désigne son objet, à la lettre près.",
        place,
        detail=", ".join(astray),
        code=METADATA,
    )
    unknown = [one.code for one in thing.classifications if not one.name]
    yield finding(
        not unknown, "Chaque classification suit un schéma connu.", place, detail=", ".join(unknown), code=METADATA
    )
    partial = [one.name for one in thing.classifications if not one.whole]
    yield finding(
        not partial,
        "Chaque code porte son système (un seul) et son libellé.",
        place,
        detail=", ".join(partial),
        code=METADATA,
    )


def _of_code(thing: xds.Registered, meta: Meta, place: str) -> Iterator[Finding]:
    pairs = thing.pairs(meta.name)
    enough = len(pairs) >= 1 if meta.most == 0 else 1 <= len(pairs) <= meta.most
    yield finding(enough, f"{meta.name} est présent.", f"{place}.{meta.name}", detail=len(pairs), code=METADATA)
    strangers = [
        f"{code} ({system})" for code, system in pairs if (code, system) not in tables.published_in_dmp(meta.table)
    ]
    label = tables.label(meta.table, in_dmp=True)
    yield finding(
        not strangers,
        f"{meta.name} appartient à {label}.",
        f"{place}.{meta.name}, {label}",
        detail=", ".join(strangers),
        code=METADATA,
    )


def _of_authors(thing: xds.Registered, place: str) -> Iterator[Finding]:
    authors = thing.coded("author")
    yield finding(authors, "Un auteur est présent.", f"{place}.author", code=METADATA)
    for author in authors:
        people = author.slots.get("authorPerson", ())
        yield finding(
            len(people) == 1 and hl7text.person_is_lawful(people[0]),
            "L'auteur est écrit en XCN, une fois.",
            f"{place}.author.authorPerson",
            detail=" ; ".join(people),
            code=METADATA,
        )
        structures = author.slots.get("authorInstitution", ())
        yield finding(
            all(hl7text.structure_is_lawful(one) for one in structures),
            "La structure de l'auteur est écrite en XON.",
            f"{place}.author.authorInstitution",
            detail=" ; ".join(structures),
            code=METADATA,
        )
        specialties = author.slots.get("authorSpecialty", ())
        strangers = [one for one in specialties if not _is_specialty(one)]
        yield finding(
            not strangers,
            "La spécialité de l'auteur appartient à JDV_J01.",
            f"{place}.author.authorSpecialty",
            detail=" ; ".join(strangers),
            code=METADATA,
        )


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
