"""The VIHF: a SAML 2.0 assertion signed by the structure, and what the DMP checks of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from sandbox.dmp import certificates, dom, signatures
from sandbox.dmp.cda_rules import PS_IDNAT
from sandbox.dmp.findings import Finding
from sandbox.dmp.vihf_attributes import RESOURCE_ID, attributes, found, of_attributes, of_roles, of_values

BAD_SIGNATURE = "wsse:FailedCheck"
BAD_CERTIFICATE = "DMPInvalidCertificate"
WINDOW = timedelta(minutes=5)
ISSUER_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
INSTANT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
NAME_ID = "saml:Subject/saml:NameID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who calls, once read. Nothing here is true before every finding has passed."""

    assertion_id: str
    subject: str
    mode: str
    structure: str
    patient: str  # INS in CX form


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the assertion is held against: the authority (PEM), the certificate of the line (DER), identifiers seen."""

    now: datetime
    authority: bytes
    line: bytes
    seen: frozenset[str]


def check(assertion: etree._Element, around: Circumstances) -> tuple[Bearer, list[Finding]]:
    given = attributes(assertion)
    findings = [*_of_emission(assertion, around), *_of_subject(assertion), *_of_session(assertion, around.now)]
    findings += _of_signature(assertion, around)
    findings += [*of_attributes(given), *of_roles(assertion), *of_values(assertion)]
    bearer = Bearer(
        assertion_id=assertion.get("ID", ""),
        subject=dom.value(assertion, NAME_ID),
        mode=given.get("Authentification_mode", ""),
        structure=given.get("Identifiant_Structure", ""),
        patient=given.get(RESOURCE_ID, ""),
    )
    return bearer, findings


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if re.fullmatch(INSTANT, text) else None


def _of_emission(assertion: etree._Element, around: Circumstances) -> Iterator[Finding]:
    version, written, identifier = (assertion.get(name, "") for name in ("Version", "IssueInstant", "ID"))
    issued = _moment(written)
    here = f"{written}, ici {around.now:%Y-%m-%dT%H:%M:%SZ}"
    fresh = issued is not None and abs(issued - around.now) <= WINDOW
    named = re.fullmatch(r"_[0-9A-Za-z-]{32,}", identifier)
    yield found(version == "2.0", "L'assertion est en SAML 2.0.", "@Version", version)
    yield found(issued is not None, "L'émission est datée en UTC, à la milliseconde.", "@IssueInstant", written)
    yield found(fresh, "L'assertion a moins de cinq minutes.", "@IssueInstant", here)
    yield found(named, "L'identifiant est un trait bas suivi d'un UUID.", "@ID", identifier)
    yield found(identifier not in around.seen, "L'assertion n'a jamais servi.", "@ID", identifier)
    kind = dom.value(assertion, "saml:Issuer/@Format")
    yield found(kind == ISSUER_FORMAT, "L'émetteur est un nom X.509.", "Issuer/@Format", kind)
    order = [dom.local(one) for one in dom.children(assertion)]
    yield found(order[:2] == ["Issuer", "Signature"], "La signature suit l'émetteur.", "ds:Signature", ", ".join(order))


def _of_subject(assertion: etree._Element) -> Iterator[Finding]:
    name = dom.first(assertion, NAME_ID)
    yield found(name is not None and "Format" not in name.attrib, "Le sujet est nommé, sans Format.", "Subject/NameID")
    subject = dom.value(assertion, NAME_ID)
    lawful = re.fullmatch(PS_IDNAT, subject)
    yield found(lawful, "Le sujet est désigné par son identifiant national préfixé.", "Subject/NameID", subject)
    confirmed = dom.holds(assertion, "saml:Subject/saml:SubjectConfirmation")
    yield found(not confirmed, "Pas de SubjectConfirmation.", "Subject")


def _of_session(assertion: etree._Element, now: datetime) -> Iterator[Finding]:
    audience = dom.holds(assertion, ".//saml:AudienceRestriction")
    yield found(not audience, "Pas d'AudienceRestriction.", "Conditions")
    yield found(_within(assertion, now), "Les conditions de durée sont remplies.", "Conditions")
    written = dom.value(assertion, "saml:AuthnStatement/@AuthnInstant")
    began = _moment(written)
    past = began is not None and began <= now + WINDOW
    yield found(past, "La connexion de l'utilisateur est datée, et passée.", "AuthnStatement/@AuthnInstant", written)
    context = dom.value(assertion, "saml:AuthnStatement/saml:AuthnContext/saml:AuthnContextClassRef")
    known = context.startswith(CLASSES)
    yield found(known, "La classe d'authentification est une classe SAML 2.0.", "AuthnContextClassRef", context)


def _within(assertion: etree._Element, now: datetime) -> bool:
    conditions = dom.first(assertion, "saml:Conditions")
    if conditions is None:
        return True
    begins, ends = conditions.get("NotBefore"), conditions.get("NotOnOrAfter")
    try:
        after = begins is None or datetime.fromisoformat(begins) <= now + WINDOW
        return after and (ends is None or now < datetime.fromisoformat(ends) + WINDOW)
    except (ValueError, TypeError):  # not a date, or a date without its zone
        return False


def _of_signature(assertion: etree._Element, around: Circumstances) -> Iterator[Finding]:
    carried = dom.find(assertion, "ds:Signature")
    one = len(carried) == 1
    yield found(one, "L'assertion porte une signature.", "ds:Signature", len(carried), BAD_SIGNATURE)
    if not one:
        return
    lawful = list(_of_reference(assertion, carried[0]))
    yield from lawful
    try:
        ders = certificates.in_key_info(carried[0])
        seal = certificates.read(ders[0])
    except (ValueError, IndexError):
        yield found(False, "Le certificat de cachet est joint.", "ds:KeyInfo", code=BAD_CERTIFICATE)
        return
    if all(one.passed for one in lawful):
        right = signatures.enveloped_holds(assertion, carried[0], seal.key)
        yield found(right, "La signature de l'assertion est juste.", "ds:SignatureValue", code=BAD_SIGNATURE)
    chained = certificates.trusted(seal, ders[1:], around.authority, around.now)
    yield found(
        chained, "Le cachet vient de l'autorité, en cours de validité.", "chaîne", seal.subject, BAD_CERTIFICATE
    )
    yield from _of_seal(assertion, seal, certificates.read(around.line))


def _of_reference(assertion: etree._Element, signature: etree._Element) -> Iterator[Finding]:
    """Looked at before libxmlsec runs, so that it dereferences nothing but the assertion."""
    identifier = assertion.get("ID", "")
    uris = [str(one.get("URI")) for one in dom.find(signature, ".//ds:Reference")]
    whole = uris == [f"#{identifier}"]
    yield found(whole, "La signature couvre l'assertion entière.", "ds:Reference", ", ".join(uris), BAD_SIGNATURE)
    same = "count(//@*[(local-name()='ID' or local-name()='Id' or local-name()='id') and .=$id])"
    bearers = assertion.xpath(same, id=identifier)
    alone = "Aucun autre élément ne porte l'identifiant de l'assertion."
    yield found(bearers == 1, alone, "@ID", bearers, BAD_SIGNATURE)
    transforms = [str(one.get("Algorithm")) for one in dom.find(signature, ".//ds:Transform")]
    usual = transforms == [signatures.ENVELOPED, dom.EXCLUSIVE]
    enveloped = "Les transformations sont celles d'une signature enveloppée."
    yield found(usual, enveloped, "ds:Transforms", ", ".join(transforms), BAD_SIGNATURE)
    form = dom.value(signature, "ds:SignedInfo/ds:CanonicalizationMethod/@Algorithm")
    exclusive = form == dom.EXCLUSIVE
    yield found(exclusive, "La forme canonique est exclusive.", "ds:CanonicalizationMethod", form, BAD_SIGNATURE)
    method = dom.value(signature, "ds:SignedInfo/ds:SignatureMethod/@Algorithm")
    sha256 = method == signatures.RSA_SHA256
    yield found(sha256, "La signature est en RSA-SHA256.", "ds:SignatureMethod", method, BAD_SIGNATURE)


def _of_seal(assertion: etree._Element, seal: certificates.Identity, line: certificates.Identity) -> Iterator[Finding]:
    sealing = "Le certificat est un cachet (ORG SIGN), pas un certificat d'authentification."
    lawful = seal.seals and not seal.authenticates
    yield found(lawful, sealing, "usage du certificat", seal.subject, BAD_CERTIFICATE)
    issuer = dom.value(assertion, "saml:Issuer")
    both = f"{issuer} / {seal.subject}"
    yield found(issuer == seal.subject, "L'émetteur est le sujet du certificat.", "Issuer", both)
    given = attributes(assertion)
    structure, mode = given.get("Identifiant_Structure", ""), given.get("Authentification_mode", "")
    for name, identity in (("de cachet", seal), ("de la liaison", line)):
        what, both = f"La structure est celle du certificat {name} (OU).", f"{structure} / {identity.structure}"
        yield found(structure == identity.structure, what, "Identifiant_Structure", both)
    card = "Le mode DIRECTE est scellé par une carte CPS, pas par une structure."
    yield found(mode != "DIRECTE", card, "Authentification_mode", mode, BAD_CERTIFICATE)
