"""The canary on every page, and in everything else that leaves the house: mails, text messages, notifications, logs, metrics,
accidents (workflow.md 4.3, sas.md 17.11).
"""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from hub import app as hub_app
from hub import composition, log
from hub.connectors.psc.client import PscClient
from hub.r4 import elements, names
from hub.settings import Settings
from hub.storage import crypto, outbox, resources
from hub.storage.session import Database
from hub.web.sessions import open_session
from tests.architecture.canary import CANARY, FILE, NIR, PHONE, Aviary, bundle, open_aviary, told
from tests.conftest import FrozenClock
from tests.workflows.conftest import SAS

SITE = "http://localhost:8000"
NOTHING = "RIEN-0000000"


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto._Keys, "ciphers", {})
    crypto.use([crypto.new_key()])


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Every log line, with all its fields."""
    with capture_logs() as captured:
        yield captured


class Portal:
    """The whole application as ``hub serve`` mounts it, and a browser for each who looks."""

    def __init__(self, aviary: Aviary, settings: Settings) -> None:
        self.aviary = aviary
        self.silent = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
        clients = composition.Clients(psc=PscClient(settings.psc, self.silent), others={})
        self.app = hub_app.build(settings, aviary.database, clients)
        self.browsers: dict[str, httpx.AsyncClient] = {}

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url=SITE)

    async def sign_everybody_in(self, clock: FrozenClock) -> None:
        for name, account in self.aviary.accounts.items():
            async with self.aviary.database.transaction() as session:
                token, _ = await open_session(session, account, None, now=clock.now())
            self.browsers[name] = self.browser()
            self.browsers[name].cookies.set("colibri", token)
        for name, browser in self.browsers.items():  # else everything that follows proves nothing
            home = await browser.get("/", follow_redirects=True)
            assert home.status_code == 200 and "/connexion" not in str(home.url), (name, home.url)
        self.browsers["nobody"] = self.browser()

    async def close(self) -> None:
        for one in (*self.browsers.values(), self.silent):
            await one.aclose()


@pytest.fixture(params=("searching", "taken"))
async def portal(
    request: pytest.FixtureRequest, database: Database, clock: FrozenClock, tmp_path: Any
) -> AsyncIterator[Portal]:
    aviary = await open_aviary(database)
    if request.param == "taken":
        await aviary.go_on()
    settings = Settings(  # type: ignore[call-arg]
        data_dir=tmp_path,
        encryption_keys=[crypto.new_key()],
        serve={"secure_cookies": False, "stream_life": 0.2},
    )
    made = Portal(aviary, settings)
    await made.sign_everybody_in(clock)
    yield made
    await made.close()


def templates(app: Any, prefix: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Every address of an application with its methods, whatever wraps it."""
    while not hasattr(app, "routes") and hasattr(app, "app"):
        app = app.app
    for route in getattr(app, "routes", []):
        if isinstance(route, Mount):
            yield from templates(route.app, prefix + route.path)
        elif isinstance(route, Route):
            yield prefix + route.path, frozenset(route.methods or {"GET"})


async def filled(aviary: Aviary, template: str) -> list[str]:
    """The addresses of a template with every id of the record that could stand there."""
    ids: dict[str, set[str]] = {}
    for one in await aviary.everything():
        ids.setdefault(one.type, set()).add(one.id)
    numbers = {
        elements.identifier(one.json(), names.ns("request-number")) or ""
        for one in await aviary.everything()
        if one.type == "ServiceRequest"
    }
    of_care = sorted(ids["Patient"] | ids["ServiceRequest"] | ids.get("Appointment", set()) | {aviary.request})
    choices = {"number": sorted(numbers - {""}), "note": sorted(ids.get("DocumentReference", {"none"})), "id": of_care}
    words = re.findall(r"{(\w+)(?::\w+)?}", template)
    found = []
    for values in itertools.product(*(choices.get(word, ["none"]) for word in words)):
        address = template
        for word, value in zip(words, values, strict=True):
            address = re.sub(rf"{{{word}(:\w+)?}}", value, address)
        found.append(address)
    return found


def everything_said(answer: httpx.Response) -> str:
    return "\n".join([answer.text, *(f"{name}: {value}" for name, value in answer.headers.items())])


async def test_no_page_tells(portal: Portal, lines: list[Any]) -> None:
    table = [one for one in templates(portal.app) if not one[0].startswith("/fhir")]
    assert {"/", "/demandes/{id}", "/patients/{id}", "/supervision", "/health", "/metrics", "/d/{number}"} <= {
        address for address, _ in table
    }
    asked = 0
    for name, browser in portal.browsers.items():
        for template, methods in table:
            for address in await filled(portal.aviary, template):
                if template.endswith("/deconnexion"):
                    continue
                for method in sorted(methods - {"HEAD"}):
                    answer = await browser.request(method, address)
                    assert answer.status_code < 500 or answer.status_code == 503, (name, method, address)
                    assert told(everything_said(answer)) == [], (name, method, address)
                    asked += 1
    assert asked > 300
    assert told(json.dumps(lines, default=str)) == []


async def test_the_same_walk_finds_it_for_who_may_see_it(portal: Portal, clock: FrozenClock) -> None:
    """Else the walk would be blind."""
    from hub.storage import situations
    from hub.workflows import accounts
    from tests.workflows.conftest import NETWORK

    async with portal.aviary.database.transaction() as session:
        account = await accounts.create_local(session, given="Nadia", family="ROCHE")
        held = situations.Capacity(account=account.id, capacity="operator", since=clock.now(), organization=NETWORK)
        await situations.give_capacity(session, held)
        token, _ = await open_session(session, account, None, now=clock.now())
    portal.browsers["operator"] = portal.browser()
    portal.browsers["operator"].cookies.set("colibri", token)
    seen = [
        template
        for template, _ in templates(portal.app)
        for address in await filled(portal.aviary, template)
        if not template.endswith("/deconnexion")
        and told(everything_said(await portal.browsers["operator"].get(address)))
    ]
    assert {"/demandes/{id}", "/supervision"} <= set(seen)


# What may be typed in the addresses of pages, and in the form that looks for patients.
TYPED = (CANARY, "canar", "Canarine", PHONE, "0639981177", NIR, FILE, "28/03/1979", "1979-03-28", "impasse")
QUERIES = (
    "/supervision?etat={etat}&q={q}", "/demandes?liste={etat}&q={q}", "/patients?nom={q}&naissance={q}", "/situation?suite={q}",
)  # fmt: skip


def unsaid(text: str, typed: str) -> str:
    """A page without what was typed, and without what is drawn by lot for each page."""
    once = quote(typed, safe="")
    for form in (typed, once, quote(once, safe=""), quote(typed)):
        text = text.replace(form, "")
    return re.sub(r'(name="(jeton|csrf|cle|once)[^"]*" value=")[^"]*|nonce="[^"]*"', "", text)


async def test_a_search_on_a_page_is_a_search_for_nothing(portal: Portal) -> None:
    states = ("a-traiter", "a-confirmer", "sans-reponse", "toutes", "terminees", "en-cours", "")
    for name, browser in portal.browsers.items():
        for query in QUERIES:
            for etat in states if "{etat}" in query else ("",):
                empty = await browser.get(query.format(etat=etat, q=NOTHING))
                for typed in TYPED:
                    answer = await browser.get(query.format(etat=etat, q=quote(typed, safe="")))
                    assert answer.status_code == empty.status_code
                    assert told(unsaid(everything_said(answer), typed)) == [], (name, query, typed)
                    ours, theirs = unsaid(answer.text, typed), unsaid(empty.text, NOTHING)
                    assert re.findall(r'href="/(?:demandes|patients)/[^"]+', ours) == re.findall(
                        r'href="/(?:demandes|patients)/[^"]+', theirs
                    ), (name, query, typed)


async def test_nobody_finds_the_patient_by_the_form(portal: Portal) -> None:
    for name, browser in portal.browsers.items():
        form = await browser.get("/patients")
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text))
        for typed in (CANARY, "canarine"):
            answer = await browser.post(
                "/patients", data={**hidden, "nom": typed, "naissance": ""}, headers={"origin": SITE}
            )
            assert told(unsaid(everything_said(answer), typed).replace(typed.upper(), "")) == [], (name, typed)
            assert portal.aviary.patient not in answer.text, name


async def test_no_message_tells(portal: Portal) -> None:
    """Mails and text messages as they leave, the payload of every promise, and notifications to whom they are due."""
    aviary = portal.aviary
    settings = Settings(data_dir=composition.Path("unused"))  # type: ignore[call-arg]
    deliveries = {
        message.topic: (message, delivery)
        for part in composition.topics(settings)
        for message, delivery in part.items()
    }
    async with aviary.database.reading() as session:
        rows = await outbox.rows(session)
    assert {"mail.send", "sms.send", "sas.outcome", "wave.over", "response.over"} <= {row.topic for row in rows}
    left = dict.fromkeys(("mail.send", "sms.send"), 0)
    for row in rows:
        assert told(json.dumps(row.payload)) == [], row.topic
        assert told(json.dumps(row.last_error or {}) + (row.lane or "")) == []
        message, delivery = deliveries[row.topic]
        if row.topic in left and delivery.prepare is not None:
            async with aviary.database.transaction() as session:
                prepared = await delivery.prepare(session, message(**row.payload))
            if prepared is not None:
                left[row.topic] += 1
                assert told(_readable(prepared)) == [], row.topic
        if row.topic == "sas.outcome":
            assert row.payload["client"] == SAS
    assert all(left.values())


def _readable(prepared: bytes) -> str:
    """A prepared message with what its encodings hide: JSON, quoted-printable, base64."""
    import email
    import email.policy

    content = json.loads(prepared)
    if "mail" not in content:
        return json.dumps(content, ensure_ascii=False)
    mail = email.message_from_string(content["mail"], policy=email.policy.default)
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])


async def test_another_sas_is_not_notified(portal: Portal) -> None:
    from hub.connectors.sas import outbound
    from hub.workflows.topics import SasOutcome

    aviary = portal.aviary
    subscription = {
        "resourceType": "Subscription", "status": "active", "reason": "suivi",
        "criteria": f"Task?group-identifier={names.ns('sas-dossier')}|",
        "channel": {"type": "rest-hook", "endpoint": "https://localhost:8103/n", "payload": "application/fhir+json"},
    }  # fmt: skip
    async with aviary.database.transaction() as session:
        await resources.create(session, aviary.viewers["fr.health.samu750"], subscription)
        tasks = await resources.of_request(session, "Task", aviary.request)
        for task in tasks:
            for version in range(1, int(task["meta"]["versionId"]) + 1):
                message = SasOutcome(
                    client="fr.health.samu750", request=aviary.request, task=task["id"], version=version
                )
                assert await outbound.prepare(session, message) is None


async def test_the_trace_of_who_saw_what_names_nobody(portal: Portal) -> None:
    from sqlalchemy import text

    async with portal.aviary.database.reading() as session:
        for table in ("audit", "grant_", '"grant"', "client", "access_token", "assertion"):
            exists = await session.execute(text("SELECT to_regclass(:name)"), {"name": table})
            if exists.scalar_one() is None:
                continue
            rows = await session.execute(text(f"SELECT row_to_json(one)::text FROM {table} AS one"))
            for (row,) in rows:
                assert told(row) == [], table


async def test_metrics_and_health_count_and_name_nobody(portal: Portal) -> None:
    for path in ("/metrics", "/health", "/fhir/metadata", "/fhir/.well-known/smart-configuration"):
        answer = await portal.browsers["nobody"].get(path)
        assert answer.status_code == 200
        assert told(everything_said(answer)) == []
    assert "colibri_open_requests" in (await portal.browsers["nobody"].get("/metrics")).text


async def test_an_accident_tells_nobody(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is gone under our feet: the answer and the log, trace included, say where and not who."""
    from sqlalchemy import text

    from hub.fhir.smart.tokens import AccessToken, TokenKeys

    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure(strict=True)
    try:
        async with portal.aviary.database.transaction() as session:
            await session.execute(text("ALTER TABLE index_text RENAME TO index_gone"))
        keys: TokenKeys = next(
            route.app.context.keys for route in portal.app.routes if getattr(route, "path", "") == "/fhir"
        )
        now = composition.clock.now()
        scopes = tuple(f"system/{kind}.c" for kind in ("Patient", "Organization", "ServiceRequest", "Task"))
        made = AccessToken(client=SAS, scopes=scopes, expires_at=now.replace(hour=23))
        handoff = json.dumps(bundle()).replace(FILE, FILE.replace("41799", "41899"))
        answer = await portal.browsers["nobody"].post(
            "/fhir",
            content=handoff,
            headers={
                "Content-Type": "application/fhir+json",
                "Authorization": f"Bearer {keys.issue(made, audience='https://localhost:8443/fhir', now=now)}",
            },
        )
        assert answer.status_code == 500, answer.text
        assert told(everything_said(answer)) == []
        page = await portal.browsers["coordinator"].get("/supervision?q=CANARI")
        assert told(unsaid(page.text, "CANARI")) == []
    finally:
        structlog.reset_defaults()
        log._Mode.strict = False
    said = written.getvalue()
    assert "fhir.bug" in said
    assert "resource_writes.py" in said  # the trace says where
    assert told(said) == []
