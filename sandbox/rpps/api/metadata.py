"""What the API says of itself: its CapabilityStatement (FHIR R4 4.0.1)."""

from datetime import datetime

from sandbox.rpps.api.matching import parameters
from sandbox.rpps.api.search import INCLUDES, REVERSED, TYPES
from sandbox.rpps.api.systems import ANNUAIRE, Json

GUIDE = "https://interop.esante.gouv.fr/ig/fhir/annuaire/ImplementationGuide/ans.fhir.fr.annuaire|1.1.0"


def statement(base: str, now: datetime) -> Json:
    """`base` is the address of the API."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now.isoformat(timespec="seconds"),
        "publisher": "Bac à sable Colibri",
        "kind": "instance",
        "software": {"name": "Jumeau de l’API FHIR Annuaire Santé", "version": "2"},
        "implementation": {"description": "Personnes et structures inventées", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "implementationGuide": [GUIDE],
        "rest": [{"mode": "server", "resource": [_resource(type) for type in TYPES]}],
    }


def _resource(type: str) -> Json:
    targets = [one for one in REVERSED if parameters(one.partition(":")[0])[one.partition(":")[2]].target == type]
    made: Json = {
        "type": type,
        "supportedProfile": [f"{ANNUAIRE}as-dp-{type.lower()}"],
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "searchInclude": ["*", *(one for one in INCLUDES if one.startswith(f"{type}:"))],
        "searchRevInclude": targets,
        "searchParam": [{"name": one.name, "type": one.kind} for one in parameters(type).values()],
    }
    return {name: value for name, value in made.items() if value}
