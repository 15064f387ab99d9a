"""What a sender sees of a patient whom several know: the identity itself, and what it sent, never what another one sent.

Each part of a Patient (a phone, an address, a name in use...) says by an extension who sent it; a part without one was there when
the record was made, and belongs to who made it, named on the Patient itself. A Patient that nobody is named on was made here.
"""

from __future__ import annotations

from typing import Any

from hub.domain.visibility import REDACTED

Resource = dict[str, Any]

SENDER = "/StructureDefinition/hub-sender"  # its end: the base is a setting
# What an identity qualified on both sides makes common, whoever sent it.
IDENTITY = frozenset({"resourceType", "id", "meta", "active", "gender", "birthDate"})
TRAITS = (
    "/StructureDefinition/patient-birthPlace", "/StructureDefinition/fr-core-identity-reliability",
    "/StructureDefinition/hub-identity-status",
)  # fmt: skip
NOTED = ("/StructureDefinition/hub-chosen", "/StructureDefinition/hub-confirmed")  # by the territory
INS = "INS-"
# The search parameters that look at nothing else.
SEARCHED = frozenset({"gender", "birthdate", "active"})


def senders(part: Resource) -> frozenset[str]:
    """The clients who sent this part, or made this Patient."""
    found = part.get("extension", []) if isinstance(part, dict) else []
    return frozenset(one.get("valueString", "") for one in found if one.get("url", "").endswith(SENDER))


def is_identity(name: str, part: Resource) -> bool:
    """The national number, and the name it goes with."""
    if name == "identifier":
        return any(coding.get("code", "").startswith(INS) for coding in part.get("type", {}).get("coding", []))
    return name == "name" and part.get("use") == "official"


def only_sender(patient: Resource) -> str | None:
    """The one client that everything of this Patient comes from; ``None`` when there is none, or another."""
    made = senders(patient)
    parts = [part for value in patient.values() if isinstance(value, list) for part in value if isinstance(part, dict)]
    return next(iter(made)) if len(made) == 1 and all(senders(part) <= made for part in parts) else None


def facet(patient: Resource, client: str) -> Resource:
    """The Patient as this client may see it: itself when everything comes from it, else a copy tagged REDACTED."""
    if only_sender(patient) == client:
        return patient
    made_it = client in senders(patient)
    kept: Resource = {}
    for name, value in patient.items():
        if isinstance(value, list) and name not in ("extension", "modifierExtension") and not name.startswith("_"):
            parts = [_own(part, client) for part in value if _is_shown(name, part, client, made_it=made_it)]
            if parts:
                kept[name] = parts
        elif made_it or name in IDENTITY:
            kept[name] = value
    extensions = [part for part in patient.get("extension", []) if _is_trait(part, client, made_it=made_it)]
    kept.pop("extension", None)
    meta = {name: value for name, value in patient.get("meta", {}).items() if name in ("versionId", "lastUpdated")}
    kept["meta"] = {**meta, "security": [dict(REDACTED)]}
    return {**kept, "extension": extensions} if extensions else kept


def _is_shown(name: str, part: Any, client: str, *, made_it: bool) -> bool:
    if not isinstance(part, dict):
        return made_it
    named = senders(part)
    return client in named if named else made_it or is_identity(name, part)


def _is_trait(part: Resource, client: str, *, made_it: bool) -> bool:
    url = part.get("url", "")
    if url.endswith(SENDER):
        return part.get("valueString") == client
    return made_it or url.endswith(TRAITS)


def _own(part: Any, client: str) -> Any:
    """A part without the names of the others who sent it too, nor what the territory noted on it."""
    if not isinstance(part, dict) or "extension" not in part:
        return part
    extensions = [
        one
        for one in part["extension"]
        if not one.get("url", "").endswith((SENDER, *NOTED)) or one.get("valueString") == client
    ]  # fmt: skip
    rest = {name: value for name, value in part.items() if name != "extension"}
    return {**rest, "extension": extensions} if extensions else rest
