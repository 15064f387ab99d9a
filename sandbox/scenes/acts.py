"""What people do on the pages of the hub, the same gestures in every scene; where it left the browser is for the scene to judge."""

from datetime import datetime, timedelta

from sandbox.scenes.browser import Browser

HOUR = "09:30"


async def look(browser: Browser, request: str) -> str:
    """Open a request; the words of the page."""
    return await browser.open(f"/demandes/{request}")


async def accept(browser: Browser, request: str) -> str:
    """Open a request and press *Accepter*."""
    await look(browser, request)
    return await browser.submit("/accepter")


async def propose(browser: Browser, request: str, now: datetime) -> str:
    """Propose the next day at the practice."""
    await browser.open(f"/demandes/{request}/rendez-vous")
    day = (now + timedelta(days=1)).strftime("%Y-%m-%d")
    return await browser.submit(
        "/rendez-vous", {"mode": "cabinet", "quand": "heure", "jour": day, "de": HOUR, "nom": "1"}
    )


async def confirm(browser: Browser, request: str) -> str:
    """The operator called the patient, who agrees."""
    await look(browser, request)
    return await browser.submit("/rappel", {"reponse": "oui"})


async def agree(browser: Browser, patient: str) -> str:
    """The patient is told about the national record and agrees, once."""
    words = await browser.open(f"/patients/{patient}")
    return await browser.submit("/accords", {"accord": "informed"}) if browser.has_form("/accords") else words


async def write(browser: Browser, *, patient: str, request: str, title: str, text: str) -> str:
    """Write a note for this request, to be filed in the national record."""
    await browser.open(f"/patients/{patient}")
    fields = {"texte": text, "titre": title, "type": "OBS", "demande": request, "dmp": "1"}
    return await browser.submit("/notes", fields)


async def seen(browser: Browser, request: str) -> str:
    """After the hour: the patient came."""
    await browser.open(f"/demandes/{request}/suite")
    return await browser.submit("/suite", {"suite": "seen"})
