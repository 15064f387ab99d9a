"""One patient from the SAS to the DMP: the whole house, by its public doors only, each step with what proves it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from sandbox.scenes import acts, cast
from sandbox.scenes.browser import Browser
from sandbox.scenes.cast import LEBRUN, OPERATOR, VASSEUR, Stagehand, until
from sandbox.scenes.program import Program
from sandbox.scenes.scene import Hub, Scene, Step
from sandbox.world import World

EMAIL, MOBILE = "helene.vasseur@example.org", "0639981109"
NOTE = "Angine streptococcique, TDR positif. Amoxicilline six jours. Revoir si la fièvre dure plus de trois jours."
APPOINTMENT = ["pending", "booked", "fulfilled"]
EXPECTED = ["searching", "taken", "appointment-proposed", "confirmed", "done"]


async def play(world: World, hub: Hub) -> AsyncIterator[Step]:
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(cast.stagehand(world))
        vasseur, lebrun, operator = [await stack.enter_async_context(cast.person(hub)) for _ in range(3)]
        machine = await stack.enter_async_context(hub.machine())
        yield directory(hand)
        yield await first_sign_in(hub, hand, vasseur)
        yield await settings(hub, hand, vasseur)
        since = hand.last()
        who = await cast.new_patient(hand)
        handed = await hand.post("/twins/sas/handoffs", {"ins": who[1]})
        yield handover(hub, handed)
        request = handed["locations"]["ServiceRequest"].split("/")[1]
        yield await notices(hand, since, who)
        patient = handed["locations"]["Patient"].split("/")[1]
        doctors = {VASSEUR: vasseur, LEBRUN: lebrun}
        programs = {
            one: Program(one, line=machine, hub=hub, world=world, ids=(request, patient, who[1])) for one in doctors
        }
        yield await outline(hub, vasseur, request, who)
        yield await programs[VASSEUR].step("Le logiciel du cabinet suit la demande, sans le nom", whole=False)
        await cast.sign_in_by_ecps(lebrun, hand, LEBRUN)
        yield await race(hub, list(doctors.values()), request)
        winner = next(one for one, browser in doctors.items() if browser.status != 409)
        doctor = doctors[winner]
        yield await propose(hub, doctor, request, world.clock.now())
        yield await confirm(hub, hand, operator, request)
        yield await programs[winner].step("Le logiciel du médecin lit maintenant tout", whole=True)
        yield await note(hand, doctor, request, patient)
        yield await seen(hub, doctor, request)
        found = await cast.until_told(hand, handed["dossier"], EXPECTED[-1])
        yield cast.told_once(found, EXPECTED, "Le SAS a tout reçu, dans l’ordre, une fois")
        yield await platform(hand, found[-1]["resource"])


def directory(hand: Stagehand) -> Step:
    served = [entry for entry in hand.entries("rpps") if entry.accepted and "GET" in entry.request.split("\n")[0]]
    facts = served[-1].facts if served else {}
    return Step(
        title="L’annuaire national est chargé par le vrai chargeur",
        passed=bool(served),
        evidence={"Extraction servie par le jumeau": ", ".join(f"{name} {value}" for name, value in facts.items())},
        look_at="/journal?jumeau=rpps",
    )


async def first_sign_in(hub: Hub, hand: Stagehand, browser: Browser) -> Step:
    shown = await cast.sign_in_by_ecps(browser, hand, VASSEUR)
    if browser.has_form("/situation"):
        await browser.submit("/situation")
    landed = await browser.open("/demandes")
    return Step(
        title="Le Dr Vasseur s’identifie avec l’e-CPS, son compte est créé",
        passed=browser.status == 200 and "VASSEUR" in landed.upper(),
        evidence={
            "Identifiant national": VASSEUR,
            "Nombre touché sur le téléphone": shown or "séance déjà ouverte",
            "Arrivée sur": browser.url,
        },
        look_at=f"{hub.url}/demandes",
    )


async def settings(hub: Hub, hand: Stagehand, browser: Browser) -> Step:
    """E-mail by its link, mobile by its code, once; then volunteer for the SAS in the CPTS, told at any hour."""
    await browser.open("/reglages/alertes")
    evidence = {"Courriel et mobile": "déjà confirmés"}
    if browser.words.count("confirmé") < 2 or "Aucun" in browser.words:
        await confirm_email(hand, browser)
        received = await confirm_mobile(hand, browser)
        evidence = {"Courriel": f"{EMAIL}, lien suivi", "Mobile": f"{MOBILE}, code {received} tapé"}
    await browser.open("/reglages/alertes")
    any_hour = {f"jour_{day}": None for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    await browser.submit("/reglages/alertes", {"courriel": "1", "sms": "1", **any_hour})
    await browser.open("/reglages/soins")
    await browser.submit("/reglages/soins", {"reseau": "cpts-boucles-oise", "sas": "1", "rayon": "15"})
    return Step(
        title="Elle confirme son courriel et son mobile, et se porte volontaire pour le SAS",
        passed=browser.status == 200,
        evidence=evidence,
        look_at=f"{hub.url}/reglages/soins",
    )


async def confirm_email(hand: Stagehand, browser: Browser) -> None:
    since = hand.last()
    await browser.submit("/reglages/alertes/courriel", {"courriel": EMAIL})

    async def link() -> str:
        for entry in hand.entries("mail", since):
            found = re.search(r"https?://[^\s\"<>]+/connexion/confirmer[^\s\"<>]*", entry.request.replace("=\n", ""))
            if found:
                return found[0]
        return ""

    await browser.open(await until(link, "the mail that confirms the address"))
    await browser.submit("/connexion/confirmer")


async def confirm_mobile(hand: Stagehand, browser: Browser) -> str:
    """The code received."""
    since = hand.last()
    await browser.open("/reglages/alertes")
    await browser.submit("/reglages/alertes/mobile", {"mobile": MOBILE})

    async def code() -> str:
        for entry in hand.entries("sms", since):
            found = re.search(r"code est (\d{4})", entry.request)
            if found:
                return found[1]
        return ""

    received: str = await until(code, "the code that confirms the number")
    await browser.submit("/reglages/alertes/code", {"code": received})
    return received


def handover(hub: Hub, handed: dict[str, Any]) -> Step:
    return Step(
        title="Le SAS remet une patiente, par FHIR, en TLS mutuel",
        passed=handed["status"] == 200 and bool(handed["conformant"]),
        evidence={
            "Dossier du SAS": handed["dossier"],
            "Réponse": f"{handed['status']}, {len(handed['locations'])} ressources",
            "Demande": handed["locations"].get("ServiceRequest", str(handed["body"])[:300]),
        },
        look_at="/journal?jumeau=sas",
    )


async def notices(hand: Stagehand, since: int, who: tuple[str, str]) -> Step:
    async def arrived() -> list[Any]:
        mails, texts = hand.entries("mail", since), hand.entries("sms", since)
        mine = [entry for entry in mails if EMAIL in entry.request]
        return [*mails, *texts] if mine and texts else []

    entries = await until(arrived, "mails and text messages to the candidates")
    await asyncio.sleep(1)
    entries = [*hand.entries("mail", since), *hand.entries("sms", since)]
    leaks = [word for word in who for entry in entries if word in entry.request]
    texts = [entry for entry in entries if entry.twin == "sms"]
    return Step(
        title="Les médecins proches sont sollicités, sans rien dire de la patiente",
        passed=bool(entries) and not leaks and all(entry.accepted for entry in entries),
        evidence={
            "Courriels": str(len(entries) - len(texts)),
            "SMS": str(len(texts)),
            "Nom, INS dans ces messages": "aucun" if not leaks else ", ".join(leaks),
        },
        look_at="/courrier",
    )


async def outline(hub: Hub, browser: Browser, request: str, who: tuple[str, str]) -> Step:
    await browser.open(f"/demandes/{request}")
    leaks = [word for word in (*who, "rue des Essais") if word.lower() in browser.text.lower()]
    return Step(
        title="Le Dr Vasseur voit l’aperçu, et aucun nom",
        passed=browser.status == 200 and not leaks and browser.has_form("/accepter"),
        evidence={
            "La page dit": browser.title,
            "Cherché dans le HTML": "absent",
        },
        look_at=f"{hub.url}/demandes/{request}",
    )


async def race(hub: Hub, people: list[Browser], request: str) -> Step:
    """Both press *Accepter* in the same instant."""
    for browser in people:
        await acts.look(browser, request)
    await asyncio.gather(*(browser.submit("/accepter") for browser in people))
    first, second = people
    statuses = [browser.status for browser in people]
    loser = second if second.status == 409 else first
    return Step(
        title="Deux médecins acceptent au même instant : un seul gagne",
        passed=sorted(statuses) == [200, 409],
        evidence={
            "Réponses": " et ".join(map(str, statuses)),
            "L’autre lit": loser.told,
        },
        look_at=f"{hub.url}/demandes/{request}",
    )


async def propose(hub: Hub, browser: Browser, request: str, clock_now: datetime) -> Step:
    await acts.propose(browser, request, clock_now)
    return Step(
        title="Qui a gagné voit tout, et propose un rendez-vous",
        passed=browser.status == 200,
        evidence={"Rendez-vous": f"demain à {acts.HOUR}, au cabinet", "La page dit": browser.told},
        look_at=f"{hub.url}/demandes/{request}",
    )


async def confirm(hub: Hub, hand: Stagehand, browser: Browser, request: str) -> Step:
    await cast.sign_in_locally(browser, hand, OPERATOR)
    if browser.has_form("/situation"):
        await browser.submit("/situation")
    await browser.open("/supervision")
    board = browser.title
    listed = request in browser.text
    await acts.confirm(browser, request)
    return Step(
        title="L’opératrice rappelle la patiente et confirme",
        passed=browser.status == 200 and listed,
        evidence={"Compte local": f"{OPERATOR}, phrase secrète puis code par SMS", "Supervision": board},
        look_at=f"{hub.url}/supervision",
    )


async def note(hand: Stagehand, browser: Browser, request: str, patient: str) -> Step:
    """The patient is told about the DMP, the note is written and filed, the page shows its national identifier."""
    since = hand.last()
    await acts.agree(browser, patient)
    await acts.write(browser, patient=patient, request=request, title="Consultation", text=NOTE)

    async def filed() -> Any:
        entries = [entry for entry in hand.entries("dmp", since) if entry.facts.get("uniqueId") and entry.accepted]
        return entries[-1] if entries else None

    entry = await until(filed, "the filing in the DMP", within=40)

    async def on_page() -> bool:
        await browser.open(f"/patients/{patient}")
        return entry.facts["uniqueId"] in browser.text

    await until(on_page, "the national identifier on the note")
    failed = [check.what for check in entry.checks if not check.passed]
    return Step(
        title="Le médecin écrit une note, le DMP la vérifie et la classe",
        passed=not failed and len(entry.checks) > 0,
        evidence={
            "Identifiant national": entry.facts["uniqueId"],
            "Contrôles du jumeau": f"{len(entry.checks)} tenus",
            "Empreinte": entry.facts.get("hash", ""),
        },
        look_at=f"/journal/{entry.id}",
    )


async def seen(hub: Hub, browser: Browser, request: str) -> Step:
    await acts.seen(browser, request)
    return Step(
        title="La patiente a été vue",
        passed=browser.status == 200,
        evidence={"Page": browser.url},
        look_at=f"{hub.url}/demandes/{request}",
    )


async def platform(hand: Stagehand, task: dict[str, Any]) -> Step:
    """The appointment that the last news names, as the national platform followed it."""
    (mine,) = [one["valueReference"]["reference"].split("/")[1] for one in task["output"]]
    known = (await hand.get("/twins/sas/appointments"))["appointments"]
    versions = [version for one in known if one["value"] == mine for version in one["versions"]]
    told = [version["status"] for version in versions]
    judged = [entry for entry in hand.entries("sas") if entry.subject == mine]
    remarks = [check.what for entry in judged for check in entry.checks if not check.passed]
    return Step(
        title="La plateforme nationale a suivi le rendez-vous (INT_R03), sans la patiente",
        passed=told == APPOINTMENT and not remarks,
        evidence={
            "Rendez-vous": mine,
            "États reçus": " → ".join(told),
            "Contrôles du jumeau": f"{sum(len(entry.checks) for entry in judged)} tenus" if not remarks else remarks[0],
        },
        look_at="/journal?jumeau=sas",
    )


SCENE = Scene(
    name="journee",
    title="Le SAS remet une patiente",
    about="de la régulation jusqu’au DMP, chaque étape avec sa preuve",
    play=play,
)
