"""Side door of the DMP twin: look at what is filed, invent patients, change what the operator of a DMP would change."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

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
    traits: Traits = Traits()


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

    @side.get("/documents")
    def documents(signatures: bool = False) -> dict[str, Any]:
        """Documents of the registry, newest last; their signatures too when asked."""
        return {
            "documents": [_shown(one) for one in registry.filed.values() if signatures or not one.fields.is_signature]
        }

    @side.get("/documents/{unique_id}")
    def document(unique_id: str) -> Response:
        """The octets, as they were received."""
        one = registry.filed.get(unique_id)
        if one is None:
            raise HTTPException(404, "Aucun document ne porte ce uniqueId.")
        return Response(one.content, media_type="text/xml")

    @side.get("/patients")
    def patients() -> dict[str, Any]:
        return {"patients": [_patient(one) for one in registry.patients.values()]}

    @side.post("/patients", status_code=201)
    def add(given: PatientIn) -> dict[str, Any]:
        """A new patient, or the same one under another status."""
        one = Patient(ins=given.ins, oid=given.oid, status=given.status, **given.traits.model_dump())
        registry.patients[one.cx] = one
        return _patient(one)

    @side.get("/settings")
    def settings() -> dict[str, bool]:
        return {
            "masks_together": registry.options.masks_together,
            "multipart_answers": registry.options.multipart_answers,
        }

    @side.post("/settings")
    def change(given: OptionsIn) -> dict[str, bool]:
        for name, wanted in given.model_dump(exclude_none=True).items():
            setattr(registry.options, name, wanted)
        return settings()

    return side


def _patient(one: Patient) -> dict[str, Any]:
    return {
        "ins": one.ins,
        "oid": one.oid,
        "status": one.status,
        "family": one.family,
        "given": one.given,
        "gender": one.gender,
        "birth_date": one.birth_date,
        "birth_place": one.birth_place,
    }
