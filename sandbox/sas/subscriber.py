"""The SAS's one subscription at the hub (FHIR R4 rest-hook, SAS specification 17.10)."""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.journal import Check
from sandbox.sas import names
from sandbox.sas.hub import Call, Exchange, HubLine, shown_answer
from sandbox.world import World

FILE = "sas-subscription.json"
ALIVE = ("active", "requested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`opaque` ends the address of the notifications, `secret` is the header they carry, `id` is the hub's."""

    opaque: str
    secret: str
    id: str = ""


class Subscriber:
    """Keeps the subscription in a file of the run directory: a restarted SAS still knows what it asked for."""

    def __init__(self, world: World, line: HubLine) -> None:
        self._world = world
        self._line = line
        self._file = world.settings.run_dir / FILE
        self._watch: Watch | None = None

    @property
    def watch(self) -> Watch:
        if self._watch is None:
            try:
                self._watch = Watch(**json.loads(self._file.read_text(encoding="utf-8")))
            except FileNotFoundError:
                self._keep(Watch(opaque=secrets.token_hex(16), secret=f"sas-950-{secrets.token_hex(8)}"))
        assert self._watch is not None
        return self._watch

    @property
    def endpoint(self) -> str:
        return f"{self._world.settings.url('sas')}/notifications/{self.watch.opaque}"

    def resource(self) -> dict[str, Any]:
        return {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "Retour des relais de niveau 2 vers la régulation",
            "criteria": f"Task?group-identifier={names.DOSSIER}|",
            "channel": {
                "type": "rest-hook",
                "endpoint": self.endpoint,
                "payload": names.FHIR_JSON,
                "header": [f"X-Hub-Subscription: {self.watch.secret}"],
            },
        }

    async def ensure(self) -> bool:
        """Whether the hub holds our subscription, asked for anew when it has lost it. Raises hub.Unreachable."""
        if self.watch.id:
            known = await self._line.fhir(Call(method="GET", path=f"/Subscription/{self.watch.id}"))
            body = known.body if isinstance(known.body, dict) else {}
            if known.status == 200 and body.get("status") in ALIVE:
                return True
        wanted = json.dumps(self.resource()).encode()
        exchange = await self._line.fhir(Call(method="POST", path="/Subscription", body=wanted))
        location = exchange.headers.get("location", "")
        created = exchange.status == 201 and "/Subscription/" in f"/{location}"
        if created:
            self._keep(replace(self.watch, id=f"/{location}".split("/Subscription/")[1].split("/")[0]))
        self._note(exchange, location)
        return created

    def _keep(self, watch: Watch) -> None:
        self._watch = watch
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(asdict(watch)), encoding="utf-8")

    def _note(self, exchange: Exchange, location: str) -> None:
        body = exchange.body if isinstance(exchange.body, dict) else {}
        checks = (
            Check(what="Réponse 201", passed=exchange.status == 201, where="FHIR 2.1", detail=str(exchange.status)),
            Check(
                what="Adresse de la souscription", passed="Subscription/" in location, where="FHIR 2.1", detail=location
            ),
            Check(what="Souscription demandée ou active", passed=body.get("status") in ALIVE, where="FHIR 7.1"),
            Check(what="En-tête secret masqué", passed=self.watch.secret not in exchange.text, where="FHIR 7.1"),
        )
        self._world.journal.add(
            twin="sas",
            direction="out",
            title="POST /fhir/Subscription",
            verdict=f"{exchange.status}, souscription {body.get('status', 'refusée')}",
            accepted=exchange.status == 201,
            request=exchange.request.replace(self.watch.secret, "***"),
            answer=shown_answer(exchange).replace(self.watch.secret, "***"),
            checks=checks,
            milliseconds=exchange.milliseconds,
            facts={"kind": "subscription", "status": str(exchange.status), "id": self.watch.id},
        )
