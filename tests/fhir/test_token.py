"""The token endpoint: each check of SMART Backend Services with an assertion that only it refuses; and client certificates."""

from __future__ import annotations

import base64
import hmac
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from hub import clock
from hub.fhir.smart.tokens import AccessToken, TokenKeys
from hub.storage import clients
from hub.storage.clients import Client
from tests.fhir.conftest import BASE, Face, certificate

ENDPOINT = "https://hub.test/oauth/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = ("system/Task.rs", "system/Patient.r")
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
EC = ECKey.generate_key("P-384", {"kid": "e1", "use": "sig"})
P256 = ECKey.generate_key("P-256", {"kid": "e256"})
OTHER = RSAKey.generate_key(2048, {"kid": "r1"})
with warnings.catch_warnings():
    warnings.simplefilter("ignore", SecurityWarning)
    SHORT = RSAKey.generate_key(1024, {"kid": "short"})
JWKS = {
    "keys": [
        RSA.as_dict(private=False),
        EC.as_dict(private=False),
        P256.as_dict(private=False),
        SHORT.as_dict(private=False),
        {**EC.as_dict(private=False), "kid": "r1"},  # the same name for two types of key
        {**RSA.as_dict(private=False), "kid": "secret-box", "use": "enc"},
        {**RSA.as_dict(private=False), "kid": "signs-only", "key_ops": ["encrypt"]},
    ]
}


@pytest.fixture
async def software(face: Face) -> Client:
    one = Client(id="logiciel", name="Logiciel", kind="software", jwks=JWKS, scopes=SCOPES)
    async with face.database.transaction() as session:
        await clients.keep(session, one)
    return one


def claims(**changes: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    made = {
        "iss": "logiciel",
        "sub": "logiciel",
        "aud": ENDPOINT,
        "exp": now + 240,
        "jti": f"jti-{changes!r}",
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def forged(given: dict[str, Any], alg: str, secret: bytes = b"") -> str:
    """A compact JWS made by hand: unsigned, or with a secret anybody has."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    text = f"{part(json.dumps({'alg': alg, 'kid': 'r1', 'typ': 'JWT'}).encode())}.{part(json.dumps(given).encode())}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha384')) if secret else ''}"


def signed(given: dict[str, Any], key: Any = RSA, **header: Any) -> str:
    made = {"alg": "RS384", "kid": "r1", "typ": "JWT"} | header
    kept = {name: value for name, value in made.items() if value is not None}
    return jwt.encode(kept, given, key, algorithms=["RS256", "RS384", "ES256", "ES384"])


async def ask(face: Face, assertion: str | None, **form: str) -> Any:
    sent = {"grant_type": "client_credentials", "scope": "system/Task.rs"}
    if assertion is not None:
        sent |= {"client_assertion_type": ASSERTION, "client_assertion": assertion}
    sent |= form
    return await face.http.post("/oauth/token", data={name: value for name, value in sent.items() if value != ""})


async def test_a_good_assertion_gives_a_token_that_opens(face: Face, software: Client) -> None:
    for key, header in ((RSA, {}), (EC, {"alg": "ES384", "kid": "e1"})):
        answer = await ask(face, signed(claims(n=header), key, **header))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["token_type"].lower() == "bearer"
        assert 0 < body["expires_in"] <= 300
        assert body["scope"] == "system/Task.rs"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "refresh_token" not in body
        opened = await face.http.get("/fhir/Task", headers={"Authorization": f"Bearer {body['access_token']}"})
        assert opened.status_code == 200


FORGED: dict[str, Callable[[], str]] = {
    "another's key of the same name": lambda: signed(claims(), OTHER),
    "no such key": lambda: signed(claims(), RSA, kid="r9"),
    "no kid": lambda: signed(claims(), RSA, kid=None),
    "a key for encryption": lambda: signed(claims(), RSA, kid="secret-box"),
    "a key that may not verify": lambda: signed(claims(), RSA, kid="signs-only"),
    "a key too short": lambda: signed(claims(), SHORT, kid="short"),
    "another algorithm": lambda: signed(claims(), RSA, alg="RS256"),
    "another curve": lambda: signed(claims(), P256, alg="ES256", kid="e256"),
    "no signature": lambda: forged(claims(), "none"),
    "the public key as a shared secret": lambda: forged(claims(), "HS384", RSA.as_pem(private=False)),
    "a type that is not JWT": lambda: signed(claims(), typ="at+jwt"),
    "keys said elsewhere": lambda: signed(claims(), jku="https://attacker.example/jwks"),
    "an issuer that is somebody else": lambda: signed(claims(iss="fr.health.samu950")),
    "an issuer nobody knows": lambda: signed(claims(iss="inconnu", sub="inconnu")),
    "a subject that is not the issuer": lambda: signed(claims(sub="fr.health.samu950")),
    "no subject": lambda: signed(claims(sub=None)),
    "another audience": lambda: signed(claims(aud=BASE)),
    "no audience": lambda: signed(claims(aud=None)),
    "over": lambda: signed(claims(exp=int(clock.now().timestamp()) - 31)),
    "too far ahead": lambda: signed(claims(exp=int(clock.now().timestamp()) + 331)),
    "beyond all calendars": lambda: signed(claims(exp=10**30)),
    "no end": lambda: signed(claims(exp=None)),
    "an end in words": lambda: signed(claims(exp="demain")),
    "no identifier": lambda: signed(claims(jti=None)),
    "an identifier the database cannot hold": lambda: signed(claims(jti="a\x00b")),
    "an issuer the database cannot hold": lambda: signed(claims(iss="logi\x00ciel")),
    "an altered payload": lambda: _altered(signed(claims())),
    "cut short": lambda: signed(claims())[:-20],
    "not a token": lambda: "abc",
    "empty parts": lambda: "..",
}


def _altered(text: str) -> str:
    head, _, tail = text.split(".")
    other = signed(claims(scope="system/*.cruds")).split(".")[1]
    return f"{head}.{other}.{tail}"


async def test_a_forged_assertion_is_refused(face: Face, software: Client) -> None:
    answers = {name: await ask(face, forge()) for name, forge in FORGED.items()}
    assert {name: answer.text for name, answer in answers.items() if answer.status_code != 401} == {}
    assert {answer.json()["error"] for answer in answers.values()} == {"invalid_client"}


@pytest.mark.parametrize("late", [29, -300])
async def test_thirty_seconds_of_difference_between_clocks_are_forgiven(
    face: Face, software: Client, late: int
) -> None:
    exp = int(clock.now().timestamp()) - late + (25 if late < 0 else 0)
    assert (await ask(face, signed(claims(exp=exp)))).status_code == 200


async def test_an_assertion_serves_once(face: Face, software: Client) -> None:
    assertion = signed(claims())
    assert (await ask(face, assertion)).status_code == 200
    again = await ask(face, assertion)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


async def test_a_client_shut_out_gets_nothing_and_its_tokens_stop(face: Face, software: Client) -> None:
    token = (await ask(face, signed(claims()))).json()["access_token"]
    async with face.database.transaction() as session:
        await clients.keep(session, replace(software, active=False))
    assert (await ask(face, signed(claims(n=2)))).status_code == 401
    answer = await face.http.get("/fhir/Task", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_assertion_type": "urn:x"}, "invalid_request"),
        ({"client_assertion_type": ""}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "system/Patient.u"}, "invalid_scope"),
        ({"scope": "system/Task.sr"}, "invalid_scope"),
        ({"scope": "user/Task.rs"}, "invalid_scope"),
        ({"scope": "system/Task.rs?status=requested"}, "invalid_scope"),
    ],
)
async def test_a_bad_request_says_which(face: Face, software: Client, form: dict[str, str], error: str) -> None:
    answer = await ask(face, signed(claims()), **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_client_id_beside_the_assertion_must_be_its_own(face: Face, software: Client) -> None:
    assert (await ask(face, signed(claims(n=1)), client_id="logiciel")).status_code == 200
    assert (await ask(face, signed(claims(n=2)), client_id="fr.health.samu950")).status_code == 401


async def test_the_body_is_a_form_and_says_each_thing_once(face: Face, software: Client) -> None:
    as_json = await face.http.post("/oauth/token", json={"grant_type": "client_credentials"})
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    twice = await face.http.post(
        "/oauth/token",
        content=b"grant_type=client_credentials&grant_type=client_credentials",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    strange = await face.http.post("/oauth/token", content=b"\xff\xfe=%00", headers=form)
    assert strange.status_code == 400
    assert (await face.http.get("/oauth/token")).status_code == 405


async def test_scopes_are_cut_to_what_is_registered_and_version_1_words_are_translated(
    face: Face, software: Client
) -> None:
    answer = await ask(
        face, signed(claims()), scope="system/Task.read system/Task.write system/Patient.r system/Patient.r"
    )
    assert answer.json()["scope"] == "system/Task.rs system/Patient.r"


# client certificates


@pytest.fixture
async def machine(face: Face) -> dict[str, bytes]:
    right, subject = certificate("fr.health.samu950")
    wrong, _ = certificate("fr.health.samu750")
    twin, _ = certificate("fr.health.samu950")  # the same name on another key
    async with face.database.transaction() as session:
        one = Client(id="sas", name="SAS", kind="sas", certificate_subject=subject, scopes=SCOPES)
        await clients.keep(session, one)
    return {"right": right, "wrong": wrong, "twin": twin}


async def by_certificate(face: Face, peer: bytes | None, client: str = "sas") -> Any:
    face.peer["certificate"] = peer
    form = {"grant_type": "client_credentials", "scope": "system/Task.rs", "client_id": client}
    return await face.http.post("/oauth/token", data=form)


async def test_the_right_certificate(face: Face, machine: dict[str, bytes]) -> None:
    assert (await by_certificate(face, machine["right"])).status_code == 200


@pytest.mark.parametrize("peer", ["wrong", None])
async def test_a_wrong_certificate_or_none(face: Face, machine: dict[str, bytes], peer: str | None) -> None:
    answer = await by_certificate(face, machine[peer] if peer else None)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_certificate_does_not_speak_for_another_client(
    face: Face, machine: dict[str, bytes], software: Client
) -> None:
    for client in ("logiciel", "inconnu", "", "a\x00b"):
        assert (await by_certificate(face, machine["right"], client)).status_code == 401


async def test_a_token_is_bound_to_the_certificate_that_asked_for_it(face: Face, machine: dict[str, bytes]) -> None:
    token = (await by_certificate(face, machine["right"])).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    statuses = {}
    for name, peer in (*machine.items(), ("none", None)):
        face.peer["certificate"] = peer
        statuses[name] = (await face.http.get("/fhir/Task", headers=headers)).status_code
    assert statuses == {"right": 200, "wrong": 401, "twin": 401, "none": 401}


# access tokens


def bearer(face: Face, keys: TokenKeys | None = None, *, audience: str = BASE, minutes: int = 5) -> dict[str, str]:
    now = clock.now()
    made = AccessToken(client="logiciel", scopes=SCOPES, expires_at=now + timedelta(minutes=minutes))
    return {"Authorization": f"Bearer {(keys or face.keys).issue(made, audience=audience, now=now)}"}


async def test_tokens_of_other_keys_other_servers_and_other_times(face: Face, software: Client) -> None:
    async def get(headers: dict[str, str]) -> tuple[int, str]:
        answer = await face.http.get("/fhir/Task", headers=headers)
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        return answer.status_code, answer.json().get("issue", [{}])[0].get("code", "")

    assert await get(bearer(face)) == (200, "")
    assert await get(bearer(face, TokenKeys(["autre"]))) == (401, "login")
    assert await get(bearer(face, audience="https://elsewhere.example/fhir")) == (401, "login")
    assert await get(bearer(face, minutes=-1)) == (401, "expired")
    assert await get({"Authorization": "Bearer x.y.z"}) == (401, "login")
    assert await get({"Authorization": "Basic bG9naWNpZWw6"}) == (401, "login")
    assert await get({}) == (401, "login")
    none = forged({"client_id": "logiciel", "aud": BASE, "exp": 2**33, "scope": "system/*.rs"}, "none")
    assert await get({"Authorization": f"Bearer {none}"}) == (401, "login")


async def test_keys_can_be_changed_without_closing_the_door(face: Face, software: Client) -> None:
    old, new = TokenKeys(["ancienne"]), TokenKeys(["nouvelle", "ancienne"])
    now = clock.now()
    made = AccessToken(client="logiciel", scopes=SCOPES, expires_at=now + timedelta(minutes=5))
    text = old.issue(made, audience=BASE, now=now)
    assert new.read(text, audience=BASE, now=now, certificate=None) == made


async def test_an_error_never_says_whether_a_client_exists(face: Face, software: Client) -> None:
    unknown = await ask(face, signed(claims(iss="inconnu", sub="inconnu")))
    known_without_keys = await ask(face, signed(claims(iss="fr.health.samu950", sub="fr.health.samu950")))
    assert json.loads(unknown.text) == json.loads(known_without_keys.text)
