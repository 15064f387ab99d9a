"""SOAP 1.2 and WS-Addressing 1.0: an envelope read and checked, an answer or a fault written."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.findings import Finding, finding

ENV = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
ANONYMOUS = f"{WSA}/anonymous"
DMP = "urn:si-dmp:erreurs"  # imitation: the real subcodes are not public
PREFIXES: dict[str | None, str] = {"soapenv": ENV, "adr": WSA}
NS = {"e": ENV, "a": WSA, "s": WSSE, "u": WSU, "saml": dom.SAML}
SERVICES = "/si-dmp-server/v2/services/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    action: str
    message_id: str
    body: etree._Element | None
    assertion: etree._Element | None
    findings: tuple[Finding, ...]


def _text(root: etree._Element, path: str) -> str:
    return str(root.xpath(f"normalize-space({path})", namespaces=NS))


def _all(root: etree._Element, path: str) -> list[etree._Element]:
    found = root.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, etree._Element)]


def read(content: bytes, *, service: str, action_outside: str) -> Envelope:
    """`action_outside`: the action parameter of the content type, empty when the sender left it out."""
    try:
        root = dom.parse(content)
    except ValueError as error:
        return Envelope(
            action="",
            message_id="",
            body=None,
            assertion=None,
            findings=(_found(False, "L'enveloppe est un XML sans DOCTYPE.", "SOAP 1.2", error),),
        )
    bodies = [one for body in _all(root, "/e:Envelope/e:Body") for one in dom.children(body)]
    assertions = _all(root, "/e:Envelope/e:Header/s:Security/saml:Assertion")
    findings = tuple(_of_envelope(root, len(bodies), service, action_outside))
    return Envelope(
        action=_text(root, "/e:Envelope/e:Header/a:Action"),
        message_id=_text(root, "/e:Envelope/e:Header/a:MessageID"),
        body=bodies[0] if len(bodies) == 1 else None,
        assertion=assertions[0] if len(assertions) == 1 else None,
        findings=findings,
    )


def _found(passed: object, what: str, where: str, detail: object = "", code: str = "env:Sender") -> Finding:
    return finding(passed, what, where, detail=detail, code=code)


def _of_envelope(root: etree._Element, bodies: int, service: str, outside: str) -> Iterator[Finding]:
    head = "/e:Envelope/e:Header"
    yield _found(root.tag == f"{{{ENV}}}Envelope", "Le message est une enveloppe SOAP 1.2.", "SOAP 1.2", root.tag)
    yield _found(bodies == 1, "Le corps contient un seul élément.", "SOAP 1.2, Body", bodies)
    wsa = "wsa:InvalidAddressingHeader"
    action = _text(root, f"{head}/a:Action")
    yield _found(
        action and len(_all(root, f"{head}/a:Action")) == 1,
        "wsa:Action est présent.",
        "WS-Addressing, Action",
        code=wsa,
    )
    yield _found(
        not outside or outside == action,
        "L'action du type de contenu est celle de l'en-tête.",
        "WS-Addressing, Action",
        outside,
        wsa,
    )
    message = _text(root, f"{head}/a:MessageID")
    yield _found(
        re.fullmatch(r"urn:uuid:[0-9a-fA-F-]{36}", message),
        "wsa:MessageID est un urn:uuid.",
        "WS-Addressing, MessageID",
        message,
        wsa,
    )
    to = _text(root, f"{head}/a:To")
    yield _found(to.endswith(SERVICES + service), "wsa:To désigne le service appelé.", "WS-Addressing, To", to, wsa)
    reply = _text(root, f"{head}/a:ReplyTo/a:Address")
    yield _found(reply == ANONYMOUS, "wsa:ReplyTo est anonyme.", "WS-Addressing, ReplyTo", reply, wsa)
    wsse = "wsse:InvalidSecurity"
    security = _all(root, f"{head}/s:Security")
    yield _found(len(security) == 1, "Un seul en-tête wsse:Security.", "WS-Security", len(security), wsse)
    inside = [dom.local(one) for element in security for one in dom.children(element)]
    yield _found(
        inside == ["Assertion"],
        "L'en-tête de sécurité ne contient que l'assertion.",
        "WS-Security, VIHF",
        ", ".join(inside),
        wsse,
    )
    assertions = len(_all(root, "//saml:Assertion"))
    yield _found(assertions == 1, "Le message ne porte qu'une assertion.", "WS-Security, VIHF", assertions, wsse)


def answer(body: etree._Element | None, *, action: str, relates_to: str) -> bytes:
    envelope = etree.Element(f"{{{ENV}}}Envelope", nsmap=PREFIXES)
    head = etree.SubElement(envelope, f"{{{ENV}}}Header")
    for name, content in (
        ("To", ANONYMOUS),
        ("RelatesTo", relates_to),
        ("MessageID", f"urn:uuid:{uuid.uuid4()}"),
        ("Action", action),
    ):
        if content:
            etree.SubElement(head, f"{{{WSA}}}{name}").text = content
    inside = etree.SubElement(envelope, f"{{{ENV}}}Body")
    if body is not None:
        inside.append(body)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


SUBCODES = {"wsse": WSSE, "wsa": WSA, "dmp": DMP}


def fault(code: str, reason: str, *, relates_to: str = "", receiver: bool = False) -> bytes:
    """`code`: a subcode, `wsse:...` or `wsa:...`, or a code of the DMP; `env:Sender` stands for no subcode."""
    subcode = code if ":" in code else f"dmp:{code}"
    prefix, _, _ = subcode.partition(":")
    spaces = dict(PREFIXES)
    if prefix in SUBCODES:
        spaces[prefix] = SUBCODES[prefix]
    element = etree.Element(f"{{{ENV}}}Fault", nsmap=spaces)
    value = etree.SubElement(element, f"{{{ENV}}}Code")
    etree.SubElement(value, f"{{{ENV}}}Value").text = "soapenv:Receiver" if receiver else "soapenv:Sender"
    if prefix in SUBCODES:
        below = etree.SubElement(value, f"{{{ENV}}}Subcode")
        etree.SubElement(below, f"{{{ENV}}}Value").text = subcode
    text = etree.SubElement(etree.SubElement(element, f"{{{ENV}}}Reason"), f"{{{ENV}}}Text")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "fr")
    text.text = reason
    return answer(element, action=f"{WSA}/fault", relates_to=relates_to)
