"""Two doctors accept in the same second: one wins, the other reads why and sees nothing more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from sandbox.scenes import acts, cast
from sandbox.scenes.browser import Browser
from sandbox.scenes.cast import LEBRUN, MARCHAND, Case
from sandbox.scenes.scene import Hub, Scene, Step
from sandbox.world import World

NAME = cast.TRAITS["family"]
TAKEN = "vient d'être acceptée par un confrère"


async def play(world: World, hub: Hub) -> AsyncIterator[Step]:
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(cast.stagehand(world))
        rivals = [await stack.enter_async_context(cast.person(hub)) for _ in range(2)]
        for browser, national_id in zip(rivals, (LEBRUN, MARCHAND), strict=True):
            await cast.doctor(browser, hand, national_id)
        case = await cast.hand_over(hand)
        yield cast.handed(case)
        yield await both_look(hub, rivals, case)
        yield await both_accept(hub, rivals, case)
        winner, loser = sorted(rivals, key=lambda browser: browser.status)
        yield await reads_why(hub, loser, case)
        yield await sees_all(hub, winner, case)
        found = await cast.until_told(hand, case.dossier, "taken")
        yield cast.told_once(found, ["searching", "taken"], "Le SAS apprend une seule prise en charge")


async def both_look(hub: Hub, rivals: list[Browser], case: Case) -> Step:
    for browser in rivals:
        await acts.look(browser, case.request)
    asked = [browser.status == 200 and browser.has_form("/accepter") for browser in rivals]
    return Step(
        title="Deux médecins ouvrent la même demande, sans aucun nom",
        passed=all(asked) and not any(NAME in browser.text for browser in rivals),
        evidence={"Le bouton Accepter": " et ".join("présent" if one else "absent" for one in asked)},
        look_at=f"{hub.url}/demandes/{case.request}",
    )


async def both_accept(hub: Hub, rivals: list[Browser], case: Case) -> Step:
    await asyncio.gather(*(browser.submit("/accepter") for browser in rivals))
    statuses = sorted(browser.status for browser in rivals)
    return Step(
        title="Ils acceptent à la même seconde : un seul gagne",
        passed=statuses == [200, 409],
        evidence={"Réponses": " et ".join(map(str, statuses))},
        look_at=f"{hub.url}/demandes/{case.request}",
    )


async def reads_why(hub: Hub, loser: Browser, case: Case) -> Step:
    words = cast.plain(loser.words)
    told, named = TAKEN in words, NAME in loser.text
    await acts.look(loser, case.request)
    return Step(
        title="L’autre lit pourquoi, et ne voit plus rien de la demande",
        passed=told and not named and loser.status == 404 and NAME not in loser.text,
        evidence={"Il lit": cast.around(words, "vient d'être"), "La demande, ensuite": str(loser.status)},
        look_at=f"{hub.url}/demandes",
    )


async def sees_all(hub: Hub, winner: Browser, case: Case) -> Step:
    await acts.look(winner, case.request)
    return Step(
        title="Qui a gagné voit le nom, le téléphone et l’adresse",
        passed=winner.status == 200 and NAME in winner.text,
        evidence={"Nom": NAME if NAME in winner.text else "absent"},
        look_at=f"{hub.url}/demandes/{case.request}",
    )


SCENE = Scene(
    name="course",
    title="Deux médecins acceptent à la même seconde",
    about="un seul gagne, l’autre lit pourquoi",
    play=play,
)
