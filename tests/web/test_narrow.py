"""Pages in a real browser as wide as a small telephone, without script: nothing sticks out, whatever the directory prints."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from playwright.async_api import Page, async_playwright

from tests.connectors.rpps.lists import serve
from tests.connectors.rpps.rows import DOCTOR, EVERYBODY
from tests.web.conftest import VASSEUR, Portal

WIDTH, HEIGHT = 320, 640  # WCAG 2.1, 1.4.10
ENDLESS = {
    **{**DOCTOR, "identifier": "99700999925", "national_id": "899700999925", "given": "Marie-Antoinette Joséphine"},
    **{"family": "DE LA TOUR D'AUVERGNE-LAURAGUAIS-MONTMORENCY EP SAINTGELAISDELUSIGNANDEROCHECHOUART"},
    **{"structure_name": "CENTREHOSPITALIERUNIVERSITAIREINTERCOMMUNALDESBOUCLESDELOISE", "structure_national_id": ""},
    **{"structure_id": "R10000000000099", "street": "DESTRESLONGUESRUESQUINEFINISSENTJAMAISETREPRENNENTPLUSLOIN"},
}


@asynccontextmanager
async def listening(portal: Portal) -> AsyncIterator[str]:
    """The portal behind a real socket: its address."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()  # who comes before the server is ready waits for it
        server = uvicorn.Server(uvicorn.Config(portal.app, log_level="error", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[line]))
        try:
            yield f"http://127.0.0.1:{line.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def narrow(portal: Portal, cookie: str, chromium: str) -> AsyncIterator[Callable[[str], Awaitable[Page]]]:
    """A browser on the portal, signed in: opens an address."""
    async with listening(portal) as base, async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, java_script_enabled=False)
        await context.add_cookies([{"name": "colibri", "value": cookie, "url": base}])
        page = await context.new_page()

        async def open_at(path: str) -> Page:
            await page.goto(f"{base}{path}")
            return page

        try:
            yield open_at
        finally:
            await browser.close()


async def test_the_directory_on_a_telephone(portal: Portal, tmp_path: Path, chromium: str) -> None:
    await serve(portal.database, tmp_path, [*EVERYBODY, ENDLESS])
    doctor = await portal.doctor(VASSEUR, "VASSEUR")
    async with narrow(portal, doctor.http.cookies["colibri"], chromium) as open_at:
        for path in (
            *(
                "/annuaire",
                "/annuaire?profession=10",
                "/annuaire?nom=zzzz",
                "/annuaire?nom=m",
                "/annuaire?nom=lefebvre",
            ),
            *("/annuaire/899700999909", "/annuaire/899700999925", "/annuaire/899799999999"),
        ):
            page = await open_at(path)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= WIDTH, (path, wide)
        # Sought and found without a script.
        page = await open_at("/annuaire")
        await page.fill("#nom", "tour d'auvergne")
        await page.click("text=Chercher")
        await page.click(".colleagues a")
        assert "SAINTGELAISDELUSIGNANDEROCHECHOUART" in await page.inner_text("h1")
