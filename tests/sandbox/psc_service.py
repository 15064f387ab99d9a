"""A service in front of the PSC twin, in process: a browser that keeps cookies, and the calls a server makes."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import FastAPI
from joserfc import jwk, jwt

from sandbox.psc import PscTwin

CLIENT = "colibri-sandbox"
SECRET = "secret-invente-colibri"
CALLBACK = "http://localhost:8000/connexion/psc/retour"
AFTER_LOGOUT = "http://localhost:8000/connexion"
VASSEUR = "899700999909"
LEBRUN = "899700999917"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
STATE = "etat-invente-0123456789abcdef"
NONCE = "nonce-invente-0123456789abcdef"


class Service:
    def __init__(self, twin: PscTwin) -> None:
        self.twin = twin
        self.certificate: bytes | None = None
        home = FastAPI()
        home.include_router(twin.side, prefix="/twins/psc")
        self.issuer = twin.realm.issuer
        self.wallet = twin.realm.wallet
        self.home = "http://home.test"
        apps = {origin(self.issuer): self.with_certificate(twin.issuer), self.wallet: twin.wallet, self.home: home}
        self.http = httpx.AsyncClient(
            mounts={address: httpx.ASGITransport(app=app) for address, app in apps.items()},
            transport=httpx.MockTransport(lambda request: httpx.Response(599)),
        )

    def with_certificate(self, app: Any) -> Any:
        async def listener(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": {"client_certificate": self.certificate}}, receive, send)

        return listener

    # The browser

    async def authorize(self, **changes: str | None) -> httpx.Response:
        asked = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "scope": "openid scope_all",
            "acr_values": "eidas1",
            "state": STATE,
            "nonce": NONCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        params = {name: value for name, value in asked.items() if value is not None}
        return await self.http.get(f"{self.wallet}/auth", params=params)

    async def ring(self, person: str = VASSEUR, **changes: str | None) -> str:
        """From the service to the waiting page; its address."""
        door = await self.authorize(**changes)
        assert door.status_code == 302, door.text
        mire = self.wallet + door.headers["location"]
        rung = await self.http.post(f"{mire}/ecps", data={"identifiant": person})
        assert rung.status_code == 303, rung.text
        return self.wallet + rung.headers["location"]

    async def sign_in(self, person: str = VASSEUR, **changes: str | None) -> dict[str, str]:
        """The members of the callback after an approval on the phone."""
        waiting = await self.ring(person, **changes)
        await self.side("approve", identifier=person)
        return callback(await self.http.get(waiting))

    # The server

    async def post(self, path: str, form: dict[str, str], **options: Any) -> httpx.Response:
        options.setdefault("auth", (CLIENT, SECRET))
        return await self.http.post(f"{self.issuer}/protocol/openid-connect/{path}", data=form, **options)

    async def redeem(self, code: str, /, **changes: Any) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        options = {"auth": changes.pop("auth")} if "auth" in changes else {}
        return await self.post("token", {k: v for k, v in (form | changes).items() if v is not None}, **options)

    async def tokens(self, person: str = VASSEUR, **changes: str | None) -> dict[str, Any]:
        back = await self.sign_in(person, **changes)
        answer = await self.redeem(back["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.post("token", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def userinfo(self, access_token: str) -> httpx.Response:
        return await self.http.get(
            f"{self.issuer}/protocol/openid-connect/userinfo", headers={"Authorization": f"Bearer {access_token}"}
        )

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.post("token/introspect", {"token": token})
        assert answer.status_code == 200
        return answer.json()

    async def keys(self) -> list[dict[str, str]]:
        return (await self.http.get(f"{self.issuer}/protocol/openid-connect/certs")).json()["keys"]

    async def verified(self, token: str) -> jwt.Token:
        """Signature checked against the published keys by another library than the twin's."""
        keys = jwk.KeySet.import_key_set({"keys": await self.keys()})
        return jwt.decode(token, keys, algorithms=["RS256"])

    # The side door

    async def side(self, door: str, **body: Any) -> Any:
        answer = await self.http.post(f"{self.home}/twins/psc/{door}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def callback(answer: httpx.Response) -> dict[str, str]:
    """Members of the redirection to the service."""
    assert answer.status_code in (302, 303), answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == CALLBACK
    return dict(parse_qsl(address.query))


def at_hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
