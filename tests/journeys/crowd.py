"""Run as a command with the settings of an installation: more general practitioners of a CPTS with an account, and a piece of
software for each place they work in; prints one JSON object a line, ``{"client": ..., "role": ...}``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from hub import composition, settings
from hub.domain.identity import role_id
from hub.domain.identity import situations as situations_of
from hub.storage import clients, directory
from hub.storage.clients import Client
from hub.verbs import seed
from hub.workflows.directory import identity_of

SCOPES = ("system/Task.rus", "system/Patient.rs")


async def enrol(network_id: str, count: int, published: dict[str, Any]) -> None:
    wanted = settings.load()
    (network,) = [one for one in seed.DEMO["network"] if one["id"] == network_id]
    async with composition.database(wanted, pool=2) as database, database.transaction() as session:
        people = await directory.professionals(
            session,
            profession="10",
            specialties=seed.DEMO["more"]["specialties"],
            communes=network["communes"],
            limit=count,
        )
        for person in people:
            number = person.national_id
            known = {"national_id": number, "email": f"{number}@example.org", "mobile": f"+336399{number[-5:]}"}
            await seed._professional(session, wanted, {**known, "network": network_id})
            for rank, situation in enumerate(situations_of(identity_of(person, issuer=wanted.psc.issuer)), 1):
                client = Client(
                    id=f"logiciel-{number}-{rank}", name=f"Logiciel {number}", kind="software",
                    role=role_id(situation.key), jwks=published, scopes=SCOPES,
                )  # fmt: skip
                await clients.keep(session, client)
                print(json.dumps({"client": client.id, "role": client.role}))


if __name__ == "__main__":
    composition.prepare(settings.load())
    asyncio.run(enrol(sys.argv[1], int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_bytes())))
