"""End of session asked by the user (PSC specification 11.2; OpenID Connect RP-Initiated Logout 1.0)."""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from sandbox.psc import pages, tokens
from sandbox.psc.call import NO_STORE, Call
from sandbox.psc.clients import Client
from sandbox.psc.refusals import Refusal
from sandbox.psc.wallet import COOKIE

CARRIED = ("client_id", "post_logout_redirect_uri", "state")


def logout(call: Call) -> Response:
    """With `id_token_hint` at once; with `client_id` alone after a question; with a refresh token from server to server."""
    if "refresh_token" in call.form:
        return _by_refresh_token(call)
    given = call.given
    hint = call.realm.keyring.verified(given["id_token_hint"]) if "id_token_hint" in given else None
    if "id_token_hint" in given and (hint is None or hint.get("typ") != "ID"):
        return _refused(call, "id_token_hint est un jeton de ce royaume", "Le jeton d’identité fourni n’est pas d’ici.")
    client = call.realm.clients.get(given.get("client_id") or str((hint or {}).get("azp", "")))
    if hint is not None and (client is None or hint.get("azp") != client.id):
        return _refused(call, "id_token_hint et client_id s’accordent", "Le jeton d’identité est d’un autre service.")
    address = given.get("post_logout_redirect_uri")
    if address is not None and (client is None or address not in client.logout_uris):
        return _refused(
            call, "adresse de retour enregistrée", "L’adresse de retour n’est pas une de celles du service."
        )
    call.note("demande recevable", True, "PSC 11.2")
    if hint is None and call.form.get("reponse") != "terminer":
        return _question(call)
    return _ended(call, client, str(hint["sid"]) if hint else call.request.cookies.get(COOKIE, ""))


def _by_refresh_token(call: Call) -> Response:
    """Keycloak's older way: client authentication and the refresh token, 204."""
    client = call.client()
    found = tokens.recognise(call.realm, call.form["refresh_token"], "Refresh")
    good = found is not None and found.grant.client_id == client.id
    call.require("jeton de ce service", good, "PSC 11.2", Refusal("invalid_grant", "Invalid refresh token"))
    assert found is not None
    call.subject = found.person.id
    call.realm.sessions.end(found.session.sid)
    return Response(status_code=204, headers=NO_STORE)


def _question(call: Call) -> Response:
    members = {name: call.given[name] for name in CARRIED if name in call.given}
    return pages.notice(
        call.realm,
        "Terminer la session Pro Santé Connect fictive",
        "Les autres services ouverts avec elle demanderont une nouvelle identification.",
        form={
            "action": call.request.url.path,
            "members": {**members, "reponse": "terminer"},
            "words": "Terminer la session",
        },
    )


def _ended(call: Call, client: Client | None, sid: str) -> Response:
    session = call.realm.sessions.alive(sid)
    call.subject = session.person if session else ""
    call.note("session encore ouverte", call.realm.sessions.end(sid), "PSC 11.2")
    call.facts |= {"sid": sid, "client_id": client.id if client else ""}
    address, state = call.given.get("post_logout_redirect_uri"), call.given.get("state")
    if address is None:
        response: Response = pages.notice(
            call.realm, "Session terminée", "La session Pro Santé Connect fictive est close."
        )
    else:
        kept = call.realm.options.logout_state and state
        mark = "&" if "?" in address else "?"
        response = RedirectResponse(address + (mark + urlencode({"state": state}) if kept else ""), status_code=302)
    response.delete_cookie(COOKIE, path="/")
    return response


def _refused(call: Call, what: str, sentence: str) -> Response:
    call.note(what, False, "PSC 11.2")
    return pages.notice(call.realm, "Cette déconnexion ne peut pas être suivie", sentence, status=400)
