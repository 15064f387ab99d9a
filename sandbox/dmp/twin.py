"""The DMP's doors: services of the LPS interface over mutual TLS, and the side door of the sandbox."""

import asyncio
import time
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.dmp import mtom, soap
from sandbox.dmp.exchange import Admitted, Call, admit
from sandbox.dmp.findings import Finding, finding, refusals
from sandbox.dmp.handlers import HANDLERS, Desk, Reply, right
from sandbox.dmp.registry import Registry
from sandbox.dmp.side import router
from sandbox.faults import Faults, with_faults
from sandbox.journal import Check
from sandbox.servers import Listener
from sandbox.world import World

NAMED = {
    "busy": "dit le dépôt occupé (XDSRepositoryBusy)",
    "refuse-patient": "ne connaît pas le patient (XDSUnknownPatientId)",
    "closed": "dit le DMP fermé",
    "soap-fault": "répond par une erreur SOAP",
    "lost-answer": "classe le document puis coupe la ligne",
    "moved": "change l'entryUUID de la fiche juste avant son remplacement",
}
MOODY = 0.05  # one call in twenty
KEPT = 200_000  # characters of a message kept in the journal
TITLES = {"patients": "Existence du DMP", "repository": "Alimentation", "registry": "Registre"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An answer on its way out."""

    status: int
    content_type: str
    body: bytes
    envelope: bytes


class DmpTwin:
    name = "dmp"
    title = "DMP"
    about = "Reçoit les notes de liaison en CDA R2, dans des lots XDS signés, et vérifie tout ce que le DMP vérifie."

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults(NAMED)
        self.registry = Registry()
        self.registry.reset()
        self.app = Starlette(routes=[Route(soap.SERVICES + "{service}", self.serve, methods=["POST"])])
        self.side: APIRouter = router(self.registry)

    def listeners(self) -> list[Listener]:
        app = with_faults(self.app, self.faults, MOODY if self.world.settings.moody else 0.0)
        return [Listener(name="dmp", app=app, tls=True, client_certificate="required")]

    def reset(self) -> None:
        self.registry.reset()
        self.faults.clear()

    async def start(self) -> None:
        """Nothing but HTTP doors."""

    async def stop(self) -> None:
        """Nothing but HTTP doors."""

    async def serve(self, request: Request) -> Response:
        began = time.perf_counter()
        state = request.scope.get("state", {})
        call = Call(
            service=request.path_params["service"],
            line=state.get("client_certificate"),
            content_type=request.headers.get("content-type", ""),
            body=await request.body(),
        )
        authority = self.world.certificates.authority.read_bytes()
        admitted = admit(call, self.registry, authority=authority, now=self.world.clock.now())
        reply = self._reply(call, admitted, authority)
        written = _write(admitted, reply, multipart=self._in_parts(call, admitted))
        self._note(call, admitted, reply, written=written, milliseconds=(time.perf_counter() - began) * 1000)
        if reply.lost:
            await _cut(state)
        return Response(written.body, status_code=written.status, headers={"content-type": written.content_type})

    def _in_parts(self, call: Call, admitted: Admitted) -> bool:
        return call.service == "repository" and admitted.multipart and self.registry.options.multipart_answers

    def _reply(self, call: Call, admitted: Admitted, authority: bytes) -> Reply:
        findings = list(admitted.findings)
        if not refusals(findings):
            findings.append(right(admitted))
        handler = HANDLERS.get((call.service, admitted.action))
        if not refusals(findings):
            findings.append(
                finding(
                    handler is not None,
                    "Le service répond à cette action.",
                    "WS-Addressing, Action",
                    detail=admitted.action,
                    code="wsa:ActionNotSupported",
                )
            )
        if not refusals(findings) and self.faults.take("soap-fault"):
            findings.append(
                finding(False, "Le DMP traite la demande.", "panne demandée au bac à sable", code="env:Receiver")
            )
        if handler is None or refusals(findings):
            return Reply(
                body=None, action="", verdict=f"Erreur SOAP : {refusals(findings)[0].code}", findings=tuple(findings)
            )
        desk = Desk(
            registry=self.registry,
            faults=self.faults,
            now=self.world.clock.now(),
            authority=authority,
            official_schema=self.world.settings.cda_schema,
        )
        reply = handler(admitted, desk)
        return Reply(
            body=reply.body,
            action=reply.action,
            verdict=reply.verdict,
            findings=(*findings, *reply.findings),
            subject=reply.subject,
            facts=reply.facts,
            lost=reply.lost,
        )

    def _note(self, call: Call, admitted: Admitted, reply: Reply, *, written: Written, milliseconds: float) -> None:
        bearer = admitted.bearer
        facts = {"action": admitted.action, "service": call.service, "status": str(written.status)}
        if bearer is not None:
            facts |= {
                "assertion": bearer.assertion_id,
                "mode": bearer.mode,
                "subject": bearer.subject,
                "structure": bearer.structure,
            }
        refused = refusals(reply.findings)
        facts |= reply.facts
        if refused:
            facts["error"] = refused[0].code
        self.world.journal.add(
            twin=self.name,
            direction="in",
            title=f"{TITLES.get(call.service, call.service)} : {admitted.action or 'sans action'}",
            verdict=reply.verdict,
            accepted=not refused,
            subject=reply.subject,
            checks=tuple(_check(one) for one in reply.findings),
            request=admitted.root.decode("utf-8", "replace")[:KEPT],
            answer=written.envelope.decode()[:KEPT],
            milliseconds=milliseconds,
            facts=facts,
        )


def _check(one: Finding) -> Check:
    return Check(what=one.what, passed=one.passed, where=one.where, detail=one.detail)


def _write(admitted: Admitted, reply: Reply, *, multipart: bool) -> Written:
    if reply.body is None:
        refused = refusals(reply.findings)[0]
        receiver = refused.code == "env:Receiver"
        envelope = soap.fault(refused.code, refused.sentence(), relates_to=admitted.message_id, receiver=receiver)
        status, action = 500 if receiver else 400, f"{soap.WSA}/fault"
    else:
        envelope = soap.answer(reply.body, action=reply.action, relates_to=admitted.message_id)
        status, action = 200, reply.action
    if multipart:
        kind, body = mtom.write_parts(envelope, action)
        return Written(status=status, content_type=kind, body=body, envelope=envelope)
    return Written(
        status=status,
        content_type=f'{mtom.SOAP_TYPE}; charset=utf-8; action="{action}"',
        body=envelope,
        envelope=envelope,
    )


async def _cut(state: dict[str, object]) -> None:
    """The line drops before a byte of the answer leaves; the server (or a test without sockets) gives `cut`."""
    cut = state.get("cut")
    if not callable(cut):
        raise ConnectionResetError("line cut after the document was filed")
    cut()
    await asyncio.sleep(0)  # the server learns that the line is gone, and drops the answer
