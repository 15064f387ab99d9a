"""What the home page offers to press: usual faults, pushes of the clock, roles to take. Tables, in French."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.faults import GENERIC
from sandbox.twin import Twin

# Usual faults, for any twin: words, and what is asked of the twin.
WISHES: dict[str, tuple[str, dict[str, Any]]] = {
    "silence": ("ne répond pas, un appel", {"kind": "silence", "times": 1, "seconds": 120.0}),
    "silence-long": ("ne répond pas, jusqu’à l’arrêt", {"kind": "silence", "times": 0, "seconds": 120.0}),
    "status-503": ("503, trois appels", {"kind": "status", "times": 3, "value": "503"}),
    "status-500": ("500, un appel", {"kind": "status", "times": 1, "value": "500"}),
    "slow": ("lent, 20 secondes, un appel", {"kind": "slow", "times": 1, "seconds": 20.0}),
    "cut": ("coupe la ligne, un appel", {"kind": "cut", "times": 1}),
    "html": ("répond en HTML, un appel", {"kind": "html", "times": 1}),
}
# Pushes of the clock: words, seconds.
PUSHES: dict[str, tuple[str, float]] = {
    "quart": ("15 minutes", 900.0),
    "heure": ("1 heure", 3600.0),
    "jour": ("1 jour", 86400.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Somebody to be on the hub: `path` is where this person lands there."""

    icon: str
    label: str
    path: str


ROLES: tuple[Role, ...] = (
    Role(icon="steth", label="Médecin", path="/demandes"),
    Role(icon="person", label="Infirmière", path="/demandes"),
    Role(icon="phone", label="Opérateur", path="/supervision"),
    Role(icon="map", label="Coordinatrice", path="/territoire"),
    Role(icon="gear", label="Administrateur", path="/systeme"),
)


def grant(twins: Mapping[str, Twin], twin: str, wish: str, value: str = "") -> bool:
    """Put in place a usual fault at `twin`, or one of a twin's own, written `<twin>/<kind>`, with the
    value some of these want. False if there is none."""
    owner, mark, kind = wish.partition("/")
    if mark:
        if owner not in twins or kind in GENERIC or kind not in twins[owner].faults.labels:
            return False
        twins[owner].faults.set(kind, value=value)
        return True
    if twin not in twins or wish not in WISHES:
        return False
    twins[twin].faults.set(**WISHES[wish][1])
    return True
