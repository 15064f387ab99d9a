"""Verdict on a CDA R2 document as the DMP receives it (CI-SIS, Structuration minimale): grammar, then rules, then codes."""

import base64
import binascii
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import etree

from sandbox.dmp import dom, ins, tables
from sandbox.dmp.cda_codes import CODES, Codes
from sandbox.dmp.cda_rules import PATIENT, RULES, STRUCT, TEXT
from sandbox.dmp.findings import Finding, finding

CODE = "InvalidDocumentContent"  # IHE: the content is not what it should be
GRAMMAR = Path(__file__).parent / "cda-level1.rng"


@cache
def _grammar() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(GRAMMAR))


@cache
def _official(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def check(content: bytes, *, official: Path | None = None) -> tuple[etree._Element | None, list[Finding]]:
    """The document element (None when the bytes are no XML we accept) and everything that was checked.
    `official`: entry point of the published CDA schema set, when the operator has it."""
    try:
        root = dom.parse(content)
    except ValueError as error:
        return None, [
            finding(False, "Le document est un XML sans DOCTYPE.", f"{STRUCT}, généralités", detail=error, code=CODE)
        ]
    findings = [_by_grammar(root)]
    if official is not None:
        findings.append(_by_schema(root, official))
    if findings[0].passed:
        findings += _by_rules(root)
        findings += [one for codes in CODES for one in _by_codes(root, codes)]
        findings += _of_ins(root)
        findings += _of_body(root)
    return root, findings


def _by_grammar(root: etree._Element) -> Finding:
    grammar = _grammar()
    valid = grammar.validate(root)
    detail = "" if valid else " ; ".join(f"ligne {one.line} : {one.message}" for one in list(grammar.error_log)[:2])
    return finding(
        valid,
        "L'en-tête suit la structure du CDA : éléments, ordre, cardinalités, types.",
        f"{STRUCT}, en-tête",
        detail=detail,
        code=CODE,
    )


def _by_schema(root: etree._Element, official: Path) -> Finding:
    schema = _official(official)
    valid = schema.validate(root)
    detail = "" if valid else " ; ".join(one.message for one in list(schema.error_log)[:2])
    return finding(
        valid, "Le document est valide selon le schéma CDA publié.", "CDA R2, schéma", detail=detail, code=CODE
    )


def _by_rules(root: etree._Element) -> Iterator[Finding]:
    for rule in RULES:
        shown = dom.value(root, rule.shown) if rule.shown else ""
        yield finding(dom.holds(root, rule.holds), rule.what, rule.where, detail=shown, code=CODE)


def _by_codes(root: etree._Element, codes: Codes) -> Iterator[Finding]:
    allowed = tables.published_in_dmp(codes.table) if codes.in_dmp else tables.codes(codes.table)
    alone = {code for code, _ in allowed}
    for element in dom.find(root, codes.path):
        if element.get("nullFlavor"):
            continue
        code = element.get(codes.attribute, "") if codes.attribute else (element.text or "").strip()
        system = element.get("codeSystem", "")
        known = (code, system) in allowed if codes.with_system else code in alone
        label = tables.label(codes.table, in_dmp=codes.in_dmp)
        yield finding(
            known,
            f"{codes.what} appartient à {label}.",
            f"{STRUCT}, jeux de valeurs",
            detail=f"{code} ({system})" if codes.with_system else code,
            code=CODE,
        )
        if codes.with_system:
            what = f"{codes.what} porte son libellé."
            yield finding(element.get("displayName"), what, f"{STRUCT}, jeux de valeurs", detail=code, code=CODE)


def _of_ins(root: etree._Element) -> Iterator[Finding]:
    first = dom.first(root, f"{PATIENT}/h:id[1]")
    if first is None:
        return
    matricule, authority = first.get("extension", ""), first.get("root", "")
    if authority in ins.PRODUCTION:
        yield finding(
            ins.key_is_right(matricule),
            "La clé de l'INS est juste.",
            "Référentiel INS, matricule",
            detail=matricule,
            code=CODE,
        )


def _of_body(root: etree._Element) -> Iterator[Finding]:
    text = dom.first(root, TEXT)
    if text is None:
        return
    content = body(root)
    place = f"{STRUCT}, nonXMLBody"
    yield finding(content is not None, "Le corps est du base64 bien formé.", place, code=CODE)
    if content is None:
        return
    yield finding(content.strip(), "Le corps n'est pas vide.", "EX_GEN-1060", code=CODE)
    if text.get("mediaType") == "application/pdf":
        is_archive = content.startswith(b"%PDF-") and _says_part_one(content)
        yield finding(is_archive, "Le PDF est un PDF/A-1.", f"{STRUCT}, nonXMLBody ; ASS_A12", code=CODE)


def _says_part_one(pdf: bytes) -> bool:
    """PDF/A-1 keeps its XMP metadata in clear, with pdfaid:part as attribute or element."""
    return any(mark in pdf for mark in (b'pdfaid:part="1"', b"pdfaid:part='1'", b"<pdfaid:part>1<"))


def body(root: etree._Element) -> bytes | None:
    """The decoded level-1 body; None when it is not base64 (white space between characters is lawful)."""
    encoded = "".join(dom.value(root, TEXT).split())
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
