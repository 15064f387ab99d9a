"""One exchange with the DMP: a fresh VIHF, the envelope, mutual TLS, and every failure sorted in kinds."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from lxml import etree

from hub import clock
from hub.connectors import http
from hub.connectors.dmp import registry, signatures, soap, vihf
from hub.connectors.dmp.hl7 import cx
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Actor, Insured
from hub.connectors.failure import ConnectorFailure, Kind

SERVICE = "dmp"
ERRORS = http.read_errors(Path(__file__).with_name("errors.csv"))
KEPT = 100_000  # bytes of an unreadable answer kept for analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked, by whom, about whom. ``service`` is the last part of the address; ``parts`` make it multipart."""

    service: str
    action: str
    payload: str
    actor: Actor
    patient: Insured
    parts: Sequence[soap.Part] = ()


def failure(code: str, *, detail: str = "", kind: Kind = Kind.REFUSED, raw: bytes = b"") -> ConnectorFailure:
    """The failure of a national code: its kind from ``errors.csv``, ``kind`` when the table does not know the code."""
    row = ERRORS.get(code)
    return ConnectorFailure(SERVICE, row.kind if row else kind, code, detail, raw=raw)


def of_fault(found: soap.Fault, raw: bytes) -> ConnectorFailure:
    """The failure of the most precise code we know; an unknown one takes the kind of the general code, and is shown."""
    known = [code for code in found.codes if code in ERRORS]
    kind = ERRORS[known[0]].kind if known else Kind.REFUSED
    code = found.codes[0] if not known or known[0] == found.codes[-1] else known[0]
    return ConnectorFailure(SERVICE, kind, code, found.reason, raw=raw[:KEPT])


def require_success(answer: registry.Answer) -> None:
    """Raise the failure of the first error of a registry answer."""
    if not answer.is_success:
        errors = [one for one in answer.errors if one.is_error] or list(answer.errors)
        code = errors[0].code if errors else "XDSRegistryError"
        raise failure(code, detail=errors[0].context if errors else "")


def garbled(trouble: ValueError, raw: bytes) -> ConnectorFailure:
    """An answer that breaks the specification, kept for analysis."""
    return ConnectorFailure(SERVICE, Kind.GARBLED, "garbled", str(trouble), raw=raw[:KEPT])


class Line:
    """What an exchange needs: the connection, who we are, our seal."""

    def __init__(self, http: httpx.AsyncClient, settings: DmpSettings, keys: signatures.Keys) -> None:
        self.http = http
        self.settings = settings
        self.keys = keys

    async def registry(self, call: Call) -> registry.Answer:
        """The answer of a registry or repository when it is a success; its first error is the failure otherwise."""
        payload = await self.exchange(call)
        try:
            answer = registry.read_answer(payload)
        except ValueError as trouble:
            raise garbled(trouble, etree.tostring(payload)) from trouble
        require_success(answer)
        return answer

    def _assertion(self, call: Call) -> str:
        settings = self.settings
        written = vihf.write(
            vihf.Vihf(
                id=f"_{uuid.uuid4()}",
                issued_at=clock.now(),
                issuer=self.keys.issuer,
                actor=call.actor,
                authentication_class=call.actor.authentication_class or settings.authentication_class,
                structure_id=settings.structure_id,
                sector=settings.structure_sector,
                product=vihf.Product(
                    id=settings.source_oid,
                    name=settings.lps_name,
                    version=settings.lps_version,
                    homologation=settings.lps_homologation.get_secret_value(),
                ),
                version=settings.vihf_version,
                resource=cx(call.patient.ins, call.patient.ins_oid),
            )
        )
        return signatures.sign_assertion(written, self.keys)

    async def exchange(self, call: Call) -> etree._Element:
        """The payload of the answer. A fault, an unreadable answer or one to another message is a failure."""
        message_id = f"urn:uuid:{uuid.uuid4()}"
        address = f"{self.settings.service_root.rstrip('/')}/{call.service}"
        root = soap.envelope(
            call.payload,
            action=call.action,
            to=address,
            message_id=message_id,
            assertion=await asyncio.to_thread(self._assertion, call),
        )
        content_type, body = f'{soap.PLAIN}; action="{call.action}"', root
        if call.parts:
            content_type, body = soap.mtom(root, call.parts, boundary=uuid.uuid4().hex, action=call.action)
        content_type, content = await self._post(address, content_type, body)
        try:
            reply = soap.read(content_type, content)
        except ValueError as trouble:
            raise garbled(trouble, content) from trouble
        found = soap.fault(reply.payload)
        if found is not None:
            raise of_fault(found, content)
        if reply.relates_to and reply.relates_to != message_id:
            raise garbled(ValueError("an answer to another message"), content)
        return reply.payload

    async def _post(self, address: str, content_type: str, body: bytes) -> tuple[str, bytes]:
        """The answer, SOAP faults that come with an HTTP error included."""
        request = self.http.post(
            address,
            content=body,
            headers={"Content-Type": content_type, "Accept": "application/soap+xml, multipart/related"},
        )
        try:
            answer = await http.call(SERVICE, request, ERRORS)
        except ConnectorFailure as trouble:
            if b"Envelope" in trouble.raw and b"Fault" in trouble.raw:
                return "", trouble.raw
            raise
        return answer.headers.get("Content-Type", ""), answer.content
