"""One call to the realm: what was asked, what was checked, what was answered, and its entry in the journal."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.journal import Check
from sandbox.psc import clients, jose
from sandbox.psc.clients import Client, Credentials
from sandbox.psc.realm import NAME, Realm
from sandbox.psc.refusals import Refusal

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
HIDDEN = frozenset(
    {"client_secret", "code", "code_verifier", "refresh_token", "token", "id_token_hint", "access_token"}
)
SHOWN_CHARACTERS = 6
FORM = "application/x-www-form-urlencoded"


class Call:
    def __init__(self, realm: Realm, request: Request, form: list[tuple[str, str]]) -> None:
        self.realm = realm
        self.request = request
        self.form: Mapping[str, str] = dict(form)
        self.repeated = len(form) != len(self.form)
        self.checks: list[Check] = []
        self.facts: dict[str, str] = {}
        self.subject = ""

    @property
    def certificate(self) -> bytes | None:
        """DER of the client certificate of the connection, given by the listener."""
        state: dict[str, Any] = self.request.scope.get("state") or {}
        found: bytes | None = state.get("client_certificate")
        return found

    @property
    def given(self) -> Mapping[str, str]:
        """Members of the query and of the form together; the form wins."""
        return {**self.request.query_params, **self.form}

    def note(self, what: str, passed: bool, where: str, detail: str = "") -> None:
        """A check whose result the journal shows and that refuses nothing."""
        self.checks.append(Check(what=what, passed=passed, where=where, detail=detail))

    def require(self, what: str, passed: bool, where: str, refusal: Exception) -> None:
        """A check that refuses the call when it fails. Raises the given refusal."""
        self.note(what, passed, where, "" if passed else str(refusal))
        if not passed:
            raise refusal

    def client(self) -> Client:
        """The authenticated service; opens every call of the back channel. Raises Refusal."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.require("corps en formulaire", kind == FORM, "RFC 6749 3.2", Refusal("invalid_request", f"Not {FORM}"))
        self.require(
            "aucun paramètre répété",
            not self.repeated,
            "RFC 6749 3.2",
            Refusal("invalid_request", "duplicated parameter"),
        )
        shown = Credentials(
            form=self.form,
            authorization=self.request.headers.get("authorization", ""),
            certificate=self.certificate,
        )
        self.note("certificat client présenté", self.certificate is not None, "PSC 2.5, EXI PSC 24")
        try:
            client, method = clients.authenticate(shown, self.realm.clients)
        except Refusal as refusal:
            self.note("service reconnu", False, "PSC 4.3", str(refusal))
            raise
        self.note("service reconnu", True, "PSC 4.3", method)
        self.facts |= {"client_id": client.id, "method": method}
        return client


Handler = Callable[[Call], Response]


def door(
    realm: Realm, title: str, handler: Handler, *, quiet: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a handler: reads the form, turns a refusal into its JSON answer, writes the journal.

    A quiet one leaves no entry when a page was only looked at.
    """

    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        form = await request.form()
        call = Call(realm, request, [(name, value) for name, value in form.multi_items() if isinstance(value, str)])
        try:
            response, verdict = handler(call), ""
        except Refusal as refusal:
            response, verdict = refused(refusal), refusal.error
        if not quiet or call.checks or response.status_code >= 300:
            write(call, title=title, response=response, refused_as=verdict, seconds=time.perf_counter() - started)
        return response

    return endpoint


def refused(refusal: Refusal) -> JSONResponse:
    """RFC 6749, 5.2 and RFC 6750, 3."""
    headers = dict(NO_STORE)
    if refusal.status in (401, 403):
        scheme = "Basic" if refusal.error == "invalid_client" else "Bearer"
        said = f', error="{refusal.error}", error_description="{refusal.description}"' if scheme == "Bearer" else ""
        headers["WWW-Authenticate"] = f'{scheme} realm="{NAME}"{said}'
    body = {"error": refusal.error, "error_description": refusal.description}
    return JSONResponse(body, status_code=refusal.status, headers=headers)


def write(call: Call, *, title: str, response: Response, refused_as: str, seconds: float) -> None:
    accepted = not refused_as and response.status_code < 400
    verdict = f"refusé : {refused_as}" if refused_as else "accepté" if accepted else "refusé"
    path = call.request.url.path.partition(f"/realms/{NAME}")[2] or call.request.url.path
    call.realm.world.journal.add(
        twin="psc",
        direction="in",
        title=title,
        verdict=verdict,
        accepted=accepted,
        subject=call.subject,
        request=_shown_request(call),
        answer=_shown_answer(response),
        checks=tuple(call.checks),
        milliseconds=seconds * 1000,
        facts={"path": path, "status": str(response.status_code), "error": refused_as, **call.facts},
    )


def _shown_request(call: Call) -> str:
    lines = [f"{call.request.method} {call.request.url.path}"]
    if "authorization" in call.request.headers:
        lines.append(f"authorization: {call.request.headers['authorization'].partition(' ')[0]} …")
    return "\n".join([*lines, *(f"{name}={_shown(name, value)}" for name, value in call.given.items())])


def _shown(name: str, value: str) -> str:
    return (
        f"{value[:SHOWN_CHARACTERS]}…"
        if name in HIDDEN and name != "client_secret"
        else "…"
        if name in HIDDEN
        else value
    )


def _shown_answer(response: Response) -> str:
    """The body, with the payload of each token in its place: what a reader wants, and nothing that can be replayed."""
    head = f"{response.status_code}"
    if "location" in response.headers:
        return f"{head}\nlocation: {response.headers['location'].partition('?')[0]}"
    kind = response.headers.get("content-type", "")
    if kind.startswith("application/jwt"):
        return f"{head}\n{_pretty(_opened(bytes(response.body).decode('ascii')))}"
    if not kind.startswith("application/json"):
        return head
    members = json.loads(bytes(response.body))
    return f"{head}\n{_pretty({name: _opened(value) for name, value in members.items()})}"


def _opened(value: Any) -> Any:
    try:
        return jose.read(value).claims if isinstance(value, str) else value
    except jose.Unreadable:
        return value


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
