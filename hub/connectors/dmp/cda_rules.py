"""What must hold in a CDA document before it leaves for the DMP (CI-SIS "Structuration minimale", and the limits of the DMP).

The official schema and schematron miss many of these rules (title length, offsets, OID syntax, INS key, base64 of the body,
types the DMP does not take ...) and may not be shipped with the product, so every rule that decides is repeated here.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from hub.connectors.dmp.tables import SHIPPED, Table, Tables
from hub.domain.identifiers import INS_OIDS, REAL_OIDS, Ins

NS = {"h": "urn:hl7-org:v3"}
ROOT = "{urn:hl7-org:v3}ClinicalDocument"
PERSONS = "1.2.250.1.71.4.2.1"
STRUCTURES = "1.2.250.1.71.4.2.2"
TEMPLATES = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
MEDIA_TYPES = frozenset({"text/plain", "application/pdf", "text/rtf", "image/jpeg", "image/tiff"})
NULL_FLAVORS = frozenset({"UNK", "NASK", "ASKU", "NAV", "MSK"})
LONGEST_OID = 64
LONGEST_TITLE = 128

OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
PS_IDNAT = re.compile(r"0[0-9A-Z]{9}|8[0-9]{11}|1[0-9A-Z]{9}/.+|[35][0-9A-Z]{9,14}/.+|4[0-9]{9}/.+|6[0-9]{11}/.+")
STRUCT_IDNAT = re.compile(r"0[0-9A-Z]{9}|1[0-9A-Z]{9}|2[0-9]{9}|3[0-9]{14}|4[0-9]{14}")
SECONDS = re.compile(r"[0-9]{14}[+-][0-9]{4}")
PDF_A_1 = re.compile(rb"""pdfaid:part\s*(=\s*["']|>)\s*1\b""")  # its XMP is never compressed (ISO 19005-1, 6.7.2)
MINUTES = re.compile(r"[0-9]{12}([0-9]{2})?[+-][0-9]{4}")

ONCE = (
    *("realmCode", "typeId", "id", "code", "title", "effectiveTime", "confidentialityCode", "languageCode", "setId"),
    *("versionNumber", "recordTarget", "custodian", "legalAuthenticator", "componentOf", "component"),
)
AT_LEAST_ONCE = ("author", "documentationOf")


@dataclass(frozen=True, slots=True)
class Value:
    """One attribute: where, its name, what it must match entirely. A missing element is the business of another rule."""

    path: str
    attribute: str
    pattern: re.Pattern[str]


VALUES = (
    Value("h:realmCode", "code", re.compile("FR")),
    Value("h:typeId", "root", re.compile(r"2\.16\.840\.1\.113883\.1\.3")),
    Value("h:typeId", "extension", re.compile("POCD_HD000040")),
    Value("h:id", "root", OID),
    Value("h:setId", "root", OID),
    Value("h:languageCode", "code", re.compile("fr-FR")),
    Value("h:confidentialityCode", "code", re.compile("[NRV]")),
    Value("h:confidentialityCode", "codeSystem", re.compile(r"2\.16\.840\.1\.113883\.5\.25")),
    Value("h:confidentialityCode", "displayName", re.compile(".+")),
    Value("h:versionNumber", "value", re.compile("[1-9][0-9]*")),
    Value("h:effectiveTime", "value", SECONDS),
    Value("h:author/h:time", "value", SECONDS),
    Value("h:legalAuthenticator/h:time", "value", SECONDS),
    Value("h:legalAuthenticator/h:signatureCode", "code", re.compile("S")),
    Value("h:documentationOf[1]/h:serviceEvent/h:effectiveTime/h:low", "value", MINUTES),
    Value("h:documentationOf[1]/h:serviceEvent/h:effectiveTime/h:high", "value", MINUTES),
    Value("h:relatedDocument", "typeCode", re.compile("RPLC|XFRM")),
    Value("h:relatedDocument/h:parentDocument/h:id", "root", OID),
    Value("h:recordTarget//h:patient/h:birthTime", "value", re.compile("[0-9]{4}([0-9]{2}([0-9]{2})?)?")),
)

PRESENT = (
    "h:recordTarget/h:patientRole/h:patient/h:administrativeGenderCode",
    "h:recordTarget/h:patientRole/h:patient/h:birthTime",
    "h:author/h:time",
    "h:author/h:assignedAuthor",
    "h:legalAuthenticator/h:time",
    "h:legalAuthenticator/h:signatureCode",
    "h:legalAuthenticator/h:assignedEntity",
    "h:documentationOf[1]/h:serviceEvent/h:effectiveTime/h:low",
    "h:documentationOf[1]/h:serviceEvent/h:performer[@typeCode='PRF']/h:assignedEntity/h:id",
    "h:documentationOf[1]//h:performer/h:assignedEntity/h:representedOrganization/h:standardIndustryClassCode",
    "h:componentOf/h:encompassingEncounter/h:effectiveTime",
    "h:componentOf/h:encompassingEncounter/h:location/h:healthCareFacility/h:code",
    "h:component/h:nonXMLBody/h:text",
)

FILLED = (
    "h:title",
    "h:recordTarget//h:patient/h:name/h:family[@qualifier='BR']",
    "h:recordTarget//h:patient/h:name/h:given[not(@qualifier)]",
    "h:recordTarget//h:patient/h:name/h:given[@qualifier='BR']",
    "h:recordTarget//h:patient/h:birthplace/h:place/h:addr/h:county",
    "h:custodian//h:representedCustodianOrganization/h:name",
)

FORBIDDEN = (
    *("h:recordTarget//h:religiousAffiliationCode", "h:recordTarget//h:raceCode", "h:recordTarget//h:ethnicGroupCode"),
    "h:recordTarget/h:patientRole/h:patient/h:name/*[@qualifier='SP']",
    "h:id/@extension",
)


def _found(root: etree._Element, path: str) -> list[etree._Element]:
    result = root.xpath(path, namespaces=NS)
    assert isinstance(result, list)
    return result


def _header(root: etree._Element) -> Iterator[str]:
    for name in ONCE:
        found = _found(root, f"h:{name}")
        if len(found) != 1:
            yield f"{name}: {len(found)} instead of 1"
        if any(one.get("nullFlavor") for one in found):
            yield f"{name}: nullFlavor"
    for name in AT_LEAST_ONCE:
        if not _found(root, f"h:{name}"):
            yield f"{name}: absent"
    if len(_found(root, "h:relatedDocument")) > 1:
        yield "relatedDocument: more than 1"
    templates = {one.get("root") for one in _found(root, "h:templateId")}
    yield from (f"templateId: {template} absent" for template in TEMPLATES if template not in templates)


def _listed(root: etree._Element) -> Iterator[str]:
    for path in PRESENT:
        if not _found(root, path):
            yield f"{path}: absent"
    for path in FILLED:
        found = _found(root, path)
        if not found or any(not (one.text or "").strip() for one in found):
            yield f"{path}: absent or empty"
    for path in FORBIDDEN:
        if _found(root, path):
            yield f"{path}: forbidden"
    for value in VALUES:
        for one in _found(root, value.path):
            if not value.pattern.fullmatch(one.get(value.attribute) or ""):
                yield f"{value.path}/@{value.attribute}: {one.get(value.attribute)!r}"


def _lengths(root: etree._Element) -> Iterator[str]:
    title = root.findtext("h:title", "", NS)
    if len(title) > LONGEST_TITLE:
        yield f"title: {len(title)} characters"
    for one in _found(root, "h:id | h:setId | h:relatedDocument/h:parentDocument/h:id"):
        if len(one.get("root") or "") > LONGEST_OID:
            yield "identifier: longer than 64 characters"
    for one in _found(root, "//*[@nullFlavor][not(ancestor-or-self::h:component)]"):
        if one.get("nullFlavor") not in NULL_FLAVORS:
            yield f"nullFlavor: {one.get('nullFlavor')}"


def _version(root: etree._Element) -> Iterator[str]:
    number = "".join(one.get("value") or "" for one in _found(root, "h:versionNumber"))
    replaced = _found(root, "h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id")
    if number not in ("", "0", "1") and not replaced:
        yield "relatedDocument: absent from a second version"
    if number == "1" and replaced:
        yield "relatedDocument: present in a first version"


def _coded(root: etree._Element, path: str, table: Table) -> Iterator[str]:
    for one in _found(root, path):
        known = table.get(one.get("code") or "")
        if known is None or known.system != one.get("codeSystem"):
            yield f"{path}: {one.get('code')!r} of {one.get('codeSystem')!r} not in the value set"
        elif not one.get("displayName"):
            yield f"{path}: no displayName"


def _codes(root: etree._Element, tables: Tables) -> Iterator[str]:
    kind = tables.types.get("".join(one.get("code") or "" for one in _found(root, "h:code")))
    yield from _coded(root, "h:code", {code: one.coded for code, one in tables.types.items()})
    if kind is not None and not (kind.in_dmp and kind.class_code):
        yield f"code: {kind.coded.code} is not a type of the DMP"
    people = "h:author/h:assignedAuthor/h:code | h:legalAuthenticator/h:assignedEntity/h:code"
    yield from _coded(root, people, tables.specialties)
    yield from _coded(root, "h:recordTarget//h:administrativeGenderCode", tables.genders)
    yield from _coded(root, "h:documentationOf[1]//h:standardIndustryClassCode", tables.practices)
    yield from _coded(root, "h:componentOf/h:encompassingEncounter/h:code", tables.encounters)
    yield from _coded(root, "h:componentOf//h:healthCareFacility/h:code", tables.facilities)


def _insured(root: etree._Element, production: bool) -> Iterator[str]:
    numbers = [one for one in _found(root, "h:recordTarget/h:patientRole/h:id") if one.get("root") in INS_OIDS]
    if not numbers:
        yield "recordTarget: no INS of a known authority"
    for one in numbers[:1]:
        is_real = one.get("root") in REAL_OIDS
        if production and not is_real:
            yield f"recordTarget: test authority {one.get('root')} in production"
        # Published test identities include wrong keys: only real ones are held to theirs.
        if is_real and not Ins.check(one.get("extension") or ""):
            yield "recordTarget: key of the INS"


def _identified(holder: etree._Element, path: str, root_oid: str, pattern: re.Pattern[str]) -> bool:
    return any(
        one.get("root") == root_oid and pattern.fullmatch(one.get("extension") or "") for one in _found(holder, path)
    )


def _people(root: etree._Element) -> Iterator[str]:
    for holder in _found(root, "h:author/h:assignedAuthor | h:legalAuthenticator/h:assignedEntity"):
        name = etree.QName(holder).localname
        if not _identified(holder, "h:id", PERSONS, PS_IDNAT):
            yield f"{name}: no PS_IdNat with its prefix"
        if not _identified(holder, "h:representedOrganization/h:id", STRUCTURES, STRUCT_IDNAT):
            yield f"{name}: no Struct_IdNat with its prefix"
        if not _found(holder, "h:code"):
            yield f"{name}: h:code absent"
        for path in ("h:assignedPerson/h:name/h:family", "h:representedOrganization/h:name"):
            if not any((one.text or "").strip() for one in _found(holder, path)):
                yield f"{name}: {path} absent or empty"
    custodian = "h:assignedCustodian/h:representedCustodianOrganization/h:id"
    for holder in _found(root, "h:custodian"):
        if not _identified(holder, custodian, STRUCTURES, STRUCT_IDNAT):
            yield "custodian: no Struct_IdNat with its prefix"


def _body(root: etree._Element) -> Iterator[str]:
    for text in _found(root, "h:component/h:nonXMLBody/h:text"):
        media_type = text.get("mediaType")
        if media_type not in MEDIA_TYPES:
            yield f"body: mediaType {media_type!r}"
        if text.get("representation") != "B64" or text.get("nullFlavor"):
            yield "body: not in base64"
            continue
        try:
            content = b64decode("".join((text.text or "").split()), validate=True)
        except binascii.Error:
            yield "body: broken base64"
            continue
        if not content.strip():
            yield "body: empty"
        elif media_type == "application/pdf" and not (content.startswith(b"%PDF-") and PDF_A_1.search(content)):
            yield "body: not a PDF/A-1"


def check(document: bytes, *, tables: Tables = SHIPPED, production: bool = False) -> list[str]:
    """What is wrong with a level-1 document, in words for developers; empty when it may leave.

    ``production``: test INS authorities are refused too. No entity, document type or network is resolved.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as trouble:
        return [f"not well-formed: {trouble.msg}"]
    if root.getroottree().docinfo.doctype:
        return ["document type declaration"]
    if root.tag != ROOT:
        return [f"root element {root.tag!s}"]
    rules = (_header, _listed, _lengths, _version, _people, _body)
    found = [problem for rule in rules for problem in rule(root)]
    return [*found, *_codes(root, tables), *_insured(root, production)]
