"""A liaison note sent by a professional's software (Cahier de liaison, cdl-document-reference; fhir.md 10.5).

What the notebook does not keep is refused by name, never dropped in silence. The date is that of the receipt, as on the pages.
"""

from __future__ import annotations

from typing import Any

from hub import codes
from hub.domain.notebook import Mask
from hub.domain.people import Viewer
from hub.domain.refusal import Refusal
from hub.r4 import elements, names
from hub.r4.shapes import note as shape
from hub.storage import resources
from hub.storage.session import Session
from hub.workflows import notebook

Resource = dict[str, Any]

KEPT = frozenset({
    "resourceType", "id", "meta", "implicitRules", "language", "text", "status", "type", "subject", "author", "date",
    "description", "securityLabel", "relatesTo", "content", "extension",
})  # fmt: skip
TYPES = "JDV_J23"


async def create(session: Session, viewer: Viewer, resource: Resource) -> str:
    """Write the note through the notebook; its id. The author is the situation the token acts for."""
    _require_kept(resource)
    claimed = elements.reference_id((resource.get("author") or [{}])[0], "PractitionerRole")
    if viewer.role is None or claimed not in (None, viewer.role):
        raise Refusal("not-allowed", expression="DocumentReference.author[0]")
    text = shape.text_of(resource)
    if text is None:
        raise Refusal("note-empty", expression="DocumentReference.content[0].attachment")
    patient = elements.reference_id(resource.get("subject"), "Patient") or ""
    written = await notebook.add(
        session,
        viewer,
        patient,
        kind=_kind(resource),
        text=text,
        title=resource.get("description", ""),
        is_urgent=(elements.extension(resource, names.EMERGENCY_EXTENSION) or {}).get("valueBoolean", False),
        mask=_mask(resource),
        replies_to=await _mother(session, viewer, resource, patient),
    )
    return written.id


def _lost(where: str) -> Refusal:
    return Refusal("unprocessable", expression=f"DocumentReference.{where}", why="le cahier ne garde pas cet élément")


def _require_kept(resource: Resource) -> None:
    lost = sorted(name for name in resource if name.lstrip("_") not in KEPT)
    if lost:
        raise _lost(lost[0])
    if resource["status"] != "current":
        raise Refusal("bad-value", expression="DocumentReference.status", value=resource["status"], form="current")
    if len(resource["content"]) > 1:
        raise _lost("content[1]")
    if len(resource.get("author", [])) > 1:
        raise _lost("author[1]")
    strange = [part["url"] for part in resource.get("extension", []) if part.get("url") != names.EMERGENCY_EXTENSION]
    if strange:
        raise _lost("extension")


def _kind(resource: Resource) -> str:
    code = elements.code(resource.get("type"), names.NOTE_TYPE)
    if code is None:
        raise Refusal("field-required", expression="DocumentReference.type", what="type")
    if not codes.table(TYPES).has(code):
        raise Refusal("bad-code", expression="DocumentReference.type.coding[0].code", value=code, table=TYPES)
    return code


def _mask(resource: Resource) -> Mask | None:
    labels = resource.get("securityLabel", [])
    if not labels:
        return None
    code = elements.code(labels[0], names.VISIBILITY)
    if len(labels) > 1 or code not in set(Mask):
        raise Refusal("bad-code", expression="DocumentReference.securityLabel[0]", value=code or "", table="TRE_A07")
    return Mask(code)


async def _mother(session: Session, viewer: Viewer, resource: Resource, patient: str) -> str | None:
    """The note that this one answers: one of the same patient that the author can read."""
    related = resource.get("relatesTo", [])
    if not related:
        return None
    target = related[0]["target"]
    if len(related) > 1 or related[0]["code"] != "appends":
        raise _lost("relatesTo[1]" if len(related) > 1 else "relatesTo[0].code")
    id = elements.reference_id(target, "DocumentReference")
    stored = await resources.read(session, viewer, "DocumentReference", id) if id else None
    if stored is None or stored.deleted or stored.json()["subject"].get("reference") != f"Patient/{patient}":
        where = "DocumentReference.relatesTo[0].target"
        raise Refusal("bad-reference", expression=where, reference=target.get("reference", ""))
    return id
