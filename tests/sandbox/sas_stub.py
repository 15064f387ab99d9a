"""A line to talk to: gives tokens, keeps one subscription, and answers transactions as told. No hub, transport only."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FHIR = "application/fhir+json; charset=utf-8"
TYPES = ("Patient", "Organization", "Practitioner", "Location", "ServiceRequest", "Task")
Resource = dict[str, Any]


def answered(body: Resource | None, status: int, request: Request, **headers: str) -> Response:
    echo = {"X-Request-ID": request.headers.get("x-request-id", ""), **headers}
    return JSONResponse(body, status_code=status, headers=echo, media_type=FHIR)


def transaction_response(status: str = "201 Created", types: tuple[str, ...] = TYPES, rank: int = 1) -> Resource:
    def entry(name: str) -> Resource:
        place = f"{name}/{name.lower()}-{rank}/_history/1"
        tag = {"etag": 'W/"1"', "lastModified": "2026-08-07T08:12:30.120Z"}
        return {"response": {"status": status, "location": place, **tag}}

    return {"resourceType": "Bundle", "type": "transaction-response", "entry": [entry(name) for name in types]}


def outcome(code: str, detail: str = "", expression: str = "Bundle.entry[0].resource") -> Resource:
    system = "https://hub.example.org/fhir/CodeSystem/sas-handoff-error"
    coding = {"coding": [{"system": system, "code": detail}]} if detail else {}
    issue = {"severity": "error", "code": code, "details": {**coding, "text": "Refus."}, "expression": [expression]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class Line:
    """What was received, and what will be answered next to a transaction (status, body, headers)."""

    bundles: list[Resource] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    subscriptions: list[Resource] = field(default_factory=list)
    patches: list[Any] = field(default_factory=list)
    answers: list[tuple[int, Resource, dict[str, str]]] = field(default_factory=list)
    tokens: int = 0

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/oauth/token", self.token, methods=["POST"]),
                Route("/fhir", self.transaction, methods=["POST"]),
                Route("/fhir/Subscription", self.subscribe, methods=["POST"]),
                Route("/fhir/Subscription/{id}", self.subscription, methods=["GET"]),
                Route("/fhir/Task", self.task, methods=["GET", "PATCH", "PUT"]),
                Route("/fhir/ServiceRequest", self.task, methods=["GET", "PUT"]),
            ]
        )

    async def token(self, request: Request) -> Response:
        self.forms.append(parse_qs((await request.body()).decode()))
        self.tokens += 1
        scope = self.forms[-1]["scope"][0]
        body = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": 300, "scope": scope}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    def _note(self, request: Request) -> bool:
        self.calls.append((request.method, str(request.url.path), dict(request.headers)))
        return request.headers.get("authorization") == f"Bearer token-{self.tokens}"

    async def transaction(self, request: Request) -> Response:
        raw = await request.body()
        self.raw.append(raw)
        if not self._note(request):
            return answered(outcome("login"), 401, request, **{"WWW-Authenticate": "Bearer"})
        try:
            self.bundles.append(json.loads(raw))
        except ValueError:
            return answered(outcome("structure", expression="Bundle"), 400, request)
        if self.answers:
            status, body, headers = self.answers.pop(0)
            return answered(body, status, request, **headers)
        return answered(transaction_response(), 200, request)

    async def subscribe(self, request: Request) -> Response:
        self._note(request)
        self.subscriptions.append(json.loads(await request.body()))
        number = len(self.subscriptions)
        body = {"resourceType": "Subscription", "id": f"sub-{number}", "status": "active"}
        return answered(body, 201, request, Location=f"https://localhost/fhir/Subscription/sub-{number}/_history/1")

    async def subscription(self, request: Request) -> Response:
        self._note(request)
        if request.path_params["id"] != f"sub-{len(self.subscriptions)}":
            return answered(outcome("not-found"), 404, request)
        return answered({"resourceType": "Subscription", "status": "active"}, 200, request)

    async def task(self, request: Request) -> Response:
        self._note(request)
        kind = request.url.path.rsplit("/", 1)[-1]
        held = {"resourceType": kind, "id": "x1", "meta": {"versionId": "2"}, "status": "accepted", "note": []}
        if request.method == "GET":
            entry = [{"resource": held, "search": {"mode": "match"}}]
            return answered({"resourceType": "Bundle", "type": "searchset", "entry": entry}, 200, request)
        sent = json.loads(await request.body())
        self.patches.append((request.method, str(request.url.query), sent))
        body = {**held, "status": "cancelled"} if request.method == "PATCH" else sent
        return answered(body, 200, request, ETag='W/"3"')
