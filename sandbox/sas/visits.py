"""One call at a door of the platform, while it is judged: gates, reading, answer, and the line in the journal."""

import json
import time
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.journal import Check
from sandbox.sas import names
from sandbox.sas.desk import NAME, Desk
from sandbox.sas.tasks import Finding, Resource

CALLERS = {("HUB COLIBRI SANDBOX AUTH", "10B0123456")}  # CN and OU allowed at these doors (SAS 2)
MEDIA_TYPES = (names.FHIR_JSON, "application/json+fhir", "application/json")
BIGGEST = 1_000_000  # bytes
HEADER = "X-Hub-Subscription"


@dataclass(slots=True, kw_only=True)
class Visit:
    """One call at a door, while it is judged."""

    request: Request
    raw: bytes
    started: float
    findings: list[Finding]
    facts: dict[str, str]
    subject: str = ""

    @property
    def refusal(self) -> int:
        """HTTP code of the first check that failed and refuses, 0 when none."""
        return next((one.refusal for one in self.findings if not one.check.passed and one.refusal), 0)


async def opened(request: Request, kind: str) -> Visit:
    """The visit of a caller whose certificate has been looked at; `kind` goes in the facts of the journal."""
    raw = await request.body()
    visit = Visit(request=request, raw=raw, started=time.perf_counter(), findings=[], facts={"kind": kind})
    subject = _subject(request.scope.get("state", {}).get("client_certificate"))
    known = subject in CALLERS
    visit.findings.append(gate("Certificat client : CN et OU de la liste", known, 403, "SAS 2", " / ".join(subject)))
    return visit


def _subject(certificate: bytes | None) -> tuple[str, str]:
    """CN and OU, empty without certificate."""
    if certificate is None:
        return "", ""
    name = x509.load_der_x509_certificate(certificate).subject
    found = [name.get_attributes_for_oid(oid) for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)]
    common, unit = (str(values[0].value) if values else "" for values in found)
    return common, unit


def gate(what: str, passed: bool, refusal: int, where: str, detail: str = "") -> Finding:
    return Finding(check=Check(what=what, passed=passed, where=where, detail=detail), refusal=refusal)


def read(visit: Visit, type_name: str) -> Resource:
    """The resource of the body; its checks go to the visit, and an empty object comes back when it cannot be read."""
    kind = visit.request.headers.get("content-type", "").split(";")[0].strip()
    visit.findings.append(gate("Content-Type FHIR JSON", kind in MEDIA_TYPES, 415, "FHIR 2.4", kind))
    try:
        parsed = json.loads(visit.raw[:BIGGEST]) if visit.raw else {}
    except ValueError:
        parsed = {}
    right = isinstance(parsed, dict) and parsed.get("resourceType") == type_name
    visit.findings.append(gate(f"Une ressource {type_name} en JSON", right, 400, "FHIR 7.1"))
    return parsed if right else {}


def answer(desk: Desk, visit: Visit, status: int, said: str = "") -> Response:
    failed = [one.check for one in visit.findings if not one.check.passed and one.refusal]
    remarks = sum(not one.check.passed for one in visit.findings)
    headers = {"Retry-After": "1"} if status == 503 else {}
    text = said or (failed[0].what if failed else "reçu")
    body = None if status < 400 else _outcome([f"{one.what} {one.detail}".strip() for one in failed] or [text])
    desk.world.journal.add(
        twin=NAME,
        direction="in",
        title=f"{visit.request.method} {visit.request.url.path}",
        verdict=f"{status}, {text}" + (f", {remarks} remarque(s)" if remarks and status < 400 else ""),
        accepted=status < 400,
        subject=visit.subject,
        request=_shown(visit),
        answer=f"HTTP {status}\n\n{json.dumps(body, indent=2, ensure_ascii=False) if body else ''}",
        checks=tuple(one.check for one in visit.findings),
        milliseconds=(time.perf_counter() - visit.started) * 1000,
        facts={**visit.facts, "http": str(status)},
    )
    if body is None:
        return Response(status_code=status, headers=headers)
    return JSONResponse(body, status_code=status, headers=headers, media_type=names.FHIR_JSON)


def _outcome(texts: list[str]) -> Resource:
    issues = [{"severity": "error", "code": "processing", "details": {"text": text}} for text in texts]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _shown(visit: Visit) -> str:
    """The call as it came, without the secret of the subscription."""
    hidden = {HEADER.lower(): "***"}
    lines = [f"{name}: {hidden.get(name, value)}" for name, value in visit.request.headers.items()]
    try:
        text = json.dumps(json.loads(visit.raw), indent=2, ensure_ascii=False)
    except ValueError:
        text = visit.raw.decode("utf-8", "replace")
    return "\n".join([f"{visit.request.method} {visit.request.url.path}", *lines, "", text])
