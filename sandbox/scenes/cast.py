"""Who plays: the invented persons, how each signs in, and the twins' side doors a scene may use."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.scenes.browser import Browser, Lost
from sandbox.scenes.scene import Hub, Step
from sandbox.world import World

VASSEUR = "899700999909"
LEBRUN = "899700999917"
MARCHAND = "899700999925"
OPERATOR = "10001"
PASSPHRASE = "colibri bat des ailes en avril"  # printed by the hub when it seeds its demonstration
TRAITS = {"family": "PAT-TROIS", "given": "DOMINIQUE", "gender": "F", "birth_date": "19790328", "birth_place": "51215"}
FIRST, LAST = 189, 989  # order numbers at the end of the NIR: 189 is the published test identity
PAUSE = 0.2  # seconds between two looks
WITHIN = 20.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stagehand:
    """The side doors of the twins, on the home port."""

    world: World
    line: httpx.AsyncClient

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return _told(await self.line.post(path, json=body or {}))

    async def get(self, path: str) -> Any:
        return _told(await self.line.get(path))

    async def delete(self, path: str) -> None:
        (await self.line.delete(path)).raise_for_status()

    def entries(self, twin: str, since: int = 0) -> list[Any]:
        """What a twin received after that entry of the journal."""
        return self.world.journal.entries(twin, since)

    def last(self) -> int:
        """Number of the last entry of the journal."""
        entries = self.world.journal.entries()
        return max((entry.id for entry in entries), default=0)


def _told(answer: httpx.Response) -> Any:
    """Raises Lost with what the side door says."""
    if not answer.is_success:
        raise Lost(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


@asynccontextmanager
async def stagehand(world: World) -> AsyncIterator[Stagehand]:
    async with httpx.AsyncClient(base_url=world.settings.url("home"), timeout=30, trust_env=False) as line:
        yield Stagehand(world=world, line=line)


async def until(look: Callable[[], Awaitable[Any]], what: str, within: float = WITHIN) -> Any:
    """Look until there is something to see. Raises Lost with `what` in it."""
    steps = int(within / PAUSE)
    for _ in range(steps):
        seen = await look()
        if seen:
            return seen
        await asyncio.sleep(PAUSE)
    raise Lost(f"still waiting after {within:.0f} s: {what}")


@asynccontextmanager
async def person(hub: Hub) -> AsyncIterator[Browser]:
    """A browser with nobody signed in."""
    async with hub.browser() as line:
        yield Browser(line)


async def sign_in_by_ecps(browser: Browser, hand: Stagehand, national_id: str) -> str:
    """Through Pro Santé Connect: the number typed, the phone approved; the number shown by the page."""
    await browser.open("/connexion")
    await browser.click("/connexion/psc")
    shown = ""
    if browser.has_form("/ecps"):
        await browser.submit("/ecps", {"identifiant": national_id})
        found = re.search(r"\b(\d{2})\b", browser.words)
        shown = found[1] if found else ""
        waiting = browser.url
        await hand.post("/twins/psc/approve", {"identifier": national_id})
        wallet = hand.world.settings.url("wallet")
        await until(lambda: _is_back(browser, waiting, wallet), "the return from Pro Santé Connect")
    if browser.status >= 400:
        raise Lost(f"sign-in ended on {browser.status}: {browser.words[:200]}")
    return shown


async def _is_back(browser: Browser, waiting: str, wallet: str) -> bool:
    await browser.open(waiting)
    return not browser.url.startswith(wallet)


async def doctor(browser: Browser, hand: Stagehand, national_id: str) -> None:
    """A doctor signed in by e-CPS, in the first situation offered."""
    await sign_in_by_ecps(browser, hand, national_id)
    if browser.has_form("/situation"):
        await browser.submit("/situation")


async def sign_in_locally(browser: Browser, hand: Stagehand, identifier: str) -> None:
    """Identifier and passphrase, then the code received by text message."""
    since = hand.last()
    await browser.open("/connexion")
    await browser.submit("/connexion", {"identifiant": identifier, "secret": PASSPHRASE})

    async def code() -> str:
        for entry in hand.entries("sms", since):
            found = re.search(r"code est (\d{4})", entry.request)
            if found:
                return found[1]
        return ""

    received = await until(code, "the code by text message")
    await browser.submit("/connexion/code", {"code": received})
    if browser.status >= 400:
        raise Lost(f"sign-in ended on {browser.status}: {browser.words[:200]}")


async def new_patient(hand: Stagehand) -> tuple[str, str]:
    """Name and INS of a patient: the published test identity the first time, then a namesake with a number of her own, whom
    no doctor follows yet and whose DMP is open.
    """
    played = len((await hand.get("/twins/sas/dossiers"))["dossiers"])
    body = f"2790351215{FIRST + played % (LAST - FIRST):03d}"
    ins = f"{body}{97 - int(body) % 97:02d}"
    await hand.post("/twins/dmp/patients", {"ins": ins, "traits": TRAITS})
    return TRAITS["family"], ins


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A patient handed over: the SAS's number of the file, the hub's ids, the INS, the number of the journal just before."""

    dossier: str
    request: str
    patient: str
    ins: str | None
    since: int
    conformant: bool


async def hand_over(hand: Stagehand, **wish: Any) -> Case:
    """The SAS hands over a patient nobody follows yet, with what `wish` changes of the case of the demonstration. Raises Lost
    when the hub refuses.
    """
    since = hand.last()
    if "ins" not in wish:
        wish["ins"] = (await new_patient(hand))[1]
    told = await hand.post("/twins/sas/handoffs", wish)
    if told["status"] != 200:
        raise Lost(f"the hub answered {told['status']}: {str(told['body'])[:300]}")
    request, patient = (told["locations"][kind].split("/")[1] for kind in ("ServiceRequest", "Patient"))
    return Case(
        dossier=told["dossier"], request=request, patient=patient, ins=wish["ins"], since=since,
        conformant=bool(told["conformant"]),
    )  # fmt: skip


async def states(hand: Stagehand, dossier: str) -> list[dict[str, Any]]:
    """What the SAS has been told of a case, in the order received, each version once with the number of its repeats."""
    found: list[dict[str, Any]] = (await hand.get(f"/twins/sas/dossiers/{dossier}"))["states"]
    return found


async def until_told(hand: Stagehand, dossier: str, business: str) -> list[dict[str, Any]]:
    """The states of a case once the last one is `business`."""

    async def told() -> list[dict[str, Any]]:
        found = await states(hand, dossier)
        return found if found and found[-1]["business"] == business else []

    seen: list[dict[str, Any]] = await until(told, f"{business} at the SAS")
    return seen


def handed(case: Case) -> Step:
    """The first step of every story that begins at the SAS."""
    return Step(
        title="Le SAS remet une patiente",
        passed=case.conformant,
        evidence={"Dossier du SAS": case.dossier, "Demande": f"ServiceRequest/{case.request}"},
        look_at="/journal?jumeau=sas",
    )


def told_once(found: list[dict[str, Any]], expected: list[str], title: str) -> Step:
    """The last step: every state at the SAS, in order, once."""
    repeats = sum(state["repeats"] for state in found)
    return Step(
        title=title,
        passed=[state["business"] for state in found] == expected and repeats == 0,
        evidence={
            "Reçu": " → ".join(state["business"] for state in found),
            "Versions": ", ".join(str(state["version"]) for state in found),
            "Répétitions": str(repeats),
        },
        look_at="/journal?jumeau=sas",
    )


def plain(words: str) -> str:
    """Words without typography: straight apostrophes, plain spaces."""
    return " ".join(words.replace("’", "'").split())


def around(words: str, word: str) -> str:
    """The sentence around a word, or the beginning."""
    place = words.find(word)
    return words[max(0, place - 60) : place + 60].strip() if place >= 0 else words[:120]
