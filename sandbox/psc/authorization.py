"""The authorization request, read strictly (PSC specification 4.1; RFC 6749 4.1; RFC 7636 4.3; OpenID Connect Core 3.1.2)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sandbox.psc.clients import Client
from sandbox.psc.refusals import SentBack, UnsafeRequest

SCOPES = frozenset(
    [
        "openid",
        "scope_all",
        "scope_1",
        "scope_2",
        "identity",
        "rpps",
        "referentiel",
        "interop",
        "eidas1",
        "eidas2",
        "basic",
        "acr",
        "profile",
        "email",
        "phone",
        "address",
        "roles",
        "web-origins",
        "offline_access",
        "microprofile-jwt",
    ]
)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
ENOUGH_CHARACTERS = 22  # 128 bits in base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    client_id: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    challenge: str = ""
    challenge_method: str = ""
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    fragment: bool = False

    @property
    def professional(self) -> bool:
        """`scope_all` was asked: without it no professional claim comes (4.1)."""
        return "scope_all" in self.scope.split()

    def back(self, answer: Mapping[str, str]) -> str:
        """The redirect URI with the answer, state last; parameters already in the address are kept."""
        members = {**answer, **({"state": self.state} if self.state else {})}
        mark = "#" if self.fragment else "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{mark}{urlencode(members)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something the specification asks for, and whether the request has it; none of them refuses."""

    what: str
    passed: bool
    where: str


def addressed(pairs: Sequence[tuple[str, str]], clients: Mapping[str, Client]) -> AuthorizationRequest:
    """Client and redirect URI only. Raises UnsafeRequest: nothing may be sent to an address nobody registered."""
    names = [name for name, _ in pairs]
    for name in ("client_id", "redirect_uri"):
        if names.count(name) != 1:
            raise UnsafeRequest(f"Il faut exactement un paramètre {name}.")
    given = dict(pairs)
    client = clients.get(given["client_id"])
    if client is None:
        raise UnsafeRequest(f"Aucun service n’est enregistré sous le nom « {given['client_id']} ».")
    if given["redirect_uri"] not in client.redirect_uris:
        raise UnsafeRequest("L’adresse de retour n’est pas, au caractère près, une de celles du service.")
    return AuthorizationRequest(
        client_id=client.id,
        redirect_uri=given["redirect_uri"],
        scope=given.get("scope", ""),
        state=given.get("state", ""),
        nonce=given.get("nonce", ""),
        challenge=given.get("code_challenge", ""),
        challenge_method=given.get("code_challenge_method", "plain" if given.get("code_challenge") else ""),
        prompt=frozenset(given.get("prompt", "").split()),
        max_age=int(given["max_age"])
        if given.get("max_age", "").isascii() and given.get("max_age", "").isdigit()
        else None,
        fragment=given.get("response_mode") == "fragment",
    )


def verify(request: AuthorizationRequest, pairs: Sequence[tuple[str, str]]) -> None:
    """Everything that may be answered by a redirection. Raises SentBack with a code of 4.2."""
    given, names = dict(pairs), [name for name, _ in pairs]
    scopes = request.scope.split()
    # Each line: what is wrong, error code, description.
    rules: tuple[tuple[bool, str, str], ...] = (
        (len(names) != len(set(names)), "invalid_request", "duplicated parameter"),
        ("request" in given, "request_not_supported", "Request objects are not accepted"),
        ("request_uri" in given, "request_uri_not_supported", "Request objects are not accepted"),
        (not given.get("response_type"), "invalid_request", "Missing parameter: response_type"),
        (
            given.get("response_type") != "code",
            "unauthorized_client",
            "Client is not allowed to use this response_type",
        ),
        (given.get("response_mode", "query") not in ("query", "fragment"), "invalid_request", "Invalid response_mode"),
        ("openid" not in scopes or not SCOPES.issuperset(scopes), "invalid_scope", f"Invalid scopes: {request.scope}"),
        (not PROMPTS.issuperset(request.prompt), "invalid_request", "Invalid parameter: prompt"),
        ("none" in request.prompt and len(request.prompt) > 1, "invalid_request", "Invalid parameter: prompt"),
        (bool(given.get("max_age")) and request.max_age is None, "invalid_request", "Invalid parameter: max_age"),
        (
            bool(given.get("code_challenge_method")) and not request.challenge,
            "invalid_request",
            "Missing parameter: code_challenge",
        ),
        (
            bool(request.challenge) and request.challenge_method not in ("S256", "plain"),
            "invalid_request",
            "Invalid parameter: code challenge method is not supported",
        ),
        (
            bool(request.challenge) and not CHALLENGE.fullmatch(request.challenge),
            "invalid_request",
            "Invalid parameter: code_challenge",
        ),
    )
    for wrong, error, description in rules:
        if wrong:
            raise SentBack(error, description)


def remarks(request: AuthorizationRequest, acr_values: str) -> tuple[Remark, ...]:
    return (
        Remark(what="scope_all est demandé", passed=request.professional, where="PSC 4.1"),
        Remark(what="acr_values vaut eidas1", passed=acr_values == "eidas1", where="PSC 4.1, règle PSC 6"),
        Remark(what="state porte au moins 128 bits", passed=len(request.state) >= ENOUGH_CHARACTERS, where="PSC 4.1"),
        Remark(what="nonce porte au moins 128 bits", passed=len(request.nonce) >= ENOUGH_CHARACTERS, where="PSC 4.1"),
        Remark(what="PKCE en S256", passed=request.challenge_method == "S256", where="PSC 4.1, RFC 7636"),
    )
