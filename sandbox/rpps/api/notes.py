"""What the journal keeps of each call to the API; the key is not written there."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.journal import Check, Journal

SECRET = ("esante-api-key", "authorization", "cookie")
SHOWN = 20_000  # characters of an answer


def keep(
    journal: Journal,
    request: Request,
    answer: Response,
    content: dict[str, Any],
    trouble: str,
    checks: tuple[Check, ...],
    started: float,
) -> None:
    """`trouble` is the sentence of the refusal, empty when the call was answered."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = [f"{name}: {'(clé masquée)' if name in SECRET else value}" for name, value in request.headers.items()]
    text = bytes(answer.body).decode()
    found = [f"{name}: {value}" for name, value in answer.headers.items()]
    kind = content["resourceType"]
    journal.add(
        twin="rpps",
        direction="in",
        title=f"{request.method} {path}"[:200],
        verdict=f"{answer.status_code}, {trouble or _said(content)}",
        accepted=not trouble,
        subject="API FHIR",
        request="\n".join([f"{request.method} {path} HTTP/1.1", *headers]),
        answer="\n".join([f"HTTP {answer.status_code}", *found, "", text[:SHOWN]]),
        checks=checks,
        milliseconds=(time.perf_counter() - started) * 1000,
        facts={"status": str(answer.status_code), "kind": kind, "entries": str(len(content.get("entry", [])))},
    )


def _said(content: dict[str, Any]) -> str:
    if content["resourceType"] == "Bundle":
        return f"{len(content.get('entry', []))} ressources dans cette page"
    return f"{content['resourceType']}"
