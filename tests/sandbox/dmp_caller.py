"""A caller of the DMP twin, in process: it wraps a request, signs an assertion, reads the answer."""

from dataclasses import dataclass, field

import httpx
from lxml import etree

from sandbox.authority import Certificates
from sandbox.dmp import DmpTwin
from sandbox.journal import Entry
from tests.sandbox.dmp_messages import (
    CX,
    ITI18,
    ITI41,
    ITI57,
    ROOT,
    TD02,
    Lot,
    Seal,
    Vihf,
    assertion,
    change_status,
    envelope,
    existence,
    multipart,
    provide,
    seal_of,
    stored_query,
)

SPACES = {
    "e": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://www.w3.org/2005/08/addressing",
    "rs": "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0",
    "rim": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0",
    "h": "urn:hl7-org:v3",
}
GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back. `root`: the SOAP envelope."""

    status: int
    content_type: str
    root: etree._Element

    def text(self, path: str) -> str:
        return str(self.root.xpath(f"string({path})", namespaces=SPACES))

    @property
    def errors(self) -> list[str]:
        return [str(code) for code in self.root.xpath("//rs:RegistryError/@errorCode", namespaces=SPACES)]

    @property
    def contexts(self) -> str:
        return " | ".join(str(one) for one in self.root.xpath("//rs:RegistryError/@codeContext", namespaces=SPACES))

    @property
    def success(self) -> bool:
        return self.text("//*/@status").endswith(":Success")

    @property
    def subcode(self) -> str:
        return self.text("//e:Subcode/e:Value")

    @property
    def reason(self) -> str:
        return self.text("//e:Reason/e:Text")


def heard(answer: httpx.Response) -> Heard:
    kind = answer.headers["content-type"]
    content = answer.content
    if kind.startswith("multipart/"):
        content = content.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
    return Heard(status=answer.status_code, content_type=kind, root=etree.fromstring(content))


@dataclass(slots=True, kw_only=True)
class Caller:
    twin: DmpTwin
    line: httpx.AsyncClient
    certificates: Certificates
    seal: Seal = field(init=False)

    def __post_init__(self) -> None:
        self.seal = seal_of(self.certificates)

    @property
    def last(self) -> Entry:
        return self.twin.world.journal.entries("dmp")[-1]

    def refused(self) -> list[str]:
        """What the twin found wrong in the last call, in French."""
        return [one.what for one in self.last.checks if not one.passed]

    def security(self, vihf: Vihf | None = None, seal: Seal | None = None) -> str:
        signed = assertion(vihf or Vihf(now=self.twin.world.clock.now()), seal or self.seal)
        return etree.tostring(signed).decode()

    async def post(self, service: str, content_type: str, body: bytes) -> Heard:
        return heard(await self.line.post(ROOT + service, content=body, headers={"content-type": content_type}))

    async def ask(self, service: str, action: str, body: str, *, security: str | None = None) -> Heard:
        whole = envelope(body, action=action, service=service, security=security or self.security())
        return await self.post(service, f'application/soap+xml; charset=UTF-8; action="{action}"', whole)

    async def feed(self, lot: Lot, *, security: str | None = None) -> Heard:
        body, parts = provide(lot, self.seal)
        signed = security or self.security(Vihf(now=self.twin.world.clock.now(), patient=lot.note.cx))
        whole = envelope(body, action=ITI41, service="repository", security=signed)
        content_type, octets = multipart(whole, parts, action=ITI41)
        return await self.post("repository", content_type, octets)

    async def exists(self, cx: str = CX) -> Heard:
        security = self.security(Vihf(now=self.twin.world.clock.now(), patient=cx))
        return await self.ask("patients", TD02, existence(cx), security=security)

    async def find(self, unique_id: str) -> Heard:
        query = stored_query(GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": f"('{unique_id}')"})
        return await self.ask("registry", ITI18, query)

    async def delete(self, number: int, target: str, *, new: str, security: str | None = None) -> Heard:
        return await self.ask("registry", ITI57, change_status(number, target, new=new), security=security)

    def entry_uuid(self, unique_id: str) -> str:
        return self.twin.registry.filed[unique_id].entry_uuid
