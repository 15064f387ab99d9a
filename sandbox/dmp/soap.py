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
HEAD = "/e:Envelope/e:Header"
ADDRESSES = ("Action", "MessageID", "To", "ReplyTo/a:Address")
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
    yield _found(root.tag == f"{{{ENV}}}Envelope", "Le message est une enveloppe SOAP 1.2.", "SOAP 1.2", root.tag)
    yield _found(bodies == 1, "Le corps contient un seul élément.", "SOAP 1.2, Body", bodies)
    yield from _of_addressing(root, service, outside)
    yield from _of_security(root)


def _of_addressing(root: etree._Element, service: str, outside: str) -> Iterator[Finding]:
    code, place = "wsa:InvalidAddressingHeader", "WS-Addressing"
    action, message, to, reply = (_text(root, f"{HEAD}/a:{name}") for name in ADDRESSES)
    once = action and len(_all(root, f"{HEAD}/a:Action")) == 1
    yield _found(once, "wsa:Action est présent, une fois.", f"{place}, Action", action, code)
    same = not outside or outside == action
    yield _found(same, "L'action du type de contenu est celle de l'en-tête.", f"{place}, Action", outside, code)
    named = re.fullmatch(r"urn:uuid:[0-9a-fA-F-]{36}", message)
    yield _found(named, "wsa:MessageID est un urn:uuid.", f"{place}, MessageID", message, code)
    there = to.endswith(SERVICES + service)
    yield _found(there, "wsa:To désigne le service appelé.", f"{place}, To", to, code)
    yield _found(reply == ANONYMOUS, "wsa:ReplyTo est anonyme.", f"{place}, ReplyTo", reply, code)


def _of_security(root: etree._Element) -> Iterator[Finding]:
    code, place = "wsse:InvalidSecurity", "WS-Security, VIHF"
    security = _all(root, f"{HEAD}/s:Security")
    yield _found(len(security) == 1, "Un seul en-tête wsse:Security.", place, len(security), code)
    inside = [dom.local(one) for element in security for one in dom.children(element)]
    alone = inside == ["Assertion"]
    yield _found(alone, "L'en-tête de sécurité ne contient que l'assertion.", place, ", ".join(inside), code)
    assertions = len(_all(root, "//saml:Assertion"))
    yield _found(assertions == 1, "Le message ne porte qu'une assertion.", place, assertions, code)


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
