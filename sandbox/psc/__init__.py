"""The twin of Pro Santé Connect: issuer, wallet, e-CPS phone and card, written from the national specification."""

from starlette.types import ASGIApp

from sandbox.faults import with_faults
from sandbox.psc import issuer, side, wallet
from sandbox.psc.realm import Realm
from sandbox.servers import Listener
from sandbox.world import World

MOODY_SHARE = 0.05  # one call in twenty fails in a lawful way when the sandbox is moody


class PscTwin:
    name = "psc"
    title = "Pro Santé Connect"
    about = "OIDC, e-CPS, carte CPS"

    def __init__(self, world: World) -> None:
        self.realm = Realm(world)
        self.faults = self.realm.faults
        moody = MOODY_SHARE if world.settings.moody else 0.0
        self.issuer: ASGIApp = with_faults(issuer.build(self.realm), self.faults, moody)
        self.wallet: ASGIApp = wallet.build(self.realm)
        self.side = side.routes(self.realm)

    def listeners(self) -> list[Listener]:
        return [
            Listener(name="psc", app=self.issuer, tls=True, client_certificate="optional"),
            Listener(name="wallet", app=self.wallet, tls=False, client_certificate="none"),
        ]

    def reset(self) -> None:
        self.realm.reset()

    async def start(self) -> None:
        """Nothing beside the listeners."""

    async def stop(self) -> None:
        self.realm.notices.cancel()


__all__ = ["PscTwin"]
