"""SOAP 1.2 with WS-Addressing 1.0, MTOM/XOP multipart out and in, faults. Pure: text and bytes in, bytes and trees out.

Multipart bodies are joined as bytes: the standard e-mail generator alters binary parts and is thousands of times slower.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from hub.connectors.dmp.xmltext import element

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
NS = {"soap": SOAP, "wsa": WSA}
XOP_INCLUDE = "{http://www.w3.org/2004/08/xop/include}Include"
PLAIN = "application/soap+xml; charset=UTF-8"
ROOT_PART = "root@colibri"
DMP_CODE = re.compile(r"\bDMP[A-Z][A-Za-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One document of a multipart message."""

    id: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A SOAP fault. ``codes``: the most precise first (subcodes, codes named in its text), the general one last."""

    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: the child of the Body, the message it answers, the parts by Content-ID."""

    payload: etree._Element
    relates_to: str
    parts: Mapping[str, bytes] = field(default_factory=dict)


def envelope(payload: str, *, action: str, to: str, message_id: str, assertion: str) -> bytes:
    """A request; ``assertion`` stands alone in the security header."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f"<wsa:Action>{element(action)}</wsa:Action><wsa:MessageID>{element(message_id)}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo><wsa:To>{element(to)}</wsa:To>"
        f'<wsse:Security xmlns:wsse="{WSSE}">{assertion}</wsse:Security></soap:Header>'
        f"<soap:Body>{payload}</soap:Body></soap:Envelope>"
    ).encode()


def mtom(root: bytes, parts: Iterable[Part], *, boundary: str, action: str) -> tuple[str, bytes]:
    """The content type and the body of a multipart request. Raises ``ValueError`` when a part contains the boundary."""
    edge = f"--{boundary}".encode("ascii")
    root_type = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    joined: list[bytes] = []
    for one in (Part(id=ROOT_PART, media_type=root_type, content=root), *parts):
        if edge in one.content:
            raise ValueError("the boundary occurs in a part")
        head = (
            f"\r\nContent-Type: {one.media_type}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{one.id}>\r\n\r\n"
        )
        joined += [edge, head.encode("ascii"), one.content, b"\r\n"]
    content_type = (
        f'multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; start="<{ROOT_PART}>"; '
        f'boundary="{boundary}"; action="{action}"'
    )
    return content_type, b"".join([*joined, edge, b"--\r\n"])


def parameters(content_type: str) -> dict[str, str]:
    """The parameters of a Content-Type header, names in lower case, quotes removed."""
    found = re.findall(r';\s*([A-Za-z0-9-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)', content_type)
    return {name.lower(): value.strip('"') for name, value in found}


def _split(content: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a multipart body: headers in lower case, content to the byte."""
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?=--|[ \t]*\r?\n)", content)
    parts = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        head, found, body = re.sub(rb"^[ \t]*\r?\n", b"", piece, count=1).partition(b"\r\n\r\n")
        if not found:
            head, _, body = re.sub(rb"^[ \t]*\r?\n", b"", piece, count=1).partition(b"\n\n")
        rows = (row.partition(":") for row in head.decode("latin-1").splitlines() if ":" in row)
        parts.append(({name.strip().lower(): value.strip() for name, _, value in rows}, body))
    return parts


def _unpack(content_type: str, content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The root part and the others by Content-ID. A body that opens with a boundary is multipart whatever its header says."""
    words = parameters(content_type)
    boundary = words.get("boundary", "")
    if not boundary and content.startswith(b"--"):
        boundary = content[2:].split(b"\n", 1)[0].strip().decode("latin-1")
    if not boundary:
        return content, {}
    parts = _split(content, boundary)
    if not parts:
        raise ValueError("a multipart body without part")
    named = {headers.get("content-id", "").strip("<>"): body for headers, body in parts}
    return named.get(words.get("start", "").strip("<>"), parts[0][1]), named


def read(content_type: str, content: bytes) -> Reply:
    """An answer, multipart or not. Raises ``ValueError`` when it is not a SOAP 1.2 envelope with one child in its Body."""
    root_part, parts = _unpack(content_type, content)
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(root_part, parser)
    except etree.XMLSyntaxError as trouble:
        raise ValueError(f"not XML: {trouble.msg}") from trouble
    if root.getroottree().docinfo.doctype:
        raise ValueError("a document type declaration")
    payload = root.find("soap:Body/*", NS)
    if root.tag != f"{{{SOAP}}}Envelope" or payload is None:
        raise ValueError(f"{root.tag!s} instead of a SOAP 1.2 envelope")
    relates_to = (root.findtext("soap:Header/wsa:RelatesTo", "", NS) or "").strip()
    return Reply(payload=payload, relates_to=relates_to, parts=parts)


def content_of(holder: etree._Element, parts: Mapping[str, bytes]) -> bytes:
    """What an ``xop:Include`` inside ``holder`` points at. Raises ``ValueError`` when there is none or its part is missing."""
    include = holder.find(XOP_INCLUDE)
    name = (include.get("href") or "").removeprefix("cid:") if include is not None else ""
    if name not in parts:
        raise ValueError("a document without its part")
    return parts[name]


def _local(name: str | None) -> str:
    return (name or "").strip().rpartition(":")[2]


def fault(payload: etree._Element) -> Fault | None:
    """The fault of a Body, ``None`` when it is an answer."""
    if payload.tag != f"{{{SOAP}}}Fault":
        return None
    reason = " ".join("".join(one.itertext()).strip() for one in payload.iterfind("soap:Reason/soap:Text", NS))
    values = payload.iterfind("soap:Code//soap:Value", NS)
    general, *precise = [_local(one.text) for one in values] or ["Receiver"]
    named = DMP_CODE.findall(" ".join("".join(one.itertext()) for one in payload.iterfind("soap:Detail", NS)) + reason)
    return Fault(codes=(*reversed(precise), *named, general), reason=reason)
