"""The board as an operator has it before the eyes, in a real browser: what others do comes by itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright

from sandbox.scenes import acts, cast
from sandbox.scenes.cast import LEBRUN, OPERATOR, PASSPHRASE, Stagehand, until
from tests.journeys.house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

DESK, TELEPHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
COMES = 10_000  # milliseconds within which a change is before the eyes: well before the page asks by itself
WIDTHS = """() => [document.documentElement, ...document.querySelectorAll("#tableau, .board-wrap")]
    .map(one => [one.scrollWidth, one.clientWidth])"""


@asynccontextmanager
async def desk(chromium: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of a browser, and what it complains of."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport=DESK)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            yield page, complaints
        finally:
            await browser.close()


async def sign_in(page: Page, house: House, hand: Stagehand) -> None:
    """The operator, by passphrase and the code received by text message."""
    since = hand.last()
    await page.goto(f"{house.stack.web}/connexion")
    await page.fill("[name=identifiant]", OPERATOR)
    await page.fill("[name=secret]", PASSPHRASE)
    await page.press("[name=secret]", "Enter")
    await page.wait_for_selector("[name=code]")

    async def code() -> str:
        found = [re.search(r"code est (\d{4})", entry.request) for entry in hand.entries("sms", since)]
        return next((one[1] for one in found if one), "")

    await page.fill("[name=code]", await until(code, "the code by text message"))
    await page.press("[name=code]", "Enter")
    await page.wait_for_selector("nav")


async def test_a_patient_handed_over_comes_onto_the_board_and_changes_there(house: House, chromium: str) -> None:
    async with house.people(1) as (hand, [doctor]), desk(chromium) as (page, complaints):
        await cast.doctor(doctor, hand, LEBRUN)
        await sign_in(page, house, hand)
        await page.goto(f"{house.stack.web}/supervision")
        await page.evaluate("window.isTheSamePage = true")
        async with page.expect_response(lambda answer: "q=pat" in answer.url):
            await page.fill("input[name=q]", "pat")
        case = await cast.hand_over(hand)
        row = page.locator(f"#d-{case.request}")
        await row.wait_for(timeout=COMES)
        before = await row.locator(".c-state").inner_text()
        assert "LEBRUN" not in await row.inner_text()
        await acts.accept(doctor, case.request)
        assert doctor.status == 200
        await row.locator(".c-who", has_text="LEBRUN").wait_for(timeout=COMES)
        assert await row.locator(".c-state").inner_text() != before
        assert await page.input_value("input[name=q]") == "pat"  # what was being typed is still there
        await page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
        assert all(content <= shown for content, shown in await page.evaluate(WIDTHS))
        assert await row.is_visible()
        assert await page.evaluate("window.isTheSamePage")
        assert complaints == []
