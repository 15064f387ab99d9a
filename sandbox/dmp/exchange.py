"""One call at the door: the line, the packaging, the envelope, the assertion. What passes may be handed to a transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from sandbox.dmp import certificates, mtom, soap, vihf
from sandbox.dmp.findings import Finding, finding, refusals
from sandbox.dmp.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    service: str
    line: bytes | None  # certificate of the TLS line, DER
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A call read as far as it could be; it may go on when no finding refuses."""

    root: bytes = b""
    parts: dict[str, bytes]
    multipart: bool = False
    action: str = ""
    message_id: str = ""
    request: etree._Element | None = None
    bearer: vihf.Bearer | None = None
    findings: tuple[Finding, ...] = ()


def admit(call: Call, registry: Registry, *, authority: bytes, now: datetime) -> Admitted:
    line = list(_of_line(call.line, authority, now))
    opened = mtom.open_body(call.content_type, call.body)
    packaging = [*line, *opened.findings, *_of_packaging(call.service, opened)]
    envelope = soap.read(opened.root, service=call.service, action_outside=opened.action)
    findings = [*packaging, *envelope.findings]
    bearer = None
    if envelope.assertion is not None and call.line is not None and not refusals(line):
        around = vihf.Circumstances(now=now, authority=authority, line=call.line, seen=frozenset(registry.assertions))
        bearer, said = vihf.check(envelope.assertion, around)
        findings += said
        registry.assertions.add(bearer.assertion_id)
    return Admitted(
        root=opened.root,
        parts=dict(opened.parts),
        multipart=opened.multipart,
        action=envelope.action,
        message_id=envelope.message_id,
        request=envelope.body,
        bearer=bearer,
        findings=tuple(findings),
    )


def _of_line(line: bytes | None, authority: bytes, now: datetime) -> Iterator[Finding]:
    place, code = "EX_GEN-1450, authentification mutuelle", vihf.BAD_CERTIFICATE
    yield finding(line is not None, "L'appelant présente un certificat.", place, code=code)
    if line is None:
        return
    identity = certificates.read(line)
    yield finding(
        certificates.trusted(identity, [], authority, now),
        "Le certificat de la liaison vient de l'autorité, en cours de validité.",
        place,
        detail=identity.subject,
        code=code,
    )
    yield finding(
        identity.authenticates and identity.structure,
        "Le certificat de la liaison est un ORG AUTH_CLI.",
        place,
        detail=identity.subject,
        code=code,
    )


def _of_packaging(service: str, opened: mtom.Opened) -> Iterator[Finding]:
    if service == "repository":
        yield finding(
            opened.multipart,
            "L'alimentation est empaquetée en MTOM (multipart/related).",
            "EX_2.1-1260",
            code="env:Sender",
        )
        yield finding(
            not opened.multipart or opened.action, "Le type de contenu porte l'action.", mtom.PLACE, code="env:Sender"
        )
