"""``hub seed demo``: four invented CPTS, their professionals, an operator, a coordinator, a SAS and a piece of software."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from hub import clock
from hub.domain import hours
from hub.domain.identity import role_id
from hub.domain.identity import situations as situations_of
from hub.domain.people import Viewer
from hub.r4 import names
from hub.settings import Settings
from hub.storage import accounts, clients, directory, resources, situations, territories
from hub.storage.clients import Client
from hub.storage.session import Database, Session
from hub.storage.situations import Capacity
from hub.storage.territories import Network
from hub.verbs import rpps
from hub.workflows import accounts as entries
from hub.workflows import capacities, local_sign_in
from hub.workflows.directory import identity_of

DEMO = tomllib.loads(Path(__file__).with_name("demo.toml").read_text(encoding="utf-8"))
PASSPHRASE = "colibri bat des ailes en avril"  # noqa: S105 - of invented accounts, printed for the visitor
ALWAYS = {name: ["00:00-24:00"] for name in (*hours.DAYS, hours.HOLIDAY)}  # the demonstration works at any hour
GIVEN_SINCE = timedelta(minutes=1)


async def directory_of_twin(settings: Settings, database: Database) -> str:
    """Load the national directory from where the settings say; a sentence on what was loaded."""
    report = await rpps.load(settings, database, None)
    return f"{report.persons} professionals from {settings.rpps.base_url}"


async def demo(settings: Settings, database: Database, certificates: Path) -> list[dict[str, str]]:
    """Everything at once, in one transaction; who may sign in, for the terminal. Safe to run again."""
    hashed = await local_sign_in.hash_secret(PASSPHRASE)
    async with database.transaction() as session:
        for one in DEMO["network"]:
            await _network(session, one)
        for one in DEMO["network"]:
            await territories.agree(session, one["id"], one["neighbours"])
        for one in DEMO["professional"]:
            await _professional(session, settings, one)
        await _more_professionals(session, settings)
        people = [await _person(session, one, hashed) for one in DEMO["person"]]
        await _sas(session, certificates)
        await _software(session, settings, certificates)
    return [*_visitors(), *people]


def _visitors() -> list[dict[str, str]]:
    return [
        {
            "who": "Dr Hélène Vasseur, médecin généraliste à Cergy",
            "signs in with": "Pro Santé Connect, e-CPS 899700999909",
            "secret": "touch the number shown by the page on the phone beside it",
            "lands on": "/demandes",
        }
    ]


async def _network(session: Session, one: dict[str, Any]) -> None:
    rules = {"opening": ALWAYS}
    network = Network(id=one["id"], name=one["name"], structure_id=one["structure_id"], phone=one["phone"], rules=rules)
    await territories.keep(session, network, one["communes"])
    if await resources.peek(session, "Organization", one["id"]) is None:
        identifier = {"system": names.IDNST, "value": one["structure_id"]}
        made = {"resourceType": "Organization", "active": True, "name": one["name"], "identifier": [identifier]}
        await resources.create(session, Viewer.hub(), made, id=one["id"])


async def _professional(session: Session, settings: Settings, one: dict[str, Any]) -> None:
    """An account exactly as a first sign-in makes it, with its channels confirmed and every kind of care taken."""
    person = await directory.by_national_id(session, one["national_id"])
    if person is None:
        return
    who = identity_of(person, issuer=settings.psc.issuer)
    arrival = await entries.arrive(session, who, accepts_test_identities=True)
    if arrival.account is None:
        return
    now = clock.now()
    await accounts.change(
        session,
        arrival.account.id,
        email=one["email"],
        email_confirmed_at=now,
        mobile=one["mobile"],
        mobile_confirmed_at=now,
    )
    account = await accounts.by_id(session, arrival.account.id)
    assert account is not None
    for choice in await capacities.choices(session, account.id):
        viewer = await capacities.viewer(session, account, role=choice.role, held=choice.held)
        if viewer is not None and viewer.role is not None:
            await entries.set_preferences(
                session,
                viewer,
                viewer.role,
                network=one["network"],
                sas_networks=[one["network"]],
                kinds=["visite", "consultation", "teleconsultation"],
                hours=ALWAYS,
                radius_km=15,
            )


async def _more_professionals(session: Session, settings: Settings) -> None:
    """A few more general practitioners of each network, so that waves have somebody to ask."""
    named = {one["national_id"] for one in (*DEMO["professional"], *DEMO["software"]["installations"])}
    for network in DEMO["network"]:
        found = await directory.professionals(
            session,
            profession="10",
            specialties=DEMO["more"]["specialties"],
            communes=network["communes"],
            limit=DEMO["more"]["each"] + len(named),
        )
        chosen = [person for person in found if person.national_id not in named][: DEMO["more"]["each"]]
        for person in chosen:
            number = person.national_id
            one = {
                "national_id": number,
                "email": f"{number}@example.org",
                "mobile": f"+336399{number[-5:]}",
                "network": network["id"],
            }
            await _professional(session, settings, one)


async def _person(session: Session, one: dict[str, Any], hashed: str) -> dict[str, str]:
    """A local account with its passphrase; the second factor comes by text message."""
    now = clock.now()
    if await accounts.free_identifier(session, one["identifier"]):
        account = await entries.create_local(
            session,
            identifier=one["identifier"],
            given=one["given"],
            family=one["family"],
            email=one["email"],
            email_confirmed_at=now,
            mobile=one["mobile"],
            mobile_confirmed_at=now,
        )
        await local_sign_in.set_secret(session, account.id, hashed)
        given = Capacity(
            account=account.id, capacity=one["capacity"], organization=one["network"], since=now - GIVEN_SINCE
        )
        await situations.give_capacity(session, given)
    return {
        "who": one["who"],
        "signs in with": f"identifiant {one['identifier']}, code by SMS (sandbox, Mails et SMS)",
        "secret": PASSPHRASE,
        "lands on": one["lands_on"],
    }


async def _sas(session: Session, certificates: Path) -> None:
    one = DEMO["sas"]
    if await resources.peek(session, "Organization", one["organization"]) is None:
        identifier = {"system": names.ns("hubsante-client"), "value": one["id"]}
        made = {"resourceType": "Organization", "active": True, "name": one["name"], "identifier": [identifier]}
        await resources.create(session, Viewer.hub(), made, id=one["organization"])
    certificate = x509.load_pem_x509_certificate((certificates / one["certificate"]).read_bytes())
    await clients.keep(
        session,
        Client(
            id=one["id"],
            name=one["name"],
            kind="sas",
            organization=one["organization"],
            certificate_subject=certificate.subject.rfc4514_string(),
            scopes=tuple(one["scopes"]),
            identity_trusted=True,
        ),
    )


async def _software(session: Session, settings: Settings, certificates: Path) -> None:
    """Software of two practices: each installation sees what its professional sees, in that situation."""
    one = DEMO["software"]
    keys = json.loads((certificates / one["keys"]).read_text(encoding="utf-8"))
    for place in one["installations"]:
        person = await directory.by_national_id(session, place["national_id"])
        if person is None:
            continue
        declared = situations_of(identity_of(person, issuer=settings.psc.issuer))
        role = role_id(declared[0].key) if declared else None
        made = Client(
            id=place["id"], name=place["name"], kind="software", role=role, jwks=keys, scopes=tuple(one["scopes"])
        )
        await clients.keep(session, made)
