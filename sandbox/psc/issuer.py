"""The issuer: discovery, keys, back channel, end of session, under /auth/realms/esante-wallet (PSC specification 2.2)."""

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from sandbox.psc import backchannel, discovery, pages
from sandbox.psc.call import Call, Handler, door
from sandbox.psc.logout import logout
from sandbox.psc.realm import NAME, Realm

CACHE = {"Cache-Control": "no-cache, must-revalidate, no-transform, no-store"}


def well_known(call: Call) -> Response:
    """The national name: its authorization endpoint is the wallet (2.3)."""
    return JSONResponse(discovery.document(call.realm.issuer, f"{call.realm.wallet}/auth"), headers=CACHE)


def standard_well_known(call: Call) -> Response:
    """The standard name: the same, but for an authorization endpoint with which nobody can sign in (2.3)."""
    call.note("nom national de la découverte", False, "PSC 2.3", "wallet-openid-configuration est attendu")
    own = f"{call.realm.issuer}/protocol/openid-connect/auth"
    return JSONResponse(discovery.document(call.realm.issuer, own), headers=CACHE)


def unsupported(call: Call) -> Response:
    call.note("point d’autorisation du portefeuille", False, "PSC 2.3")
    return pages.notice(
        call.realm,
        "Cette page ne permet pas de s’identifier",
        "Le service a lu le document de découverte sous son nom courant, openid-configuration.",
        "Le document qui mène au portefeuille porte un autre nom : wallet-openid-configuration.",
        status=400,
    )


def certs(call: Call) -> Response:
    return JSONResponse({"keys": call.realm.keyring.published()}, headers=CACHE)


def session_frame(call: Call) -> Response:
    return pages.notice(call.realm, "Suivi de session", "Le suivi de session par cadre n’est pas joué ici.")


# Path below the issuer, methods, title in the journal, handler.
ROUTES: tuple[tuple[str, tuple[str, ...], str, Handler], ...] = (
    ("/.well-known/wallet-openid-configuration", ("GET",), "Découverte", well_known),
    ("/.well-known/openid-configuration", ("GET",), "Découverte sous le nom courant", standard_well_known),
    ("/protocol/openid-connect/auth", ("GET", "POST"), "Autorisation hors du portefeuille", unsupported),
    ("/protocol/openid-connect/certs", ("GET",), "Clés publiques", certs),
    ("/protocol/openid-connect/token", ("POST",), "Demande de jetons", backchannel.token),
    ("/protocol/openid-connect/token/introspect", ("POST",), "Introspection", backchannel.introspect),
    ("/protocol/openid-connect/revoke", ("POST",), "Révocation", backchannel.revoke),
    ("/protocol/openid-connect/userinfo", ("GET", "POST"), "Informations d’identité", backchannel.userinfo),
    ("/protocol/openid-connect/logout", ("GET", "POST"), "Déconnexion", logout),
    ("/protocol/openid-connect/ext/ciba/auth", ("POST",), "Demande CIBA", backchannel.not_granted),
    ("/protocol/openid-connect/ext/par/request", ("POST",), "Demande déposée", backchannel.not_granted),
    ("/protocol/openid-connect/auth/device", ("POST",), "Demande d’appareil", backchannel.not_granted),
    ("/protocol/openid-connect/login-status-iframe.html", ("GET",), "Suivi de session", session_frame),
)


def build(realm: Realm) -> FastAPI:
    app = FastAPI(openapi_url=None)
    for path, methods, title, handler in ROUTES:
        app.add_api_route(
            f"/auth/realms/{NAME}{path}", door(realm, title, handler), methods=list(methods), response_model=None
        )
    pages.serve_drawings(app)
    return app
