"""The twin of an SMS gateway. No national protocol exists: this one is invented, and written in the address page."""

import re
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from sandbox import gsm7
from sandbox.faults import Faults, with_faults
from sandbox.journal import Check
from sandbox.servers import Listener
from sandbox.world import World

TOKEN = "jeton-invente-sms"
KEPT = 1000  # messages; the oldest leave first
MOODY_SHARE = 0.05
LONGEST_BODY = 10_000  # bytes
LONGEST_REFERENCE = 200  # characters
MEMBERS = ("to", "text", "reference")
# French mobiles in E.164: metropolitan, then Réunion and Mayotte, Antilles, Guyane (ARCEP numbering plan).
MOBILE = re.compile(r"\+(33[67]\d{8}|262(639|69[23])\d{6}|590(690|691)\d{6}|594694\d{6}|596(696|697)\d{6})")
IDENTITY_NUMBER = re.compile(r"(?<!\d)(\d{15}|\d{13})(?!\d)")  # INS with or without its key
NAMED = {
    "unknown-number": "numéro non attribué",
    "lost-answer": "délivre, puis perd la réponse",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One SMS delivered on the pretended phone."""

    id: str
    at: datetime
    to: str
    text: str
    reference: str


class SmsTwin:
    name = "sms"
    title = "Passerelle SMS"
    about = "HTTPS et JSON, alphabet GSM"

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults(NAMED)
        self.messages: list[Message] = []
        self.side = _side(self)
        self._number = 0
        app = FastAPI(title="Passerelle SMS du bac à sable", docs_url=None, redoc_url=None, openapi_url=None)

        @app.post("/messages", response_model=None)
        async def messages(request: Request) -> Response:
            return await _receive(self, request)

        self.app = with_faults(app, self.faults, MOODY_SHARE if world.settings.moody else 0.0)

    def listeners(self) -> list[Listener]:
        return [Listener(name="sms", app=self.app, tls=True)]

    def reset(self) -> None:
        self.messages.clear()
        self.faults.clear()
        self.world.journal.clear(self.name)

    async def start(self) -> None:
        """Nothing beside the listener."""

    async def stop(self) -> None:
        """Nothing beside the listener."""

    def known(self, reference: str) -> Message | None:
        return next((message for message in self.messages if message.reference == reference), None)

    def deliver(self, body: dict[str, str]) -> Message:
        self._number += 1
        message = Message(id=f"sms-{self._number:06d}", at=self.world.clock.now(), **body)
        self.messages.append(message)
        del self.messages[:-KEPT]
        return message


async def _receive(twin: SmsTwin, request: Request) -> Response:
    started = time.perf_counter()
    raw = await request.body()
    status, answer, checks, body = _decide(twin, request, raw)
    headers = {"WWW-Authenticate": 'Bearer realm="sms"'} if status == 401 else {}
    repeat = status == 200
    twin.world.journal.add(
        twin=twin.name,
        direction="in",
        title=f"POST /messages vers {body.get('to', '?')}",
        verdict=_verdict(status, answer, checks),
        accepted=status in (200, 201),
        subject=body.get("reference", ""),
        request=_shown(request, raw),
        answer=f"HTTP {status}\n\n{orjson.dumps(answer).decode()}",
        checks=tuple(checks),
        milliseconds=(time.perf_counter() - started) * 1000,
        facts={
            "status": str(status),
            "repeat": str(repeat).lower(),
            **{name: body[name] for name in ("to", "reference") if name in body},
            **({"id": answer["id"]} if "id" in answer else {}),
        },
    )
    if status == 201 and twin.faults.take("lost-answer"):
        request.scope["state"]["cut"]()
    return JSONResponse(answer, status_code=status, headers=headers)


def _decide(twin: SmsTwin, request: Request, raw: bytes) -> tuple[int, dict[str, Any], list[Check], dict[str, str]]:
    """Status, answer, checks, and the body as far as it could be read."""
    authorised = request.headers.get("authorization", "").strip() == f"Bearer {TOKEN}"
    checks = [Check(what="Jeton de la passerelle", passed=authorised, where="Authorization: Bearer")]
    if not authorised:
        return 401, {"error": "jeton absent ou inconnu"}, checks, {}
    body, trouble = _body(request, raw)
    checks.append(Check(what="JSON à trois membres : to, text, reference", passed=not trouble, detail=trouble))
    if trouble:
        return 400, {"error": trouble}, checks, body
    checks += _checks(body)
    refused = next((check for check in checks if not check.passed), None)
    if refused is not None:
        return 400, {"error": refused.detail}, checks, body
    if twin.faults.take("unknown-number"):
        return 400, {"error": "numéro non attribué"}, checks, body
    return *_accept(twin, body, checks), checks, body


def _accept(twin: SmsTwin, body: dict[str, str], checks: list[Check]) -> tuple[int, dict[str, Any]]:
    checks.append(
        Check(
            what="Aucun numéro d’identité dans le texte",
            passed=not IDENTITY_NUMBER.search(body["text"]),
            detail="" if not IDENTITY_NUMBER.search(body["text"]) else "13 ou 15 chiffres de suite",
        )
    )
    earlier = twin.known(body["reference"])
    if earlier is None:
        return 201, {"operator": "sandbox", "id": twin.deliver(body).id}
    same = (earlier.to, earlier.text) == (body["to"], body["text"])
    detail = "" if same else "même référence, autre contenu : le premier reste"
    checks.append(Check(what="Une référence déjà vue porte le même message", passed=same, detail=detail))
    return 200, {"operator": "sandbox", "id": earlier.id}


def _body(request: Request, raw: bytes) -> tuple[dict[str, str], str]:
    """The readable members, and what is wrong with the body (empty = nothing)."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return {}, "Content-Type attendu : application/json"
    if len(raw) > LONGEST_BODY:
        return {}, "corps trop long"
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}, "le corps n’est pas du JSON"
    if not isinstance(parsed, dict):
        return {}, "un objet JSON est attendu"
    body = {name: parsed[name] for name in MEMBERS if isinstance(parsed.get(name), str)}
    missing = [name for name in MEMBERS if name not in body]
    extra = sorted(set(parsed) - set(MEMBERS))
    if missing:
        return body, f"membre absent ou qui n’est pas un texte : {', '.join(missing)}"
    return body, f"membre inconnu : {', '.join(extra)}" if extra else ""


def _checks(body: dict[str, str]) -> list[Check]:
    """The rules that refuse; the detail of a failed one is the error answered."""
    to, text, reference = (body[name] for name in MEMBERS)
    foreign = gsm7.strangers(text)
    length = gsm7.septets(text)
    # Each line: what is verified, whether it holds, where, what to answer when it does not.
    rules = (
        (
            "Numéro de mobile français au format international",
            bool(MOBILE.fullmatch(to)),
            "E.164",
            f"numéro refusé : {to}",
        ),
        ("Texte présent", bool(text.strip()), "", "texte vide"),
        (
            "Alphabet GSM à 7 bits, table d’extension comprise",
            not foreign,
            "3GPP TS 23.038, 6.2.1",
            f"caractères hors de l’alphabet GSM : {' '.join(f'U+{ord(one):04X}' for one in foreign)}",
        ),
        (
            "Un seul SMS de 160 caractères au plus",
            length <= gsm7.ONE_PART,
            "3GPP TS 23.038, 6.1.2.1",
            f"{length} caractères GSM pour {gsm7.ONE_PART}",
        ),
        (
            "Référence d’envoi présente",
            0 < len(reference.strip()) <= LONGEST_REFERENCE,
            "",
            "référence vide ou trop longue",
        ),
    )
    return [
        Check(what=what, passed=held, where=where, detail="" if held else wrong) for what, held, where, wrong in rules
    ]


def _verdict(status: int, answer: dict[str, Any], checks: list[Check]) -> str:
    if status >= 400:
        return f"{status}, {answer['error']}"
    remarks = sum(not check.passed for check in checks)
    said = "201, délivré" if status == 201 else "200, déjà délivré"
    return f"{said}, {remarks} remarque" if remarks else said


def _shown(request: Request, raw: bytes) -> str:
    """The message as it came, its token hidden."""
    names = {"authorization": "Bearer ***"}
    lines = [f"{name}: {names.get(name, value)}" for name, value in request.headers.items()]
    return "\n".join([f"{request.method} {request.url.path} HTTP/1.1", *lines, "", raw.decode("utf-8", "replace")])


def _side(twin: SmsTwin) -> APIRouter:
    router = APIRouter()

    @router.get("/messages")
    async def messages(to: str = "") -> dict[str, Any]:
        """What was delivered, oldest first; `to` keeps one number."""
        return {"messages": [asdict(message) for message in twin.messages if to in ("", message.to)]}

    return router
