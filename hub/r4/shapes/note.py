"""A liaison note in FHIR: cdl-document-reference 3.0.0 (fhir.md 10.5). No docStatus, authenticator nor custodian."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from hub.domain.notebook import Mask, Note
from hub.r4 import elements, names

Resource = dict[str, Any]

PROFILE = "https://interop.esante.gouv.fr/ig/fhir/cdl/StructureDefinition/cdl-document-reference"
EPISODE = "episode"  # our extension: the care request a note was written for


def text_of(resource: Resource) -> str | None:
    """The text of a note: the first attachment of type text/plain with data; ``None`` when there is none or it cannot be read."""
    for part in resource.get("content", []):
        attachment = part.get("attachment", {})
        if attachment.get("contentType", "").startswith("text/plain") and "data" in attachment:
            try:
                return base64.b64decode(attachment["data"], validate=True).decode("utf-8")
            except ValueError:
                return None
    return None


def read(resource: Resource) -> Note:
    """The note as we decide about it; a note whose text lies in a Binary or is not text has an empty ``text``."""
    label = next((part["coding"][0]["code"] for part in resource.get("securityLabel", [])), None)
    appended = [part["target"] for part in resource.get("relatesTo", []) if part.get("code") == "appends"]
    moment = elements.instant(resource.get("date"))
    assert moment is not None
    return Note(
        id=resource["id"],
        patient=elements.reference_id(resource["subject"], "Patient") or "",
        author=elements.reference_id(resource["author"][0], "PractitionerRole") or "",
        kind=elements.code(resource["type"], names.NOTE_TYPE) or "",
        title=resource.get("description", ""),
        text=text_of(resource) or "",
        written_at=moment,
        is_urgent=(elements.extension(resource, names.EMERGENCY_EXTENSION) or {}).get("valueBoolean", False),
        mask=Mask(label) if label else None,
        replies_to=elements.reference_id(appended[0], "DocumentReference") if appended else None,
        version=int(resource.get("meta", {}).get("versionId", 1)),
    )


def write(note: Note, resource: Resource | None = None, *, request: str | None = None) -> Resource:
    """A new resource, or the given one edited: a correction is a new version of the same resource."""
    made: Resource = resource if resource is not None else {"resourceType": "DocumentReference", "status": "current"}
    made.setdefault("meta", {}).setdefault("profile", [PROFILE])
    made["type"] = elements.concept(names.NOTE_TYPE, note.kind)
    made["subject"] = {"reference": f"Patient/{note.patient}"}
    made["author"] = [{"reference": f"PractitionerRole/{note.author}"}]
    made["date"] = elements.written(note.written_at)
    if note.title:
        made["description"] = note.title
    elements.set_extension(made, names.EMERGENCY_EXTENSION, {"valueBoolean": True} if note.is_urgent else None)
    if request:
        elements.set_extension(
            made, names.structure(EPISODE), {"valueReference": {"reference": f"ServiceRequest/{request}"}}
        )
    if note.mask is not None:
        made["securityLabel"] = [elements.concept(names.VISIBILITY, note.mask.value)]
    if note.replies_to:
        made["relatesTo"] = [{"code": "appends", "target": {"reference": f"DocumentReference/{note.replies_to}"}}]
    pictures = [
        part for part in made.get("content", []) if not part["attachment"].get("contentType", "").startswith("text/")
    ]
    made["content"] = [{"attachment": _text(note)}, *pictures]
    return made


def _text(note: Note) -> Resource:
    data = note.text.encode("utf-8")
    return {
        "contentType": "text/plain; charset=utf-8",
        "language": "fr",
        "data": base64.b64encode(data).decode("ascii"),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii"),
        "creation": elements.written(note.written_at),
    }


def episode(resource: Resource) -> str | None:
    """The ServiceRequest id of the care request a note was written for."""
    found = elements.extension(resource, names.structure(EPISODE)) or {}
    return elements.reference_id(found.get("valueReference"), "ServiceRequest")
