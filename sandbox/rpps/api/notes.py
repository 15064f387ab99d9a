"""What the journal keeps of each call to the API; the key is not written there."""

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.journal import Check, Journal

SECRET = ("esante-api-key", "authorization", "cookie")
SHOWN = 20_000  # characters of an answer


@dataclass(slots=True, kw_only=True)
class Call:
    """One call as it goes: `trouble` is the sentence of its refusal, empty when it was answered."""

    started: float = field(default_factory=time.perf_counter)
    checks: list[Check] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""


def keep(journal: Journal, request: Request, answer: Response, call: Call) -> None:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = [f"{name}: {'(clé masquée)' if name in SECRET else value}" for name, value in request.headers.items()]
    text = bytes(answer.body).decode()
    found = [f"{name}: {value}" for name, value in answer.headers.items()]
    journal.add(
        twin="rpps",
        direction="in",
        title=f"{request.method} {path}"[:200],
        verdict=f"{answer.status_code}, {call.trouble or _said(call.content)}",
        accepted=not call.trouble,
        subject="API FHIR",
        request="\n".join([f"{request.method} {path} HTTP/1.1", *headers]),
        answer="\n".join([f"HTTP {answer.status_code}", *found, "", text[:SHOWN]]),
        checks=tuple(call.checks),
        milliseconds=(time.perf_counter() - call.started) * 1000,
        facts={
            "status": str(answer.status_code),
            "kind": call.content["resourceType"],
            "entries": str(len(call.content.get("entry", []))),
        },
    )


def _said(content: dict[str, Any]) -> str:
    if content["resourceType"] == "Bundle":
        return f"{len(content.get('entry', []))} ressources dans cette page"
    return f"{content['resourceType']}"
