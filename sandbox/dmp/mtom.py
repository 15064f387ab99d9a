"""MTOM/XOP on the wire (W3C MTOM 1.0, XOP 1.0, RFC 2387): a multipart/related body opened, another one written."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from urllib.parse import unquote

from lxml import etree

from sandbox.dmp import dom
from sandbox.dmp.findings import Finding, finding

SOAP_TYPE = "application/soap+xml"
XOP_TYPE = "application/xop+xml"
XOP = "http://www.w3.org/2004/08/xop/include"
PLACE = "MTOM, SOAP 1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came: the SOAP envelope's bytes, the other parts by Content-ID, the `action` of the content type."""

    root: bytes = b""
    parts: Mapping[str, bytes] = field(default_factory=dict)
    multipart: bool = False
    action: str = ""
    findings: tuple[Finding, ...] = ()


def _header(content_type: str) -> Message:
    message = Message()
    message["Content-Type"] = content_type
    return message


def _param(message: Message, name: str) -> str:
    found = message.get_param(name, "")
    return found if isinstance(found, str) else ""


def _found(passed: object, what: str, detail: object = "", where: str = PLACE) -> Finding:
    return finding(passed, what, where, detail=detail, code="env:Sender")


def open_body(content_type: str, body: bytes) -> Opened:
    message = _header(content_type)
    kind = message.get_content_type()
    if kind == "multipart/related":
        return _open_parts(message, body)
    lawful = _found(kind == SOAP_TYPE, "Le message est du SOAP 1.2 (application/soap+xml).", content_type)
    return Opened(root=body, action=_param(message, "action"), findings=(lawful,))


def _open_parts(message: Message, body: bytes) -> Opened:
    parts = list(_split(body, _param(message, "boundary")))
    start = _param(message, "start")
    by_id = {head.get("Content-ID", ""): (head, content) for head, content in parts}
    root = by_id.get(start)
    findings = [
        _found(
            _param(message, "type") == XOP_TYPE, "Le multipart se dit application/xop+xml.", _param(message, "type")
        ),
        _found(
            _param(message, "start-info") == SOAP_TYPE,
            "start-info est application/soap+xml.",
            _param(message, "start-info"),
        ),
        _found(len(by_id) == len(parts) and "" not in by_id, "Chaque partie a son Content-ID.", len(parts)),
        _found(root is not None, "start désigne la partie racine.", start),
    ]
    if root is None:
        return Opened(multipart=True, findings=tuple(findings))
    findings.append(_root_is_xop(root[0]))
    others = {name: content for name, (head, content) in by_id.items() if name != start}
    binary = [head.get("Content-Transfer-Encoding", "").lower() == "binary" for head, _ in parts]
    findings.append(_found(all(binary), "Les parties sont en binaire (Content-Transfer-Encoding)."))
    return Opened(
        root=root[1], parts=others, multipart=True, action=_param(message, "action"), findings=tuple(findings)
    )


def _root_is_xop(head: Message) -> Finding:
    written = head.get("Content-Type", "")
    message = _header(written)
    lawful = message.get_content_type() == XOP_TYPE and _param(message, "type") == SOAP_TYPE
    utf8 = _param(message, "charset").upper() == "UTF-8"
    return _found(lawful and utf8, "La partie racine est du XOP en UTF-8, de type application/soap+xml.", written)


def _split(body: bytes, boundary: str) -> Iterator[tuple[Message, bytes]]:
    mark = b"\r\n--" + boundary.encode()
    pieces = (b"\r\n" + body).split(mark)
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        head, gap, content = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if gap:
            yield BytesHeaderParser().parsebytes(head + b"\r\n\r\n"), content


def included(element: etree._Element, parts: Mapping[str, bytes]) -> bytes | None:
    """The octets of the part an xop:Include names; None when the element holds none, KeyError when
    it is missing, ValueError when the element holds something else."""
    include = dom.children(element)
    if not include:
        return None
    if [one.tag for one in include] != [f"{{{XOP}}}Include"]:
        raise ValueError("un seul xop:Include est attendu")
    name = unquote(include[0].get("href", "").removeprefix("cid:"))
    return parts[f"<{name}>"]


def plain(element: etree._Element) -> bytes:
    """Content in base64 inside the XML, which XOP allows. Raises ValueError when it is not."""
    return base64.b64decode("".join((element.text or "").split()), validate=True)


def write_parts(envelope: bytes, action: str) -> tuple[str, bytes]:
    """(content type, body) of an answer in XOP without any attached part."""
    boundary, start = "partie-du-bac-a-sable", "<enveloppe@dmp.sandbox>"
    kind = (
        f'multipart/related; boundary="{boundary}"; start="{start}"; start-info="{SOAP_TYPE}"; '
        f'type="{XOP_TYPE}"; action="{action}"'
    )
    head = f'Content-ID: {start}\r\nContent-Type: {XOP_TYPE}; type="{SOAP_TYPE}"; charset=utf-8\r\n'
    head += "Content-Transfer-Encoding: binary\r\n\r\n"
    return kind, b"".join((f"--{boundary}\r\n{head}".encode(), envelope, f"\r\n--{boundary}--\r\n".encode()))
