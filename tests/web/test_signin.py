"""The door: to Pro Santé Connect and back through the twin, the two steps of a local account, the capacity, and leaving."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import hub.clock
from hub.storage import accounts as store
from hub.storage import sign_ins, situations
from hub.storage.session import Database
from hub.storage.tables.accounts import one_time_code
from hub.web.router import WebContext, build
from hub.workflows import accounts, codes, local_sign_in
from sandbox import authority
from sandbox.authority import Certificates
from tests.psc_twin import MARCHAND, MINIMAL, VASSEUR, Psc
from tests.web.conftest import SITE, Browser, Portal
from tests.workflows.conftest import NETWORK, make_place

PASSPHRASE = "colibri bat des ailes en avril"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.create(tmp_path_factory.mktemp("portal-psc") / "certificates")


@pytest.fixture
async def psc(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Psc]:
    opened = Psc(tmp_path, certificates)
    hub.clock.set_file(tmp_path / "clock")
    yield opened
    hub.clock.set_file(None)
    await opened.close()


@pytest.fixture
async def house(database: Database, psc: Psc) -> AsyncIterator[Portal]:
    """The portal in front of the twin."""
    context = WebContext(
        database=database,
        psc=psc.client,
        psc_settings=psc.settings(),
        public_url=SITE,
        secure_cookies=False,
    )
    async with database.transaction() as session:
        place = await make_place(session)
    made = Portal(database=database, app=build(context), place=place, clock=None)  # type: ignore[arg-type]
    yield made
    for line in made.opened:
        await line.aclose()


async def through(browser: Browser, psc: Psc, person: str, start: str = "/connexion") -> Browser:
    """From the door to the page one lands on."""
    page = await browser.open(start, follow=True)
    link = re.search(r'href="(/connexion/psc/depart[^"]*)"', page.text)
    assert link is not None
    left = await browser.open(link[1].replace("&amp;", "&"))
    assert left.status_code == 302
    query = await psc.go(left.headers["location"], person)
    browser.page = await browser.http.get("/connexion/psc/retour", params=dict(query), follow_redirects=True)
    return browser


async def test_a_doctor_comes_in_and_lands_on_the_requests(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, VASSEUR)
    assert browser.page is not None and browser.page.url.path == "/demandes"
    assert "Dr Hélène VASSEUR" in browser.words
    assert "Aucune demande ne vous attend" in browser.words


async def test_one_comes_back_to_the_page_that_was_asked(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, VASSEUR, "/reglages/alertes")
    assert browser.page is not None and browser.page.url.path == "/reglages/alertes"


async def test_two_situations_are_a_choice(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, MARCHAND)
    assert browser.page is not None and browser.page.url.path == "/situation"
    page = await browser.open("/demandes")
    assert page.headers["location"] == "/situation?suite=/demandes"
    await browser.open(page.headers["location"])
    page = await browser.submit("/situation")
    assert page.url.path == "/demandes"
    assert "Dr Inès MARCHAND" in browser.words
    answer = await browser.http.post("/situation", data={"csrf": "inventé", "situation": "role/un-autre"})
    assert answer.status_code == 403


async def test_nobody_without_situation_goes_further(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, MINIMAL)
    assert "aucune situation professionnelle" in browser.words
    assert (await browser.open("/demandes")).status_code == 303


async def test_a_return_that_is_not_ours_stays_at_the_door(house: Portal, psc: Psc) -> None:
    browser = house.stranger()
    page = await browser.open("/connexion/psc/retour?state=inventé&code=1")
    assert page.status_code == 401
    assert "ne correspond pas à votre demande" in browser.words
    page = await browser.open("/connexion/psc/depart?suite=https://ailleurs.example.org/")
    query = await psc.go(page.headers["location"], VASSEUR)
    answer = await browser.http.get("/connexion/psc/retour", params=dict(query))
    assert answer.headers["location"] == "/"


async def test_the_door_says_when_the_national_service_is_down(house: Portal, psc: Psc) -> None:
    psc.is_down = True
    page = await house.stranger().open("/connexion/psc/depart")
    assert page.status_code == 503
    assert "Pro Santé Connect ne répond pas" in page.text


async def test_leaving_offers_to_leave_the_national_session_too(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, VASSEUR)
    page = await browser.submit("/deconnexion")
    assert page.status_code == 200
    assert f'href="{psc.issuer}/protocol/openid-connect/logout?' in page.text
    assert (await browser.open("/demandes")).headers["location"].startswith("/connexion")


async def test_the_issuer_ends_a_session(house: Portal, psc: Psc) -> None:
    browser = await through(house.stranger(), psc, VASSEUR)
    assert (await house.stranger().http.post("/oidc/backchannel-logout", data={"logout_token": "x"})).status_code == 400
    assert (await browser.open("/demandes")).status_code == 200


# -------------------------------------------------------------------------------- local accounts


@pytest.fixture
async def operator(portal: Portal) -> store.Account:
    """An operator with a passphrase and a confirmed mobile."""
    hashed = await local_sign_in.hash_secret(PASSPHRASE)
    now = portal.clock.now()
    async with portal.database.transaction() as session:
        account = await accounts.create_local(
            session, given="Nadia", family="ROCHE", mobile="+33639981118", mobile_confirmed_at=now
        )
        await local_sign_in.set_secret(session, account.id, hashed)
        held = situations.Capacity(account=account.id, capacity="operator", since=now, organization=NETWORK)
        await situations.give_capacity(session, held)
    return account


async def code_sent(portal: Portal, account: str) -> str:
    async with portal.database.reading() as session:
        query = one_time_code.select().where(one_time_code.c.account == account, one_time_code.c.used_at.is_(None))
        row = (await session.execute(query)).one()
        sent = await codes.to_send(session, row.id)
    assert sent is not None
    return sent.code


async def test_a_local_account_comes_in_with_two_factors(portal: Portal, operator: store.Account) -> None:
    browser = portal.stranger()
    await browser.open("/connexion?suite=/supervision?etat=recherche")
    page = await browser.submit("/connexion", identifiant=operator.identifier or "", secret=PASSPHRASE)
    assert page.url.path == "/connexion/code"
    assert "au numéro qui finit par 18" in browser.words
    page = await browser.submit("/connexion/code", code="0000")
    assert page.status_code == 401
    assert "n’est pas celui que nous avons envoyé" in browser.words
    page = await browser.submit("/connexion/code", code=await code_sent(portal, operator.id))
    assert str(page.url) == f"{SITE}/supervision?etat=recherche"
    assert "Nadia ROCHE" in browser.words


async def test_a_wrong_passphrase_keeps_the_identifier_typed(portal: Portal, operator: store.Account) -> None:
    browser = portal.stranger()
    await browser.open("/connexion")
    page = await browser.submit("/connexion", identifiant=operator.identifier or "", secret="autre chose")
    assert page.status_code == 401
    assert f'value="{operator.identifier}"' in page.text
    assert "autre chose" not in page.text


async def test_the_code_page_belongs_to_the_browser_that_gave_the_secret(
    portal: Portal, operator: store.Account
) -> None:
    browser, thief = portal.stranger(), portal.stranger()
    await browser.open("/connexion")
    page = await browser.submit("/connexion", identifiant=operator.identifier or "", secret=PASSPHRASE)
    await thief.open("/connexion")
    stolen = await thief.open(str(page.url))
    assert (stolen.status_code, stolen.headers["location"]) == (303, "/connexion")


async def test_closing_the_other_sessions(portal: Portal, operator: store.Account) -> None:
    first, second = await portal.signed_in(operator), await portal.signed_in(operator)
    portal.clock.advance(timedelta(minutes=1))
    await second.open("/reglages/seances")
    page = await second.submit("/reglages/seances")
    assert "Il ne reste que celle-ci" in second.words
    assert page.status_code == 200
    assert (await first.open("/supervision")).status_code == 303
    async with portal.database.reading() as session:
        assert len(await sign_ins.sessions_of(session, operator.id)) == 1
