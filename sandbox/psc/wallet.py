"""The wallet: authorization endpoint, sign-in page, waiting page, card (PSC specification 4.1, 4.2, 12). Its own origin."""

import uuid
from collections.abc import Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.psc import authorization, pages
from sandbox.psc.authorization import AuthorizationRequest
from sandbox.psc.call import Call, door
from sandbox.psc.desk import Answer, Attempt, Push
from sandbox.psc.ledger import Code, Grant
from sandbox.psc.people import Person
from sandbox.psc.phone import phone_routes
from sandbox.psc.realm import Realm
from sandbox.psc.refusals import SentBack, UnsafeRequest
from sandbox.psc.sessions import Session

COOKIE = "psc_fictif"
SCOPE_PROFESSIONAL = "openid profile scope_all identity"
SCOPE_MINIMAL = "openid profile"
RPPS_DIGITS = 11
STILL_OPEN = frozenset({Answer.WAITING, Answer.IGNORED})


def build(realm: Realm) -> FastAPI:
    app = FastAPI(openapi_url=None)
    ask = door(realm, "Demande d’autorisation", authorize)
    app.add_api_route("/auth", ask, methods=["GET", "POST"], response_model=None)
    for handler, path, method, title in STEPS:
        endpoint = door(realm, title, with_attempt(handler), quiet=method == "GET")
        app.add_api_route(f"/mire/{{attempt}}{path}", endpoint, methods=[method], response_model=None)

    @app.get("/mire/{attempt}/etat", response_model=None)
    async def state(attempt: str) -> Response:
        found = realm.desk.attempt(attempt)
        push = realm.desk.push(found.push) if found else None
        return JSONResponse({"open": push is not None and push.answer in STILL_OPEN})

    @app.get("/", response_model=None)
    async def home(request: Request) -> Response:
        return pages.notice(
            realm,
            "Portefeuille fictif",
            "Ce site tient le rôle du portefeuille de Pro Santé Connect. On y arrive depuis un service, pour s’identifier.",
            links=(("/telephone", "Ouvrir le téléphone"),),
        )

    phone_routes(app, realm)
    pages.serve_drawings(app)
    return app


def authorize(call: Call) -> Response:
    """`/auth`: verify the request, then go straight back if a session allows it, else show the sign-in page."""
    realm = call.realm
    pairs = [*call.request.query_params.multi_items(), *call.form.items()]
    try:
        request = authorization.addressed(pairs, realm.clients)
    except UnsafeRequest as problem:
        call.note("service et adresse de retour connus", False, "PSC 2.5, RFC 6749 4.1.2.1", str(problem))
        return pages.notice(realm, "Cette demande ne peut pas être suivie", str(problem), status=400)
    call.note("service et adresse de retour connus, au caractère près", True, "PSC 2.5")
    call.facts["client_id"] = request.client_id
    for remark in authorization.remarks(request, dict(pairs).get("acr_values", "")):
        call.note(remark.what, remark.passed, remark.where)
    try:
        authorization.verify(request, pairs)
        return _signed_in_or_page(call, request)
    except SentBack as problem:
        call.note("demande recevable", False, "PSC 4.2", str(problem))
        return send_back(call, request, problem)


def _signed_in_or_page(call: Call, request: AuthorizationRequest) -> Response:
    realm = call.realm
    session = realm.sessions.alive(call.request.cookies.get(COOKIE, ""))
    old = session is not None and request.max_age is not None and realm.now() - session.auth_time > request.max_age
    call.facts["session"] = "aucune" if session is None else "trop ancienne" if old else "vivante"
    if session and not old and "login" not in request.prompt:
        realm.sessions.touch(session.sid)
        return come_back(call, request, session)
    if "none" in request.prompt:
        raise SentBack("login_required", "Authentication required")
    attempt = realm.desk.open(request, former=session.sid if session else None)
    return RedirectResponse(f"/mire/{attempt.id}", status_code=302)


def come_back(call: Call, request: AuthorizationRequest, session: Session) -> Response:
    """Back to the service with a code (4.2), the single sign-on cookie in the browser."""
    realm = call.realm
    grant = Grant(
        id=str(uuid.uuid4()),
        sid=session.sid,
        client_id=request.client_id,
        scope=SCOPE_PROFESSIONAL if request.professional else SCOPE_MINIMAL,
        nonce=request.nonce,
    )
    code = Code(
        grant=grant,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        challenge_method=request.challenge_method,
        expires=realm.now() + realm.options.code_seconds,
    )
    call.subject = session.person
    call.facts |= {"sid": session.sid, "person": session.person}
    address = request.back({"session_state": session.sid, "iss": realm.issuer, "code": realm.ledger.write_code(code)})
    response = RedirectResponse(address, status_code=302 if call.request.method == "GET" else 303)
    response.set_cookie(COOKIE, session.sid, httponly=True, samesite="lax", path="/")
    return response


def send_back(call: Call, request: AuthorizationRequest, problem: SentBack) -> Response:
    address = request.back({"iss": call.realm.issuer, "error": problem.error, "error_description": problem.description})
    call.facts["sent_back"] = problem.error
    return RedirectResponse(address, status_code=302 if call.request.method == "GET" else 303)


AttemptHandler = Callable[[Call, Attempt], Response]


def with_attempt(handler: AttemptHandler) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        attempt = call.realm.desk.attempt(call.request.path_params["attempt"])
        if attempt is None:
            return pages.notice(
                call.realm,
                "Cette identification est terminée",
                "Elle a abouti, ou elle est restée ouverte trop longtemps. Revenez au service pour recommencer.",
                status=410,
            )
        return handler(call, attempt)

    return handle


def choose(call: Call, attempt: Attempt) -> Response:
    return _mire(call, attempt, means=call.request.query_params.get("moyen", "ecps"))


def ring(call: Call, attempt: Attempt) -> Response:
    """The identifier was typed or chosen: the phone rings, the browser waits."""
    typed = "".join(call.form.get("identifiant", "").split())
    person = call.realm.people.get(typed)
    call.note("identifiant national connu", person is not None, "PSC 12")
    if person is None:
        problem, remedy = _unknown(call.realm, typed)
        return _mire(call, attempt, means="ecps", problem=problem, remedy=remedy, typed=typed)
    call.subject = person.id
    call.realm.desk.ring(attempt, person=person.id, service=call.realm.clients[attempt.request.client_id].name)
    return RedirectResponse(f"/mire/{attempt.id}/attente", status_code=303)


def wait(call: Call, attempt: Attempt) -> Response:
    """The number while the phone is silent; the way back once it has answered; a new try when the time is over."""
    realm = call.realm
    push = realm.desk.push(attempt.push)
    if push is None:
        return RedirectResponse(f"/mire/{attempt.id}", status_code=303)
    if push.answer in STILL_OPEN:
        person = realm.people[push.person]
        until = pages.hour(push.expires)
        return pages.page(realm, "attente.html", attempt=attempt, push=push, person=person, until=until)
    return OUTCOMES[push.answer](call, attempt, push)


def _approved(call: Call, attempt: Attempt, push: Push) -> Response:
    return _signed(call, attempt, call.realm.people[push.person], "MOBILE")


def _refused(call: Call, attempt: Attempt, push: Push) -> Response:
    call.subject = push.person
    call.note("le nombre affiché a été touché", False, "PSC 12")
    return give_up(call, attempt)


def _expired(call: Call, attempt: Attempt, push: Push) -> Response:
    return pages.notice(
        call.realm,
        "Le téléphone n’a pas répondu",
        f"La demande a cessé d’attendre à {pages.hour(push.expires)}. Recommencez, un nouveau nombre sera affiché.",
        links=((f"/mire/{attempt.id}", "Recommencer"),),
        form={"action": f"/mire/{attempt.id}/abandonner", "members": {}, "words": "Revenir au service"},
    )


OUTCOMES = {Answer.APPROVED: _approved, Answer.REFUSED: _refused, Answer.EXPIRED: _expired}


def card(call: Call, attempt: Attempt) -> Response:
    realm = call.realm
    person = realm.people.get(call.form.get("identifiant", ""))
    if person is None:
        return _mire(
            call, attempt, means="carte", problem="Aucune carte n’est dans le lecteur", remedy="Choisissez-en une."
        )
    call.subject = person.id
    right = realm.desk.enter_pin(person.id, call.form.get("code", ""))
    call.note("code de la carte exact, carte non bloquée", right, "PSC 12")
    if right:
        return _signed(call, attempt, person, "CARD")
    left = realm.desk.tries_left(person.id)
    problem = "Ce code n’est pas celui de la carte" if left else "Cette carte est bloquée"
    remedy = (
        f"Essais restants : {left}." if left else "Prenez une autre personne, ou débloquez la carte du bac à sable."
    )
    return _mire(call, attempt, means="carte", problem=problem, remedy=remedy, typed=person.id)


def give_up(call: Call, attempt: Attempt) -> Response:
    call.realm.desk.close(attempt)
    return send_back(call, attempt.request, SentBack("access_denied", "User denied access"))


def _signed(call: Call, attempt: Attempt, person: Person, auth_mode: str) -> Response:
    call.realm.desk.close(attempt)
    session = call.realm.sessions.sign_in(person.id, auth_mode, former=attempt.former)
    call.facts["auth_mode"] = auth_mode
    return come_back(call, attempt.request, session)


def _mire(
    call: Call, attempt: Attempt, *, means: str, problem: str = "", remedy: str = "", typed: str = ""
) -> Response:
    realm = call.realm
    return pages.page(
        realm,
        "mire.html",
        status=422 if problem else 200,
        attempt=attempt,
        service=realm.clients[attempt.request.client_id].name,
        means="carte" if means == "carte" else "ecps",
        people=list(realm.people.values()),
        pin=realm.options.card_pin,
        problem=problem,
        remedy=remedy,
        typed=typed,
    )


def _unknown(realm: Realm, typed: str) -> tuple[str, str]:
    """The frequent mistake is the RPPS number without its 8 (12)."""
    if len(typed) == RPPS_DIGITS and typed.isdigit():
        return "Il manque le premier chiffre", f"L’identifiant national a 12 chiffres. Vouliez-vous écrire 8{typed} ?"
    return "Personne ne porte cet identifiant ici", "Choisissez une des personnes inventées de la liste."


STEPS = (
    (choose, "", "GET", "Page d’identification"),
    (wait, "/attente", "GET", "Fin de l’identification"),
    (ring, "/ecps", "POST", "Demande e-CPS"),
    (card, "/carte", "POST", "Carte et code"),
    (give_up, "/abandonner", "POST", "Renoncement"),
)
