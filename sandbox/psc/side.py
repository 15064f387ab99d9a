"""Doors the real service does not have: answer for the phone, turn the keys, change durations (mounted at /twins/psc)."""

from typing import Any, Self

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sandbox.psc.clients import Client
from sandbox.psc.desk import Answer, Push
from sandbox.psc.realm import Realm

ALL = "all"


class Named(BaseModel):
    """One person, or everybody: {"identifier": "8997…"}, {"identifier": "all"} or {"all": true}."""

    model_config = ConfigDict(extra="forbid")
    identifier: str = ""
    all: bool = False

    @model_validator(mode="after")
    def one_or_all(self) -> Self:
        if bool(self.identifier) == self.all:
            raise ValueError("give an identifier or all, one of them")
        return self

    @property
    def person(self) -> str | None:
        """None for everybody."""
        return None if self.all or self.identifier == ALL else self.identifier


class Rotation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    brutal: bool = False


class NewClient(BaseModel):
    """A visitor's own software: exact addresses, a secret or a subject DN (RFC 4514)."""

    model_config = ConfigDict(extra="forbid")
    id: str
    name: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...] = ()
    secret: str = ""
    subject_dn: str = ""
    backchannel_uri: str = ""


def routes(realm: Realm) -> APIRouter:
    router = APIRouter()
    for path, answer in (("/approve", Answer.APPROVED), ("/refuse", Answer.REFUSED), ("/ignore", Answer.IGNORED)):
        router.add_api_route(path, _answers(realm, answer), methods=["POST"])

    @router.get("/pending")
    async def pending() -> dict[str, list[dict[str, Any]]]:
        return {"pending": [_shown(push) for push in realm.desk.pending()]}

    @router.post("/rotate-keys")
    async def rotate(rotation: Rotation = Rotation()) -> dict[str, Any]:
        kid = realm.keyring.rotate(brutal=rotation.brutal)
        return {"kid": kid, "published": [key["kid"] for key in realm.keyring.published()]}

    @router.get("/settings")
    async def settings() -> dict[str, Any]:
        return realm.options.model_dump()

    @router.post("/settings")
    async def change(changes: dict[str, Any]) -> dict[str, Any]:
        try:
            return realm.change(changes).model_dump()
        except ValidationError as problem:
            raise HTTPException(422, problem.errors(include_url=False, include_input=False)) from problem

    @router.get("/people")
    async def everybody() -> dict[str, list[dict[str, str]]]:
        return {"people": [_person(realm, identifier) for identifier in realm.people]}

    @router.post("/unlock")
    async def unlock(named: Named) -> dict[str, list[str]]:
        found = [person for person in realm.desk.wrong_pins() if named.person in (None, person)]
        for person in found:
            realm.desk.unlock(person)
        return {"unlocked": found}

    _service_routes(router, realm)
    return router


def _service_routes(router: APIRouter, realm: Realm) -> None:
    @router.get("/clients")
    async def clients() -> dict[str, list[str]]:
        return {"clients": list(realm.clients)}

    @router.post("/clients", status_code=201)
    async def register(new: NewClient) -> dict[str, str]:
        if bool(new.secret) == bool(new.subject_dn):
            raise HTTPException(422, "a client has a secret or a subject_dn, one of them")
        realm.clients[new.id] = Client(**new.model_dump())
        return {"client_id": new.id, "issuer": realm.issuer}

    @router.post("/end-sessions")
    async def end(named: Named) -> dict[str, list[str]]:
        """Sessions of a person end at the national side, as when somebody signs out of another service."""
        return {"ended": realm.sessions.end_all(named.person)}


def _answers(realm: Realm, answer: Answer) -> Any:
    async def act(named: Named) -> dict[str, list[dict[str, Any]]]:
        answered = [realm.desk.answer(push, answer) for push in realm.desk.pending(named.person)]
        if named.person and not answered:
            raise HTTPException(404, f"no pending request for {named.person}")
        return {"answered": [_shown(push) for push in answered]}

    return act


def _shown(push: Push) -> dict[str, Any]:
    return {
        "id": push.id,
        "identifier": push.person,
        "service": push.service,
        "number": push.number,
        "choices": list(push.choices),
        "expires": push.expires,
        "answer": push.answer.value,
    }


def _person(realm: Realm, identifier: str) -> dict[str, str]:
    person = realm.people[identifier]
    return {"identifier": person.id, "name": person.name, "kind": person.kind, "label": person.label}
