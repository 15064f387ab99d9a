"""The realm `esante-wallet` as a whole: who, which services, which keys, what was issued. Routes are elsewhere."""

from typing import Any

from sandbox.faults import Faults
from sandbox.psc import claims, clients, people
from sandbox.psc.desk import Desk
from sandbox.psc.keys import Keyring
from sandbox.psc.ledger import Ledger
from sandbox.psc.notices import Ended, Notices
from sandbox.psc.options import Options
from sandbox.psc.sessions import Session, Sessions
from sandbox.world import World

NAME = "esante-wallet"

FAULTS = {
    "acr": "niveau d’authentification inattendu (valeur : eidas1, eidas2, eidas3, absent, garbage)",
    "userinfo-jwt": "informations d’identité en JWT signé",
    "clock-skew": "horloge décalée dans les jetons (secondes)",
    "wrong-nonce": "nonce d’une autre demande",
    "wrong-iss": "jeton au nom d’un autre émetteur",
    "wrong-aud": "jeton destiné à un autre service",
    "wrong-at-hash": "empreinte du jeton d’accès inexacte",
    "other-sub": "sujet différent entre le jeton et les informations d’identité",
    "unknown-kid": "signature par une clé non publiée",
    "extra-claims": "auth_level et données inconnues ajoutés",
}


class Realm:
    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults(FAULTS)
        self.issuer = f"{world.settings.url('psc')}/auth/realms/{NAME}"
        self.wallet = world.settings.url("wallet")
        self.people = people.load()
        self.notices = Notices(world, self.issuer)
        self.reset()

    def reset(self) -> None:
        """Back to the first minute: new keys, no session, no request, default options and clients."""
        self.options = Options()
        self.clients = clients.registered(self.world.settings.hub_url)
        self.keyring = Keyring()
        self.ledger = Ledger(self.now)
        self.sessions = Sessions(self.now, lambda: self.options, self._tell)
        self.desk = Desk(self.now, lambda: self.options)
        self.faults.clear()
        self.notices.cancel()

    def now(self) -> float:
        """Seconds since the epoch, by the sandbox's clock."""
        return self.world.clock.now().timestamp()

    def change(self, changes: dict[str, Any]) -> Options:
        """New options from some of their members. Raises pydantic's ValidationError, and then changes nothing."""
        self.options = Options.model_validate({**self.options.model_dump(), **changes})
        return self.options

    def _tell(self, session: Session) -> None:
        """Every service of the session hears that it is over, if that is switched on (11.3)."""
        if not self.options.backchannel_logout:
            return
        for client_id in sorted(self.ledger.clients_of(session.sid)):
            client = self.clients.get(client_id)
            if client and client.backchannel_uri:
                subject = claims.subject(self.people[session.person])
                about = Ended(sid=session.sid, subject=subject, person=session.person)
                self.notices.send(client, about, self.keyring)
