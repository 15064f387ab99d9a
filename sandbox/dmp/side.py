"""Side door of the DMP twin: look at what is filed, invent patients, change what the operator of a DMP would change."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from sandbox.dmp.ins import cx
from sandbox.dmp.registry import Filed, Patient, Registry


class Traits(BaseModel):
    family: str = ""
    given: str = ""
    gender: str = Field(default="UN", pattern="^(F|M|UN)$")
    birth_date: str = Field(default="", pattern=r"^(\d{8})?$")
    birth_place: str = ""


class PatientIn(BaseModel):
    ins: str = Field(pattern=r"^\d{5}(\d\d|2A|2B)\d{8}$")
    oid: str = "1.2.250.1.213.1.4.10"
    status: str = Field(default="active", pattern="^(active|closed)$")
    traits: Traits | None = None  # left out: those already known, or none


class OptionsIn(BaseModel, extra="forbid"):
    masks_together: bool | None = None
    multipart_answers: bool | None = None


def _shown(one: Filed) -> dict[str, Any]:
    return {
        "uniqueId": one.unique_id,
        "entryUUID": one.entry_uuid,
        "logicalId": one.logical_id,
        "patient": one.patient,
        "status": one.status,
        "title": one.fields.title,
        "hash": one.sha1,
        "size": len(one.content),
        "version": one.version,
        "setId": one.set_id,
        "structure": one.structure,
        "submission": one.submission,
        "replaces": one.replaces,
        "confidentiality": [code for code, _ in one.fields.pairs("confidentialityCode")],
        "typeCode": [code for code, _ in one.fields.pairs("typeCode")],
        "signature": one.fields.is_signature,
    }


def router(registry: Registry) -> APIRouter:
    side = APIRouter(tags=["dmp"])
    _documents(side, registry)
    _patients(side, registry)
    _settings(side, registry)
    return side


def _documents(side: APIRouter, registry: Registry) -> None:
    @side.get("/documents")
    def documents(signatures: bool = False) -> dict[str, Any]:
        """Documents of the registry, newest last; their signatures too when asked."""
        shown = [one for one in registry.filed.values() if signatures or not one.fields.is_signature]
        return {"documents": [_shown(one) for one in shown]}

    @side.get("/documents/{unique_id}")
    def document(unique_id: str) -> Response:
        """The octets, as they were received."""
        one = registry.filed.get(unique_id)
        if one is None:
            raise HTTPException(404, "Aucun document ne porte ce uniqueId.")
        return Response(one.content, media_type="text/xml")


def _patients(side: APIRouter, registry: Registry) -> None:
    @side.get("/patients")
    def patients() -> dict[str, Any]:
        return {"patients": [_patient(one) for one in registry.patients.values()]}

    @side.post("/patients", status_code=201)
    def add(given: PatientIn) -> dict[str, Any]:
        """A new patient, or the same one under another status."""
        known = registry.patients.get(cx(given.ins, given.oid))
        traits = asdict(known) if known is not None and given.traits is None else {}
        fresh = given.traits.model_dump() if given.traits is not None else {}
        one = Patient(**{**traits, **fresh, "ins": given.ins, "oid": given.oid, "status": given.status})
        registry.patients[one.cx] = one
        return _patient(one)


def _settings(side: APIRouter, registry: Registry) -> None:
    @side.get("/settings")
    def settings() -> dict[str, bool]:
        return asdict(registry.options)

    @side.post("/settings")
    def change(given: OptionsIn) -> dict[str, bool]:
        registry.options = replace(registry.options, **given.model_dump(exclude_none=True))
        return settings()


def _patient(one: Patient) -> dict[str, str]:
    return asdict(one)
