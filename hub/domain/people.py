"""Who is looking, and in which capacity. Every read of care data names its viewer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Capacity(StrEnum):
    """In which quality somebody acts (workflow.md 1)."""

    PROFESSIONAL = "professional"
    SECRETARY = "secretary"
    OPERATOR = "operator"
    COORDINATOR = "coordinator"
    THIRD_PARTY = "third-party"
    SAS = "sas"
    SOFTWARE = "software"
    ADMINISTRATOR = "administrator"
    HUB = "hub"


def role_key(role: str) -> str:
    """The audience made of one professional situation (a PractitionerRole)."""
    return f"role/{role}"


def account_key(account: str) -> str:
    """The audience made of one account."""
    return f"account/{account}"


def usual_gp_key(national_id: str) -> str:
    """The audience made of one person as the confirmed usual GP of patients, in whichever situation."""
    return f"usual-gp/{national_id}"


def client_key(client: str) -> str:
    """The audience made of one machine client."""
    return f"client/{client}"


def operators_key(network: str) -> str:
    """The operators who serve one CPTS (its Organization id)."""
    return f"operators/{network}"


def coordinators_key(network: str) -> str:
    """The coordinators of one CPTS (its Organization id)."""
    return f"coordinators/{network}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A person in one capacity, a machine, or the hub itself.

    ``keys`` are the audiences whose grants this viewer enjoys; ``role`` is the PractitionerRole in use; ``organization`` the
    CPTS of an operator or coordinator, the structure of a professional, the Organization of a machine client; ``name`` is how
    histories show the person, capacity included.
    """

    id: str
    capacity: Capacity
    name: str
    keys: frozenset[str] = field(default_factory=frozenset)
    role: str | None = None
    practitioner: str | None = None
    organization: str | None = None
    account: str | None = None
    client: str | None = None
    scopes: tuple[str, ...] | None = None
    on_behalf_of: str | None = None

    @classmethod
    def hub(cls) -> Viewer:
        """The hub acting by itself: timers and connectors. Sees everything; a test lists the modules that may ask for it."""
        return cls(id="hub", capacity=Capacity.HUB, name="Colibri")

    @property
    def sees_all(self) -> bool:
        """Only the hub itself is not limited by grants."""
        return self.capacity is Capacity.HUB

    @property
    def sender(self) -> str | None:
        """The client, of a viewer who sees of a patient what it sent itself, and not what others sent (workflow.md 4.3)."""
        return self.client if self.capacity is Capacity.SAS else None
