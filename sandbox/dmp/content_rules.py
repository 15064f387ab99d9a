"""The metadata against the bytes and against the CDA they describe (DMP, correspondence of CDA header and XDS metadata)."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from sandbox.dmp import dom, hl7text, tables, xds
from sandbox.dmp.cda_rules import ENCOUNTER, MAIN, PATIENT, STRUCTURES, TEXT
from sandbox.dmp.findings import Finding, finding
from sandbox.dmp.ins import cx, from_cx

CODE = "InvalidDocumentContent"


def of_bytes(entry: xds.Registered, content: bytes) -> Iterator[Finding]:
    """Hash (SHA-1, lower-case hexadecimal) and size may be left out; wrong ones may not be sent."""
    if "hash" in entry.slots:
        yield finding(
            entry.slot("hash") == hashlib.sha1(content).hexdigest(),
            "L'empreinte est celle des octets reçus.",
            "IHE XDS.b, DocumentEntry.hash",
            detail=entry.slot("hash"),
            code="XDSNonIdenticalHash",
        )
    if "size" in entry.slots:
        yield finding(
            entry.slot("size") == str(len(content)),
            "La taille est celle des octets reçus.",
            "IHE XDS.b, DocumentEntry.size",
            detail=entry.slot("size"),
            code="XDSNonIdenticalSize",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Two readings that must agree: in the metadata, in the document."""

    name: str
    in_metadata: Callable[[xds.Registered], object]
    in_document: Callable[[etree._Element], object]


def _utc(root: etree._Element, path: str) -> str:
    moment = hl7text.cda_instant(dom.value(root, path))
    return moment.strftime("%Y%m%d%H%M%S") if moment else ""


def _code(root: etree._Element, path: str) -> list[tuple[str, str]]:
    return [(one.get("code", ""), one.get("codeSystem", "")) for one in dom.find(root, f"({path})[1]")]


def _format(root: etree._Element) -> str:
    return tables.format_of_media().get(dom.value(root, f"{TEXT}/@mediaType"), "")


def _patient(root: etree._Element) -> tuple[str, str]:
    return dom.value(root, f"{PATIENT}/h:id[1]/@extension"), dom.value(root, f"{PATIENT}/h:id[1]/@root")


def _person(text: str) -> tuple[str, str, str]:
    person = hl7text.xcn(text)
    return (person.id, person.family, person.given) if person else ("", "", "")


def _who(element: etree._Element) -> tuple[str, str, str]:
    """(id, family, given) of an assigned entity; a device is named by its model and its software."""
    if dom.holds(element, "h:assignedAuthoringDevice"):
        return (
            dom.value(element, "h:id/@extension"),
            dom.value(element, "h:assignedAuthoringDevice/h:manufacturerModelName"),
            dom.value(element, "h:assignedAuthoringDevice/h:softwareName"),
        )
    return (
        dom.value(element, "h:id/@extension"),
        dom.value(element, "h:assignedPerson/h:name/h:family"),
        dom.value(element, "h:assignedPerson/h:name/h:given"),
    )


def _authors_written(entry: xds.Registered) -> list[tuple[str, str, str]]:
    return [_person(next(iter(one.slots.get("authorPerson", ())), "")) for one in entry.coded("author")]


def _authors_signed(root: etree._Element) -> list[tuple[str, str, str]]:
    return [_who(one) for one in dom.find(root, "h:author/h:assignedAuthor")]


def _institutions_written(entry: xds.Registered) -> list[str]:
    found = [next(iter(one.slots.get("authorInstitution", ())), "") for one in entry.coded("author")]
    return [structure.id if (structure := hl7text.xon(one)) else "" for one in found]


def _institutions_signed(root: etree._Element) -> list[str]:
    path = f"h:representedOrganization/h:id[@root='{STRUCTURES}']/@extension"
    return [dom.value(one, path) for one in dom.find(root, "h:author/h:assignedAuthor")]


def _specialties_written(entry: xds.Registered) -> list[str]:
    return [next(iter(one.slots.get("authorSpecialty", ())), "").split("^")[0] for one in entry.coded("author")]


def _specialties_signed(root: etree._Element) -> list[str]:
    return [dom.value(one, "h:code/@code") for one in dom.find(root, "h:author/h:assignedAuthor")]


def _legal(root: etree._Element) -> tuple[str, str, str]:
    return _who(dom.find(root, "h:legalAuthenticator/h:assignedEntity")[0])


SAMES = (
    Same(
        name="uniqueId",
        in_metadata=lambda e: e.identifier("uniqueId"),
        in_document=lambda r: dom.value(r, "h:id/@root"),
    ),
    Same(
        name="creationTime",
        in_metadata=lambda e: e.slot("creationTime"),
        in_document=lambda r: _utc(r, "h:effectiveTime/@value"),
    ),
    Same(
        name="serviceStartTime",
        in_metadata=lambda e: e.slot("serviceStartTime"),
        in_document=lambda r: _utc(r, f"{MAIN}/h:effectiveTime/h:low/@value"),
    ),
    Same(
        name="serviceStopTime",
        in_metadata=lambda e: e.slot("serviceStopTime"),
        in_document=lambda r: _utc(r, f"{MAIN}/h:effectiveTime/h:high/@value"),
    ),
    Same(name="title", in_metadata=lambda e: " ".join(e.title.split()), in_document=lambda r: dom.value(r, "h:title")),
    Same(
        name="languageCode",
        in_metadata=lambda e: e.slot("languageCode"),
        in_document=lambda r: dom.value(r, "h:languageCode/@code"),
    ),
    Same(name="typeCode", in_metadata=lambda e: e.pairs("typeCode"), in_document=lambda r: _code(r, "h:code")),
    Same(
        name="practiceSettingCode",
        in_metadata=lambda e: e.pairs("practiceSettingCode"),
        in_document=lambda r: _code(r, f"{MAIN}/h:performer//h:standardIndustryClassCode"),
    ),
    Same(
        name="healthcareFacilityTypeCode",
        in_metadata=lambda e: e.pairs("healthcareFacilityTypeCode"),
        in_document=lambda r: _code(r, f"{ENCOUNTER}/h:location/h:healthCareFacility/h:code"),
    ),
    Same(name="author.authorPerson", in_metadata=_authors_written, in_document=_authors_signed),
    Same(name="author.authorInstitution", in_metadata=_institutions_written, in_document=_institutions_signed),
    Same(name="author.authorSpecialty", in_metadata=_specialties_written, in_document=_specialties_signed),
    Same(name="legalAuthenticator", in_metadata=lambda e: _person(e.slot("legalAuthenticator")), in_document=_legal),
    Same(name="patientId", in_metadata=lambda e: from_cx(e.identifier("patientId")), in_document=_patient),
)


def of_document(entry: xds.Registered, root: etree._Element) -> Iterator[Finding]:
    """`root` has passed the rules of the CDA."""
    for same in SAMES:
        written, signed = same.in_metadata(entry), same.in_document(root)
        yield finding(
            written == signed,
            f"{same.name} est ce que dit le document.",
            f"DMP, correspondance CDA et XDS, {same.name}",
            detail=f"{written} / {signed}",
            code=CODE,
        )
    if dom.holds(root, TEXT):
        format_codes = [code for code, _ in entry.pairs("formatCode")]
        yield finding(
            format_codes == [_format(root)],
            "Le format est celui du corps (ASS_A12).",
            "DMP, correspondance CDA et XDS, formatCode",
            detail=", ".join(format_codes),
            code=CODE,
        )
    yield _of_source_patient(entry, root)
    yield from _of_traits(entry, root)
    events = _code(root, f"{MAIN}/h:code")
    if entry.pairs("eventCodeList"):
        yield finding(
            set(entry.pairs("eventCodeList")) >= set(events),
            "Les actes sont ceux du document.",
            "DMP, correspondance CDA et XDS, eventCodeList",
            detail=str(events),
            code=CODE,
        )


def _of_source_patient(entry: xds.Registered, root: etree._Element) -> Finding:
    lawful = {cx(one.get("extension", ""), one.get("root", "")) for one in dom.find(root, f"{PATIENT}/h:id[1]")}
    lawful |= {
        f"{one.get('extension')}^^^&{one.get('root')}&ISO^PI" for one in dom.find(root, f"{PATIENT}/h:id[position()>1]")
    }
    return finding(
        entry.slot("sourcePatientId") in lawful,
        "L'identifiant local du patient est l'un de ceux du document.",
        "DMP, correspondance CDA et XDS, sourcePatientId",
        detail=entry.slot("sourcePatientId"),
        code=CODE,
    )


def _of_traits(entry: xds.Registered, root: etree._Element) -> Iterator[Finding]:
    patient = f"{PATIENT}/h:patient"
    expected = {
        "PID-7": dom.value(root, f"{patient}/h:birthTime/@value"),
        "PID-8": dom.value(root, f"{patient}/h:administrativeGenderCode/@code"),
    }
    for info in entry.slots.get("sourcePatientInfo", ()):
        field, _, content = info.partition("|")
        if field == "PID-5":
            families = {dom.value(one, ".") for one in dom.find(root, f"{patient}/h:name/h:family")}
            agrees = content.split("^")[0] in families
        else:
            agrees = expected.get(field, content) == content
        yield finding(
            agrees,
            f"{field} est le trait du document.",
            "DMP, correspondance CDA et XDS, sourcePatientInfo",
            detail=info,
            code=CODE,
        )
