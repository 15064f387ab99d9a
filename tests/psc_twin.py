"""Our client in front of the twin of Pro Santé Connect, in process: the browser, the phone and the faults are the twin's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from hub.connectors.psc.client import PscClient
from hub.connectors.psc.settings import PscSettings
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.psc import PscTwin
from sandbox.settings import Settings
from sandbox.world import World

VASSEUR, MARCHAND, MINIMAL, EDIT = "899700999909", "899700999925", "899700950084", "ANS20260401101500"
HOME = "http://home.test"


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Psc:
    """``client`` is ours; ``browser`` keeps the cookies of the wallet; ``certificate`` is what our TLS shows (DER)."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        settings = Settings(run_dir=folder, clock_file=folder / "clock", moody=False)
        clock = Clock(settings.clock_file)
        self.certificates = certificates
        world = World(settings=settings, clock=clock, certificates=self.certificates, journal=Journal(clock))
        self.clock = clock
        self.twin = PscTwin(world)
        self.issuer, self.wallet = self.twin.realm.issuer, self.twin.realm.wallet
        self.certificate: bytes | None = None
        self.is_down = False
        home = FastAPI()
        home.include_router(self.twin.side, prefix="/twins/psc")
        self.mounts: dict[str, httpx.AsyncBaseTransport] = {
            origin(self.issuer): httpx.ASGITransport(app=self._issuer),
            self.wallet: httpx.ASGITransport(app=self.twin.wallet),
            HOME: httpx.ASGITransport(app=home),
        }
        self.browser = httpx.AsyncClient(mounts=self.mounts)
        self.server = httpx.AsyncClient(mounts=self.mounts)
        self.client = self.client_with()

    async def _issuer(self, scope: Any, receive: Any, send: Any) -> None:
        if self.is_down:
            raise httpx.ConnectError("nobody listens")
        await self.twin.issuer({**scope, "state": {"client_certificate": self.certificate}}, receive, send)

    def settings(self, **changes: Any) -> PscSettings:
        given = {
            "issuer": self.issuer,
            "client_id": "colibri-sandbox",
            "client_secret": SecretStr("secret-invente-colibri"),
            "redirect_uri": "http://localhost:8000/connexion/psc/retour",
            "post_logout_uri": "http://localhost:8000/connexion",
            "accept_test_identities": True,
            **changes,
        }
        return PscSettings(**given)

    def client_with(self, **changes: Any) -> PscClient:
        return PscClient(self.settings(**changes), self.server)

    async def close(self) -> None:
        await self.browser.aclose()
        await self.server.aclose()
        await self.twin.stop()

    async def side(self, door: str, **body: Any) -> Any:
        answer = await self.browser.post(f"{HOME}/twins/psc/{door}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def go(self, url: str, person: str = VASSEUR, *, answer: str = "approve") -> Mapping[str, str]:
        """From our redirection to the members of the callback, through the page and the phone; at once when the SSO lives."""
        door = await self.browser.get(url)
        if door.headers.get("location", "").startswith("http://localhost:8000"):
            return dict(parse_qsl(urlsplit(door.headers["location"]).query))
        assert door.status_code == 302, door.text
        rung = await self.browser.post(f"{self.wallet}{door.headers['location']}/ecps", data={"identifiant": person})
        assert rung.status_code == 303, rung.text
        await self.side(answer, identifier=person)
        back = await self.browser.get(self.wallet + rung.headers["location"])
        return dict(parse_qsl(urlsplit(back.headers["location"]).query))
