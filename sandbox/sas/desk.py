"""What the doors and the roles of the SAS twin share."""

from dataclasses import dataclass

from sandbox.faults import Faults
from sandbox.sas.hub import HubLine
from sandbox.sas.ledger import Ledger
from sandbox.sas.subscriber import Subscriber
from sandbox.world import World

NAME = "sas"
# Faults of this twin. The first ones are about what it receives, the others about what it sends.
NAMED = {
    "refuse-notification": "refuse une notification (503)",
    "reject-notification": "rejette une notification (422)",
    "unknown-subscription": "ne connaît plus la souscription (404)",
    "lost-answer": "reçoit, puis perd la réponse",
    "twice": "transmet deux fois en même temps",
    "stranger": "transmet au nom d’un autre SAMU",
    "broken-json": "transmet un JSON coupé",
    "unknown-reference": "transmet une référence qui ne mène nulle part",
    "no-token": "oublie son jeton",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    world: World
    faults: Faults
    ledger: Ledger
    line: HubLine
    subscriber: Subscriber
