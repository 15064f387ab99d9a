"""Nobody answers: the delay passes on the sandbox clock, and the request goes back to the SAS, once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from sandbox.scenes import acts, cast
from sandbox.scenes.cast import LEBRUN, Case, Stagehand, until
from sandbox.scenes.scene import Hub, Scene, Step
from sandbox.world import World

MINUTES = 30  # the SAS wants an answer within
PRESSED = 60.0  # seconds beyond the deadline


async def play(world: World, hub: Hub) -> AsyncIterator[Step]:
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(cast.stagehand(world))
        case = await cast.hand_over(hand, response_minutes=MINUTES)
        yield cast.handed(case)
        yield await notices(hand, case)
        yield await delay(hand)
        found = await cast.until_told(hand, case.dossier, "handed-back")
        yield back(found)
        browser = await stack.enter_async_context(cast.person(hub))
        await cast.doctor(browser, hand, LEBRUN)
        await acts.look(browser, case.request)
        yield Step(
            title="Plus personne ne peut la prendre",
            passed=browser.status == 404,
            evidence={"La demande, pour un médecin sollicité": str(browser.status)},
            look_at=f"{hub.url}/demandes",
        )
        found = await cast.states(hand, case.dossier)
        yield cast.told_once(found, ["searching", "handed-back"], "Le SAS n’a été prévenu qu’une fois")


async def notices(hand: Stagehand, case: Case) -> Step:
    async def arrived() -> list[Any]:
        return [*hand.entries("mail", case.since), *hand.entries("sms", case.since)]

    entries = await until(arrived, "mails and text messages to the candidates")
    told = (cast.TRAITS["family"], str(case.ins))
    leaks = [entry.id for entry in entries if any(word in entry.request for word in told)]
    return Step(
        title="Des médecins sont sollicités, et personne ne répond",
        passed=not leaks,
        evidence={"Nom, INS dans ces messages": "aucun" if not leaks else f"messages {leaks}"},
        look_at="/courrier",
    )


async def delay(hand: Stagehand) -> Step:
    clock = await hand.post("/clock", {"advance": MINUTES * 60 + PRESSED})
    return Step(
        title="Le délai passe : l’horloge du bac à sable avance",
        passed=clock["offset"] >= MINUTES * 60,
        evidence={"Délai demandé": f"{MINUTES} minutes", "Il est maintenant": clock["now"]},
        look_at="/",
    )


def back(found: list[dict[str, Any]]) -> Step:
    """The last state says that it failed, and why (SAS 17.5)."""
    last = found[-1]
    reasons = [coding.get("code") for coding in last["resource"].get("statusReason", {}).get("coding", [])]
    return Step(
        title="La demande revient au SAS, avec la raison",
        passed=last["status"] == "failed" and "no-answer-in-time" in reasons,
        evidence={"Tâche": f"{last['status']}, {last['business']}", "Raison": ", ".join(map(str, reasons))},
        look_at="/journal?jumeau=sas",
    )


SCENE = Scene(
    name="personne",
    title="Personne ne répond",
    about="le délai passe, la demande revient au SAS",
    play=play,
)
