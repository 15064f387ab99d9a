"""Calls from server to server: token, introspection, revocation, user information (PSC specification 4.3, 5.3, 6)."""

import hashlib
import hmac
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.psc import claims, jose, tokens
from sandbox.psc.call import NO_STORE, Call
from sandbox.psc.clients import Client
from sandbox.psc.ledger import Code, Grant
from sandbox.psc.refusals import Refusal
from sandbox.psc.tokens import Recognised

REFRESH_CLAIMS_HIDDEN = frozenset({"aud"})


def token(call: Call) -> Response:
    """Every grant type the realm honours. Raises Refusal with the codes of 4.3."""
    client = call.client()
    kind = call.form.get("grant_type", "")
    call.facts["grant_type"] = kind
    call.require(
        "type d’octroi indiqué",
        bool(kind),
        "RFC 6749 4.1.3",
        Refusal("invalid_request", "Missing form parameter: grant_type"),
    )
    grantor = GRANTS.get(kind)
    if grantor is None:
        granted_to_nobody = kind in NOT_GRANTED
        error = "unauthorized_client" if granted_to_nobody else "unsupported_grant_type"
        call.note("type d’octroi ouvert à ce service", False, "PSC 2.5")
        raise Refusal(error, "Client not allowed for this grant" if granted_to_nobody else "Unsupported grant_type")
    grant = grantor(call, client)
    return _tokens(call, client, grant)


def _code(call: Call, client: Client) -> Grant:
    """RFC 6749, 4.1.3. A code is spent by its first use, successful or not; a second use closes what the first opened."""
    realm, form = call.realm, call.form
    call.require("code fourni", "code" in form, "RFC 6749 4.1.3", Refusal("invalid_request", "Missing parameter: code"))
    code = realm.ledger.take_code(form["code"])
    if code is not None and code.used:
        realm.ledger.close(code.grant.id)
    alive = code is not None and not code.used
    call.require("code connu, jamais utilisé", alive, "PSC 4.3", Refusal("invalid_grant", "Code not valid"))
    assert code is not None
    in_time = realm.now() < code.expires
    call.require("code de moins d’une minute", in_time, "PSC 3", Refusal("invalid_grant", "Code is expired"))
    own = code.grant.client_id == client.id
    call.require("code émis pour ce service", own, "RFC 6749 4.1.3", Refusal("invalid_grant", "Auth error"))
    same = form.get("redirect_uri") == code.redirect_uri
    call.require("même adresse de retour", same, "RFC 6749 4.1.3", Refusal("invalid_grant", "Incorrect redirect_uri"))
    _proof(call, code)
    realm.ledger.open(code.grant)
    return code.grant


def _proof(call: Call, code: Code) -> None:
    """RFC 7636, 4.6."""
    verifier = call.form.get("code_verifier", "")
    if not code.challenge:
        call.note("vérificateur PKCE", not verifier, "RFC 7636", "aucun défi n’avait été envoyé")
        return
    missing = Refusal("invalid_grant", "PKCE code verifier not specified")
    call.require("vérificateur PKCE fourni", bool(verifier), "RFC 7636 4.5", missing)
    made = jose.b64(hashlib.sha256(verifier.encode()).digest()) if code.challenge_method == "S256" else verifier
    agrees = hmac.compare_digest(made.encode(), code.challenge.encode())
    wrong = Refusal("invalid_grant", "PKCE verification failed: Code mismatch")
    call.require("le vérificateur correspond au défi", agrees, "RFC 7636 4.6", wrong)


def _refresh(call: Call, client: Client) -> Grant:
    """The session must be alive; a refresh is activity and pushes the idle limit back (3, 11.1)."""
    realm, form = call.realm, call.form
    call.require(
        "jeton de rafraîchissement fourni",
        "refresh_token" in form,
        "RFC 6749 6",
        Refusal("invalid_request", "Missing parameter: refresh_token"),
    )
    found = tokens.recognise(realm, form["refresh_token"], "Refresh")
    call.require(
        "jeton de rafraîchissement valable, session vivante",
        found is not None,
        "PSC 3",
        Refusal("invalid_grant", "Token is not active"),
    )
    assert found is not None
    own = found.grant.client_id == client.id
    call.require("jeton de ce service", own, "RFC 6749 6", Refusal("invalid_grant", "Invalid refresh token"))
    _held(call, found, Refusal("invalid_grant", "Client certificate missing, or its thumbprint did NOT match"))
    if realm.options.refresh_single_use:
        realm.ledger.forget(found.claims["jti"])
    realm.sessions.touch(found.session.sid)
    return found.grant


GRANTS = {"authorization_code": _code, "refresh_token": _refresh}
NOT_GRANTED = frozenset(
    {
        "password",
        "client_credentials",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:device_code",
    }
)


def _tokens(call: Call, client: Client, grant: Grant) -> Response:
    realm = call.realm
    session = realm.sessions.alive(grant.sid)
    call.require("session vivante", session is not None, "PSC 3", Refusal("invalid_grant", "Session not active"))
    assert session is not None
    call.subject = session.person
    call.facts |= {"sid": session.sid, "person": session.person, "kid": realm.keyring.kid}
    answer = tokens.mint(realm, grant, session, certificate=call.certificate if client.by_certificate else None)
    return JSONResponse(answer, headers=NO_STORE)


def introspect(call: Call) -> Response:
    """Section 6: an access or a refresh token; anything else is inactive, and nothing more is said."""
    call.client()
    text = call.form.get("token", "")
    call.require("jeton fourni", bool(text), "RFC 7662 2.1", Refusal("invalid_request", "Token not provided"))
    found = tokens.recognise(call.realm, text, "Bearer") or tokens.recognise(call.realm, text, "Refresh")
    call.note("jeton actif", found is not None, "PSC 6")
    if found is None:
        return JSONResponse({"active": False}, headers=NO_STORE)
    call.subject = found.person.id
    answer: dict[str, Any] = {k: v for k, v in found.claims.items() if k not in REFRESH_CLAIMS_HIDDEN}
    answer |= {"client_id": found.grant.client_id, "username": found.person.id, "active": True}
    if found.claims["typ"] == "Bearer":
        answer["SubjectNameID"] = found.person.id
    return JSONResponse(answer, headers=NO_STORE)


def revoke(call: Call) -> Response:
    """RFC 7009. A refresh token takes the whole grant with it; an unknown token is no error."""
    client = call.client()
    text = call.form.get("token", "")
    call.require("jeton fourni", bool(text), "RFC 7009 2.1", Refusal("invalid_request", "Token not provided"))
    found = tokens.recognise(call.realm, text, "Bearer") or tokens.recognise(call.realm, text, "Refresh")
    call.note("jeton encore valable", found is not None, "RFC 7009 2.2")
    if found is not None:
        own = found.grant.client_id == client.id
        call.require("jeton de ce service", own, "RFC 7009 2.1", Refusal("invalid_grant", "Unmatching clients"))
        call.subject = found.person.id
        if found.claims["typ"] == "Refresh":
            call.realm.ledger.close(found.grant.id)
        call.realm.ledger.forget(found.claims["jti"])
    return Response(status_code=200, headers=NO_STORE)


def userinfo(call: Call) -> Response:
    """Section 5.3; the minimal user without `scope_all`. JSON, or a signed JWT when that fault is on."""
    realm = call.realm
    scheme, _, text = call.request.headers.get("authorization", "").partition(" ")
    bearer = text if scheme.lower() == "bearer" else call.form.get("access_token", "")
    missing = Refusal("invalid_request", "Token not provided", status=401)
    call.require("jeton porté", bool(bearer), "RFC 6750 2", missing)
    found = tokens.recognise(realm, bearer, "Bearer")
    wrong = Refusal("invalid_token", "Token verification failed", status=401)
    call.require("jeton d’accès valable, session vivante", found is not None, "PSC 3", wrong)
    assert found is not None
    _held(call, found, wrong)
    call.subject = found.person.id
    call.facts |= {"sid": found.session.sid, "person": found.person.id, "client_id": found.grant.client_id}
    professional = "scope_all" in found.grant.scope.split()
    call.note("scope_all accordé", professional, "PSC 4.1")
    answer = claims.userinfo(found.person, auth_mode=found.session.auth_mode, professional=professional)
    if realm.faults.take("other-sub"):
        answer["sub"] = f"{claims.USER_STORE}:autre-personne"
    if realm.faults.take("extra-claims"):
        answer |= tokens.STRANGE_CLAIMS
    if realm.faults.take("userinfo-jwt"):
        signed = realm.keyring.sign({**answer, "iss": realm.issuer, "aud": found.grant.client_id})
        return Response(signed, media_type="application/jwt", headers=NO_STORE)
    return JSONResponse(answer, headers=NO_STORE)


def _held(call: Call, found: Recognised, refusal: Refusal) -> None:
    if "cnf" in found.claims:
        held = tokens.held_by(found, call.certificate)
        call.require("certificat de la connexion conforme à cnf", held, "RFC 8705 3, PSC 8.4", refusal)


def not_granted(call: Call) -> Response:
    """CIBA, pushed requests, device grant: advertised, granted to a client on request only (2.4, 2.5)."""
    call.client()
    call.note("service habilité pour cet usage", False, "PSC 2.5")
    raise Refusal("unauthorized_client", "Client not allowed for this request")
