"""The SAS twin: its doors, its side doors, its memory."""

import httpx
from starlette.types import ASGIApp

from sandbox.faults import Faults, with_faults
from sandbox.sas import doors, side
from sandbox.sas.desk import NAME, NAMED, Desk
from sandbox.sas.hub import HubLine
from sandbox.sas.ledger import Ledger
from sandbox.sas.subscriber import Subscriber
from sandbox.servers import Listener
from sandbox.world import World

MOODY_SHARE = 0.05


class SasTwin:
    """`transport` replaces the network towards the hub, for tests without sockets."""

    name = NAME
    title = "Plateforme SAS"
    about = "relais de niveau 2, notifications, rendez-vous"

    def __init__(self, world: World, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.faults = Faults(NAMED)
        line = HubLine(world, transport)
        self.desk = Desk(
            world=world, faults=self.faults, ledger=Ledger(), line=line, subscriber=Subscriber(world, line)
        )
        moody = MOODY_SHARE if world.settings.moody else 0.0
        self.app: ASGIApp = with_faults(doors.build(self.desk), self.faults, moody)
        self.side = side.routes(self.desk)

    def listeners(self) -> list[Listener]:
        return [Listener(name="sas", app=self.app, tls=True, client_certificate="required")]

    def reset(self) -> None:
        """Forget cases and appointments; the subscription at the hub stays."""
        self.desk.ledger.clear()
        self.faults.clear()
        self.desk.world.journal.clear(self.name)

    async def start(self) -> None:
        """Nothing beside the listener."""

    async def stop(self) -> None:
        await self.desk.line.close()
