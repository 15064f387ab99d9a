"""All twins of one world, and what is done to them from outside."""

from dataclasses import dataclass

from starlette.types import Scope

from sandbox.faults import Fault
from sandbox.journal import Entry
from sandbox.mail import MailTwin
from sandbox.psc import PscTwin
from sandbox.rpps import RppsTwin
from sandbox.sms import SmsTwin
from sandbox.stage import Stage
from sandbox.twin import Twin
from sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """`twins` by name, in the order of the page; psc, mail, sms and rpps are among them."""

    world: World
    twins: dict[str, Twin]
    psc: PscTwin
    mail: MailTwin
    sms: SmsTwin
    rpps: RppsTwin
    stage: Stage

    def reset(self, name: str | None = None) -> list[str]:
        """Empty one twin or all of them: what it keeps, its faults, its journal. The clock stays. Raises KeyError."""
        names = list(self.twins) if name is None else [name]
        for one in names:
            self.twins[one].reset()
            self.twins[one].faults.clear()
            self.world.journal.clear(one)
        if name is None:
            self.world.journal.clear()
            self.stage.forget()
        return names

    def waiting(self) -> int:
        """Sign-in requests that wait on the pretended e-CPS phone."""
        return len(self.psc.realm.desk.pending())

    def entries(self, name: str) -> list[Entry]:
        return self.world.journal.entries(name)


def listen_to_faults(twin: Twin, world: World) -> None:
    """Put in the journal the calls that a generic fault answered in place of the twin."""

    def told(fault: Fault, scope: Scope) -> None:
        method, path = scope.get("method", ""), scope.get("path", "")
        label = f"{twin.faults.labels[fault.kind]} {fault.value}".rstrip()
        world.journal.add(
            twin=twin.name,
            direction="in",
            title=f"{method} {path}",
            verdict=f"panne voulue : {label}",
            accepted=False,
            facts={"fault": fault.kind, "value": fault.value, "path": path},
        )

    twin.faults.told = told
