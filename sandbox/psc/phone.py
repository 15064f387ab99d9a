"""The fake e-CPS phone: pending requests, three numbers, refuse, ignore (PSC specification 12)."""

from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response

from sandbox.psc import pages
from sandbox.psc.call import Call, door
from sandbox.psc.desk import Answer
from sandbox.psc.realm import Realm

GESTURES = {"refuser": Answer.REFUSED, "ignorer": Answer.IGNORED}
SAID = {
    Answer.APPROVED: "Demande approuvée. L’écran avance seul.",
    Answer.REFUSED: "Demande refusée.",
    Answer.IGNORED: "Demande laissée sans réponse.",
}


def phone_routes(app: FastAPI, realm: Realm) -> None:
    screen = door(realm, "Téléphone", show, quiet=True)
    app.add_api_route("/telephone", screen, methods=["GET"], response_model=None)
    app.add_api_route(
        "/telephone/{push}", door(realm, "Réponse du téléphone", answer), methods=["POST"], response_model=None
    )


def show(call: Call) -> Response:
    return _screen(call, embedded=call.given.get("retour", ""))


def answer(call: Call) -> Response:
    """A number with the right code approves or refuses; a gesture needs no code. Only a waiting request is answered."""
    desk, back = call.realm.desk, call.form.get("retour", "")
    push = desk.push(call.request.path_params["push"])
    if push is None or push.answer is not Answer.WAITING:
        return _screen(call, problem="Cette demande n’attend plus de réponse.")
    call.subject = push.person
    gesture = GESTURES.get(call.form.get("geste", ""))
    if gesture is None and call.form.get("code") != call.realm.options.phone_code:
        call.note("code e-CPS exact", False, "PSC 12")
        return _screen(call, problem="Ce code n’est pas celui du téléphone. Recommencez.", embedded=back)
    push = desk.answer(push, gesture) if gesture else desk.choose(push, call.form.get("nombre", ""))
    call.note("nombre de l’écran touché", push.answer is Answer.APPROVED, "PSC 12", push.answer.value)
    if desk.attempt(back):
        return RedirectResponse(f"/mire/{back}/attente", status_code=303)
    return _screen(call, said=SAID[push.answer])


def _screen(call: Call, *, embedded: str = "", problem: str = "", said: str = "") -> Response:
    realm = call.realm
    only = call.request.query_params.get("demande")
    return pages.page(
        realm,
        "telephone.html",
        status=422 if problem else 200,
        pushes=[push for push in realm.desk.pending() if only in (None, push.id)],
        people=realm.people,
        code=realm.options.phone_code,
        until=lambda push: pages.hour(push.expires),
        embedded=embedded,
        problem=problem,
        said=said,
    )
