"""The portal in process, on a database of the test's own: a territory, its people signed in, and a patient named by a canary."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from lxml import html

from hub.connectors.psc.client import PscClient
from hub.connectors.psc.settings import PscSettings
from hub.domain.people import Viewer
from hub.r4 import names
from hub.storage import accounts as store
from hub.storage import crypto, situations
from hub.storage.accounts import Account
from hub.storage.session import Database
from hub.web.router import WebContext, build
from hub.web.sessions import open_session
from hub.workflows import accounts, handoffs
from tests.conftest import FrozenClock
from tests.workflows.conftest import NETWORK, Place, handoff_bundle, make_place

CANARY = "CANARI-7F3A"
STREET, PHONE, BORN = "12 rue des Essais", "39981100", "28 mars 1979"
SECRETS = (CANARY, "DOMINIQUE", STREET, PHONE, BORN, "279035121518989")
VASSEUR, LEBRUN, MARCHAND = "899700999909", "899700999917", "899700999925"
SITE = "http://portail.test"


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


@dataclass(slots=True)
class Browser:
    """Somebody at the pages. Forms are sent as they are shown: hidden fields and values included, nothing else invented."""

    http: httpx.AsyncClient
    page: httpx.Response | None = None

    async def open(self, path: str, *, follow: bool = False) -> httpx.Response:
        self.page = await self.http.get(path, follow_redirects=follow)
        return self.page

    async def submit(self, action: str, **fields: str) -> httpx.Response:
        """The form of the current page whose address ends so, and the page it leads to."""
        assert self.page is not None
        tree = html.fromstring(self.page.text)
        forms = [form for form in tree.forms if str(form.get("action", "")).endswith(action)]
        assert forms, f"no form {action} on {self.page.url}: {[form.get('action') for form in tree.forms]}"
        values = {name: value for name, value in forms[0].form_values() if name} | fields
        self.page = await self.http.post(forms[0].get("action"), data=values, follow_redirects=True)
        return self.page

    @property
    def words(self) -> str:
        """What one reads."""
        assert self.page is not None
        return " ".join(html.fromstring(self.page.text).text_content().split())


@dataclass(slots=True)
class Portal:
    """The territory of a test with its browsers. ``request`` and ``patient``: ids of what was handed over."""

    database: Database
    app: Any
    place: Place
    clock: FrozenClock
    opened: list[httpx.AsyncClient] = field(default_factory=list)
    people: dict[str, Account] = field(default_factory=dict)

    def stranger(self) -> Browser:
        """A browser without any cookie."""
        line = httpx.AsyncClient(transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url=SITE)
        self.opened.append(line)
        return Browser(line)

    async def signed_in(self, account: Account, **choice: Any) -> Browser:
        """A browser with a session of that account, opened through storage."""
        async with self.database.transaction() as session:
            token, _ = await open_session(session, account, None, now=self.clock.now())
        browser = self.stranger()
        browser.http.cookies.set("colibri", token)
        return browser

    async def doctor(self, national_id: str, family: str, **words: Any) -> Browser:
        """A professional of the network, signed in."""
        async with self.database.transaction() as session:
            self.place.session = session
            viewer = await self.place.professional(national_id, family, **words)
            assert viewer.account is not None
            account = await store.by_id(session, viewer.account)
        assert account is not None
        self.people[family] = account
        return await self.signed_in(account)

    async def staff(self, capacity: str, *, network: str | None = NETWORK) -> Browser:
        """Somebody of the cell in that capacity, signed in."""
        async with self.database.transaction() as session:
            account = await accounts.create_local(session, given="Nadia", family="ROCHE")
            held = situations.Capacity(
                account=account.id, capacity=capacity, since=self.clock.now(), organization=network
            )
            await situations.give_capacity(session, held)
        return await self.signed_in(account)

    async def handed_over(self, family: str = CANARY, **words: Any) -> tuple[str, str]:
        """A handoff of the SAS: ids of the ServiceRequest and of the Patient."""
        bundle = handoff_bundle(**words)
        person = bundle["entry"][0]["resource"]
        person["name"][0]["family"] = family
        birth_place = {
            "extension": [{"url": names.COMMUNE_EXTENSION, "valueCoding": {"system": names.COMMUNE, "code": "51215"}}]
        }
        person["extension"].append({"url": names.BIRTH_PLACE_EXTENSION, "valueAddress": birth_place})
        async with self.database.transaction() as session:
            received = await handoffs.receive(session, self.place.sas, bundle)
        found = {place.split("/")[0]: place.split("/")[1] for place in received.locations}
        return received.request, found["Patient"]

    def viewer(self, family: str) -> Viewer:
        """The viewer of a professional of the place."""
        return self.place.people[family]


@pytest.fixture
async def portal(database: Database, clock: FrozenClock) -> AsyncIterator[Portal]:
    settings = PscSettings(
        issuer="https://psc.test/auth/realms/esante-wallet",
        client_id="colibri",
        client_secret="secret",  # type: ignore[arg-type]
        redirect_uri=f"{SITE}/connexion/psc/retour",
        post_logout_uri=f"{SITE}/connexion",
    )
    silent = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(503)))
    psc = PscClient(settings, silent)
    context = WebContext(
        database=database,
        psc=psc,
        psc_settings=settings,
        public_url=SITE,
        banner="Bac à sable : données inventées",
        phone="0261910400",
        secure_cookies=False,
        stream_life=0.5,
    )
    async with database.transaction() as session:
        place = await make_place(session)
    made = Portal(database=database, app=build(context), place=place, clock=clock)
    yield made
    for line in made.opened:
        await line.aclose()
    await silent.aclose()


def leaks(answer: httpx.Response, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """Which secrets appear anywhere in an answer: body, address, headers."""
    headers: Mapping[str, str] = answer.headers
    whole = "\n".join([answer.text, str(answer.url), *(f"{name}: {value}" for name, value in headers.items())]).lower()
    squeezed = re.sub(r"\s", "", whole)
    return [word for word in secrets if word.lower() in whole or word.lower().replace(" ", "") in squeezed]
