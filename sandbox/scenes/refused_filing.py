"""The DMP refuses a note, the page says why and what to do; asked again, the note is filed."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from sandbox.scenes import acts, cast
from sandbox.scenes.browser import Browser, Lost
from sandbox.scenes.cast import LEBRUN, Case, Stagehand, until
from sandbox.scenes.scene import Hub, Scene, Step
from sandbox.world import World

FAULT, CODE = "refuse-patient", "DMPNotFound"
SENTENCE, REMEDY = "Aucun DMP n'existe pour ce patient", "Vérifier l'INS"
NOTE = "Contrôle à 48 heures : apyrétique, reprise du travail possible."


async def play(world: World, hub: Hub) -> AsyncIterator[Step]:
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(cast.stagehand(world))
        browser = await stack.enter_async_context(cast.person(hub))
        await cast.doctor(browser, hand, LEBRUN)
        case = await cast.hand_over(hand)
        yield cast.handed(case)
        yield await accept(hub, browser, case)
        await hand.post("/twins/dmp/faults", {"kind": FAULT, "times": 1})
        yield await write(hub, browser, case)
        yield await refused(hub, hand, browser, case)
        yield await again(hub, hand, browser, case)
        yield await one_document(hand, case)


async def accept(hub: Hub, browser: Browser, case: Case) -> Step:
    await acts.accept(browser, case.request)
    return Step(
        title="Un médecin accepte",
        passed=browser.status == 200,
        evidence={"Arrivée sur": browser.url},
        look_at=f"{hub.url}/demandes/{case.request}",
    )


async def write(hub: Hub, browser: Browser, case: Case) -> Step:
    """The patient is told about the DMP once; the title of the note tells it from those of earlier plays."""
    await acts.agree(browser, case.patient)
    await acts.write(browser, patient=case.patient, request=case.request, title=title(case), text=NOTE)
    return Step(
        title="Il écrit une note, à déposer au DMP",
        passed=browser.status == 200 and title(case) in browser.text,
        evidence={"Note": title(case)},
        look_at=f"{hub.url}/patients/{case.patient}",
    )


def title(case: Case) -> str:
    return f"Dossier {case.dossier}"


async def article(browser: Browser, case: Case) -> str:
    """The part of the patient's page that shows the note."""
    await browser.open(f"/patients/{case.patient}")
    parts = [part for part in browser.text.split("<article")[1:] if title(case) in part]
    return parts[0].partition("</article>")[0] if parts else ""


def entries(hand: Stagehand, case: Case) -> list[Any]:
    """What the DMP was asked since the handoff, oldest first: whether it exists (TD0.2), then to file (TD2.1)."""
    return [entry for entry in hand.entries("dmp", case.since) if entry.facts.get("transaction") in ("TD0.2", "TD2.1")]


async def refused(hub: Hub, hand: Stagehand, browser: Browser, case: Case) -> Step:
    async def shown() -> str:
        part = await article(browser, case)
        return part if 'data-state="refused"' in part else ""

    words = cast.plain(re.sub(r"<[^>]+>", " ", await until(shown, "the refusal on the page")))
    tries = entries(hand, case)
    return Step(
        title="Le DMP refuse ; la page donne la phrase nationale et le remède",
        passed=SENTENCE in words and REMEDY in words and CODE in words
        and [entry.facts.get("status") for entry in tries] == ["unknown"],
        evidence={
            "La page dit": cast.around(words, SENTENCE),
            "Remède": cast.around(words, REMEDY),
            "Ce qu’a répondu le DMP": ", ".join(entry.verdict for entry in tries),
        },
        look_at=f"{hub.url}/patients/{case.patient}",
    )  # fmt: skip


async def again(hub: Hub, hand: Stagehand, browser: Browser, case: Case) -> Step:
    found = re.search(rf"/patients/{case.patient}/notes/([\w-]+)", await article(browser, case))
    if found is None:
        raise Lost("no link to the note on the page of the patient")
    await browser.submit(f"/notes/{found[1]}/deposer")

    async def filed() -> str:
        part = await article(browser, case)
        return part if 'data-state="filed"' in part else ""

    part = await until(filed, "the note filed on the page", within=40)
    last = entries(hand, case)[-1]
    failed = [check.what for check in last.checks if not check.passed]
    return Step(
        title="L’INS vérifiée, il renvoie la note : elle est classée",
        passed=last.accepted and not failed and last.facts["uniqueId"] in part,
        evidence={
            "Identifiant national": last.facts.get("uniqueId", "absent"),
            "Contrôles du jumeau": f"{len(last.checks)} tenus" if not failed else ", ".join(failed),
        },
        look_at=f"/journal/{last.id}",
    )


async def one_document(hand: Stagehand, case: Case) -> Step:
    tries = [entry for entry in entries(hand, case) if entry.facts["transaction"] == "TD2.1"]
    known = (await hand.get("/twins/dmp/documents"))["documents"]
    filed = [one for one in known if one["uniqueId"] in {entry.facts.get("uniqueId") for entry in tries}]
    return Step(
        title="Le DMP ne contient la note qu’une fois",
        passed=len(tries) == len(filed) == 1,
        evidence={"Dépôts": str(len(tries)), "Documents classés": str(len(filed))},
        look_at="/journal?jumeau=dmp",
    )


SCENE = Scene(
    name="dmp-refuse",
    title="Le DMP refuse, puis accepte",
    about="un INS à corriger, puis un nouveau dépôt",
    play=play,
)
