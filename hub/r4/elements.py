"""Small readings and edits of FHIR JSON that every shape needs. Edits keep every element they do not name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Resource = dict[str, Any]


def identifier(resource: Resource, system: str) -> str | None:
    """The value of the first identifier of that system."""
    return next((part.get("value") for part in resource.get("identifier", []) if part.get("system") == system), None)


def code(concept: Resource | None, system: str) -> str | None:
    """The code of that system in a CodeableConcept."""
    return next((part.get("code") for part in (concept or {}).get("coding", []) if part.get("system") == system), None)


def code_among(concepts: Iterable[Resource], system: str) -> str | None:
    """The first code of that system in a list of CodeableConcept."""
    return next((found for concept in concepts if (found := code(concept, system))), None)


def concept(system: str, value: str, display: str | None = None) -> Resource:
    """A CodeableConcept of one coding."""
    coding = {"system": system, "code": value, **({"display": display} if display else {})}
    return {"coding": [coding]}


def extension(resource: Resource, url: str) -> Resource | None:
    """The first extension of that url."""
    return next((part for part in resource.get("extension", []) if part.get("url") == url), None)


def set_extension(resource: Resource, url: str, value: Resource | None) -> None:
    """Put one extension in place of those of that url; ``None`` removes them. ``value`` is for instance ``{"valueCode": …}``."""
    others = [part for part in resource.get("extension", []) if part.get("url") != url]
    if value is not None:
        others.append({"url": url, **value})
    if others:
        resource["extension"] = others
    else:
        resource.pop("extension", None)


def set_coding(resource: Resource, element: str, system: str, value: str | None) -> None:
    """Replace the coding of that system in a CodeableConcept element, keeping codings of others; ``None`` removes it."""
    present = dict(resource.get(element, {}))
    others = [part for part in present.get("coding", []) if part.get("system") != system]
    if value is not None:
        others.append({"system": system, "code": value})
    if others or present.get("text"):
        resource[element] = {**present, **({"coding": others} if others else {})}
        if not others:
            resource[element].pop("coding", None)
    else:
        resource.pop(element, None)


def reference_id(reference: Resource | None, kind: str) -> str | None:
    """The id of a relative literal reference to that type."""
    parts = (reference or {}).get("reference", "").split("/")
    return parts[1] if len(parts) >= 2 and parts[0] == kind else None


def instant(text: str | None) -> datetime | None:
    """A FHIR dateTime or instant, aware; a date alone is the start of that day in UTC (fhir.md 3.4)."""
    if not text:
        return None
    if len(text) == 4:
        text += "-01-01"
    elif len(text) == 7:
        text += "-01"
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """An aware instant as the hub writes it: UTC, to the second when it has no fraction."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
